//! `softlanding evidence`: what all publishes in the journal say together: whether softphones are lost by them.
//!
//! Must never: change a run, call an association a cause, or leave out a run without saying so.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::door::cli::args::EvidenceArgs;
use crate::door::cli::observe::Earlier;
use crate::door::cli::{observe, open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::Journal;
use crate::law::event::Event;
use crate::law::evidence::{Evidence, pooled};
use crate::law::losses::Losses;
use crate::law::plan::Plan;
use crate::shells::report::losses::{finding_words, rate_words};
use crate::shells::report::words::{Zone, clean, counted};
use crate::words::id::RunId;
use crate::words::wrap::wrap_words;

const WIDTH: usize = 80;

pub(super) async fn evidence(args: &EvidenceArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let mut observed = observe::read(&args.pool)?;
    let mut fridays = Vec::new();
    if let Some(journal) = open::journal_if_any(&config).await? {
        let mut runs = journal.runs().await?;
        runs.sort_by_key(|summary| summary.created);
        for summary in runs {
            match open::records(&journal, &summary.run).await {
                Ok(records) => {
                    let plan = records.first().and_then(|first| match &first.event {
                        Event::Staged { plan } => Some((**plan).clone()),
                        _ => None,
                    });
                    fridays.extend(plan.map(|plan| Friday { run: summary.run, plan, losses: Losses::of(&records) }));
                }
                Err(failure) => out::note(&format!("run {} is left out: {failure}", summary.run)),
            }
        }
    }
    if let Some(unit) = &args.business_unit {
        narrow(unit, &mut fridays, &mut observed)?;
    }
    fridays.retain(Friday::tells);
    // A publish that was watched from within and from outside is one publish.
    observed.retain(|earlier| {
        let known = fridays.iter().any(|friday| friday.is_told_by(earlier));
        if known {
            earlier.left_out("the journal has it");
        }
        !known
    });
    let outside = observed.iter().map(|earlier| earlier.evidence);
    let all: Vec<Evidence> = fridays.iter().map(|friday| friday.losses.evidence()).chain(outside).collect();
    let agents = fridays.iter().map(|friday| friday.losses.agents()).sum::<u64>()
        + observed.iter().map(Earlier::agents).sum::<u64>();
    if args.json {
        let runs: Vec<Value> = fridays.iter().map(Friday::document).collect();
        let document = json!({ "runs": runs, "publishes": all.len(), "agents": agents, "finding": pooled(&all) });
        out::document("softlanding.evidence.v1", document);
        return Ok(ExitCode::Done);
    }
    for friday in &fridays {
        out::say(friday.lines());
    }
    out::say(together(fridays.len(), &all, agents));
    Ok(ExitCode::Done)
}

/// Leaves what is of one unit, by its name or its id.
fn narrow(unit: &str, fridays: &mut Vec<Friday>, observed: &mut Vec<Earlier>) -> Result<(), Failure> {
    let here = fridays.iter().map(|friday| friday.plan.business_unit.name.as_str());
    let units: BTreeSet<String> =
        here.chain(observed.iter().map(|one| one.business_unit.as_str())).map(clean).collect();
    // Observations of earlier versions know no id; the journal may.
    let names: Vec<String> =
        fridays.iter().filter(|f| f.is_of(unit)).map(|f| f.plan.business_unit.name.clone()).collect();
    fridays.retain(|friday| friday.is_of(unit));
    observed.retain(|one| one.is_of_unit(unit) || names.iter().any(|name| one.is_of_unit(name)));
    if units.is_empty() || !fridays.is_empty() || !observed.is_empty() {
        return Ok(());
    }
    let units: Vec<String> = units.into_iter().collect();
    Err(Failure::new(ExitCode::Usage, format!("there is no publish of a business unit {unit:?}"))
        .hint(format!("there are publishes of: {}", units.join(", "))))
}

/// A run that was watched before its publish and checked after it.
struct Friday {
    run: RunId,
    plan: Plan,
    losses: Losses,
}

impl Friday {
    fn is_of(&self, unit: &str) -> bool {
        let unit_here = &self.plan.business_unit;
        unit_here.id.as_str() == unit || unit_here.name.eq_ignore_ascii_case(unit)
    }
    fn is_told_by(&self, earlier: &Earlier) -> bool {
        earlier.is_of(&self.plan.business_unit.name, self.plan.publish_at)
    }
    fn tells(&self) -> bool {
        let Evidence { before, after } = self.losses.evidence();
        before.agent_ms > 0 && after.agent_ms > 0
    }
    fn lines(&self) -> [String; 3] {
        let Evidence { before, after } = self.losses.evidence();
        let at = Zone::named(&self.plan.zone).moment_short(self.plan.publish_at);
        let who = clean(&self.plan.business_unit.name);
        [
            format!("{at}  {who}, {}", counted(self.losses.agents(), "agent", "agents")),
            format!("  before  {}", rate_words(&before)),
            format!("  after   {}", rate_words(&after)),
        ]
    }
    fn document(&self) -> Value {
        let evidence = self.losses.evidence();
        json!({
            "run": self.run,
            "business_unit": self.plan.business_unit,
            "publish_at": self.plan.publish_at.rfc3339(),
            "agents": self.losses.agents(),
            "evidence": evidence,
            "finding": evidence.finding(),
        })
    }
}

/// What so many `runs`, and the observations after them, say together.
fn together(runs: usize, all: &[Evidence], agents: u64) -> Vec<String> {
    if all.is_empty() {
        let none = "No publish so far was watched before and checked after: cohorts of at least 20 agents are, where \
                    [timing] watch_lead is not 0s.";
        return wrap_words(none, WIDTH);
    }
    let parts = [(runs, "publish", "publishes"), (all.len() - runs, "observation", "observations")];
    let there = parts.into_iter().filter(|(n, ..)| *n > 0);
    let told: Vec<String> = there.map(|(n, one, many)| counted(n as u64, one, many)).collect();
    let head = format!("{}, {}", told.join(" and "), counted(agents, "agent", "agents"));
    let words = finding_words(pooled(all), &Evidence::sum(all), "in the minutes after a publish");
    let mut lines = vec![String::new()];
    lines.extend(wrap_words(&format!("{head}. {words}"), WIDTH));
    lines
}
