//! Which of the configured mechanisms can be used at all.
//!
//! Must never: switch one on that the file switches off.

use crate::door::config::Config;
use crate::law::plan::Mechanisms;

/// Tokens can only be refreshed where there is an app that owns them and a vault that holds them.
pub(super) fn mechanisms(config: &Config) -> Mechanisms {
    let tokens = config.app.is_some() && config.vault.is_some();
    let m = &config.mechanisms;
    Mechanisms {
        oauth_refresh: m.oauth_refresh && tokens,
        authentication_refresh: m.authentication_refresh && tokens,
        media_probe: m.media_probe && tokens,
        ..m.clone()
    }
}
