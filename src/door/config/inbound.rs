//! `[[inbound]]`: who may send webhooks to softlanding, and what they may ask for.
//!
//! Must never: take a secret that stands in the file, or two senders of one name.

use std::path::Path;

use super::model::InboundSettings;
use super::publish::name;
use super::reader::{Field, Reader, Section, shown};
use super::reference::{Need, secret};
use crate::shells::web::Ask;

const NAME: &str = "1 to 40 lower-case letters, digits and dashes, such as \"wfm-bridge\"";
const MAY: &str = "a list of \"publish.requested\", \"publish.completed\" and \"check.requested\"";

/// The senders, in the order of the file.
pub(super) fn inbounds<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> Vec<InboundSettings> {
    let mut senders: Vec<InboundSettings> = Vec::new();
    for mut section in reader.tables(document, "inbound") {
        let named = reader.needed_text(&mut section, "name", NAME);
        let secret_at = secret(reader, &mut section, "secret", folder, Need::Always);
        let old_secret = secret(reader, &mut section, "old_secret", folder, Need::Never);
        let may = may(reader, &mut section);
        reader.finish(&section);
        let Some((field, text)) = named else { continue };
        let Some(name) = name(reader, &field, text) else { continue };
        if senders.iter().any(|known| known.name == name) {
            let found = format!("{}, the name of a sender above", shown(field.value));
            reader.wrong(&field, found, "a name of its own for each sender");
        }
        if let (Some(secret), Some(may)) = (secret_at, may) {
            senders.push(InboundSettings { name, secret, old_secret, may });
        }
    }
    senders
}

/// What the sender may ask for; all of it where nothing is said would be too much.
fn may<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>) -> Option<Vec<Ask>> {
    let Some(field) = section.take("may") else {
        reader.missing(section, "may", MAY);
        return None;
    };
    let ask = |_: &Field<'t>, text: &str| Ask::ALL.into_iter().find(|ask| ask.word() == text);
    let asked = reader.list(&field, [MAY, MAY], 0..=usize::MAX, ask)?;
    if asked.is_empty() {
        reader.wrong(&field, "an empty list", MAY);
    }
    let first = |at: usize, ask: &Ask| asked.iter().position(|earlier| earlier == ask) == Some(at);
    Some(asked.iter().enumerate().filter(|(at, ask)| first(*at, ask)).map(|(_, ask)| *ask).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::config::SecretRef;
    use crate::door::config::tests::{ORG, errors_after_org, parse};

    #[test]
    fn a_sender_has_a_name_a_secret_and_what_it_may_ask_for() {
        let text = format!(
            "{ORG}[[inbound]]\nname = 'wfm-bridge'\nsecret = {{ env = 'B' }}\nold_secret = {{ env = 'A' }}\n\
             may = ['check.requested', 'publish.completed']\n"
        );
        let config = parse(&text).unwrap_or_else(|e| panic!("{e:#?}"));
        let [sender] = config.inbound.as_slice() else { panic!("{:?}", config.inbound) };
        assert_eq!((sender.name.as_str(), &sender.secret), ("wfm-bridge", &SecretRef::Env("B".to_owned())));
        assert_eq!(sender.old_secret, Some(SecretRef::Env("A".to_owned())));
        assert_eq!(sender.may, [Ask::Check, Ask::Completed]);
        assert_eq!(parse(ORG).unwrap().inbound, []);
    }

    #[test]
    fn each_mistake_is_named() {
        let fine = "name = 'a'\nsecret = { env = 'A' }\nmay = ['check.requested']\n";
        for (text, expected) in [
            (fine.replace("'a'", "'A b'"), "inbound[1].name"),
            (fine.replace("{ env = 'A' }", "'whsec_x'"), "a literal string"),
            (fine.replace("['check.requested']", "[]"), "an empty list"),
            (fine.replace("check.requested", "publish"), "found \"publish\""),
            (fine.replace("may = ['check.requested']\n", ""), "inbound[1].may: found nothing"),
            (format!("{fine}[[inbound]]\n{fine}"), "the name of a sender above"),
        ] {
            let errors = errors_after_org(&format!("[[inbound]]\n{text}"));
            assert!(errors.len() == 1 && errors[0].contains(expected), "{text}: {errors:#?}");
            assert!(!errors[0].contains("whsec_x"), "{errors:#?}");
        }
    }
}
