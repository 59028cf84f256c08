//! The points of a run at which an organisation's own executables are run.
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
