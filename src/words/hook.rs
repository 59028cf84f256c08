//! The points of a run at which an organisation's own executables are run, and what came of it.
//!
//! Must never: know how a hook is run; that is the hand's business.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point of a run at which hooks run. Its name is that of their folder: `hooks/pre-publish.d/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookPoint {
    /// Before a run is staged; may veto.
    PreStage,
    /// Before agents' tokens are refreshed; may veto.
    PreRefresh,
    /// Before the schedule is published; may veto. The last moment to stop the publish.
    PrePublish,
    /// When the publish is claimed later than the plan calls punctual.
    Late,
    /// When T has passed and the publish was not made.
    Missed,
    /// After the publish was seen complete.
    PostPublish,
    /// For each agent whose ladder of remedies is exhausted: somebody must help by hand.
    Straggler,
    /// After the last check, before the run settles.
    PostCheck,
    /// After the run has settled: every agent has a verdict.
    Settled,
    /// After the run has stopped without settling, or is in doubt.
    Failed,
}

impl HookPoint {
    /// Every point, in the order of a run.
    pub const ALL: [HookPoint; 10] = [
        HookPoint::PreStage,
        HookPoint::PreRefresh,
        HookPoint::PrePublish,
        HookPoint::Late,
        HookPoint::Missed,
        HookPoint::PostPublish,
        HookPoint::Straggler,
        HookPoint::PostCheck,
        HookPoint::Settled,
        HookPoint::Failed,
    ];

    /// The point as it stands in folder names and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            HookPoint::PreStage => "pre-stage",
            HookPoint::PreRefresh => "pre-refresh",
            HookPoint::PrePublish => "pre-publish",
            HookPoint::Late => "late",
            HookPoint::Missed => "missed",
            HookPoint::PostPublish => "post-publish",
            HookPoint::Straggler => "straggler",
            HookPoint::PostCheck => "post-check",
            HookPoint::Settled => "settled",
            HookPoint::Failed => "failed",
        }
    }
    /// Whether a failing hook stops what comes after this point. After the fact there is nothing left to veto.
    #[must_use]
    pub fn vetoes(self) -> bool {
        match self {
            HookPoint::PreStage | HookPoint::PreRefresh | HookPoint::PrePublish => true,
            HookPoint::Late
            | HookPoint::Missed
            | HookPoint::PostPublish
            | HookPoint::Straggler
            | HookPoint::PostCheck
            | HookPoint::Settled
            | HookPoint::Failed => false,
        }
    }
}

impl fmt::Display for HookPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How one hook ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookOutcome {
    /// It exited with 0.
    Ok,
    /// It exited with another code, 1 to 255.
    Exit(i32),
    /// A signal ended it that softlanding did not send.
    Signal(i32),
    /// It took longer than allowed and was killed, with everything that it had started.
    TimedOut,
    /// It could not be run at all.
    CouldNotStart(String),
}

impl fmt::Display for HookOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HookOutcome::Ok => f.write_str("ok"),
            HookOutcome::Exit(code) => write!(f, "failed with exit code {code}"),
            HookOutcome::Signal(signal) => write!(f, "was ended by signal {signal}"),
            HookOutcome::TimedOut => f.write_str("took too long and was stopped"),
            HookOutcome::CouldNotStart(why) => write!(f, "could not be started: {why}"),
        }
    }
}

/// One hook that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// Its file's name.
    pub name: String,
    /// How it ended.
    pub outcome: HookOutcome,
    /// What it wrote, standard output and error in order of arrival; bounded, and free of control characters.
    pub output: String,
}

/// Every hook that was run at a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookReport {
    /// The point.
    pub point: HookPoint,
    /// The hooks, in the order in which they ran. Those after a veto did not run and are not listed.
    pub hooks: Vec<HookRun>,
}

/// Characters of what a hook said that stand with its problem, at most.
const SAID_MAX: usize = 200;

impl HookRun {
    /// Why it did not end well, in words, and what it said first; `None` when it ended well.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        (self.outcome != HookOutcome::Ok).then(|| match self.said() {
            Some(said) => format!("{}; it said: {said}", self.outcome),
            None => self.outcome.to_string(),
        })
    }
    /// The first line of its output that is not empty, shortened; `None` when it was silent.
    fn said(&self) -> Option<String> {
        let plain = |line: &str| line.replace(char::is_control, " ").trim().to_owned();
        let line = self.output.lines().map(plain).find(|line| !line.is_empty())?;
        match line.char_indices().nth(SAID_MAX) {
            Some((end, _)) => line.get(..end).map(|kept| format!("{kept}…")),
            None => Some(line),
        }
    }
}

impl HookReport {
    /// The first hook that failed, whether or not its point vetoes.
    #[must_use]
    pub fn first_failure(&self) -> Option<&HookRun> {
        self.hooks.iter().find(|hook| hook.outcome != HookOutcome::Ok)
    }
    /// The hook that forbids what comes after this point, if one does.
    #[must_use]
    pub fn veto(&self) -> Option<&HookRun> {
        self.first_failure().filter(|_| self.point.vetoes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_written_as_its_folder_is_named_and_only_pre_points_veto() {
        for point in HookPoint::ALL {
            let json = serde_json::to_value(point).unwrap();
            assert_eq!(json, point.as_str());
            assert_eq!(serde_json::from_value::<HookPoint>(json).unwrap(), point);
            assert_eq!(point.vetoes(), point.as_str().starts_with("pre-"), "{point}");
        }
    }

    #[test]
    fn what_a_hook_said_first_stands_with_its_problem_on_one_line_and_shortened() {
        let problem = |outcome: HookOutcome, output: &str| {
            HookRun { name: "10-freeze".to_owned(), outcome, output: output.to_owned() }.problem()
        };
        assert_eq!(problem(HookOutcome::Ok, "all is well"), None);
        assert_eq!(problem(HookOutcome::Exit(3), " \n").unwrap(), "failed with exit code 3");
        let frozen = problem(HookOutcome::Exit(3), "\n  frozen:\tBlack \u{1b}[31mFriday \nmore").unwrap();
        assert_eq!(frozen, "failed with exit code 3; it said: frozen: Black  [31mFriday");
        let long = problem(HookOutcome::TimedOut, &"ä".repeat(SAID_MAX + 1)).unwrap();
        assert_eq!(long, format!("took too long and was stopped; it said: {}…", "ä".repeat(SAID_MAX)));
    }
}
