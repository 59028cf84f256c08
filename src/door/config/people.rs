//! `[people]`: who may see and steer runs in a browser, and how they show who they are.
//!
//! Must never: let everybody in by an empty list, or take a proxy's word beside the platform's own sign-in.

use std::net::IpAddr;
use std::path::Path;

use axum::http::HeaderName;
use toml::de::DeValue;

use super::model::{App, PeopleSettings, PeopleWay, WebSettings};
use super::reader::{Field, Reader, Section, shown};
use super::reference::{Need, secret};

const RULES: &str = "a list of up to 200 mail addresses or rules, such as [\"ana@example.com\", \"*@example.com\"]";
const RULE: &str = "a mail address, or a rule such as \"*@example.com\"";
const RULES_MAX: usize = 200;
const PROXY: &str = "{ header = \"X-Forwarded-Email\", from = [\"127.0.0.1\"] }";
const HEADER: &str = "the name of the header that holds the mail address, such as \"X-Forwarded-Email\"";
const FROM: &str = "a list of 1 to 16 addresses of the proxy, such as [\"127.0.0.1\"]";
const FROM_MAX: usize = 16;

/// What else the section needs.
pub(super) struct Around<'a> {
    pub(super) web: Option<&'a WebSettings>,
    pub(super) app: Option<&'a App>,
    pub(super) folder: &'a Path,
}

/// `None` without the section: then nobody signs in, and the dashboard says so.
pub(super) fn people<'t>(
    reader: &mut Reader<'t>,
    document: &mut Section<'t>,
    around: &Around<'_>,
) -> Option<PeopleSettings> {
    let mut section = reader.section(document, "people");
    if !section.present() {
        return None;
    }
    if around.web.is_none() {
        reader.missing(&section, "viewers", "a section [web] beside [people]: somebody has to listen");
    }
    let viewers = rules(reader, &mut section, "viewers");
    let operators = rules(reader, &mut section, "operators");
    let approvers = rules(reader, &mut section, "approvers");
    let nobody = |rules: &Option<Vec<String>>| rules.as_ref().is_some_and(Vec::is_empty);
    if [&viewers, &operators, &approvers].into_iter().all(nobody) {
        reader.missing(&section, "viewers", format!("viewers, operators or approvers: {RULES}"));
    }
    let way = way(reader, &mut section, around);
    reader.finish(&section);
    Some(PeopleSettings { way: way?, viewers: viewers?, operators: operators?, approvers: approvers? })
}

fn way<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, around: &Around<'_>) -> Option<PeopleWay> {
    let id = reader.text(section, "client_id", "the id of an OAuth client (code grant)");
    let need = if id.is_some() { Need::Always } else { Need::Never };
    let client_secret = secret(reader, section, "client_secret", around.folder, need);
    if let Some(field) = section.take("proxy") {
        let proxy = proxy(reader, &field);
        if id.is_some() || client_secret.is_some() {
            let hint = "take one of them out: whoever gets around the proxy must not find another door".to_owned();
            reader.wrong_hint(&field, "a proxy beside a client", PROXY, hint);
            return None;
        }
        return proxy;
    }
    match (id, client_secret) {
        (Some((_, client_id)), Some(client_secret)) => {
            Some(PeopleWay::Platform(App { client_id: client_id.to_owned(), client_secret }))
        }
        (Some(_), None) => None,
        (None, Some(_)) => {
            reader.missing(section, "client_id", "the id of the OAuth client that client_secret belongs to");
            None
        }
        (None, None) if around.app.is_some() => around.app.cloned().map(PeopleWay::Platform),
        (None, None) => {
            reader.missing(section, "client_id", format!("an OAuth client here or in [app], or proxy = {PROXY}"));
            None
        }
    }
}

fn proxy<'t>(reader: &mut Reader<'t>, field: &Field<'t>) -> Option<PeopleWay> {
    let DeValue::Table(table) = field.value else {
        reader.wrong(field, shown(field.value), PROXY);
        return None;
    };
    let mut inside = Section::inside(field, table);
    let header = reader.needed_text(&mut inside, "header", HEADER).and_then(|(place, text)| {
        let name = text.parse::<HeaderName>().ok();
        if name.is_none() {
            reader.wrong(&place, shown(place.value), HEADER);
        }
        name
    });
    let address = |_: &Field<'t>, text: &str| text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    let from = match inside.take("from") {
        Some(place) => reader.list(&place, [FROM, FROM], 1..=FROM_MAX, address),
        None => {
            reader.missing(&inside, "from", FROM);
            None
        }
    };
    reader.finish(&inside);
    Some(PeopleWay::Proxy { header: header?, from: from? })
}

/// The rules; none where the field is missing, and `None` where it is wrong.
fn rules<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, key: &'static str) -> Option<Vec<String>> {
    let fine = |_: &Field<'t>, text: &str| {
        let address = text.trim().to_lowercase();
        let usable = !address.is_empty() && !address.chars().any(|c| c.is_control() || c.is_whitespace());
        (usable && (address.contains('@') || address == "*")).then_some(address)
    };
    let Some(field) = section.take(key) else { return Some(Vec::new()) };
    reader.list(&field, [RULES, RULE], 0..=RULES_MAX, fine)
}

#[cfg(test)]
mod tests {
    use crate::door::config::tests::{ORG, errors_after_org, parse};
    use crate::door::config::{PeopleWay, SecretRef};

    const AROUND: &str = "[app]\nclient_id = 'a'\nclient_secret = { env = 'A' }\n[vault]\nkey = { env = 'K' }\n\
        [web]\npublic_url = 'https://s.example'\nallowed_origins = ['https://a.example']\n";

    #[test]
    fn people_sign_in_by_the_app_by_a_client_of_their_own_or_by_a_proxy() {
        let read = |text: &str| {
            let config = parse(&format!("{ORG}{AROUND}[people]\n{text}\n")).unwrap_or_else(|e| panic!("{e:#?}"));
            config.people.unwrap()
        };
        let people = read("viewers = ['*@Example.com']\napprovers = [' ana@example.com']");
        assert_eq!((people.viewers, people.approvers), (vec!["*@example.com".into()], vec!["ana@example.com".into()]));
        assert!(matches!(people.way, PeopleWay::Platform(app) if app.client_id == "a"));
        let own = read("operators = ['*']\nclient_id = 'b'\nclient_secret = { env = 'B' }").way;
        assert!(matches!(own, PeopleWay::Platform(app) if app.client_secret == SecretRef::Env("B".into())));
        let proxy =
            read("viewers = ['a@b']\nproxy = { header = 'X-Forwarded-Email', from = ['127.0.0.1', '::1'] }").way;
        let from = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        assert_eq!(proxy, PeopleWay::Proxy { header: "x-forwarded-email".parse().unwrap(), from });
        assert_eq!(parse(ORG).unwrap().people, None);
    }

    #[test]
    fn each_mistake_is_named() {
        let proxy = "proxy = { header = 'X-Forwarded-Email', from = ['127.0.0.1'] }";
        for (text, expected) in [
            ("", "people.viewers: found nothing; accepted: viewers, operators or approvers"),
            ("viewers = []", "people.viewers: found nothing"),
            ("viewers = 'a@b'", "people.viewers: found \"a@b\""),
            ("viewers = ['example.com']", "people.viewers: found \"example.com\"; accepted: a mail address"),
            ("viewers = ['a@b', 5]", "people.viewers: found 5"),
            ("viewers = ['a@b']\nadmins = ['c@d']", "people.admins: found an unknown field"),
            ("viewers = ['a@b']\nclient_id = 'x'", "people.client_secret: found nothing"),
            ("viewers = ['a@b']\nclient_secret = { env = 'X' }", "people.client_id: found nothing"),
            ("viewers = ['a@b']\nproxy = true", "people.proxy: found true"),
            ("viewers = ['a@b']\nproxy = { header = 'X-Email' }", "people.proxy.from: found nothing"),
            ("viewers = ['a@b']\nproxy = { header = 'X-Email', from = [] }", "people.proxy.from: found a list of 0"),
            (
                "viewers = ['a@b']\nproxy = { header = 'X-Email', from = ['proxy'] }",
                "people.proxy.from: found \"proxy\"",
            ),
            (
                "viewers = ['a@b']\nproxy = { header = 'X Email', from = ['::1'] }",
                "people.proxy.header: found \"X Email\"",
            ),
            (
                &format!("viewers = ['a@b']\nclient_id = 'x'\nclient_secret = {{ env = 'X' }}\n{proxy}"),
                "people.proxy: found a proxy beside a client",
            ),
        ] {
            let errors = errors_after_org(&format!("{AROUND}[people]\n{text}\n"));
            assert!(errors.len() == 1 && errors[0].contains(expected), "{text}: {errors:#?}");
        }
        let alone = errors_after_org(&format!("[people]\nviewers = ['a@b']\n{proxy}\n"));
        assert!(alone.len() == 1 && alone[0].contains("a section [web] beside [people]"), "{alone:#?}");
        let web = "[web]\npublic_url = 'https://s.example'\n";
        let nowhere = errors_after_org(&format!("[vault]\nkey = {{ env = 'K' }}\n{web}[people]\nviewers = ['a@b']\n"));
        assert!(nowhere.iter().any(|e| e.contains("an OAuth client here or in [app]")), "{nowhere:#?}");
    }
}
