//! The moments at which an organisation's own executables may speak: the names of hooks.
//!
//! Must never: run anything; that is the hands' job.

use serde::{Deserialize, Serialize};

/// A moment of a run at which the executables under `hooks/<name>.d/` are run.
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
    /// After the run has settled.
    Settled,
    /// After the run has stopped without settling.
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

    /// The point's name, as in `hooks/<name>.d/`.
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
    /// Whether a failing hook here stops the run.
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
