//! From the configuration to the hands: secrets are fetched here, once, and handed on.
//!
//! Must never: print or keep a secret.

use super::model::Config;
use super::secret::SecretError;
use crate::door::error::Failure;
use crate::hands::genesys::{AppClient, OrgSettings};
use crate::hands::hook::{HookLimits, Hooks};
use crate::hands::vault::Vault;

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

    /// The vault, opened with its key; `None` when no key is configured.
    ///
    /// # Errors
    /// A failure with its code and hint when the key cannot be had or the vault cannot be opened with it.
    pub async fn open_vault(&self) -> Result<Option<Vault>, Failure> {
        let Some(vault) = &self.vault else { return Ok(None) };
        let key = vault.key.resolve().await?;
        Ok(Some(Vault::open(&vault.path, &key).await?))
    }

    /// The organisation's hooks.
    #[must_use]
    pub fn open_hooks(&self) -> Hooks {
        let timeout_ms = u64::try_from(self.hooks.timeout_ms).unwrap_or_default();
        Hooks::new(self.hooks.dir.clone(), HookLimits { timeout_ms, ..HookLimits::default() })
    }
}
