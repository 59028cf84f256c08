//! Which mail address may do what.
//!
//! Must never: give a role to an address that no rule fits.

use crate::hands::access::Role;
use crate::words::glob;

/// Rules on mail addresses, by role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    /// Who may look.
    pub viewers: Vec<String>,
    /// Who may steer as well.
    pub operators: Vec<String>,
    /// Who may approve as well.
    pub approvers: Vec<String>,
}

impl Roles {
    /// The highest role that a rule gives this address; `None` for one that none fits.
    #[must_use]
    pub fn of(&self, mail: &str) -> Option<Role> {
        Role::ALL.into_iter().rev().find(|role| self.rules(*role).iter().any(|rule| glob::fits(rule, mail)))
    }

    fn rules(&self, role: Role) -> &[String] {
        match role {
            Role::Viewer => &self.viewers,
            Role::Operator => &self.operators,
            Role::Approver => &self.approvers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rule_that_fits_counts_and_without_one_nobody_comes_in() {
        let rules = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
        let roles = Roles {
            viewers: rules(&["*@example.com"]),
            operators: rules(&["wfm-*@example.com", "ana@example.com"]),
            approvers: rules(&["Ana@Example.com"]),
        };
        for (mail, role) in [
            ("ana@example.com", Some(Role::Approver)),
            ("WFM-2@example.com", Some(Role::Operator)),
            ("bob@example.com", Some(Role::Viewer)),
            ("bob@example.com.evil.test", None),
            ("bob@other.example", None),
            ("", None),
        ] {
            assert_eq!(roles.of(mail), role, "{mail}");
        }
        assert_eq!(Roles::default().of("ana@example.com"), None);
    }
}
