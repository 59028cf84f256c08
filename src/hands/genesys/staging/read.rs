//! One read for staging, with the patience of somebody at a terminal: a passing fault is tried again, an unreachable host
//! is said at once.
//!
//! Must never: be used for anything that changes the platform.

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::failure;
use crate::law::command::{Failure, FailureKind};
use crate::words::http::Response;

/// Tries of one read.
const TRIES_MAX: i64 = 3;

/// The pause before the second try, in ms; before the third it is twice as long.
const PAUSE_MS: i64 = 1_000;

/// A good answer to a request that only reads.
///
/// # Errors
/// Why there is none, after up to three tries where trying again may help.
pub async fn read(client: &Client, ask: Ask) -> Result<Response, Failure> {
    let mut tries = 1;
    loop {
        let answer = client.ask(ask.clone()).await;
        let now = client.clock().now();
        let failure = match answer.and_then(|response| failure::accepted(response, now)) {
            Ok(response) => return Ok(response),
            Err(mut failure) => {
                failure::scrub(&mut failure, client.org().secrets());
                failure
            }
        };
        let passing = matches!(failure.kind, FailureKind::Server | FailureKind::NoAnswer);
        if !passing || tries >= TRIES_MAX {
            return Err(failure);
        }
        client.clock().sleep_until(now + PAUSE_MS * tries).await;
        tries += 1;
    }
}
