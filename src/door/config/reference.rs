//! Fields that point to something else: paths, and the places of secrets.
//!
//! Must never: show the value of a field that should have been a reference; it may be the secret itself.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::reader::{Field, Reader, Section, shown};
use super::secret::SecretRef;

const REFERENCE: &str = "{ env = \"NAME\" }, { file = \"path\" } or { command = \"…\" }";

/// Whether a missing secret is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Always,
    Never,
}

pub(super) fn secret<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    key: &'static str,
    folder: &Path,
    need: Need,
) -> Option<SecretRef> {
    let Some(field) = section.take(key) else {
        if need == Need::Always {
            reader.missing(section, key, REFERENCE);
        }
        return None;
    };
    let table = match field.value {
        DeValue::Table(table) => table,
        DeValue::String(_) => {
            // The value may be the secret, so it is not shown.
            let hint = "a secret in this file would end up in backups, tickets and version control".to_owned();
            reader.wrong_hint(&field, "a literal string", REFERENCE, hint);
            return None;
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
            reader.wrong(&field, "a literal value", REFERENCE);
            return None;
        }
    };
    let mut inside = Section::inside(&field, table);
    let env = reader.text(&mut inside, "env", "the name of an environment variable");
    let file = reader.text(&mut inside, "file", "the path of a file");
    let command = reader.text(&mut inside, "command", "a command line for sh");
    reader.finish(&inside);
    if table.len() != 1 {
        reader.wrong(&field, format!("a table of {} fields", table.len()), REFERENCE);
        return None;
    }
    match (env, file, command) {
        (Some((field, name)), None, None) => {
            let fine = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !fine {
                // Someone who writes the secret here instead of a name must not see it in the log.
                reader.wrong(&field, "something that is no name", "the name of an environment variable");
            }
            fine.then(|| SecretRef::Env(name.to_owned()))
        }
        (None, Some((field, path)), None) => at(reader, &field, path, folder).map(SecretRef::File),
        (None, None, Some((_, line))) => Some(SecretRef::Command { line: line.to_owned(), folder: folder.to_owned() }),
        _ => None,
    }
}

/// A path, relative to the folder of the configuration.
pub(super) fn at(reader: &mut Reader<'_>, field: &Field<'_>, path: &str, folder: &Path) -> Option<PathBuf> {
    if path.starts_with('~') {
        let hint = "~ is the shell's; write the folder in full".to_owned();
        reader.wrong_hint(field, shown(field.value), "a path", hint);
        return None;
    }
    Some(folder.join(path))
}

pub(super) fn path<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    key: &'static str,
    default: &str,
    folder: &Path,
) -> PathBuf {
    reader
        .text(section, key, "a path, relative to the folder of this file")
        .and_then(|(field, path)| at(reader, &field, path, folder))
        .unwrap_or_else(|| folder.join(default))
}
