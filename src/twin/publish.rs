//! Updating a schedule, which is how one is published (API.md sections 5 and 6).
//!
//! Must never: publish twice from one accepted update.

use std::io::Read;

use serde_json::{Value, json};

use super::agenda::Due;
use super::answer::{Answer, Problem, Reply};
use super::ids::{self, Thing};
use super::router::Call;
use super::scenario::{PublishOutcome, StaleVersion, UpdateAnswer};
use super::world::{Kept, Operation, Schedule, Twin, Upload};
use crate::words::clock::Seed;
use crate::words::http::{Method, Request};

/// Largest upload, unpacked, in bytes.
const UPLOAD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How many uploads may be open.
const UPLOADS_MAX: usize = 10_000;

impl Twin {
    /// Step 2: where to put the body.
    pub(super) fn upload_url(&mut self, call: &Call<'_>, unit: &str, week: &str, id: &str) -> Answer {
        let schedule = self.find_schedule(unit, week, id)?;
        let length = call.json()?.get("contentLengthBytes").and_then(Value::as_i64);
        if length.is_none_or(|n| n < 1) {
            return Err(Problem::bad("contentLengthBytes must be a whole number above 0."));
        }
        if self.uploads.len() >= UPLOADS_MAX {
            return Err(Problem::new(400, "limit.exceeded", "Too many uploads."));
        }
        let upload = self.uploads.len();
        self.uploads.push(Upload { schedule, body: None, used: false });
        let key = self.upload_key(upload);
        Reply::json(
            201,
            json!({
                "uploadKey": key,
                "url": format!("{}/twin-upload/{key}", self.base_url),
                "headers": { "content-type": "application/json", "content-encoding": "gzip", "x-twin-upload": key },
                "uploadBodySchema": null,
            }),
        )
    }

    fn upload_key(&self, upload: usize) -> String {
        format!("{upload}-{:016x}", Seed(self.secret ^ 0x00b1 ^ ((upload as u64) << 20)).bits())
    }

    fn find_upload(&self, key: &str) -> Option<usize> {
        let upload = key.split_once('-')?.0.parse::<usize>().ok().filter(|u| *u < self.uploads.len())?;
        (self.upload_key(upload) == key).then_some(upload)
    }

    /// Step 3: the body arrives, gzip, with exactly the headers that were given, and without an Authorization.
    pub(super) fn receive_upload(&mut self, request: &Request, key: &str) -> Answer {
        if request.method != Method::Put {
            return Err(Problem::not_found());
        }
        if request.header_value("authorization").is_some() {
            return Err(Problem::bad("Only one auth mechanism allowed: send no Authorization header."));
        }
        let upload = self.find_upload(key).ok_or_else(Problem::not_found)?;
        if request.header_value("x-twin-upload") != Some(key) {
            return Err(Problem::new(403, "not.authorized", "The headers do not match those of the upload URL."));
        }
        let body = unpack(&request.body).ok_or_else(|| Problem::bad("The body is not gzip of a JSON document."))?;
        if let Some(upload) = self.uploads.get_mut(upload) {
            upload.body = Some(body);
        }
        Reply::empty(200)
    }

    /// Step 4: the update itself.
    pub(super) fn update(&mut self, call: &Call<'_>, unit: &str, week: &str, id: &str) -> Answer {
        self.counters.update_posts += 1;
        if let Some(schedule) = self.find_schedule(unit, week, id).ok().and_then(|at| self.schedules.get_mut(at)) {
            schedule.updates += 1;
        }
        let answer = self.try_update(call, unit, week, id);
        if answer.is_err() {
            self.counters.updates_refused += 1;
        }
        answer
    }

    fn try_update(&mut self, call: &Call<'_>, unit: &str, week: &str, id: &str) -> Answer {
        let at = self.find_schedule(unit, week, id)?;
        let request = call.json()?;
        let key = request.get("uploadKey").and_then(Value::as_str).unwrap_or_default();
        let upload = self.find_upload(key).ok_or_else(|| Problem::bad("The uploadKey is not known."))?;
        let settings = self.scenario.publish;
        let held = self.uploads.get(upload).filter(|u| u.schedule == at && (!u.used || settings.upload_key_reusable));
        let body = held.ok_or_else(|| Problem::bad("The uploadKey was used or is another schedule's."))?.body.as_ref();
        let body = body.ok_or_else(|| Problem::bad("Nothing was uploaded under this uploadKey."))?;
        let version = body.pointer("/metadata/version").and_then(Value::as_i64);
        let version = version.ok_or_else(|| Problem::bad("metadata.version is required."))?;
        let purge = |value: &Value| value.get("purgeCache").and_then(Value::as_bool).unwrap_or(false);
        let operation = Operation {
            schedule: at,
            version,
            description: body.get("description").and_then(Value::as_str).map(str::to_owned),
            publish: body.get("published").and_then(Value::as_bool).unwrap_or(false),
            purge_cache: purge(body) || purge(&request) || call.query.flag("purgeCache"),
            fails: settings.outcome == PublishOutcome::Error,
            done: false,
        };
        self.check_version(&operation)?;
        let chosen = self.update_answers_left > 0;
        self.update_answers_left = self.update_answers_left.saturating_sub(1);
        let answer = if chosen { settings.answer } else { UpdateAnswer::Accepted };
        if answer == UpdateAnswer::ErrorNotAccepted {
            return Err(Problem::unavailable());
        }
        if let Some(upload) = self.uploads.get_mut(upload) {
            upload.used = true;
        }
        let number = self.operations.len();
        let publishes = operation.publish;
        self.operations.push(operation);
        self.schedule_in(settings.duration_s, Due::Complete(number));
        if publishes {
            self.let_others_update(at);
        }
        let delay = (chosen && settings.answer_delay_s > 0)
            .then(|| ("x-twin-delay-ms", settings.answer_delay_s.saturating_mul(1000).to_string()));
        let (status, body) = match answer {
            UpdateAnswer::Accepted => {
                (202, json!({ "status": "Processing", "operationId": ids::id(Thing::Operation, number) }))
            }
            UpdateAnswer::ErrorThoughAccepted | UpdateAnswer::ErrorNotAccepted => {
                (504, Problem::new(504, "gateway.timeout", "The request timed out.").body(""))
            }
        };
        Ok(Reply { status, body: Some(body.to_string().into_bytes()), headers: delay.into_iter().collect() })
    }

    /// Somebody else updates another draft of the business unit meanwhile (fault): an operation of theirs, and no publish.
    fn let_others_update(&mut self, ours: usize) {
        let others_s = self.scenario.faults.others_update_s;
        let Some(unit) = self.schedules.get(ours).map(|s| s.unit).filter(|_| others_s > 0) else { return };
        let other =
            |(at, s): &(usize, &Schedule)| *at != ours && s.unit == unit && !s.published && s.kept == Kept::There;
        let Some((schedule, version)) = self.schedules.iter().enumerate().find(other).map(|(at, s)| (at, s.version))
        else {
            return;
        };
        let number = self.operations.len();
        let theirs = Operation {
            schedule,
            version,
            description: None,
            publish: false,
            purge_cache: false,
            fails: false,
            done: false,
        };
        self.operations.push(theirs);
        self.schedule_in(others_s, Due::Complete(number));
    }

    fn check_version(&self, operation: &Operation) -> Result<(), Problem> {
        let current = self.schedules.get(operation.schedule).map_or(0, |s| s.version);
        let stale = operation.version != current;
        let under_way = self.operations.iter().any(|o| !o.done && o.schedule == operation.schedule);
        let refused = match self.scenario.publish.stale_version {
            StaleVersion::Conflict => stale || under_way,
            StaleVersion::ConflictAtPost => stale,
            StaleVersion::ErrorEvent | StaleVersion::Accepted => false,
        };
        if refused {
            let message = format!("The schedule was modified: version {} is not current.", operation.version);
            return Err(Problem::conflict(message));
        }
        Ok(())
    }

    /// An update completes: it takes effect or ends in an `Error` event, which carries no reason.
    pub(super) fn complete(&mut self, number: usize) {
        let Some(operation) = self.operations.get_mut(number) else { return };
        operation.done = true;
        let operation = operation.clone();
        let current = self.schedules.get(operation.schedule).map_or(0, |s| s.version);
        let strict = match self.scenario.publish.stale_version {
            StaleVersion::Conflict | StaleVersion::ErrorEvent => true,
            StaleVersion::ConflictAtPost | StaleVersion::Accepted => false,
        };
        let gone = self.schedules.get(operation.schedule).is_none_or(|s| s.kept == Kept::Deleted);
        let fails = operation.fails || gone || (strict && operation.version != current);
        if fails {
            self.counters.updates_refused += 1;
        } else {
            self.apply(&operation);
        }
        self.tell_schedule(number, operation.schedule, !fails);
    }

    /// The update takes effect. A publish also takes the week over from the schedule published before.
    pub(super) fn apply(&mut self, operation: &Operation) {
        let now = self.now;
        let Some(schedule) = self.schedules.get_mut(operation.schedule) else { return };
        schedule.version += 1;
        schedule.modified = now;
        if let Some(text) = &operation.description {
            schedule.description.clone_from(text);
        }
        if !operation.publish {
            return;
        }
        schedule.published = true;
        schedule.publishes += 1;
        let (unit, week) = (schedule.unit, schedule.week);
        for (i, other) in self.schedules.iter_mut().enumerate() {
            if i != operation.schedule && other.unit == unit && other.week == week && other.published {
                other.published = false;
                other.version += 1;
            }
        }
        self.counters.publishes_applied += 1;
        self.counters.published_at = self.counters.published_at.or(Some(now));
        self.strike(unit, operation.purge_cache);
    }
}

fn unpack(bytes: &[u8]) -> Option<Value> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).take(UPLOAD_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice::<Value>(&text).ok().filter(Value::is_object)
}
