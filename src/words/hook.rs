//! The points of a run at which an organisation's own executables are run.
//!
//! Must never: know how a hook is run; that is the hand's business.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point of a run at which hooks run. Its name is that of their folder: `hooks/pre-publish.d/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookPoint {
    /// Before a publish is staged; a failure means that it is not.
    PreStage,
    /// Before the first token or session is refreshed; a failure stops the run.
    PreRefresh,
    /// Before the publish is claimed; a failure stops the run, and nothing has been published.
    PrePublish,
    /// After the publish is known to have taken effect.
    PostPublish,
    /// For each agent who is found not to be ready.
    Straggler,
    /// After every agent has been checked once.
    PostCheck,
    /// After the run has ended with a verdict for every agent.
    Settled,
    /// After the run has ended without having published.
    Failed,
}

impl HookPoint {
    /// Every point, in the order of a run.
    pub const ALL: [HookPoint; 8] = [
        HookPoint::PreStage,
        HookPoint::PreRefresh,
        HookPoint::PrePublish,
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
            HookPoint::PostPublish
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
}
