//! softlanding makes the weekly Genesys Cloud WFM schedule publish land softly.
//!
//! Right after a publish, agents' WebRTC softphones go grey: the page loads, calls cannot be answered, and only a hard
//! refresh helps, one agent at a time. softlanding stages the publish, refreshes agents' tokens before it, publishes
//! exactly once, checks that every softphone can take calls, and re-provisions those that cannot.
//!
//! ```text
//! stage ──> refresh ──> publish ──> check ──> re-provision ──> settle
//! (days)    (T-lead)    (T)         (T+0…)    (stragglers)     (report)
//! ```
//!
//! # A guided tour
//! Start with one Friday in the law: a [`Plan`](law::plan::Plan) is what a publish intends; a
//! [`Run`](law::run::Run) is the fold of its [`Event`](law::event::Event)s; [`decide`](law::decide::decide) says what comes
//! next. [`Driver`](shells::driver::Driver) is the one loop that records, performs and waits. Then look at how a
//! [`Command`](law::command::Command) becomes HTTP in [`hands::genesys`], and at the [`twin`], the simulated org that every
//! rehearsal, simulation and test stands before. [`shells::daemon`] does it week after week, beside other replicas, and
//! [`shells::leader`] says who leads. [`shells::sim`] plays thousands of Fridays in virtual time through the same code,
//! with crashes at every boundary.
//!
//! # The one idea
//! An event-sourced core with a deterministic `decide`, inside a thin shell; and inside that core, one small reconciler per
//! agent. The *publish* needs an edge: it is claimed once, at one place in the journal, and never retried blindly. The
//! *agents* need a level: each is driven towards ready from whatever was last seen of it. Record, then perform, then come
//! back.
//!
//! # Floors
//! A file uses only what stands on its own floor above it, or on a lower floor; `tests/house.rs` checks it.
//!
//! | floor | what it is | never |
//! |---|---|---|
//! | [`words`] | ids, time, chance, secrets, HTTP as values, the calendar | knows of a publish |
//! | [`law`] | plan, lead times, command, event, hint, order, occurrence, agent, verdict, roll call, losses, evidence, how remedies fared, pace, run, decide, audit | does I/O, reads a clock |
//! | [`hands`] | journal, Genesys client, vault, companions' hub, hooks, outbox | decides |
//! | [`twin`] | the simulated org, pure, and its server; uses words only | knows its client |
//! | [`shells`] | staging, roll call, observation, doctor, driver, daemon, webhooks, web room, telemetry, rehearsal, simulation, reports | knows which world it is in |
//! | [`door`] | errors and exit codes, config, command line | keeps a rule of its own |
//!
//! # Glossary
//! The platform's own terms (station, phone, business unit, management unit, week date, schedule) keep their meaning there.
//!
//! | word | means |
//! |---|---|
//! | run | one staged publish and everything that happens to it; its journal is its truth |
//! | T | the instant of the publish |
//! | lead | how long before T a phase begins; that of the refresh is computed by [`law::lead`] |
//! | budget, share | the calls a minute of one token; the runs that spend it at the same time |
//! | roster, seat | the agents pinned at staging; an agent's position among them |
//! | lease, fence | the right of one process to write to a run, for a while; its number, higher than all before it |
//! | order | what a person or a program wants of a run, left in the store for whoever leads it |
//! | party | one of those who share a rate budget: a run, or the house for all the rest |
//! | entry, occurrence | a `[[publish]]` of the calendar; one of its instants, and what became of it |
//! | site | one organisation as one configuration describes it |
//! | replica | one of several processes that serve one store |
//! | goal | how far one process takes a run; what lies beyond is another's |
//! | drift | the schedule is not what was staged: changed, published, or gone |
//! | spent, taken out | a refresh token that was used, and is worth nothing then; a grant that somebody is about to spend |
//! | permit | what a request asks before it leaves: whether this process may still act for the run |
//! | claim | the journal row that must exist before the publish is sent |
//! | doubt | the publish may have had its effect: settled by looking, never by sending again |
//! | enrolled | the vault holds a refresh token of the agent that is not known to be dead |
//! | companion, page | the module beside the softphone in an agent's page; one load of that page |
//! | page key | what a page authenticates with once its token is revoked; opens nothing of the platform's |
//! | hub, errand | where the pages of all replicas are known and commanded; what a page is to do |
//! | signal, readiness | one source's word about a softphone; what the signals together say |
//! | verdict | ready, recovered, deferred, straggler or unknown: what is said about an agent |
//! | straggler | an agent whose softphone cannot take calls |
//! | remedy, rung, ladder | something done to help a straggler; its place among the others, gentlest first |
//! | hint | that something was pushed: a reason to look sooner, and never proof that anything is well |
//! | media leg | the connection that a softphone's sound goes over; that it failed is only pushed |
//! | line | one notification channel's worth of topics, shared by the runs that want them |
//! | watch | looks at everybody before the publish, so that losses after it can be held against those before |
//! | loss, exposure | a softphone that was ready at one look and is not at the next; for how long ready ones were watched |
//! | roll call | one look at everybody's signals at any time, without a run |
//! | sweep | one look at the agents that are due, in bulk |
//! | in doubt (an agent) | its phone is down although its verdict was final: it is looked at and judged again |
//! | brake | what stops remedies that do no good, or harm those whom they are not about |
//! | published, reported | in the vendor's published API; only told of by users, and off unless an org offers it |
//! | twin, scenario | the simulated org; the file that says what goes wrong in it |
//! | played (an agent of the twin) | its softphone is a page in a browser, not the model |
//! | figures | one run in numbers, as metrics show it: a fold of its events that nothing is decided by |
//! | stream, far end | a softphone's signalling socket; the other side of its call |
//! | webhook, target | a message to somebody outside about each event that they asked for; that somebody, by the name in the configuration |
//! | cursor | how far a target has heard of a run; it moves only once a message was taken or given up |
//! | dead letter | a message that was given up; kept whole, so that it can be sent again |
//! | caller, role | who asks from outside, by API key or by session: a viewer looks, an operator acts, an approver also approves |
//! | office, book | what the API works with; the runs as it shows them, each a fold of its records |
//! | card, row, frame | a run, an agent in a few fields; what has changed of a run since a record |
//! | nudge | what this process has recorded is looked at now, and not at the next look |
//! | sender | somebody who may send webhooks to softlanding, and what for |
//! | person, way in | somebody who signs in to the dashboard; how they show who they are: the platform, or a trusted proxy |
//! | shell, asset | what every page of the dashboard has; a file that pages are made of, served as it stands here |
//! | spool | where lines wait for whoever reads them, so that nothing else does; full, it drops lines and counts them |
//! | lot, life | what a seed draws for one simulated Friday; that Friday |

pub mod door;
pub mod hands;
pub mod law;
pub mod shells;
pub mod twin;
pub mod words;
