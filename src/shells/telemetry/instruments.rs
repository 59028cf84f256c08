//! The metrics by name, unit and label. Names follow Prometheus's own rules: base units, `_total` for what only grows, a gauge
//! for what is so now.
//!
//! Counts begin at nothing with the process. Of an entry that is known all series exist from the beginning, at 0: a rate over a
//! series that begins at 1 sees no rise, and an alert would be silent the first time.
//! Must never: fail because a value has no place; a metric is not worth a publish.

use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};
use serde::Serialize;

use super::State;
use super::figures::{Braked, VERDICTS};
use crate::hands::companion::Pages;
use crate::law::event::{Event, Phase, Wait};
use crate::law::order::Wish;
use crate::law::punctuality::Fate;
use crate::law::verdict::{Rung, Verdict};
use crate::shells::daemon::news::Delivery;
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;

/// What may become of a publish, as [`Fate::word`] has it.
pub(super) const OUTCOMES: [&str; 9] =
    ["on_time", "late", "missed", "vetoed", "drifted", "refused", "aborted", "elsewhere", "in_doubt"];
const PHASES: [Phase; 9] = [
    Phase::Waiting,
    Phase::Refreshing,
    Phase::Preparing,
    Phase::Publishing,
    Phase::Checking,
    Phase::Settling,
    Phase::Settled,
    Phase::Stopped,
    Phase::InDoubt,
];
const WAITS: [Wait; 3] = [Wait::Approval, Wait::Resume, Wait::Drift];
const WISHES: [Wish; 6] = [Wish::Approve, Wish::Hold, Wish::Resume, Wish::Abort, Wish::Retry, Wish::Elsewhere];
const REMEDY_RESULTS: [&str; 3] = ["accepted", "failed", "cured"];
/// What calls are spent on, in the order of [`crate::law::spent::Calls`].
const PURPOSES: [&str; 6] = ["refresh", "watch", "publish", "sweep", "single", "remedy"];
const REFRESH_RESULTS: [&str; 3] = ["refreshed", "failed", "dead"];
/// The 50 ms that are promised are a bound, so that what keeps the promise can be told from what does not.
const LATENESS_S: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0, 60.0, 300.0, 1_800.0, 14_400.0];

/// Everything that is measured.
pub(super) struct Instruments {
    registry: Registry,
    started: Gauge,
    store_up: Gauge,
    pages: Gauge,
    runs: IntGaugeVec,
    next_publish: GaugeVec,
    run_publish: GaugeVec,
    run_phase: IntGaugeVec,
    run_waiting: IntGaugeVec,
    braked: IntGaugeVec,
    agents: IntGaugeVec,
    refused: IntGaugeVec,
    last_publish: GaugeVec,
    last_outcome: IntGaugeVec,
    publishes: IntCounterVec,
    lateness: HistogramVec,
    refreshes: IntCounterVec,
    remedies: IntCounterVec,
    brakes: IntCounterVec,
    reads_failed: IntCounterVec,
    calls: IntCounterVec,
    throttled: IntCounterVec,
    webhook_state: IntGaugeVec,
    webhook_given_up: IntCounterVec,
    hooks: IntCounterVec,
    orders: IntCounterVec,
    enrolments: IntCounterVec,
    troubles: IntCounterVec,
    lines_dropped: IntCounterVec,
}

/// Makes instruments and keeps the first mishap.
struct Bench(Registry);

type Made<T> = Result<T, prometheus::Error>;

impl Bench {
    fn gauge(&self, name: &str, help: &str) -> Made<Gauge> {
        self.keep(Gauge::new(name, help)?)
    }
    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Made<GaugeVec> {
        self.keep(GaugeVec::new(Opts::new(name, help), labels)?)
    }
    fn whole(&self, name: &str, help: &str, labels: &[&str]) -> Made<IntGaugeVec> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }
    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Made<IntCounterVec> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels)?)
    }
    fn histograms(&self, name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> Made<HistogramVec> {
        self.keep(HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), labels)?)
    }
    fn keep<C: prometheus::core::Collector + Clone + 'static>(&self, made: C) -> Made<C> {
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }
}

impl Instruments {
    pub(super) fn new() -> Made<Instruments> {
        let bench = Bench(Registry::new());
        let build = bench.gauges("softlanding_build_info", "Always 1; the version is the label's.", &["version"])?;
        set(&build, [env!("CARGO_PKG_VERSION")], 1.0);
        let counters = |name: &str, help: &str, labels: &[&str]| bench.counters(name, help, labels);
        let made = Instruments {
            started: bench.gauge("process_start_time_seconds", "When the process began, in seconds since 1970.")?,
            store_up: bench.gauge("softlanding_store_up", "Whether the journal's store answered at the last look.")?,
            pages: bench.gauge("softlanding_companion_pages", "Agents' pages that are connected to this process.")?,
            runs: bench.whole("softlanding_runs", "Runs that this process leads, by phase.", &["phase"])?,
            next_publish: bench.gauges(
                "softlanding_next_publish_timestamp_seconds",
                "The next instant of a calendar entry; absent when it has none left.",
                &["entry"],
            )?,
            run_publish: bench.gauges(
                "softlanding_run_publish_timestamp_seconds",
                "The instant T of the entry's run that this process leads.",
                &["entry"],
            )?,
            run_phase: bench.whole(
                "softlanding_run_phase",
                "1 for the phase that the entry's run is in, 0 for the others.",
                &["entry", "phase"],
            )?,
            run_waiting: bench.whole(
                "softlanding_run_waiting",
                "1 while the publish of the entry's run waits for a person: for an approval, to be resumed, or because of a drift.",
                &["entry", "wait"],
            )?,
            braked: bench.whole(
                "softlanding_run_braked",
                "Remedies of the entry's run that are stopped: 0 none, 1 some rungs, 2 all.",
                &["entry"],
            )?,
            agents: bench.whole(
                "softlanding_agents",
                "Agents of the entry's run under way, otherwise of its last one, by verdict.",
                &["entry", "verdict"],
            )?,
            refused: bench.whole(
                "softlanding_staging_refused",
                "1 while the entry's next publish cannot be staged; it is tried again until its instant.",
                &["entry"],
            )?,
            last_publish: bench.gauges(
                "softlanding_last_publish_timestamp_seconds",
                "The instant T of the entry's newest publish whose outcome is known.",
                &["entry"],
            )?,
            last_outcome: bench.whole(
                "softlanding_last_publish_outcome",
                "1 for what became of the entry's newest publish, 0 for the rest. Read from the journal after a restart.",
                &["entry", "outcome"],
            )?,
            publishes: counters(
                "softlanding_publishes_total",
                "Publishes by what became of them.",
                &["entry", "outcome"],
            )?,
            lateness: bench.histograms(
                "softlanding_publish_lateness_seconds",
                "How long after T the publish request left.",
                &["entry"],
                &LATENESS_S,
            )?,
            refreshes: counters(
                "softlanding_token_refreshes_total",
                "Refreshes of agents' tokens by result; dead means that the agent must sign in again, and is counted once.",
                &["entry", "result"],
            )?,
            remedies: counters(
                "softlanding_remedies_total",
                "Agents by remedy and result: the platform accepted it, it failed, or the agent was ready after it.",
                &["entry", "rung", "result"],
            )?,
            brakes: counters(
                "softlanding_brakes_applied_total",
                "How often remedies were stopped because they did no good or harm, or in an outage; rung all for all of them.",
                &["entry", "rung"],
            )?,
            reads_failed: counters(
                "softlanding_reads_failed_total",
                "Reads of the platform without a result, by kind; throttled is a 429.",
                &["entry", "kind"],
            )?,
            calls: counters(
                "softlanding_calls_total",
                "Calls of the platform's API that runs have spent, by what they were for.",
                &["entry", "purpose"],
            )?,
            throttled: counters(
                "softlanding_calls_throttled_total",
                "Commands of runs that the platform refused with 429.",
                &["entry"],
            )?,
            webhook_state: bench.whole(
                "softlanding_webhook_state",
                "How an outbound webhook is: 0 it takes what it is told, 1 it does not and is tried again, 2 it is told nothing more.",
                &["webhook"],
            )?,
            webhook_given_up: counters(
                "softlanding_webhook_given_up_total",
                "Messages that a webhook did not take and that were given up, as dead letters.",
                &["webhook"],
            )?,
            hooks: counters("softlanding_hooks_total", "Hooks that ran, by point and result.", &["point", "result"])?,
            orders: counters(
                "softlanding_orders_total",
                "What people and programs wanted of runs, and whether it was followed.",
                &["entry", "wish", "result"],
            )?,
            enrolments: counters("softlanding_enrolments_total", "Agents who have signed in.", &[])?,
            troubles: counters("softlanding_troubles_total", "Things that did not work and are tried again.", &[])?,
            lines_dropped: counters(
                "softlanding_log_lines_dropped_total",
                "Lines of the log that were dropped because nobody took them in time.",
                &[],
            )?,
            registry: bench.0,
        };
        add(&made.enrolments, [], 0);
        add(&made.troubles, [], 0);
        add(&made.lines_dropped, [], 0);
        for point in HookPoint::ALL {
            ["ok", "failed"].iter().for_each(|result| add(&made.hooks, [point.as_str(), result], 0));
        }
        Ok(made)
    }

    pub(super) fn started(&self, at: Timestamp) {
        self.started.set(seconds(at.0));
    }

    /// An entry is known: from now on each of its counts can rise.
    pub(super) fn know(&self, entry: &str) {
        OUTCOMES.iter().for_each(|outcome| add(&self.publishes, [entry, outcome], 0));
        REFRESH_RESULTS.iter().for_each(|result| add(&self.refreshes, [entry, result], 0));
        for rung in Rung::ALL.map(word) {
            REMEDY_RESULTS.iter().for_each(|result| add(&self.remedies, [entry, &rung, result], 0));
            add(&self.brakes, [entry, &rung], 0);
        }
        add(&self.brakes, [entry, ALL_RUNGS], 0);
        add(&self.reads_failed, [entry, "throttled"], 0);
        add(&self.throttled, [entry], 0);
        for purpose in PURPOSES {
            add(&self.calls, [entry, purpose], 0);
        }
        for wish in WISHES.map(word) {
            ["followed", "refused"].iter().for_each(|result| add(&self.orders, [entry, &wish, result], 0));
        }
        // Made by being looked up.
        let _histogram = self.lateness.get_metric_with_label_values(&[entry]);
    }

    /// It is clear what became of a publish.
    pub(super) fn publish(&self, entry: &str, fate: Fate) {
        add(&self.publishes, [entry, fate.word()], 1);
        if let (Fate::Made { late_ms, .. }, Ok(lateness)) = (fate, self.lateness.get_metric_with_label_values(&[entry]))
        {
            lateness.observe(seconds(late_ms.max(0)));
        }
    }
    /// An instant passed without a run.
    pub(super) fn missed(&self, entry: &str) {
        add(&self.publishes, [entry, "missed"], 1);
    }
    pub(super) fn trouble(&self) {
        add(&self.troubles, [], 1);
    }
    pub(super) fn lines_dropped(&self, lines: u64) {
        add(&self.lines_dropped, [], usize::try_from(lines).unwrap_or(usize::MAX));
    }
    pub(super) fn know_webhook(&self, name: &str) {
        put(&self.webhook_state, [name], 0);
        add(&self.webhook_given_up, [name], 0);
    }
    pub(super) fn webhook(&self, name: &str, delivery: &Delivery) {
        match delivery {
            Delivery::Failing { .. } => put(&self.webhook_state, [name], 1),
            Delivery::Back => put(&self.webhook_state, [name], 0),
            Delivery::Disabled { .. } => put(&self.webhook_state, [name], 2),
            Delivery::GivenUp { .. } => add(&self.webhook_given_up, [name], 1),
        }
    }
    pub(super) fn enrolled(&self) {
        add(&self.enrolments, [], 1);
    }

    /// Counts what an event of a run of `entry` adds.
    pub(super) fn count(&self, entry: &str, event: &Event) {
        match event {
            Event::TokenRefreshed { .. } => add(&self.refreshes, [entry, "refreshed"], 1),
            Event::RefreshFailed { .. } => add(&self.refreshes, [entry, "failed"], 1),
            Event::TokenLeft { .. } => add(&self.refreshes, [entry, "left"], 1),
            Event::TokenDead { .. } => add(&self.refreshes, [entry, "dead"], 1),
            Event::RemedyAccepted { rung, seats } => {
                add(&self.remedies, [entry, &word(*rung), "accepted"], seats.len());
            }
            Event::RemedyFailed { rung, seats, .. } => {
                add(&self.remedies, [entry, &word(*rung), "failed"], seats.len());
            }
            Event::Judged { verdicts } => {
                let cured = verdicts.iter().filter_map(|(_, verdict)| match verdict {
                    Verdict::Recovered { by } => Some(*by),
                    Verdict::Ready | Verdict::Deferred { .. } | Verdict::Straggler { .. } | Verdict::Unknown { .. } => {
                        None
                    }
                });
                cured.for_each(|by| add(&self.remedies, [entry, &word(by), "cured"], 1));
            }
            Event::BrakeApplied { rung, .. } => {
                add(&self.brakes, [entry, &rung.map_or(ALL_RUNGS.to_owned(), word)], 1);
            }
            Event::Spent { calls, refused, .. } => {
                let calls = [calls.refresh, calls.watch, calls.publish, calls.sweep, calls.single, calls.remedy];
                for (purpose, count) in PURPOSES.into_iter().zip(calls) {
                    add(&self.calls, [entry, purpose], count as usize);
                }
                add(&self.throttled, [entry], *refused as usize);
            }
            Event::ReadFailed { failure } => add(&self.reads_failed, [entry, &word(failure.kind)], 1),
            Event::HooksRan { point, results, .. } => {
                for hook in results {
                    let result = if hook.problem().is_some() { "failed" } else { "ok" };
                    add(&self.hooks, [point.as_str(), result], 1);
                }
            }
            Event::Ordered { wish, .. } => add(&self.orders, [entry, &word(*wish), "followed"], 1),
            Event::OrderRefused { wish, .. } => add(&self.orders, [entry, &word(*wish), "refused"], 1),
            Event::Staged { .. }
            | Event::TakenUp
            | Event::PhaseEntered { .. }
            | Event::RefreshStarted { .. }
            | Event::RungUnavailable { .. }
            | Event::ProbeUnavailable { .. }
            | Event::ScheduleSeen { .. }
            | Event::OrderUnread { .. }
            | Event::Drifted { .. }
            | Event::PublishWaits { .. }
            | Event::PublishedElsewhere { .. }
            | Event::PublishLate { .. }
            | Event::PublishSent { .. }
            | Event::PublishClaimed { .. }
            | Event::PublishAccepted { .. }
            | Event::PublishNotDone { .. }
            | Event::PublishDoubted { .. }
            | Event::PublishConfirmed { .. }
            | Event::PublishUnconfirmed { .. }
            | Event::UsersSeen { .. }
            | Event::PhonesSeen { .. }
            | Event::PhonesAbsent { .. }
            | Event::Probed { .. }
            | Event::PagesSeen { .. }
            | Event::PageTold { .. }
            | Event::Watched { .. }
            | Event::Pushed { .. }
            | Event::Preflighted { .. }
            | Event::RemedyStarted { .. }
            | Event::Settled { .. }
            | Event::Stopped { .. } => {}
        }
    }

    /// Sets what is so now. Series of what is no more are taken back: a gauge that stands still would look alive.
    pub(super) fn show(&self, state: &State) {
        self.store_up.set(if state.ready.store_is_up() { 1.0 } else { 0.0 });
        // Whole numbers: nothing at all would sum up to -0 otherwise.
        let pages: usize = state.pages.iter().map(Pages::connected).sum();
        self.pages.set(pages as f64);
        for phase in PHASES {
            let count = state.led.values().filter(|figures| figures.phase() == phase).count();
            put(&self.runs, [&word(phase)], count);
        }
        self.next_publish.reset();
        for (entry, at) in &state.next {
            at.iter().for_each(|at| set(&self.next_publish, [entry], seconds(at.0)));
        }
        self.refused.reset();
        for (entry, refused) in &state.refused {
            put(&self.refused, [entry], usize::from(*refused));
        }
        for gauges in [&self.run_phase, &self.run_waiting, &self.braked, &self.agents, &self.last_outcome] {
            gauges.reset();
        }
        for gauges in [&self.run_publish, &self.last_publish] {
            gauges.reset();
        }
        for (entry, last) in &state.last {
            set(&self.last_publish, [entry], seconds(last.publish_at.0));
            for outcome in OUTCOMES {
                put(&self.last_outcome, [entry, outcome], usize::from(outcome == last.outcome));
            }
            self.agents(entry, last.agents);
        }
        for (entry, figures) in state.shown() {
            set(&self.run_publish, [entry], seconds(figures.publish_at().0));
            for phase in PHASES {
                put(&self.run_phase, [entry, &word(phase)], usize::from(phase == figures.phase()));
            }
            for wait in WAITS {
                put(&self.run_waiting, [entry, &word(wait)], usize::from(figures.waits_for() == Some(wait)));
            }
            let braked = match figures.braked() {
                Braked::Nothing => 0,
                Braked::SomeRungs => 1,
                Braked::Everything => 2,
            };
            put(&self.braked, [entry], braked);
            self.agents(entry, figures.agents());
        }
    }
    fn agents(&self, entry: &str, agents: [u32; VERDICTS.len()]) {
        for (verdict, count) in VERDICTS.iter().zip(agents) {
            put(&self.agents, [entry, verdict], count as usize);
        }
    }

    pub(super) fn text(&self) -> Made<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// The rung of a brake that stops all of them.
const ALL_RUNGS: &str = "all";

/// A word as the journal writes it.
fn word(of: impl Serialize) -> String {
    let value = serde_json::to_value(of).unwrap_or_default();
    value.as_str().unwrap_or("other").to_owned()
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

fn add<const N: usize>(counters: &IntCounterVec, labels: [&str; N], count: usize) {
    if let Ok(counter) = counters.get_metric_with_label_values(&labels) {
        counter.inc_by(count as u64);
    }
}
fn set<const N: usize>(gauges: &GaugeVec, labels: [&str; N], value: f64) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(&labels) {
        gauge.set(value);
    }
}
fn put<const N: usize>(gauges: &IntGaugeVec, labels: [&str; N], value: usize) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(&labels) {
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    }
}
