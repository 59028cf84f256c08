//! `softlanding webhooks`: who is told of events, how far, and what did not arrive.
//!
//! - `table`: the list, in words and as a document.
//! - `letters`: dead letters: listed, sent again, dropped.
//!
//! Must never: show a secret or a whole URL, which may hold one.

mod letters;
mod table;

use std::sync::Arc;

use crate::door::cli::args::{WebhookName, WebhooksArgs, WebhooksCommand};
use crate::door::cli::{open, out};
use crate::door::config::{Config, SecretRef, WebhookSettings};
use crate::door::error::{ExitCode, Failure};
use crate::hands::hook::SOURCE;
use crate::hands::hook::signature::{BadSecret, SigningKeys, new_secret};
use crate::hands::outbox::{Answer, Outbox, Post, PostSettings};
use crate::hands::vault::random_text;
use crate::shells::daemon::site::Site;
use crate::shells::deliver::names::NAMES;
use crate::shells::deliver::{Deliveries, Patience, Target, Wanted, message_id, test_message};
use crate::words::clock::Clock;
use crate::words::id::RunId;
use crate::words::nearest::nearest;

pub(super) async fn webhooks(args: &WebhooksArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        WebhooksCommand::List(args) => table::list(args).await,
        WebhooksCommand::Dead(args) => letters::dead(args).await,
        WebhooksCommand::Resend(args) => letters::resend(args).await,
        WebhooksCommand::Drop(args) => letters::drop(args).await,
        WebhooksCommand::Test(args) => test(args).await,
        WebhooksCommand::Enable(args) => enable(args).await,
        WebhooksCommand::Disable(args) => disable(args).await,
        WebhooksCommand::Events => {
            out::say(NAMES);
            Ok(ExitCode::Done)
        }
        WebhooksCommand::NewSecret => {
            out::say([new_secret()?.expose()]);
            Ok(ExitCode::Done)
        }
    }
}

/// The webhooks of a configuration, for `serve`.
pub(super) async fn add(config: &Config, site: &Arc<Site>, deliveries: &mut Deliveries) -> Result<(), Failure> {
    for webhook in &config.webhooks {
        let target = Target {
            name: webhook.name.clone(),
            wanted: wanted(webhook),
            post: post(webhook).await?,
            patience: Patience {
                backoff_first_ms: webhook.backoff_first_ms,
                backoff_max_ms: webhook.backoff_max_ms,
                attempts_max: webhook.attempts_max,
                give_up_after_ms: webhook.give_up_after_ms,
            },
            site: Arc::clone(site),
            source: source(config),
        };
        deliveries.add(target).await?;
    }
    Ok(())
}

fn wanted(webhook: &WebhookSettings) -> Wanted {
    Wanted { events: webhook.events.clone(), publishes: webhook.publishes.clone() }
}

/// Who tells: the installation's own URL, where it has one.
fn source(config: &Config) -> String {
    config.web.as_ref().map_or_else(|| SOURCE.to_owned(), |web| web.public_url.clone())
}

/// The way to a webhook's receiver, with its secrets.
async fn post(webhook: &WebhookSettings) -> Result<Post, Failure> {
    let mut secrets = vec![webhook.secret.resolve().await?];
    secrets.extend(open::secret(webhook.old_secret.as_ref()).await?);
    let keys = match SigningKeys::new(&secrets) {
        Ok(keys) => keys,
        Err(e) => {
            // Which of the two it is; the first that is none.
            let first = SigningKeys::new(secrets.get(..1).unwrap_or_default()).is_err();
            let from = if first { Some(&webhook.secret) } else { webhook.old_secret.as_ref() };
            return Err(no_secret(webhook, from, e));
        }
    };
    let settings = PostSettings {
        url: webhook.url.clone(),
        timeout_ms: webhook.timeout_ms.max(1).unsigned_abs(),
        private_addresses: webhook.private_addresses,
    };
    Post::new(&settings, keys).map_err(|why| {
        Failure::new(ExitCode::Access, format!("nothing can be sent to the webhook {}: {why}", webhook.name))
    })
}

fn no_secret(webhook: &WebhookSettings, from: Option<&SecretRef>, e: BadSecret) -> Failure {
    let place = from.map(|from| format!(" in {from}")).unwrap_or_default();
    Failure::new(ExitCode::Config, format!("the secret of the webhook {}{place} cannot be used: {e}", webhook.name))
        .hint("`softlanding webhooks new-secret` prints one; the receiver needs the same")
}

fn named<'a>(config: &'a Config, name: &str) -> Result<&'a WebhookSettings, Failure> {
    config.webhooks.iter().find(|webhook| webhook.name == name).ok_or_else(|| {
        let names = || config.webhooks.iter().map(|webhook| webhook.name.as_str());
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean {near}?"),
            None if config.webhooks.is_empty() => "the configuration has no [[webhook]]".to_owned(),
            None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
        };
        Failure::new(ExitCode::Usage, format!("there is no webhook {name:?}")).hint(hint)
    })
}

/// One message about nothing. It does not touch the store, so that it can be sent before anything is served.
async fn test(args: &WebhookName) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let webhook = named(&config, &args.name)?;
    let post = post(webhook).await?;
    let chance: String = random_text()?.chars().take(16).collect();
    let run = RunId::new(&format!("test-{chance}")).map_err(anyhow::Error::from)?;
    let message = test_message(&source(&config), &run, Clock::System.now());
    match post.send(&message_id(&webhook.name, &run, message.seq), &message.body).await {
        Answer::Taken => {
            out::say([format!("The webhook {} took it.", webhook.name)]);
            Ok(ExitCode::Done)
        }
        Answer::Gone => Err(not_taken(webhook, "HTTP 410: it wants no messages")),
        Answer::NotTaken { why, .. } => Err(not_taken(webhook, &why)),
    }
}

fn not_taken(webhook: &WebhookSettings, why: &str) -> Failure {
    Failure::new(ExitCode::Access, format!("the webhook {} did not take it: {why}", webhook.name))
        .hint("a receiver answers with a status from 200 to 299 once it has the message; look at its own log")
}

async fn enable(args: &WebhookName) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let outbox = outbox(&config).await?;
    if !outbox.enable(&args.name).await? {
        named(&config, &args.name)?;
        return Err(Failure::new(ExitCode::NotYet, format!("the webhook {} was never served", args.name))
            .hint("`softlanding serve` makes it known"));
    }
    out::say([format!("The webhook {} is told again, from where it was.", args.name)]);
    Ok(ExitCode::Done)
}

async fn disable(args: &WebhookName) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    named(&config, &args.name)?;
    let outbox = outbox(&config).await?;
    let now = Clock::System.now();
    outbox.know(&args.name, now).await?;
    outbox.disable(&args.name, "a person disabled it", now).await?;
    out::say([format!("The webhook {} is told nothing more, until it is enabled.", args.name)]);
    Ok(ExitCode::Done)
}

async fn outbox(config: &Config) -> Result<Outbox, Failure> {
    let journal = open::journal(config).await?;
    journal.verify().await?;
    Ok(Outbox::of(Arc::new(journal)))
}
