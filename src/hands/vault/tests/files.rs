//! What only a file can suffer: other rights, other files, an earlier version, damage.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::*;

pub(super) async fn meddle(path: &Path, statement: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// Everything in the folder, as one heap of bytes. A file that SQLite removes in this moment counts as empty.
pub(super) fn heap(folder: &Folder) -> Vec<u8> {
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    names.retain(|path| !path.to_string_lossy().ends_with("-shm"));
    names.sort();
    names.iter().flat_map(|path| std::fs::read(path).unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_bad_key_makes_no_file() {
    let folder = Folder::new();
    let path = folder.join("v.db");
    assert!(Vault::open(&path, &Secret::new("hunter2".to_owned())).await.is_err());
    assert!(!path.exists());
}

#[tokio::test]
async fn a_journal_is_no_vault() {
    let folder = Folder::new();
    let path = folder.join("j.db");
    crate::hands::journal::SqliteJournal::open(&path).await.unwrap();
    let error = Vault::open(&path, &new_key().unwrap()).await.unwrap_err();
    assert!(matches!(error, VaultError::Store(StoreError::NotOurs { .. })), "{error:?}");
}

#[tokio::test]
async fn the_file_is_its_owners_only_and_one_that_is_not_is_refused() {
    let folder = Folder::new();
    let (path, key) = (folder.join("v.db"), new_key().unwrap());
    let vault = Vault::open(&path, &key).await.unwrap();
    vault.put(&agent("ann"), "Ann", &grant("t")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap()) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    drop(vault);
    for mode in [0o640, 0o604, 0o620, 0o666] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        for error in [Vault::open(&path, &key).await.unwrap_err(), Vault::agents_at(&path, &key).await.unwrap_err()] {
            assert!(matches!(error, VaultError::Store(StoreError::Exposed { .. })), "{mode:o}: {error:?}");
            assert!(error.hint().unwrap().starts_with("chmod 600"));
        }
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(token(&Vault::open(&path, &key).await.unwrap(), "ann").await.unwrap(), "t");
}

#[tokio::test]
async fn a_file_that_was_moved_away_or_replaced_is_written_no_more() {
    let folder = Folder::new();
    let (path, away, key) = (folder.join("v.db"), folder.join("away.db"), new_key().unwrap());
    let vault = Vault::open(&path, &key).await.unwrap();
    vault.put(&agent("ann"), "Ann", &grant("t")).await.unwrap();
    std::fs::rename(&path, &away).unwrap();
    let gone = vault.take(&agent("ann")).await;
    assert!(matches!(gone, Err(VaultError::Store(StoreError::Missing { .. }))), "{gone:?}");
    std::fs::write(&path, "").unwrap();
    let other = vault.take(&agent("ann")).await;
    assert!(matches!(other, Err(VaultError::Store(StoreError::Replaced { .. }))), "{other:?}");
    assert!(matches!(vault.agents().await, Err(VaultError::Store(StoreError::Replaced { .. }))));
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(taken(&vault, "ann").await.interrupted(), None);
}

/// A vault as the first version wrote it: seals that know nothing of editions, and no other facts.
#[tokio::test]
async fn a_vault_of_the_first_version_is_looked_at_and_brought_up_to_date() {
    use super::super::grant::pack;
    use super::super::seal::{Owner, Sealer};
    let folder = Folder::new();
    let (path, key) = (folder.join("v.db"), new_key().unwrap());
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let sealer = Sealer::new(&key).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let sealed = |kind, agent, plain: &[u8]| {
        let sealed = sealer.seal(&Owner { kind, agent, key_id: "k", edition: 0 }, plain).unwrap();
        format!("x'{}', x'{}'", hex(&sealed.nonce), hex(&sealed.bytes))
    };
    let (check, ann, bo) = (
        sealed("check", "", b"softlanding vault"),
        sealed("grant", "ann", &pack(&full("t-ann"))),
        sealed("grant", "bo", &pack(&grant("t-bo"))),
    );
    meddle(
        &path,
        &format!(
            "PRAGMA application_id = 1397511681; PRAGMA user_version = 1;
             CREATE TABLE keys (id TEXT PRIMARY KEY, nonce BLOB NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE grants (agent TEXT PRIMARY KEY, name TEXT NOT NULL, key_id TEXT NOT NULL REFERENCES keys (id),
                 nonce BLOB NOT NULL, sealed BLOB NOT NULL, dead_because TEXT) STRICT, WITHOUT ROWID;
             INSERT INTO keys VALUES ('k', {check});
             INSERT INTO grants VALUES ('ann', 'Ann', 'k', {ann}, NULL), ('bo', 'Bo', 'k', {bo}, 'invalid_grant')"
        ),
    )
    .await;
    let before = std::fs::read(&path).unwrap();
    let looked = Vault::agents_at(&path, &key).await.unwrap();
    assert!(std::fs::read(&path).unwrap() == before, "a look changes nothing");
    assert_eq!(looked.iter().map(Enrolled::must_sign_in).collect::<Vec<_>>(), [false, true]);

    let vault = Vault::open(&path, &key).await.unwrap();
    assert_eq!(vault.agents().await.unwrap(), looked);
    assert_eq!(vault.get(&agent("ann")).await.unwrap(), Some(full("t-ann")));
    let spending = taken(&vault, "ann").await;
    assert_eq!(vault.keep(&spending, &grant("two")).await.unwrap(), Kept::Stored);
    assert_eq!(token(&vault, "ann").await.unwrap(), "two");
    assert!(matches!(vault.take(&agent("bo")).await.unwrap(), Taken::Dead { .. }));
}

/// Cut short, or with a bit turned over anywhere: it is refused as damaged, or the agent is named whose entry it is, and what
/// opens is what was written.
#[tokio::test]
async fn damage_is_refused_or_named_and_never_believed() {
    let folder = Folder::new();
    let (path, key) = (folder.join("v.db"), new_key().unwrap());
    let vault = Vault::open(&path, &key).await.unwrap();
    let names: Vec<String> = (0..40).map(|n| format!("agent-{n}")).collect();
    let line = |name: &String| (agent(name), name.clone(), full(&format!("token-of-{name}")));
    vault.import(&names.iter().map(line).collect::<Vec<_>>()).await.unwrap();
    drop(vault);
    meddle(&path, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").await;
    let whole = std::fs::read(&path).unwrap();
    assert!(whole.len() > 8_192, "{} bytes", whole.len());
    let mut chance = crate::words::clock::Seed(5).fork("damage");
    let (mut refused, mut named, mut unharmed) = (0, 0, 0);
    for round in 0..120 {
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes.truncate(chance.between(1, whole.len() as i64 - 1) as usize);
        } else {
            // Below the header there is all that matters.
            let at = chance.between(100, whole.len() as i64 - 1) as usize;
            bytes[at] ^= 1 << chance.between(0, 7);
        }
        std::fs::write(&path, &bytes).unwrap();
        let Ok(vault) = Vault::open(&path, &key).await else {
            refused += 1;
            continue;
        };
        let mut fine = true;
        for name in &names {
            match vault.get(&agent(name)).await {
                Ok(Some(grant)) => assert_eq!(grant, full(&format!("token-of-{name}")), "round {round}"),
                Ok(None) | Err(_) => fine = false,
            }
        }
        if fine {
            unharmed += 1;
        } else {
            named += 1;
        }
        drop(vault);
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
    }
    println!(
        "120 damaged files: {refused} refused, {named} with an entry named, {unharmed} where nothing of use was hit"
    );
    assert!(refused >= 30 && named > 0, "{refused} refused, {named} named");
}
