//! `store`: where runs are recorded. One SQLite file, or a PostgreSQL database that several replicas share.
//!
//! Must never: take a password that stands in a URL, or show it; or let a run cross a network in the clear unasked.

use std::path::{Path, PathBuf};

use reqwest::Url;
use toml::de::DeValue;

use super::model::{StorePlace, StoreSettings};
use super::reader::{Field, Reader, Section, shown};
use super::reference::{Need, at, path, secret};
use super::url::is_loopback;

const STORE: &str = "\"sqlite:softlanding.db\", \"postgres://user@host:5432/database\", or a section [store]";
const URL: &str = "a URL such as \"postgres://user@host:5432/database?sslmode=verify-full\"";
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
/// What may follow the question mark; a password may not.
const PARAMETERS: [&str; 6] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "application_name"];
const DEFAULT_FILE: &str = "softlanding.db";
const D: i64 = 86_400_000;

/// The store as one line at the top of the file, or as a section.
pub(super) fn store<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> StoreSettings {
    let usual = || StorePlace::Sqlite(folder.join(DEFAULT_FILE));
    let place = match document.take("store") {
        Some(field) => match field.value {
            DeValue::Table(_) => return section(reader, document, folder),
            DeValue::String(text) => from_line(reader, &field, text, folder),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                reader.wrong(&field, shown(field.value), STORE);
                None
            }
        },
        None => None,
    };
    StoreSettings { place: place.unwrap_or_else(usual), keep_ms: None }
}

fn from_line(reader: &mut Reader<'_>, field: &Field<'_>, text: &str, folder: &Path) -> Option<StorePlace> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        // Some write sqlite:///var/x.db, as they would for another program.
        let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        if path.is_empty() {
            reader.wrong(field, "sqlite: without a path", STORE);
            return None;
        }
        return at(reader, field, path, folder).map(StorePlace::Sqlite);
    }
    if text.starts_with("postgres:") || text.starts_with("postgresql:") {
        let url = postgres(reader, field, text)?;
        return Some(StorePlace::Postgres { url, password: None });
    }
    // It may be a URL with a password and a slip in its first word, so it is not shown.
    reader.wrong(field, "something that begins with neither sqlite: nor postgres:", STORE);
    None
}

fn section<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> StoreSettings {
    let mut section = reader.section(document, "store");
    let file = section.take("path").map(|_| path(reader, &mut section, "path", DEFAULT_FILE, folder));
    let url_field = section.take("url");
    let url = reader.text(&mut section, "url", URL).and_then(|(field, text)| postgres(reader, &field, text));
    let password_field = section.take("password");
    let password = secret(reader, &mut section, "password", folder, Need::Never);
    let keep_ms = reader.optional_duration_ms(&mut section, "keep", "", 400 * D, D..=3660 * D);
    reader.finish(&section);
    if let (Some(field), Some(_)) = (&url_field, &file) {
        reader.wrong(field, "a url together with a path", "either path, for SQLite, or url, for PostgreSQL");
    }
    if let (None, Some(field)) = (&url_field, &password_field) {
        reader.wrong(field, "a password without a url", "a password for PostgreSQL only; an SQLite file has none");
    }
    StoreSettings { place: place(url, password, file, folder), keep_ms }
}

fn place(url: Option<String>, password: Option<super::SecretRef>, file: Option<PathBuf>, folder: &Path) -> StorePlace {
    match url {
        Some(url) => StorePlace::Postgres { url, password },
        None => StorePlace::Sqlite(file.unwrap_or_else(|| folder.join(DEFAULT_FILE))),
    }
}

/// The URL of a PostgreSQL database, with its `sslmode` written out where the connection leaves this machine.
fn postgres(reader: &mut Reader<'_>, field: &Field<'_>, text: &str) -> Option<String> {
    match checked(text) {
        Ok(url) => Some(url),
        Err((found, hint)) => {
            match hint {
                Some(hint) => reader.wrong_hint(field, found, URL, hint.to_owned()),
                None => reader.wrong(field, found, URL),
            }
            None
        }
    }
}

const PASSWORD_HINT: &str = "take the password out of the URL: password = { file = \"…\" } in [store], or PGPASSWORD or \
     ~/.pgpass";

/// The URL, or what was found without anything secret, and a hint.
fn checked(text: &str) -> Result<String, (String, Option<&'static str>)> {
    let plain = |found: &str| (found.to_owned(), None);
    let mut url = Url::parse(text).map_err(|e| (format!("no URL ({e})"), None))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(plain("a URL with another scheme than postgres"));
    }
    if url.password().is_some() {
        return Err(("a URL with a password in it".to_owned(), Some(PASSWORD_HINT)));
    }
    if url.fragment().is_some() {
        return Err(plain("a URL with a fragment (#)"));
    }
    let (mut mode, mut host) = (None, url.host_str().map(str::to_owned));
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "password" => return Err(("a URL with a password in it".to_owned(), Some(PASSWORD_HINT))),
            "sslmode" if SSL_MODES.contains(&value.as_ref()) => mode = Some(value.into_owned()),
            "sslmode" => {
                let known = "sslmode is disable, allow, prefer, require, verify-ca or verify-full";
                return Err(("a URL with an unknown sslmode".to_owned(), Some(known)));
            }
            "host" => host = Some(value.into_owned()),
            known if PARAMETERS.contains(&known) => {}
            _ => {
                let known = "accepted there: sslmode, sslrootcert, sslcert, sslkey, host, application_name";
                return Err(("a URL with an unknown parameter".to_owned(), Some(known)));
            }
        }
    }
    if host.as_deref().is_none_or(str::is_empty) {
        return Err((
            "a URL without a host".to_owned(),
            Some("a Unix socket is written postgres://user@localhost/database?host=/run/postgresql"),
        ));
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(plain("a URL without a database"));
    }
    if mode.is_none() && host.as_deref().is_some_and(leaves_machine) {
        url.query_pairs_mut().append_pair("sslmode", "require");
    }
    Ok(url.into())
}

fn leaves_machine(host: &str) -> bool {
    let socket = host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
    !(socket || is_loopback(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_leaves_the_machine_is_encrypted_unless_said_otherwise() {
        for (text, expected) in [
            ("postgres://s@db.example.com:5432/x", "postgres://s@db.example.com:5432/x?sslmode=require"),
            ("postgresql://db.example.com/x", "postgresql://db.example.com/x?sslmode=require"),
            ("postgres://s@10.1.2.3/x?sslmode=disable", "postgres://s@10.1.2.3/x?sslmode=disable"),
            ("postgres://s@db.example.com/x?sslmode=verify-full", "postgres://s@db.example.com/x?sslmode=verify-full"),
            ("postgres://s@127.0.0.1:5433/x", "postgres://s@127.0.0.1:5433/x"),
            ("postgres://s@[::1]/x", "postgres://s@[::1]/x"),
            ("postgres://s@localhost/x?host=/run/postgresql", "postgres://s@localhost/x?host=/run/postgresql"),
            ("postgres:///x?host=/run/postgresql", "postgres:///x?host=/run/postgresql"),
            ("postgres://s@%2Frun%2Fpostgresql/x", "postgres://s@%2Frun%2Fpostgresql/x"),
            // The parameter is the host that is connected to.
            (
                "postgres://s@localhost/x?host=db.example.com",
                "postgres://s@localhost/x?host=db.example.com&sslmode=require",
            ),
        ] {
            assert_eq!(checked(text).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_showing_it() {
        for (text, found) in [
            ("postgres://s:hush@db/x", "a password in it"),
            ("postgres://s@db/x?password=hush", "a password in it"),
            ("postgres://s@db/x?sslmode=hush", "an unknown sslmode"),
            ("postgres://s@db/x?passwrd=hush", "an unknown parameter"),
            ("postgres://s@db/x#hush", "a fragment"),
            ("postgres://s@db", "without a database"),
            ("postgres:///x", "without a host"),
            ("postgres:x", "without a host"),
            ("postgres://s@db:hush/x", "no URL"),
            ("mysql://s:hush@db/x", "another scheme"),
        ] {
            let (error, hint) = checked(text).unwrap_err();
            assert!(error.contains(found), "{text}: {error}");
            assert!(!format!("{error}{hint:?}").contains("hush"), "{text}: {error}");
        }
    }
}
