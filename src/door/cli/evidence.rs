//! `softlanding evidence`: what all publishes in the journal say together: whether softphones are lost by them.
//!
//! Must never: change a run, call an association a cause, or leave out a run without saying so.

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
    let observed = args.pool.iter().map(|file| observe::read(file)).collect::<Result<Vec<_>, _>>()?;
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
    fridays.retain(|friday| friday.is_of(args.business_unit.as_deref()) && friday.tells());
    let observed = observed.into_iter().filter(|earlier| {
        // A publish that was watched from within and from outside is one publish.
        let known = fridays.iter().any(|friday| friday.is_of(Some(&earlier.business_unit)) && friday.is_at(earlier));
        if known {
            let at = earlier.publish_at().rfc3339();
            out::note(&format!("an observation of {} at {at} is left out: the journal has it", earlier.business_unit));
        }
        !known
    });
    let observed = observed.map(|earlier| earlier.evidence);
    let all: Vec<Evidence> = fridays.iter().map(|friday| friday.losses.evidence()).chain(observed).collect();
    if args.json {
        let runs: Vec<Value> = fridays.iter().map(Friday::document).collect();
        let agents: u64 = fridays.iter().map(|friday| friday.losses.agents()).sum();
        let document = json!({ "runs": runs, "publishes": all.len(), "agents": agents, "finding": pooled(&all) });
        out::document("softlanding.evidence.v1", document);
        return Ok(ExitCode::Done);
    }
    for friday in &fridays {
        out::say(friday.lines());
    }
    out::say(together(&fridays, &all));
    Ok(ExitCode::Done)
}

/// A run that was watched before its publish and checked after it.
struct Friday {
    run: RunId,
    plan: Plan,
    losses: Losses,
}

impl Friday {
    fn is_of(&self, unit: Option<&str>) -> bool {
        let unit_here = &self.plan.business_unit;
        unit.is_none_or(|unit| unit_here.id.as_str() == unit || unit_here.name.eq_ignore_ascii_case(unit))
    }
    /// Whether an observation is about this very publish: whoever names an instant by hand means the minute.
    fn is_at(&self, earlier: &Earlier) -> bool {
        self.plan.publish_at.since_ms(earlier.publish_at()).abs() < 60_000
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

fn together(fridays: &[Friday], all: &[Evidence]) -> Vec<String> {
    if all.is_empty() {
        let none = "No publish so far was watched before and checked after: cohorts of at least 20 agents are, where \
                    [timing] watch_lead is not 0s.";
        return wrap_words(none, WIDTH);
    }
    let agents: u64 = fridays.iter().map(|friday| friday.losses.agents()).sum();
    let observed = all.len() - fridays.len();
    let mut head =
        format!("{}, {}", counted(fridays.len() as u64, "publish", "publishes"), counted(agents, "agent", "agents"));
    if observed > 0 {
        head.push_str(&format!(", and {}", counted(observed as u64, "observation", "observations")));
    }
    let words = finding_words(pooled(all), &Evidence::sum(all), "in the minutes after a publish");
    let mut lines = vec![String::new()];
    lines.extend(wrap_words(&format!("{head}. {words}"), WIDTH));
    lines
}
