//! The organisation, its app and its clock: who is spoken to, and as whom.
//!
//! Must never: let a clock other than the system's decide when a real organisation publishes.

use std::path::Path;

use super::model::{App, ClockSettings, Org};
use super::reader::{Field, Reader, Section, shown};
use super::reference::{Need, secret};
use super::secret::SecretRef;
use super::url::{Base, Reach, base_url};
use crate::hands::genesys::Hosts;
use crate::hands::genesys::hosts::REGIONS;
use crate::words::nearest::nearest;

const CLIENT_ID: &str = "the id of an OAuth client, such as \"1f2e3d4c-…\"";
const URL: &str = "an https URL without a path, or http on 127.0.0.1, [::1] or localhost";

pub(super) fn org<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> Option<(Org, Reach)> {
    let mut section = reader.section(document, "org");
    let region = reader.text(&mut section, "region", &region_names());
    let api = url(reader, &mut section, "api_url");
    let login = url(reader, &mut section, "login_url");
    let place = place(reader, &section, region, api, login);
    let client = client(reader, &mut section, folder);
    reader.finish(&section);
    let (region, hosts, reach) = place?;
    let (client_id, client_secret) = client?;
    Some((Org { region, hosts, client_id, client_secret }, reach))
}

fn region_names() -> String {
    REGIONS.map(|(name, _)| name).join(", ")
}

/// What a URL field held: nothing, something wrong (reported already), or a URL.
enum Given<T> {
    Missing,
    Wrong,
    Good(T),
}

fn url<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, key: &'static str) -> Given<Base> {
    let before = section.keys().contains(&key);
    match reader.text(section, key, URL) {
        None if before => Given::Wrong,
        None => Given::Missing,
        Some((field, text)) => match base_url(text) {
            Ok(base) if base.path.is_empty() => Given::Good(base),
            Ok(_) => {
                reader.wrong(&field, "a URL with a path", URL);
                Given::Wrong
            }
            Err(found) => {
                reader.wrong(&field, found, URL);
                Given::Wrong
            }
        },
    }
}

/// The two hosts: from the region, or both given outright.
fn place<'t>(
    reader: &mut Reader<'t>,
    section: &Section<'t>,
    region: Option<(Field<'t>, &str)>,
    api: Given<Base>,
    login: Given<Base>,
) -> Option<(Option<String>, Hosts, Reach)> {
    match (region, api, login) {
        (Some((field, name)), Given::Missing, Given::Missing) => {
            let Some(hosts) = Hosts::of_region(name) else {
                let hint = nearest(name, REGIONS.map(|(known, _)| known)).map_or_else(
                    || "a region that is not listed can be given by api_url and login_url".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                reader.wrong_hint(&field, shown(field.value), region_names(), hint);
                return None;
            };
            Some((Some(name.to_owned()), hosts, Reach::Network))
        }
        (Some((field, _)), _, _) => {
            reader.wrong(
                &field,
                "a region together with api_url or login_url",
                "either region, or api_url and login_url",
            );
            None
        }
        (None, Given::Good(api), Given::Good(login)) => {
            let reach = match (api.reach, login.reach) {
                (Reach::Loopback, Reach::Loopback) => Reach::Loopback,
                (Reach::Network, _) | (_, Reach::Network) => Reach::Network,
            };
            Some((None, Hosts { api: api.url, login: login.url }, reach))
        }
        (None, Given::Missing, Given::Missing) => {
            // A region that is there but wrong has been reported.
            if !section.keys().contains(&"region") {
                reader.missing(section, "region", region_names());
            }
            None
        }
        (None, Given::Missing, Given::Good(_) | Given::Wrong) => {
            reader.missing(section, "api_url", URL);
            None
        }
        (None, Given::Good(_) | Given::Wrong, Given::Missing) => {
            reader.missing(section, "login_url", URL);
            None
        }
        (None, Given::Wrong, Given::Good(_) | Given::Wrong) | (None, Given::Good(_), Given::Wrong) => None,
    }
}

/// The two fields of an OAuth client, both required.
fn client<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, folder: &Path) -> Option<(String, SecretRef)> {
    let id = reader.needed_text(section, "client_id", CLIENT_ID);
    let id = id.and_then(|(field, id)| {
        let fine = id.len() <= 200 && id.chars().all(|c| c.is_ascii_graphic() && c != ':');
        if !fine {
            reader.wrong(&field, shown(field.value), CLIENT_ID);
        }
        fine.then(|| id.to_owned())
    });
    let secret = secret(reader, section, "client_secret", folder, Need::Always);
    Some((id?, secret?))
}

pub(super) fn app<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> Option<App> {
    let mut section = reader.section(document, "app");
    if !section.present() {
        return None;
    }
    let client = client(reader, &mut section, folder);
    reader.finish(&section);
    let (client_id, client_secret) = client?;
    Some(App { client_id, client_secret })
}

/// A clock that runs ahead would publish early, so it is for an organisation on this machine only: a twin.
pub(super) fn clock<'t>(
    reader: &mut Reader<'t>,
    document: &mut Section<'t>,
    org: Option<Reach>,
) -> Option<ClockSettings> {
    let mut section = reader.section(document, "clock");
    let follow = reader.text(&mut section, "follow", URL).and_then(|(field, text)| match base_url(text) {
        Ok(Base { url, reach: Reach::Loopback, .. }) if org != Some(Reach::Network) => Some(url),
        Ok(Base { reach: Reach::Loopback, .. }) => {
            let hint = "remove the section [clock]; it is for rehearsals against a twin".to_owned();
            reader.wrong_hint(&field, "a clock to follow for a real organisation", "the system's clock", hint);
            None
        }
        Ok(_) => {
            reader.wrong(&field, "a clock on another machine", "http on 127.0.0.1, [::1] or localhost");
            None
        }
        Err(found) => {
            reader.wrong(&field, found, "http on 127.0.0.1, [::1] or localhost");
            None
        }
    });
    reader.finish(&section);
    follow.map(|follow| ClockSettings { follow })
}
