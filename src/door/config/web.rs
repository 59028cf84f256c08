//! `[web]`: where agents' pages find softlanding, and which pages may.
//!
//! Must never: let tokens travel over plain HTTP to another machine, or take an origin that is a pattern.

use std::net::SocketAddr;

use reqwest::Url;

use super::model::{VaultSettings, WebSettings};
use super::reader::{Reader, Section, shown};
use super::url::base_url;

const LISTEN: &str = "an address and a port, such as \"127.0.0.1:8480\"";
const PUBLIC: &str = "the https URL that agents' browsers reach it by, or http on 127.0.0.1, [::1] or localhost";
const ORIGINS: &str = "a list of 1 to 64 origins, such as [\"https://desktop.example.com\"]";
const ORIGIN: &str = "an origin: https://host or https://host:port, or http on 127.0.0.1, [::1] or localhost";
const ORIGINS_MAX: usize = 64;
const S: i64 = 1_000;

/// `None` without the section: then nothing listens.
pub(super) fn web<'t>(
    reader: &mut Reader<'t>,
    document: &mut Section<'t>,
    vault: Option<&VaultSettings>,
) -> Option<WebSettings> {
    let mut section = reader.section(document, "web");
    if !section.present() {
        return None;
    }
    let usual = WebSettings::default();
    let listen = reader.text(&mut section, "listen", LISTEN).map(|(field, text)| {
        let address = text.parse::<SocketAddr>().ok();
        if address.is_none() {
            reader.wrong(&field, shown(field.value), LISTEN);
        }
        address
    });
    let public_url = public_url(reader, &mut section);
    let allowed_origins = origins(reader, &mut section, vault);
    let companions_max = reader.whole(&mut section, "companions_max", 1..=100_000);
    let mut ms = |key, default_ms, range_ms| reader.duration_ms(&mut section, key, default_ms, range_ms);
    let answer_ms = ms("answer_within", usual.answer_ms, 100..=60 * S);
    let heartbeat_ms = ms("heartbeat", usual.heartbeat_ms, S..=120 * S);
    let pkce = reader.switch(&mut section, "pkce", usual.pkce);
    reader.finish(&section);
    let companions_max = companions_max.and_then(|n| usize::try_from(n).ok()).unwrap_or(usual.companions_max);
    let listen = listen.unwrap_or(Some(usual.listen))?;
    let (public_url, allowed_origins) = (public_url?, allowed_origins?);
    Some(WebSettings { listen, public_url, allowed_origins, companions_max, answer_ms, heartbeat_ms, pkce })
}

fn public_url<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>) -> Option<String> {
    let (field, text) = reader.needed_text(section, "public_url", PUBLIC)?;
    match base_url(text) {
        Ok(base) => Some(base.url),
        Err(found) => {
            reader.wrong(&field, found, PUBLIC);
            None
        }
    }
}

/// None are fine: then there are no companions.
fn origins<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    vault: Option<&VaultSettings>,
) -> Option<Vec<String>> {
    let Some(field) = section.take("allowed_origins") else { return Some(Vec::new()) };
    if vault.is_none() {
        let accepted =
            "nothing here, or a key in [vault]: the keys that agents' pages authenticate with are derived from it";
        reader.wrong(&field, "origins without a vault", accepted);
        return None;
    }
    reader.list(&field, [ORIGINS, ORIGIN], 1..=ORIGINS_MAX, |_, text| origin(text))
}

/// The origin as browsers write it: lower case, without the usual port and without a slash.
fn origin(text: &str) -> Option<String> {
    let base = base_url(text).ok().filter(|base| base.path.is_empty() && !text.contains('*'))?;
    Some(Url::parse(&base.url).ok()?.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use crate::door::config::tests::{ORG, errors_after_org, parse};

    const APP: &str = "[app]\nclient_id = 'a'\nclient_secret = { env = 'A' }\n[vault]\nkey = { env = 'K' }\n";

    #[test]
    fn without_the_section_nothing_listens_and_with_it_the_defaults_hold() {
        assert_eq!(parse(ORG).unwrap().web, None);
        let text = format!(
            "{ORG}{APP}[web]\npublic_url = 'https://soft.example.com/'\nallowed_origins = ['https://Desk.example.com:443/', 'http://localhost:3000']\n"
        );
        let web = parse(&text).unwrap_or_else(|e| panic!("{e:#?}")).web.unwrap();
        assert_eq!(web.listen.to_string(), "127.0.0.1:8480");
        assert_eq!(web.public_url, "https://soft.example.com");
        assert_eq!(web.allowed_origins, ["https://desk.example.com", "http://localhost:3000"]);
        assert_eq!((web.companions_max, web.answer_ms, web.heartbeat_ms, web.pkce), (12_000, 5_000, 30_000, true));
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, expected) in [
            (
                "public_url = 'http://soft.example.com'\nallowed_origins = ['https://a.example']",
                "plain http to another machine",
            ),
            ("public_url = 'https://s.example'\nallowed_origins = []", "a list of 0"),
            (
                "public_url = 'https://s.example'\nallowed_origins = 'https://a.example'",
                "web.allowed_origins: found \"https://a",
            ),
            ("public_url = 'https://s.example'\nallowed_origins = ['https://*']", "found \"https://*\""),
            ("public_url = 'https://s.example'\nallowed_origins = ['*']", "found \"*\""),
            ("public_url = 'https://s.example'\nallowed_origins = ['https://a.example/desk']", "accepted: an origin"),
            ("public_url = 'https://s.example'\nallowed_origins = ['http://a.example']", "accepted: an origin"),
            ("allowed_origins = ['https://a.example']", "web.public_url: found nothing"),
            (
                "listen = 8480\npublic_url = 'https://s.example'\nallowed_origins = ['https://a.example']",
                "web.listen: found 8480",
            ),
        ] {
            let errors = errors_after_org(&format!("{APP}[web]\n{text}\n"));
            assert!(errors.len() == 1 && errors[0].contains(expected), "{text}: {errors:#?}");
        }
        let without =
            errors_after_org("[web]\npublic_url = 'https://s.example'\nallowed_origins = ['https://a.example']\n");
        assert!(without.len() == 1 && without[0].contains("a key in [vault]"), "{without:#?}");
        let no_companions = parse(&format!("{ORG}[web]\npublic_url = 'https://s.example'\n"));
        assert_eq!(no_companions.unwrap_or_else(|e| panic!("{e:#?}")).web.unwrap().allowed_origins, [""; 0]);
    }
}
