//! What can be found out about the machine that softlanding runs on: zone data, store, vault, hooks, the calendar's entries.
//!
//! Must never: make a journal or a vault that is missing.

use std::cmp::Ordering;
use std::path::Path;

use super::{Check, with_source};
use crate::hands::StoreError;
use crate::hands::hook::Hooks;
use crate::hands::journal::{Journal, JournalError, PostgresJournal, SqliteJournal};
use crate::hands::vault::{Enrolled, Vault, VaultError};
use crate::shells::report::words::{counted, list};
use crate::words::calendar::recur::{FireNote, Recurrence};
use crate::words::calendar::{describe, tzdata};
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::secret::Secret;

/// Whether the zone data that is compiled in is older than the host's.
#[must_use]
pub fn zone_data(compiled: &str, host: Option<&str>) -> Check {
    const NAME: &str = "zone data";
    let Some(host) = host else {
        return Check::ok(NAME, format!("release {compiled} is compiled in; this host's cannot be told"));
    };
    match tzdata::compare(compiled, host) {
        Some(Ordering::Less) => Check::warn(
            NAME,
            format!("release {compiled} is compiled in, and this host has the newer {host}"),
            "install a newer softlanding; until then compare the UTC times of `softlanding calendar` with `date -d` on \
             this host, for governments may have changed the rules of your zones",
        ),
        Some(Ordering::Equal | Ordering::Greater) => {
            Check::ok(NAME, format!("release {compiled} is compiled in, and this host has {host}"))
        }
        None => Check::ok(NAME, format!("release {compiled} is compiled in; this host's is {host:?}")),
    }
}

/// The journal's file, without making it.
pub async fn sqlite_store(path: &Path) -> Check {
    const NAME: &str = "store";
    let shown = path.display();
    match SqliteJournal::count_at(path).await {
        Ok(streams) => Check::ok(NAME, format!("{shown}, {}", counted(streams, "stream", "streams"))),
        Err(JournalError::Store(StoreError::Missing { .. })) => not_made_yet(NAME, path),
        Err(e) => Check::fail(NAME, with_source(&e), e.hint().unwrap_or("see what stands above")),
    }
}

/// The journal on a server, without making its tables. The address holds no password; the configuration refuses one.
pub async fn postgres_store(url: &str, password: Option<Secret>) -> Check {
    const NAME: &str = "store";
    let runs = match PostgresJournal::connect_existing(url, password).await {
        Ok(journal) => journal.runs().await,
        Err(e) => Err(e),
    };
    match runs {
        Ok(runs) => Check::ok(NAME, format!("PostgreSQL, {}", counted(runs.len() as u64, "run", "runs"))),
        Err(JournalError::Store(StoreError::Missing { .. })) => {
            Check::ok(NAME, "PostgreSQL answers and holds no journal yet; it is made when it is first needed")
        }
        Err(e) => Check::fail(NAME, with_source(&e), e.hint().unwrap_or("see what stands above")),
    }
}

const VAULT: &str = "vault";

/// The vault in a file, without making it, and whom it holds; `key` is its key.
pub async fn vault(path: &Path, key: &Secret) -> (Check, Vec<Enrolled>) {
    match Vault::agents_at(path, key).await {
        Ok(agents) => (opened(&path.display().to_string(), &agents), agents),
        Err(VaultError::Store(StoreError::Missing { .. })) => (not_made_yet(VAULT, path), Vec::new()),
        Err(e) => (unopened(&e), Vec::new()),
    }
}

/// The vault in the database of the journal, without making its tables. `file` is where the vault of a machine by itself would
/// be: one that is there was used before the journal moved, and is not used any more.
pub async fn shared_vault(url: &str, password: Option<&Secret>, key: &Secret, file: &Path) -> (Check, Vec<Enrolled>) {
    let (check, agents) = match Vault::agents_on(url, password, key).await {
        Ok(agents) => (opened("PostgreSQL", &agents), agents),
        Err(VaultError::Store(StoreError::Missing { .. })) => {
            (Check::ok(VAULT, "PostgreSQL holds no vault yet; it is made when it is first needed"), Vec::new())
        }
        Err(e) => return (unopened(&e), Vec::new()),
    };
    if file.exists() && agents.is_empty() {
        let words = format!("{}; the agents in {} are not in use", check.words, file.display());
        let fix = "replicas share the vault in PostgreSQL: let agents sign in again or import them there; or name the file \
                   as path in [vault]";
        return (Check::warn(VAULT, words, fix), agents);
    }
    (check, agents)
}

fn unopened(e: &VaultError) -> Check {
    Check::fail(VAULT, with_source(e), e.hint().unwrap_or("see what stands above"))
}

fn opened(place: &str, agents: &[Enrolled]) -> Check {
    let dead = agents.iter().filter(|agent| agent.must_sign_in()).count();
    let spent = agents.iter().filter(|agent| !agent.must_sign_in() && agent.spent_since.is_some()).count();
    let enrolled = counted(agents.len() as u64, "agent", "agents");
    let mut words = format!("{place}, opened with its key; {enrolled} enrolled");
    if spent > 0 {
        words = format!("{words}, of {spent} a refresh was interrupted and is tried once more");
    }
    if dead == 0 {
        return Check::ok(VAULT, words);
    }
    let words = format!("{words}, {dead} of them must sign in again");
    Check::warn(VAULT, words, "`softlanding agents list` names them, and why")
}

/// A file that the first run makes, if its folder is there.
fn not_made_yet(name: &str, path: &Path) -> Check {
    let folder = path.parent().unwrap_or(Path::new("/"));
    match std::fs::metadata(folder) {
        Ok(meta) if meta.is_dir() && !meta.permissions().readonly() => {
            Check::ok(name, format!("{} is not there yet; it is made when it is first needed", path.display()))
        }
        Ok(_) => Check::fail(
            name,
            format!("{} is not there, and its folder may not be written", path.display()),
            "make the folder writable for the user that runs softlanding",
        ),
        Err(e) => Check::fail(
            name,
            format!("{} is not there, and its folder cannot be entered: {e}", path.display()),
            format!("mkdir -p {}", folder.display()),
        ),
    }
}

/// The folders of hooks: which would run, and which files somebody may have forgotten to make executable.
#[must_use]
pub fn hooks(dir: &Path, hooks: &Hooks) -> Check {
    const NAME: &str = "hooks";
    let (mut found, mut forgotten) = (0_u64, Vec::new());
    for point in HookPoint::ALL {
        match hooks.names(point).and_then(|names| Ok((names, hooks.not_executable(point)?))) {
            Ok((names, others)) => {
                found += names.len() as u64;
                forgotten.extend(others.into_iter().map(|name| format!("{point}.d/{name}")));
            }
            Err(why) => {
                let words = format!("{}/{point}.d cannot be read: {why}", dir.display());
                return Check::fail(NAME, words, "let the user that runs softlanding read the folder");
            }
        }
    }
    let hooks = counted(found, "hook", "hooks");
    if forgotten.is_empty() {
        return Check::ok(NAME, format!("{}, {hooks}", dir.display()));
    }
    let fix = format!("chmod +x, or rename to {}.disabled", forgotten.first().map_or("", String::as_str));
    Check::warn(NAME, format!("{}, {hooks}; not executable, so not run: {}", dir.display(), list(&forgotten)), fix)
}

/// The next instant of an entry of the calendar.
#[must_use]
pub fn entry(name: &str, recurrence: &Recurrence, now: Timestamp) -> Check {
    let name = format!("publish {name}");
    let Some(fire) = recurrence.after(now).next() else {
        return Check::fail(&name, "there is no instant left", "check the year in cron, and skip");
    };
    let words = format!("next {}", describe(fire.at, recurrence.zone(), now));
    match fire.note {
        FireNote::Plain => Check::ok(&name, words),
        FireNote::Gap { .. } | FireNote::Fold(_) => Check::warn(
            &name,
            format!("{words}; the clocks change over the time that is asked for"),
            "`softlanding calendar` tells what happens; another time of day is safer",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use chrono_tz::Tz;

    use super::super::Mark;
    use super::*;
    use crate::hands::hook::HookLimits;
    use crate::hands::testing::Folder;
    use crate::hands::vault::new_key;
    use crate::words::calendar::recur::{DstPolicy, Fold, Gap};

    #[test]
    fn only_older_zone_data_is_a_warning() {
        for (compiled, host, mark) in [
            ("2025b", Some("2025c"), Mark::Warn),
            ("2025b", Some("2025b"), Mark::Ok),
            ("2026a", Some("2025c"), Mark::Ok),
            ("2025b", Some("backward"), Mark::Ok),
            ("2025b", None, Mark::Ok),
        ] {
            let check = zone_data(compiled, host);
            assert_eq!(check.mark, mark, "{check:?}");
            assert!(check.words.contains(compiled) && check.words.contains(host.unwrap_or_default()), "{check:?}");
        }
    }

    #[tokio::test]
    async fn store_and_vault_are_looked_at_and_never_made() {
        let folder = Folder::new();
        let (journal, vault_file) = (folder.join("journal.db"), folder.join("vault.db"));
        let key = new_key().unwrap();
        for check in [sqlite_store(&journal).await, vault(&vault_file, &key).await.0] {
            assert!(check.mark == Mark::Ok && check.words.contains("not there yet"), "{check:?}");
        }
        assert!(!journal.exists() && !vault_file.exists());
        let nowhere = sqlite_store(&folder.join("no/such/journal.db")).await;
        assert!(nowhere.mark == Mark::Fail && nowhere.fix.unwrap().starts_with("mkdir -p "), "{}", nowhere.words);

        drop(SqliteJournal::open(&journal).await.unwrap());
        drop(Vault::open(&vault_file, &key).await.unwrap());
        let check = sqlite_store(&journal).await;
        assert!(check.mark == Mark::Ok && check.words.ends_with("journal.db, 0 streams"), "{check:?}");
        let check = vault(&vault_file, &key).await.0;
        assert!(check.mark == Mark::Ok && check.words.ends_with("0 agents enrolled"), "{check:?}");
        let check = vault(&vault_file, &new_key().unwrap()).await.0;
        assert!(check.mark == Mark::Fail && check.fix.unwrap().contains("the key that the vault was made with"));
        let check = vault(&vault_file, &Secret::new("hush".to_owned())).await.0;
        assert!(check.mark == Mark::Fail && !format!("{check:?}").contains("hush"), "{check:?}");
        let check = sqlite_store(&vault_file).await;
        assert!(check.mark == Mark::Fail && check.words.contains("the database of something else"), "{check:?}");
        // Not over the journal: beside that lies the log of whoever closed it a moment ago, from which it can be restored.
        let text = folder.join("text.db");
        std::fs::write(&text, "no database at all, but long enough to be taken for one by a careless reader").unwrap();
        let check = sqlite_store(&text).await;
        assert!(check.mark == Mark::Fail && check.words.contains("is not a database"), "{check:?}");
    }

    #[test]
    fn a_hook_that_is_not_executable_is_a_warning() {
        let folder = Folder::new();
        let look = || hooks(folder.path(), &Hooks::new(folder.path().to_owned(), HookLimits::default()));
        assert_eq!((look().mark, look().words.ends_with(", 0 hooks")), (Mark::Ok, true), "{:?}", look());
        let point = folder.join("pre-publish.d");
        std::fs::create_dir(&point).unwrap();
        for (name, mode) in [("10-freeze", 0o755), ("20-forgotten", 0o644), ("30-old.disabled", 0o644)] {
            std::fs::write(point.join(name), "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(point.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let check = look();
        assert_eq!(check.mark, Mark::Warn);
        assert!(check.words.ends_with(", 1 hook; not executable, so not run: pre-publish.d/20-forgotten"), "{check:?}");
        std::fs::remove_dir_all(&point).unwrap();
        std::fs::write(&point, "a file where a folder should be").unwrap();
        assert_eq!(look().mark, Mark::Fail, "{:?}", look());
    }

    #[test]
    fn an_entry_tells_its_next_instant_or_that_none_is_left() {
        let now = Timestamp::parse_rfc3339("2026-11-22T23:00:00Z").unwrap();
        let policy = DstPolicy { gap: Gap::Next, fold: Fold::First };
        let of = |cron: &str| entry("x", &Recurrence::parse(cron, Tz::America__Chicago, policy, &[]).unwrap(), now);
        let check = of("0 0 16 * * Fri");
        let words = "next Friday 27 Nov 2026 16:00 CST, America/Chicago, UTC-6; in 4 d 23 h";
        assert_eq!(check, Check::ok("publish x", words));
        assert_eq!(of("0 0 16 * * Fri 2025").mark, Mark::Fail);
        assert_eq!(of("0 30 2 14 3 * 2027").mark, Mark::Warn);
    }
}
