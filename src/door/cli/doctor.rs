//! `softlanding doctor`: looks over what softlanding needs on this machine and in the organisation, and says what to do.
//!
//! Must never: change anything, or show a secret; whether one can be had is all that is said.

use std::path::Path;

use serde_json::json;

use crate::door::cli::args::DoctorArgs;
use crate::door::cli::{intent, open, out};
use crate::door::config::{Config, ConfigErrors, SecretRef, StorePlace, VAULT_FILE};
use crate::door::error::{ExitCode, Failure};
use crate::hands::genesys::Client;
use crate::hands::vault::Enrolled;
use crate::shells::doctor::org::{Wanted, organisation};
use crate::shells::doctor::room::room;
use crate::shells::doctor::{self, Check, Mark, machine};
use crate::words::calendar::tzdata;
use crate::words::clock::Clock;
use crate::words::secret::Secret;

const CLIENT_SECRET: &str = "client secret";

pub(super) async fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let host = tzdata::host(Path::new(tzdata::HOST_DIR));
    let zone_data = machine::zone_data(tzdata::compiled(), host.as_deref());
    let (mut checks, when_failed) = match Config::read(&args.config.config) {
        Ok(config) => (everything(&config, args).await, ExitCode::Access),
        Err(e) => (unconfigured(&e), ExitCode::Config),
    };
    checks.push(zone_data);
    let worst = doctor::worst(&checks);
    if args.json {
        out::document("softlanding.doctor.v1", json!({ "worst": worst, "checks": checks }));
    } else {
        out::say(doctor::table(&checks));
    }
    Ok(match worst {
        Mark::Ok | Mark::Warn => ExitCode::Done,
        Mark::Fail => when_failed,
    })
}

/// A line for each error; without a configuration there is nothing else to look at.
fn unconfigured(e: &ConfigErrors) -> Vec<Check> {
    const NAME: &str = "configuration";
    if e.errors.is_empty() {
        return vec![Check::fail(NAME, e.to_string(), e.hint().unwrap_or("give another file with --config"))];
    }
    let fix = "correct the line that is named";
    e.errors.iter().map(|error| Check::fail(NAME, error.line_for(&e.file), fix)).collect()
}

/// The organisation is only asked when the client's secret can be had, and by the clock that the configuration follows.
async fn everything(config: &Config, args: &DoctorArgs) -> Vec<Check> {
    let (mut checks, enrolled) = configured(config).await;
    if args.offline || checks.iter().any(|check| check.name == CLIENT_SECRET && check.mark == Mark::Fail) {
        return checks;
    }
    if let Some(web) = &config.web {
        checks.push(room(&web.public_url, web.allowed_origins.len()).await);
    }
    match connected(config).await {
        Ok(client) => {
            let wanted = Wanted {
                mechanisms: &intent::mechanisms(config),
                limits: &config.limits,
                units: &units(config, &args.business_unit),
                enrolled: enrolled.as_deref(),
            };
            checks.extend(organisation(&client, &wanted).await);
        }
        Err(failure) => {
            let fix = failure.hint.clone().unwrap_or_else(|| "see what stands above".to_owned());
            checks.push(Check::fail("organisation", failure.to_string(), fix));
        }
    }
    checks
}

async fn connected(config: &Config) -> Result<Client, Failure> {
    open::client(config, open::clock(config).await?).await
}

/// Those of the calendar and those that were named, each once.
fn units(config: &Config, named: &[String]) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for unit in config.publishes.iter().map(|entry| &entry.business_unit).chain(named) {
        if !units.iter().any(|known| known.eq_ignore_ascii_case(unit)) {
            units.push(unit.clone());
        }
    }
    units
}

/// What is on this machine, and whom the vault holds; `None` without a vault.
async fn configured(config: &Config) -> (Vec<Check>, Option<Vec<Enrolled>>) {
    let mut enrolled = None;
    let mut checks = vec![Check::ok("configuration", config.file.display().to_string())];
    let (client, _) = secret(CLIENT_SECRET, &config.org.client_secret).await;
    checks.push(client);
    if let Some(app) = &config.app {
        checks.push(secret("app secret", &app.client_secret).await.0);
    }
    checks.extend(store(config).await);
    if let Some(vault) = &config.vault {
        let (check, key) = secret("vault key", &vault.key).await;
        checks.push(check);
        if let Some(key) = key {
            let (check, agents) = match &vault.place {
                StorePlace::Sqlite(path) => machine::vault(path, &key).await,
                StorePlace::Postgres { url, password } => {
                    // The store's own line says when its password cannot be had.
                    let password = match password {
                        Some(password) => password.resolve().await.ok(),
                        None => None,
                    };
                    let file = config.folder().join(VAULT_FILE);
                    machine::shared_vault(url, password.as_ref(), &key, &file).await
                }
            };
            checks.push(check);
            enrolled = Some(agents);
        }
    }
    checks.push(machine::hooks(&config.hooks.dir, &config.open_hooks()));
    // A twin that has ended takes its clock with it; the calendar can be read all the same.
    let now = open::clock(config).await.unwrap_or(Clock::System).now();
    checks.extend(config.publishes.iter().map(|entry| machine::entry(&entry.name, &entry.recurrence, now)));
    (checks, enrolled)
}

/// Whether a secret can be had; and the secret, for the check that needs it.
async fn secret(name: &str, from: &SecretRef) -> (Check, Option<Secret>) {
    match from.resolve().await {
        Ok(secret) => (Check::ok(name, format!("found in {from}")), Some(secret)),
        Err(e) => {
            let fix =
                e.hint.clone().unwrap_or_else(|| "make it readable for the user that runs softlanding".to_owned());
            (Check::fail(name, e.to_string(), fix), None)
        }
    }
}

async fn store(config: &Config) -> Vec<Check> {
    match &config.store.place {
        StorePlace::Sqlite(path) => vec![machine::sqlite_store(path).await],
        StorePlace::Postgres { url, password: None } => vec![machine::postgres_store(url, None).await],
        StorePlace::Postgres { url, password: Some(password) } => match secret("store password", password).await {
            (check, Some(password)) => vec![check, machine::postgres_store(url, Some(password)).await],
            (check, None) => vec![check],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hands::testing::Folder;

    fn marks(checks: &[Check]) -> Vec<(&str, Mark)> {
        checks.iter().map(|check| (check.name.as_str(), check.mark)).collect()
    }

    #[tokio::test]
    async fn everything_configured_is_looked_at_and_nothing_is_made() {
        let folder = Folder::new();
        let text = "[org]\nregion = 'us_west_2'\nclient_id = 'x'\nclient_secret = { env = 'SOFTLANDING_NO_SUCH_THING' }\n\
            [app]\nclient_id = 'y'\nclient_secret = { command = 'echo hush' }\n[vault]\nkey = { command = 'cat key' }\n\
            [[publish]]\nname = 'care'\nbusiness_unit = 'Care'\ncron = '0 16 * * Fri'\n\
            [[publish]]\nname = 'over'\nbusiness_unit = 'Care'\ncron = '0 0 16 * * Fri 2020'\n";
        std::fs::write(folder.join("key"), crate::hands::vault::new_key().unwrap().expose()).unwrap();
        let config = Config::parse(text, &folder.join("s.toml")).unwrap();
        let (checks, _) = configured(&config).await;
        let expected = [
            ("configuration", Mark::Ok),
            ("client secret", Mark::Fail),
            ("app secret", Mark::Ok),
            ("store", Mark::Ok),
            ("vault key", Mark::Ok),
            ("vault", Mark::Ok),
            ("hooks", Mark::Ok),
            ("publish care", Mark::Ok),
            ("publish over", Mark::Fail),
        ];
        assert_eq!(marks(&checks), expected, "{checks:#?}");
        assert!(checks.iter().all(|check| check.mark != Mark::Fail || check.fix.is_some()), "{checks:#?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn without_its_key_the_vault_is_not_looked_at() {
        let folder = Folder::new();
        let text = "store = 'postgres://s@127.0.0.1:1/x'\n[org]\nregion = 'us_west_2'\nclient_id = 'x'\n\
            client_secret = { command = 'echo hush' }\n[vault]\nkey = { file = 'none' }\n";
        let (checks, _) = configured(&Config::parse(text, &folder.join("s.toml")).unwrap()).await;
        let expected = [
            ("configuration", Mark::Ok),
            ("client secret", Mark::Ok),
            ("store", Mark::Fail),
            ("vault key", Mark::Fail),
            ("hooks", Mark::Ok),
        ];
        assert_eq!(marks(&checks), expected, "{checks:#?}");
    }

    #[test]
    fn each_error_of_the_configuration_has_a_line() {
        let errors = Config::parse("[org]\nregion = 'nowhere'\n", Path::new("s.toml")).unwrap_err();
        let checks = unconfigured(&errors);
        assert_eq!((checks.len(), doctor::worst(&checks)), (errors.errors.len(), Mark::Fail));
        let missing = Config::read(Path::new("none.toml")).unwrap_err();
        assert!(unconfigured(&missing)[0].fix.as_ref().unwrap().contains("softlanding init"));
    }
}
