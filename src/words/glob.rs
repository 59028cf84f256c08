//! Rules on a text: `Approved*` fits everything that begins so.
//!
//! Must never: fit more than it says; `*` stands for any characters, everything else for itself, without regard to case.

/// Whether a text is a rule rather than a name.
#[must_use]
pub fn is_rule(text: &str) -> bool {
    text.contains('*')
}

/// Whether `text` fits `rule`. Takes time in proportion to the product of their lengths at most.
#[must_use]
pub fn fits(rule: &str, text: &str) -> bool {
    let (rule, text) = (rule.trim().to_lowercase(), text.trim().to_lowercase());
    let mut parts = rule.split('*');
    // There is a first part always, and the text has to begin with it.
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_all_else_for_itself() {
        for (rule, text) in [
            ("Approved*", "approved week 49"),
            ("*approved", "Week 49, Approved "),
            ("week*approved*", "Week 49: approved by Ann"),
            ("*", ""),
            ("**", "anything"),
            ("a*a", "aa"),
            ("plain", "Plain"),
        ] {
            assert!(fits(rule, text), "{rule} {text}");
        }
        for (rule, text) in [
            ("Approved*", "not approved"),
            ("a*a", "a"),
            ("week*approved", "week approved 2"),
            ("plain", "plainer"),
            ("", "x"),
        ] {
            assert!(!fits(rule, text), "{rule} {text}");
        }
        assert!(is_rule("a*") && !is_rule("a"));
    }
}
