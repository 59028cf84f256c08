//! What could fail at T and can be known before: permissions, and whether the calls fit into the time.
//!
//! Must never: let a run be staged that cannot publish.

use super::refusal::Refusal;
use crate::law::plan::{Mechanisms, Plan};

/// What is lost without a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// Nothing can be published.
    Publish,
    /// Something less; the words say what.
    Part(&'static str),
}

/// A permission that is needed, and what for (API.md sections 5, 7, 8, 9, 10).
struct Need {
    permission: &'static str,
    without: Without,
    wanted: fn(&Mechanisms) -> bool,
}

const NEEDS: [Need; 9] = [
    Need { permission: "wfm:schedule:view", without: Without::Publish, wanted: |_| true },
    Need { permission: "wfm:schedule:edit", without: Without::Publish, wanted: |_| true },
    Need {
        permission: "directory:user:view",
        without: Without::Part("stations, presence and calls cannot be read: every softphone stays unknown"),
        wanted: |_| true,
    },
    Need {
        permission: "telephony:plugin:all",
        without: Without::Part(
            "phones cannot be read or rebooted: a grey softphone is seen by the probe only, if at all",
        ),
        wanted: |_| true,
    },
    Need {
        permission: "wfm:agent:view",
        without: Without::Part("shifts may be unknown: agents are helped in the order of the roster"),
        wanted: |_| true,
    },
    Need {
        permission: "telephony:otherStationAssociation:view",
        without: Without::Part("stations cannot be associated again"),
        wanted: |m| m.reassociate,
    },
    Need {
        permission: "telephony:otherStationAssociation:edit",
        without: Without::Part("stations cannot be associated again"),
        wanted: |m| m.reassociate,
    },
    Need {
        permission: "telephony:station:disassociate",
        without: Without::Part("stations cannot be associated again"),
        wanted: |m| m.reassociate,
    },
    Need {
        permission: "oauth:token:delete",
        without: Without::Part("tokens cannot be revoked"),
        wanted: |m| m.revoke_tokens,
    },
];

/// What is missing among `held`: a refusal when nothing could be published, otherwise a warning for each loss.
pub(super) fn permissions(mechanisms: &Mechanisms, held: impl Fn(&str) -> bool) -> Result<Vec<String>, Refusal> {
    let missing = || NEEDS.iter().filter(|need| (need.wanted)(mechanisms) && !held(need.permission));
    let fatal: Vec<_> = missing().filter(|n| n.without == Without::Publish).map(|n| n.permission).collect();
    if !fatal.is_empty() {
        return Err(Refusal::Permissions(fatal));
    }
    let warning = |need: &Need| match need.without {
        Without::Publish => None,
        Without::Part(loss) => Some(format!("the OAuth client lacks {}: {loss}", need.permission)),
    };
    Ok(missing().filter_map(warning).collect())
}

/// The calls of a run beside what is allowed: plain arithmetic, without luck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Agents whose token is refreshed, one call each at the login host.
    pub refreshes: u64,
    /// What they take at the full rate, in ms.
    pub refresh_ms: i64,
    /// What the plan leaves for them, in ms.
    pub lead_ms: i64,
    /// Calls for one look at everyone: users in bulk, and the pages of phones.
    pub look_calls: u64,
    /// Calls a minute that are allowed.
    pub calls_per_minute: u32,
}

impl Budget {
    /// The calls that `plan` needs when `calls_per_minute` are allowed.
    #[must_use]
    pub fn of(plan: &Plan, calls_per_minute: u32) -> Budget {
        let refreshing = plan.mechanisms.oauth_refresh || plan.mechanisms.authentication_refresh;
        let enrolled = plan.roster.iter().filter(|m| m.enrolled).count() as u64;
        let refreshes = if refreshing { enrolled } else { 0 };
        let per_minute = i64::from(calls_per_minute.max(1));
        let agents = plan.roster.len() as u64;
        let bulk = plan.limits.bulk_ids_max.max(1) as u64;
        Budget {
            refreshes,
            // One window's budget is there at once; only what goes beyond it has to wait.
            refresh_ms: (refreshes as i64).saturating_sub(per_minute).max(0).saturating_mul(60_000) / per_minute,
            lead_ms: plan.prepare_at().since_ms(plan.refresh_at()),
            look_calls: agents.div_ceil(bulk) + agents.div_ceil(PHONES_PER_PAGE),
            calls_per_minute,
        }
    }
    /// Whether the refreshes fit.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.refreshes == 0 || self.refresh_ms <= self.lead_ms {
            return Ok(());
        }
        Err(Refusal::TooTight {
            calls: self.refreshes,
            per_minute: self.calls_per_minute,
            needed_s: self.refresh_ms / 1000,
            lead_s: self.lead_ms / 1000,
        })
    }
}

/// Phones on one page (API.md section 7).
const PHONES_PER_PAGE: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_publish_needs_refuses_and_what_helps_warns() {
        let plain = Mechanisms::default();
        assert_eq!(permissions(&plain, |_| true).unwrap(), Vec::<String>::new());
        match permissions(&plain, |p| !p.starts_with("wfm:schedule:")) {
            Err(Refusal::Permissions(missing)) => assert_eq!(missing, ["wfm:schedule:view", "wfm:schedule:edit"]),
            other => panic!("{other:?}"),
        }
        let warned = permissions(&plain, |p| p != "telephony:plugin:all").unwrap();
        assert!(warned.len() == 1 && warned[0].contains("telephony:plugin:all"), "{warned:?}");
        // What is switched off needs no permission.
        assert!(permissions(&plain, |p| p != "oauth:token:delete").unwrap().is_empty());
        let revoking = Mechanisms { revoke_tokens: true, ..plain };
        assert_eq!(permissions(&revoking, |p| p != "oauth:token:delete").unwrap().len(), 1);
    }

    #[test]
    fn refreshes_that_do_not_fit_are_found_out() {
        let budget =
            Budget { refreshes: 900, refresh_ms: 120_000, lead_ms: 60_000, look_calls: 2, calls_per_minute: 300 };
        assert!(matches!(budget.check(), Err(Refusal::TooTight { needed_s: 120, lead_s: 60, .. })));
        assert!(Budget { lead_ms: 120_000, ..budget }.check().is_ok());
        assert!(Budget { refreshes: 0, lead_ms: 0, ..budget }.check().is_ok());
    }
}
