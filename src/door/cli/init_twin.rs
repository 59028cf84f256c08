//! `softlanding init --twin`: a configuration for a running twin, its simulated secrets in files, and its enrolments.
//!
//! Must never: be pointed at anything but this machine.

use std::path::Path;

use crate::door::cli::init::{Existing, write};
use crate::door::cli::out;
use crate::door::error::{ExitCode, Failure};
use crate::hands::genesys::org::SESSION_RESET_PATH;
use crate::hands::genesys::{Hosts, Wire};
use crate::hands::vault::new_key;
use crate::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET};
use crate::words::clock::Clock;
use crate::words::http::{Method, Request};

/// Files beside the configuration.
const PUBLISHER_SECRET: &str = "twin-publisher.secret";
const APP_SECRET: &str = "twin-app.secret";
const VAULT_KEY: &str = "vault.key";
const ENROLMENTS: &str = "enrolments.jsonl";

pub(super) async fn init(file: &Path, url: &str, existing: Existing) -> Result<ExitCode, Failure> {
    let url = address(url)?;
    let enrolments = enrolments(&url).await?;
    // The configuration first: when it exists and may not be overwritten, nothing else is.
    write(file, configuration(&url).as_bytes(), 0o644, existing)?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let secret = |name: &str, text: &[u8]| write(&folder.join(name), text, 0o600, Existing::Overwrite);
    secret(PUBLISHER_SECRET, PUBLISHER_CLIENT_SECRET.as_bytes())?;
    secret(APP_SECRET, APP_CLIENT_SECRET.as_bytes())?;
    secret(ENROLMENTS, &enrolments)?;
    // A vault that is there already opens with its own key only.
    if !folder.join(VAULT_KEY).exists() {
        secret(VAULT_KEY, new_key()?.expose().as_bytes())?;
    }
    out::say([
        format!(
            "Wrote {} for the twin at {url}, and beside it its simulated secrets and {ENROLMENTS}.",
            file.display()
        ),
        "Go on with:".to_owned(),
        format!("  softlanding agents import {ENROLMENTS}"),
        "  softlanding stage --business-unit NAME --schedule NAME --at INSTANT   (the twin names them)".to_owned(),
    ]);
    Ok(ExitCode::Done)
}

fn address(url: &str) -> Result<String, Failure> {
    let refused = |why: String| {
        Failure::new(ExitCode::Usage, why).hint("`softlanding twin` prints its address, e.g. http://127.0.0.1:4321")
    };
    let hosts = Hosts::given(url, url).map_err(|e| refused(e.to_string()))?;
    // Everything that is accepted over plain HTTP is this machine; a twin has no TLS.
    if hosts.api.starts_with("http://") {
        Ok(hosts.api)
    } else {
        Err(refused(format!("{url} is not a twin's address")))
    }
}

async fn enrolments(url: &str) -> Result<Vec<u8>, Failure> {
    let unreachable = |e: anyhow::Error| {
        Failure::new(ExitCode::Access, format!("there is no twin at {url}"))
            .because(e)
            .hint("start one in another terminal: softlanding twin")
    };
    let wire = Wire::new(Clock::System).map_err(|e| unreachable(e.into()))?;
    let answer = wire.send(Request::new(Method::Get, format!("{url}/twin/enrolments"))).await;
    let answer = answer.map_err(|e| unreachable(e.into()))?;
    if answer.status != 200 {
        return Err(unreachable(anyhow::anyhow!("it answers {}", answer.status)));
    }
    Ok(answer.body)
}

fn configuration(url: &str) -> String {
    format!(
        r#"# A configuration for the simulated organisation at {url}, written by `softlanding init --twin`.
# `softlanding init` writes one for a real organisation, with every setting explained.

[org]
api_url = "{url}"
login_url = "{url}"
client_id = "{PUBLISHER_CLIENT_ID}"
client_secret = {{ file = "{PUBLISHER_SECRET}" }}

[app]
client_id = "{APP_CLIENT_ID}"
client_secret = {{ file = "{APP_SECRET}" }}

[vault]
key = {{ file = "{VAULT_KEY}" }}

[timing]
refresh_lead = "12min"
prepare_lead = "1min"
settle_after = "35min"

# The twin offers what users report where its scenario says so; otherwise it answers 404 and the run goes on without.
[mechanisms]
authentication_refresh = true
media_probe = true
session_reset = true
session_reset_path = "{SESSION_RESET_PATH}"

# The twin's time, not this machine's.
[clock]
follow = "{url}/twin/clock"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::config::Config;

    #[test]
    fn what_is_written_for_a_twin_is_a_configuration() {
        let config = Config::parse(&configuration("http://127.0.0.1:4321"), Path::new("/tmp/softlanding.toml"));
        let config = config.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(config.org.hosts.api, "http://127.0.0.1:4321");
        assert!(config.vault.is_some() && config.app.is_some() && config.clock.is_some());
    }

    #[test]
    fn only_a_twins_address_is_taken() {
        assert!(address("http://127.0.0.1:4321/").is_ok());
        for bad in ["https://api.mypurecloud.com", "http://api.mypurecloud.com", "127.0.0.1:4321", ""] {
            assert_eq!(address(bad).unwrap_err().code, ExitCode::Usage, "{bad}");
        }
    }
}
