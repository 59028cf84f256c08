//! Requests that were answered already: whoever repeats one with the same key gets the same answer, and nothing is done twice.
//!
//! Must never: answer one body with the answer to another, or let two processes carry the same request out.

use super::{Access, AccessError, ask};
use crate::words::clock::Timestamp;

/// An answer is kept for so long, in ms.
const KEPT_MS: i64 = 24 * 3_600_000;
/// Answers that are kept, the newest.
const KEPT_MAX: i64 = 5_000;
/// The longest answer that is kept, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A request with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Whose key it is: keys of two callers are two.
    pub caller: &'a str,
    /// The key.
    pub key: &'a str,
    /// The hash of all that makes two requests the same.
    pub print: &'a str,
    /// The process that carries it out.
    pub holder: &'a str,
}

/// What becomes of such a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is to be carried out, here and now.
    Mine,
    /// It was answered so.
    Known {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Somebody is carrying it out.
    InHand {
        /// The process.
        holder: String,
        /// Since when.
        since: Timestamp,
    },
    /// The key was used for something else.
    OtherBody,
}

/// `print, holder, at_ms, status, body`.
type Row = (String, String, i64, Option<i64>, Option<String>);

impl Access {
    /// Takes a request in hand, unless it was answered or is in hand already.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn begin_answer(&self, request: Request<'_>, now: Timestamp) -> Result<Begun, AccessError> {
        let Request { caller, key, print, holder } = request;
        // One that is too old does not count any more: it is taken over as if it were not there.
        let take = "INSERT INTO softlanding_answers (caller, key, print, holder, at_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (caller, key) DO UPDATE
             SET print = excluded.print, holder = excluded.holder, at_ms = excluded.at_ms, status = NULL, body = NULL
             WHERE softlanding_answers.at_ms <= $6
             RETURNING at_ms";
        let old = (now - KEPT_MS).0;
        let taken: Option<(i64,)> =
            ask!(self, "taking a request in hand", fetch_optional, take, caller, key, print, holder, now.0, old)?;
        if taken.is_some() {
            return Ok(Begun::Mine);
        }
        let look = "SELECT print, holder, at_ms, status, body FROM softlanding_answers WHERE caller = $1 AND key = $2";
        let found: Option<Row> = ask!(self, "looking for an answer", fetch_optional, look, caller, key)?;
        Ok(match found {
            Some((other, ..)) if other != print => Begun::OtherBody,
            Some((_, _, _, Some(status), Some(body))) => {
                Begun::Known { status: u16::try_from(status).unwrap_or(200), body }
            }
            Some((_, holder, at_ms, ..)) => Begun::InHand { holder, since: Timestamp(at_ms) },
            // It was let go of in between; whoever asks again takes it.
            None => Begun::InHand { holder: String::new(), since: now },
        })
    }

    /// Takes a request over from a process that is gone; false when somebody else did, or it was answered.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn take_over_answer(
        &self,
        request: Request<'_>,
        from: &str,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, AccessError> {
        let Request { caller, key, holder, .. } = request;
        let take = "UPDATE softlanding_answers SET holder = $3, at_ms = $4
             WHERE caller = $1 AND key = $2 AND status IS NULL AND holder = $5 AND at_ms = $6 RETURNING at_ms";
        let taken: Option<(i64,)> =
            ask!(self, "taking a request over", fetch_optional, take, caller, key, holder, now.0, from, since.0)?;
        Ok(taken.is_some())
    }

    /// Keeps the answer to a request that is in hand here.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn keep_answer(&self, request: Request<'_>, status: u16, body: &str) -> Result<(), AccessError> {
        let Request { caller, key, holder, .. } = request;
        let keep = "UPDATE softlanding_answers SET status = $4, body = $5
             WHERE caller = $1 AND key = $2 AND holder = $3 AND status IS NULL RETURNING at_ms";
        let _kept: Option<(i64,)> =
            ask!(self, "keeping an answer", fetch_optional, keep, caller, key, holder, i64::from(status), body)?;
        Ok(())
    }

    /// Lets go of a request that came to nothing, so that it may be repeated.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn let_go_of_answer(&self, request: Request<'_>) -> Result<(), AccessError> {
        let Request { caller, key, holder, .. } = request;
        let forget = "DELETE FROM softlanding_answers
             WHERE caller = $1 AND key = $2 AND holder = $3 AND status IS NULL RETURNING at_ms";
        let _gone: Option<(i64,)> = ask!(self, "letting go of a request", fetch_optional, forget, caller, key, holder)?;
        Ok(())
    }

    /// Notes that a webhook came in, as it was signed; false when this very one came before.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn receive(&self, source: &str, id: &str, stamp: &str, now: Timestamp) -> Result<bool, AccessError> {
        let note = "INSERT INTO softlanding_received (source, id, stamp, at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING RETURNING at_ms";
        let first: Option<(i64,)> = ask!(self, "noting a webhook", fetch_optional, note, source, id, stamp, now.0)?;
        Ok(first.is_some())
    }

    pub(super) async fn sweep_answers(&self, now: Timestamp) -> Result<(), AccessError> {
        let old = (now - KEPT_MS).0;
        let delete = "DELETE FROM softlanding_answers WHERE at_ms <= $1 OR status IS NOT NULL AND at_ms <=
             (SELECT at_ms FROM softlanding_answers ORDER BY at_ms DESC LIMIT 1 OFFSET $2) RETURNING at_ms";
        let _swept: Vec<(i64,)> = ask!(self, "dropping old answers", fetch_all, delete, old, KEPT_MAX)?;
        let delete = "DELETE FROM softlanding_received WHERE at_ms <= $1 RETURNING at_ms";
        let _swept: Vec<(i64,)> = ask!(self, "dropping old webhooks", fetch_all, delete, old)?;
        Ok(())
    }
}
