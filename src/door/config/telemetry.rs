//! `[telemetry]`: where machines ask how `serve` is.
//!
//! Must never: let anything be asked at an address that the file does not name.

use std::net::SocketAddr;

use reqwest::Url;

use super::model::TelemetrySettings;
use super::reader::{Reader, Section, shown};

const LISTEN: &str = "an address and a port, such as \"127.0.0.1:9480\"";

const OTLP: &str = "the http or https URL of a collector, without a password, such as \"http://127.0.0.1:4318\"";

pub(super) fn telemetry<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> TelemetrySettings {
    let mut section = reader.section(document, "telemetry");
    let listen = reader.text(&mut section, "listen", LISTEN).and_then(|(field, text)| {
        let address = text.parse::<SocketAddr>().ok();
        if address.is_none() {
            reader.wrong(&field, shown(field.value), LISTEN);
        }
        address
    });
    let otlp = reader.text(&mut section, "otlp", OTLP).and_then(|(field, text)| {
        let url = Url::parse(text).ok().filter(|url| {
            let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain
        });
        if url.is_none() {
            // What is no such URL may hold a password.
            reader.wrong(&field, "something else", OTLP);
        }
        url.map(|url| url.as_str().trim_end_matches('/').to_owned())
    });
    reader.finish(&section);
    TelemetrySettings { listen, otlp }
}

#[cfg(test)]
mod tests {
    use crate::door::config::tests::{ORG, errors_after_org, parse};

    #[test]
    fn without_the_section_nobody_can_ask_and_with_it_the_address_is_an_address() {
        assert_eq!(parse(ORG).unwrap().telemetry.listen, None);
        let config = parse(&format!("{ORG}[telemetry]\nlisten = '127.0.0.1:9480'\n")).unwrap();
        assert_eq!(config.telemetry.listen.unwrap().port(), 9480);
        let text = format!("{ORG}[telemetry]\notlp = 'http://collector:4318/'\n");
        assert_eq!(parse(&text).unwrap().telemetry.otlp.as_deref(), Some("http://collector:4318"));
        for wrong in ["otlp = '127.0.0.1:4318'", "otlp = 'https://me:hush@collector'", "otlp = 'file:///tmp/x'"] {
            let errors = errors_after_org(&format!("[telemetry]\n{wrong}\n"));
            assert!(errors.len() == 1 && errors[0].contains("telemetry.otlp: found something else"), "{errors:#?}");
            assert!(!errors[0].contains("hush"), "{errors:#?}");
        }
        for wrong in ["listen = 9480", "listen = 'localhost'", "listen = ':9480'"] {
            let errors = errors_after_org(&format!("[telemetry]\n{wrong}\n"));
            assert!(errors.len() == 1 && errors[0].contains("telemetry.listen: found"), "{wrong}: {errors:#?}");
        }
    }
}
