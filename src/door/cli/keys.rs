//! `softlanding keys add|list|revoke`: API keys, with which programs call `serve`.
//!
//! Must never: show a key but the one time when it is made, or leave one in use that could not be shown.

use serde_json::{Value, json};

use crate::door::cli::args::{AddKeyArgs, ListKeysArgs, RevokeKeyArgs};
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::access::KeyListed;
use crate::words::calendar::duration_words;
use crate::words::clock::{Clock, Timestamp};

pub(super) async fn add(args: &AddKeyArgs) -> Result<ExitCode, Failure> {
    let access = open::access(&open::config(&args.config.config)?).await?;
    let key = access.add_key(&args.name, args.role, Clock::System.now()).await?;
    if let Err(e) = out::hand_over(key.expose()) {
        access.revoke_key(&args.name, Clock::System.now()).await?;
        return Err(out::unwritable(&e).hint(format!("nobody has the key {}, and it was revoked", args.name)));
    }
    out::note(&format!("{} has the role {} with this key; it is not shown again", args.name, args.role));
    Ok(ExitCode::Done)
}

pub(super) async fn list(args: &ListKeysArgs) -> Result<ExitCode, Failure> {
    let keys = open::access(&open::config(&args.config.config)?).await?.keys().await?;
    if args.json {
        out::document("softlanding.keys.v1", json!({ "keys": keys.iter().map(document).collect::<Vec<_>>() }));
    } else if keys.is_empty() {
        out::say(["There is no key. `softlanding keys add` makes one."]);
    } else {
        out::say([row("NAME", "ROLE", "MADE", "LAST USED")]);
        out::say(keys.iter().map(|key| line(key, Clock::System.now())));
    }
    Ok(ExitCode::Done)
}

pub(super) async fn revoke(args: &RevokeKeyArgs) -> Result<ExitCode, Failure> {
    let access = open::access(&open::config(&args.config.config)?).await?;
    if !access.revoke_key(&args.name, Clock::System.now()).await? {
        return Err(Failure::new(ExitCode::Usage, format!("there is no key {:?} in use", args.name))
            .hint("`softlanding keys list` shows those that are"));
    }
    out::say([format!("Revoked: {} opens nothing any more.", args.name)]);
    Ok(ExitCode::Done)
}

fn document(key: &KeyListed) -> Value {
    json!({
        "name": key.name,
        "role": key.role,
        "made_at": key.made_at.rfc3339(),
        "last_used_at": key.used_at.map(Timestamp::rfc3339),
        "revoked_at": key.revoked_at.map(Timestamp::rfc3339),
    })
}

fn row(name: &str, role: &str, made: &str, used: &str) -> String {
    format!("{name:<40}  {role:<8}  {made:<12}  {used}").trim_end().to_owned()
}

fn line(key: &KeyListed, now: Timestamp) -> String {
    let ago = |at: Timestamp| format!("{} ago", duration_words(now.since_ms(at)));
    let used = match (key.revoked_at, key.used_at) {
        (Some(at), _) => format!("revoked {}", ago(at)),
        (None, Some(at)) => ago(at),
        (None, None) => "never".to_owned(),
    };
    row(&key.name, key.role.word(), &ago(key.made_at), &used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hands::access::Role;

    #[test]
    fn a_line_says_what_became_of_the_key() {
        let now = Timestamp(1_795_816_800_000);
        let key = KeyListed {
            name: "x".repeat(40),
            role: Role::Approver,
            made_at: now - 3_600_000,
            used_at: None,
            revoked_at: None,
        };
        let used = KeyListed { used_at: Some(now - 60_000), ..key.clone() };
        let revoked = KeyListed { revoked_at: Some(now - 86_400_000), ..used.clone() };
        for (key, end) in [(key, "  never"), (used, "  1 min ago"), (revoked, "  revoked 1 d ago")] {
            let line = line(&key, now);
            assert!(line.ends_with(end) && line.contains("approver  1 h ago"), "{line}");
            assert!(line.chars().count() <= 90, "{line}");
        }
    }
}
