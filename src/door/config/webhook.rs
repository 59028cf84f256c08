//! `[[webhook]]`: who is told of which events, where, and for how long that is tried.
//!
//! Must never: let a rule pass that fits no event, an address that nothing would be sent to, or show a URL's query: it may hold
//! a secret.

use std::path::Path;

use super::model::{PublishSettings, WebhookSettings};
use super::reader::{Field, Reader, Section, shown};
use super::reference::{Need, secret};
use crate::hands::outbox::PostSettings;
use crate::shells::deliver::names::known;
use crate::words::nearest::nearest;

const NAME: &str = "1 to 40 lower-case letters, digits and dashes, such as \"operations\"";
const URL: &str = "an https URL, or http on 127.0.0.1, [::1] or localhost";
const EVENTS: &str = "a list of 1 to 64 events or rules, such as [\"settled\", \"publish_*\"]";
const EVENT: &str = "the name of an event, or a rule that fits some; `softlanding webhooks events` lists them";
const PUBLISHES: &str = "a list of 1 to 64 names of [[publish]]";
const LIST_MAX: usize = 64;
const S: i64 = 1_000;
const MIN: i64 = 60 * S;
const H: i64 = 60 * MIN;

/// The webhooks, in the order of the file.
pub(super) fn webhooks<'t>(
    reader: &mut Reader<'t>,
    document: &mut Section<'t>,
    folder: &Path,
    publishes: &[PublishSettings],
) -> Vec<WebhookSettings> {
    let mut webhooks: Vec<WebhookSettings> = Vec::new();
    for mut section in reader.tables(document, "webhook") {
        let named = section.take("name");
        if let Some(webhook) = webhook(reader, &mut section, folder, publishes) {
            let twice = webhooks.iter().any(|known| known.name == webhook.name);
            if let Some(field) = named.filter(|_| twice) {
                let found = format!("{}, the name of a webhook above", shown(field.value));
                reader.wrong(&field, found, "a name of its own for each webhook");
            }
            webhooks.push(webhook);
        }
    }
    webhooks
}

/// `None` when something without a default is missing or wrong; the reader then holds the error.
fn webhook<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    folder: &Path,
    publishes: &[PublishSettings],
) -> Option<WebhookSettings> {
    let name = reader.needed_text(section, "name", NAME).and_then(|(field, text)| {
        let fine = text.len() <= 40 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fine {
            reader.wrong(&field, shown(field.value), NAME);
        }
        fine.then(|| text.to_owned())
    });
    let private_addresses = reader.switch(section, "private_addresses", false);
    let url = url(reader, section, private_addresses);
    let key = secret(reader, section, "secret", folder, Need::Always);
    let old_secret = secret(reader, section, "old_secret", folder, Need::Never);
    let events = events(reader, section);
    let entries: Vec<&str> = publishes.iter().map(|entry| entry.name.as_str()).collect();
    let publishes = entries_wanted(reader, section, &entries);
    let mut ms = |key, default_ms, range_ms| reader.duration_ms(section, key, default_ms, range_ms);
    let timeout_ms = ms("timeout", 10 * S, S..=MIN);
    let backoff_first_ms = ms("backoff_first", 2 * S, 100..=10 * MIN);
    let backoff_max_ms = ms("backoff_max", H, 100..=6 * H);
    let give_up_after_ms = ms("give_up_after", 24 * H, 0..=7 * 24 * H);
    let attempts_max = reader.whole(section, "attempts_max", 1..=200).unwrap_or(60);
    if backoff_first_ms > backoff_max_ms
        && let Some(field) = section.take("backoff_first").or_else(|| section.take("backoff_max"))
    {
        reader.wrong(&field, shown(field.value), "a backoff_first no longer than backoff_max");
    }
    reader.finish(section);
    Some(WebhookSettings {
        name: name?,
        url: url?,
        secret: key?,
        old_secret,
        events: events?,
        publishes: publishes?,
        timeout_ms,
        private_addresses,
        backoff_first_ms,
        backoff_max_ms,
        attempts_max,
        give_up_after_ms,
    })
}

fn url<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, private_addresses: bool) -> Option<String> {
    let (field, text) = reader.needed_text(section, "url", URL)?;
    match PostSettings::checked(text, private_addresses) {
        Ok(()) => Some(text.to_owned()),
        Err(found) => {
            reader.wrong(&field, found, URL);
            None
        }
    }
}

fn events<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>) -> Option<Vec<String>> {
    if !section.keys().contains(&"events") {
        reader.missing(section, "events", EVENTS);
    }
    let named = texts(reader, section, "events", EVENTS)?;
    let mut fine = true;
    for (field, rule) in &named {
        if let Err(near) = known(rule) {
            fine = false;
            match near {
                Some(near) => reader.wrong_hint(field, shown(field.value), EVENT, format!("did you mean {near}?")),
                None => reader.wrong(field, shown(field.value), EVENT),
            }
        }
    }
    fine.then(|| named.into_iter().map(|(_, rule)| rule).collect())
}

/// The outer `None` is a mistake; the inner one is all runs.
fn entries_wanted<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    entries: &[&str],
) -> Option<Option<Vec<String>>> {
    if !section.keys().contains(&"publishes") {
        // Asked for, so that the list of known fields has it.
        let _ = section.take("publishes");
        return Some(None);
    }
    let named = texts(reader, section, "publishes", PUBLISHES)?;
    let mut fine = true;
    for (field, name) in named.iter().filter(|(_, name)| !entries.contains(&name.as_str())) {
        fine = false;
        match nearest(name, entries.iter().copied()) {
            Some(near) => reader.wrong_hint(field, shown(field.value), PUBLISHES, format!("did you mean {near}?")),
            None => reader.wrong(field, shown(field.value), PUBLISHES),
        }
    }
    fine.then(|| Some(named.into_iter().map(|(_, name)| name).collect()))
}

/// A list of 1 to 64 texts, each with its place.
fn texts<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    key: &'static str,
    accepted: &str,
) -> Option<Vec<(Field<'t>, String)>> {
    let field = section.take(key)?;
    let placed = |place: &Field<'t>, text: &str| Some((place.clone(), text.to_owned()));
    reader.list(&field, [accepted, accepted], 1..=LIST_MAX, placed)
}

#[cfg(test)]
mod tests {
    use crate::door::config::TEMPLATE;
    use crate::door::config::tests::{ORG, errors_after_org, parse};

    const GOOD: &str = "[[webhook]]\nname = 'ops'\nurl = 'https://hooks.example.com/x?sig=hush'\nsecret = { env = 'W' }\nevents = ['settled']\n";

    #[test]
    fn what_is_left_out_has_the_defaults_of_the_template() {
        let webhooks = parse(&format!("{ORG}{GOOD}")).unwrap_or_else(|e| panic!("{e:#?}")).webhooks;
        let shown = |line: &str| line.strip_prefix("#   ").map(str::to_owned);
        let lines: Vec<String> = TEMPLATE
            .lines()
            .skip_while(|line| !line.contains("[[webhook]]"))
            .take_while(|line| !line.is_empty())
            .filter_map(shown)
            .collect();
        let entry = "[[publish]]\nname = 'customer-care'\ncron = '0 0 16 * * Fri'\nbusiness_unit = 'x'\n";
        let text = format!("{ORG}{entry}{}\n", lines.join("\n"));
        let told = parse(&text).unwrap_or_else(|e| panic!("{e:#?}")).webhooks;
        let mut expected = webhooks[0].clone();
        let of_template = &told[0];
        expected.name.clone_from(&of_template.name);
        expected.url.clone_from(&of_template.url);
        expected.secret.clone_from(&of_template.secret);
        expected.old_secret.clone_from(&of_template.old_secret);
        expected.events.clone_from(&of_template.events);
        expected.publishes.clone_from(&of_template.publishes);
        assert_eq!(*of_template, expected);
        assert!(of_template.old_secret.is_some() && of_template.publishes.is_some() && lines.len() == 13, "{lines:#?}");
    }

    #[test]
    fn each_mistake_is_named_and_no_secret_is_shown() {
        for (from, to, expected) in [
            ("name = 'ops'", "name = 'Ops'", "webhook[1].name: found \"Ops\""),
            ("https://hooks.example.com", "http://hooks.example.com", "plain http to another machine"),
            ("https://hooks.example.com", "https://user:hush@hooks.example.com", "a user name or password"),
            ("https://hooks.example.com", "https://10.0.0.5", "found a private address"),
            ("https://hooks.example.com/x?sig=hush", "https://169.254.169.254/", "found a private address"),
            ("https://hooks.example.com/x?sig=hush", "hooks", "no URL"),
            ("secret = { env = 'W' }", "secret = 'whsec_hush'", "found a literal string"),
            ("secret = { env = 'W' }", "", "webhook[1].secret: found nothing"),
            ("events = ['settled']", "", "webhook[1].events: found nothing"),
            ("events = ['settled']", "events = []", "a list of 0"),
            ("events = ['settled']", "events = 'settled'", "found \"settled\""),
            ("events = ['settled']", "events = ['settled', 'setled']", "did you mean settled?"),
            ("events = ['settled']", "events = ['weather*']", "found \"weather*\""),
            ("events = ['settled']", "events = [3]", "webhook[1].events: found 3"),
            ("events", "publishes = ['care']\nevents", "webhook[1].publishes: found \"care\""),
            ("events", "backoff_first = '2min'\nbackoff_max = '1min'\nevents", "no longer than backoff_max"),
            ("events", "attempts_max = 0\nevents", "from 1 to 200"),
            ("events", "retries = 3\nevents", "an unknown field"),
            ("[[webhook]]", "[webhook]", "two brackets"),
        ] {
            let errors = errors_after_org(&GOOD.replace(from, to));
            assert!(errors.len() == 1 && errors[0].contains(expected), "{to}: {errors:#?}");
            assert!(!errors[0].contains("hush"), "{errors:#?}");
        }
        let twice = errors_after_org(&format!("{GOOD}{GOOD}"));
        assert!(twice.len() == 1 && twice[0].contains("the name of a webhook above"), "{twice:#?}");
    }
}
