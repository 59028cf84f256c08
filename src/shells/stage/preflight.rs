//! What could fail at T and can be known before: permissions, and what is lost without each.
//!
//! Must never: let a run be staged that cannot publish.

use super::refusal::Refusal;
use crate::law::plan::Mechanisms;

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

/// A permission that the OAuth client lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shells) struct Lack {
    /// Its name.
    pub(in crate::shells) permission: &'static str,
    /// What is lost without it; `None` when nothing could be published at all.
    pub(in crate::shells) loss: Option<&'static str>,
}

/// What is missing among `held` for these mechanisms.
pub(in crate::shells) fn lacks(mechanisms: &Mechanisms, held: impl Fn(&str) -> bool) -> Vec<Lack> {
    let missing = NEEDS.iter().filter(|need| (need.wanted)(mechanisms) && !held(need.permission));
    let lack = |need: &Need| match need.without {
        Without::Publish => Lack { permission: need.permission, loss: None },
        Without::Part(loss) => Lack { permission: need.permission, loss: Some(loss) },
    };
    missing.map(lack).collect()
}

/// A refusal when nothing could be published, otherwise a warning for each loss.
pub(super) fn permissions(mechanisms: &Mechanisms, held: impl Fn(&str) -> bool) -> Result<Vec<String>, Refusal> {
    let lacks = lacks(mechanisms, held);
    let fatal: Vec<_> = lacks.iter().filter(|lack| lack.loss.is_none()).map(|lack| lack.permission).collect();
    if !fatal.is_empty() {
        return Err(Refusal::Permissions(fatal));
    }
    let warning = |lack: &Lack| Some(format!("the OAuth client lacks {}: {}", lack.permission, lack.loss?));
    Ok(lacks.iter().filter_map(warning).collect())
}

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
}
