//! `softlanding webhooks dead`, `resend`, `drop`: messages that were given up.
//!
//! Must never: take one off the list that has not arrived, unless a person says so.

use serde_json::{Value, json};

use super::{message_id, outbox, post};
use crate::door::cli::args::{WebhookLetters, WebhooksList};
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::outbox::{Answer, DeadLetter, Outbox};
use crate::shells::report::words::counted;
use crate::words::clock::Clock;

/// Dead letters that are listed or sent at once.
const LETTERS_MAX: u32 = 10_000;

pub(super) async fn dead(args: &WebhooksList) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let letters = outbox(&config).await?.dead(LETTERS_MAX).await?;
    if args.json {
        let dead = letters.iter().map(document).collect::<Vec<_>>();
        out::document("softlanding.dead-letters.v1", json!({ "dead": dead }));
        return Ok(ExitCode::Done);
    }
    for letter in &letters {
        out::say([
            format!("{:>6}  {}  {}  {} of {}", letter.number, letter.at, letter.target, letter.event, letter.run),
            format!("        tried {}: {}", counted(u64::from(letter.attempts), "time", "times"), letter.why),
        ]);
    }
    let all = counted(letters.len() as u64, "message was", "messages were");
    out::say([format!("{all} given up; `softlanding webhooks resend` sends them again")]);
    Ok(ExitCode::Done)
}

fn document(letter: &DeadLetter) -> Value {
    let body: Value = serde_json::from_str(&letter.document).unwrap_or_default();
    json!({
        "number": letter.number,
        "webhook": letter.target,
        "run": letter.run,
        "seq": letter.seq,
        "event": letter.event,
        "given_up_at": letter.at.rfc3339(),
        "attempts": letter.attempts,
        "why": letter.why,
        "message": body,
    })
}

/// Those that are meant; a number that is not on the list is a mistake, before anything is done.
async fn meant(outbox: &Outbox, args: &WebhookLetters) -> Result<Vec<DeadLetter>, Failure> {
    if args.all {
        return Ok(outbox.dead(LETTERS_MAX).await?);
    }
    let mut letters = Vec::new();
    for number in &args.numbers {
        let letter = outbox.dead_letter(*number).await?.ok_or_else(|| {
            Failure::new(ExitCode::Usage, format!("there is no dead letter {number}"))
                .hint("`softlanding webhooks dead` lists them; nothing was done")
        })?;
        letters.push(letter);
    }
    Ok(letters)
}

pub(super) async fn resend(args: &WebhookLetters) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let outbox = outbox(&config).await?;
    let mut left = 0_u64;
    for letter in meant(&outbox, args).await? {
        let said = match config.webhooks.iter().find(|webhook| webhook.name == letter.target) {
            None => Err("this configuration has no such webhook".to_owned()),
            Some(webhook) => {
                let id = message_id(&letter.target, &letter.run, letter.seq);
                match post(webhook).await?.send(&id, &letter.document).await {
                    Answer::Taken => Ok(()),
                    Answer::Gone => Err("HTTP 410: it wants no messages".to_owned()),
                    Answer::NotTaken { why, .. } => Err(why),
                }
            }
        };
        match said {
            Ok(()) => {
                outbox.unbury(letter.number).await?;
                out::say([format!("{}: the webhook {} took it.", letter.number, letter.target)]);
            }
            Err(why) => {
                left += 1;
                outbox.dead_still(letter.number, &why, Clock::System.now()).await?;
                out::say([format!("{}: the webhook {} did not take it: {why}", letter.number, letter.target)]);
            }
        }
    }
    if left == 0 {
        return Ok(ExitCode::Done);
    }
    let those = counted(left, "message did", "messages did");
    Err(Failure::new(ExitCode::Access, format!("{those} not arrive")).hint("they stay on the list"))
}

pub(super) async fn drop(args: &WebhookLetters) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let outbox = outbox(&config).await?;
    let letters = meant(&outbox, args).await?;
    for letter in &letters {
        outbox.unbury(letter.number).await?;
    }
    out::say([format!("{} taken off the list.", counted(letters.len() as u64, "message", "messages"))]);
    Ok(ExitCode::Done)
}
