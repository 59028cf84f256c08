//! From the configuration to the hands: secrets are fetched here, once, and handed on.
//!
//! Must never: print or keep a secret.

use super::model::{Config, StorePlace};
use super::secret::{SecretError, SecretRef};
use crate::door::error::{ExitCode, Failure};
use crate::hands::genesys::{AppClient, OrgSettings};
use crate::hands::hook::{HookLimits, Hooks};
use crate::hands::vault::{Rekeyed, Vault, rekey_at, rekey_on};
use crate::words::clock::Clock;
use crate::words::secret::Secret;

impl Config {
    /// How the organisation is reached, with the secrets of its clients.
    ///
    /// # Errors
    /// [`SecretError`] for the first secret that cannot be had.
    pub async fn org_settings(&self) -> Result<OrgSettings, SecretError> {
        let secret = self.org.client_secret.resolve().await?;
        let mut settings = OrgSettings::new(self.org.hosts.clone(), self.org.client_id.clone(), secret);
        if let Some(app) = &self.app {
            let client_secret = app.client_secret.resolve().await?;
            settings.app = Some(AppClient { client_id: app.client_id.clone(), client_secret });
        }
        if let Some(path) = &self.session_reset_path {
            settings.session_reset_path.clone_from(path);
        }
        settings.calls_per_minute_max = self.calls_per_minute_max;
        Ok(settings)
    }

    /// The vault, opened with its key, its instants told by `clock`; `None` when no key is configured.
    ///
    /// # Errors
    /// A failure with its code and hint when the key cannot be had or the vault cannot be opened with it.
    pub async fn open_vault(&self, clock: Clock) -> Result<Option<Vault>, Failure> {
        let Some(vault) = &self.vault else { return Ok(None) };
        let key = vault.key.resolve().await?;
        let opened = match &vault.place {
            StorePlace::Sqlite(path) => Vault::open(path, &key).await?,
            StorePlace::Postgres { url, password } => {
                Vault::connect(url, resolved(password.as_ref()).await?.as_ref(), &key).await?
            }
        };
        Ok(Some(opened.by(clock)))
    }

    /// Seals the vault with its key, once it is known to be sealed with the old one.
    ///
    /// # Errors
    /// A failure with its code and hint when a key is missing, is not the vault's, or the vault cannot be used.
    pub async fn rekey_vault(&self) -> Result<Rekeyed, Failure> {
        let missing = |what: &str| {
            let hint = "in [vault], write the new key as key and the one before as old_key";
            Failure::new(ExitCode::Config, format!("no {what} is configured")).hint(hint)
        };
        let vault = self.vault.as_ref().ok_or_else(|| missing("key for the vault"))?;
        let old = vault.old_key.as_ref().ok_or_else(|| missing("old_key for the vault"))?;
        let (old, new) = (old.resolve().await?, vault.key.resolve().await?);
        Ok(match &vault.place {
            StorePlace::Sqlite(path) => rekey_at(path, &old, &new).await?,
            StorePlace::Postgres { url, password } => {
                rekey_on(url, resolved(password.as_ref()).await?.as_ref(), &old, &new).await?
            }
        })
    }

    /// The organisation's hooks.
    #[must_use]
    pub fn open_hooks(&self) -> Hooks {
        let timeout_ms = u64::try_from(self.hooks.timeout_ms).unwrap_or_default();
        Hooks::new(self.hooks.dir.clone(), HookLimits { timeout_ms, ..HookLimits::default() })
    }
}

async fn resolved(at: Option<&SecretRef>) -> Result<Option<Secret>, SecretError> {
    match at {
        Some(at) => at.resolve().await.map(Some),
        None => Ok(None),
    }
}
