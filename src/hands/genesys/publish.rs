//! The schedule: read it, upload the publish, and the one request that publishes (API.md sections 5 and 6).
//!
//! Must never: let the update be sent twice, or read an answer that proves nothing as proof.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Url;
use serde_json::{Value, json};

use crate::hands::genesys::ask::{Ask, Credential, Place};
use crate::hands::genesys::{failure, hosts};
use crate::law::command::{Effect, Failure, FailureKind, PublishAnswer, ScheduleState, UploadKey};
use crate::law::plan::Plan;
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Response};
use crate::words::id::{BusinessUnitId, OperationId, ScheduleId, WeekDate};
use crate::words::secret::Secret;

/// The path of one schedule.
#[must_use]
pub fn schedule_path(unit: &BusinessUnitId, week: WeekDate, schedule: &ScheduleId) -> String {
    format!("/api/v2/workforcemanagement/businessunits/{unit}/weeks/{week}/schedules/{schedule}")
}

fn path_of(plan: &Plan) -> String {
    schedule_path(&plan.business_unit.id, plan.week, &plan.schedule.id)
}

/// Asks for the pinned schedule, without its agents.
#[must_use]
pub fn read(plan: &Plan) -> Ask {
    Ask::api(Method::Get, path_of(plan)).urgent()
}

/// The schedule's state. Both properties must be there: "not published" is proof only when the platform says so.
///
/// # Errors
/// [`FailureKind::Malformed`] when either is missing.
pub fn state_of(response: &Response) -> Result<ScheduleState, Failure> {
    let body = response.value();
    let version = body.pointer("/metadata/version").and_then(Value::as_i64);
    let published = body.get("published").and_then(Value::as_bool);
    match (version, published) {
        (Some(version), Some(published)) => Ok(ScheduleState { version, published }),
        _ => Err(failure::malformed(response, "the schedule came without its version or its published mark")),
    }
}

/// The body that publishes `version` and changes nothing else, compressed. That this is enough is derived, not seen live
/// (API.md section 5, UNCERTAIN). `purgeCache` is *reported* only.
#[must_use]
pub fn upload_body(plan: &Plan, version: i64) -> Vec<u8> {
    let mut body = json!({"metadata": {"version": version}, "published": true});
    if plan.mechanisms.purge_cache {
        body["purgeCache"] = Value::Bool(true);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail; if it did, the empty body would be refused by the platform.
    gzip.write_all(body.to_string().as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default()
}

/// Asks where to upload `length_bytes`.
#[must_use]
pub fn upload_url(plan: &Plan, length_bytes: usize) -> Ask {
    let path = format!("{}/update/uploadurl", path_of(plan));
    Ask::api(Method::Post, path).urgent().json(&json!({ "contentLengthBytes": length_bytes }))
}

/// The upload itself: exactly the headers that the platform handed out, and nobody's token (API.md section 5).
///
/// # Errors
/// [`FailureKind::Malformed`] when the answer lacks the key or the address, or the address is not safe to send to.
pub fn upload(response: &Response, body: Vec<u8>) -> Result<(Ask, UploadKey), Failure> {
    let answer = response.value();
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(key), Some(url)) = (text("uploadKey"), text("url")) else {
        return Err(failure::malformed(response, "the upload came without its key or its address"));
    };
    if !Url::parse(url).is_ok_and(|url| hosts::is_private(&url)) {
        return Err(failure::malformed(response, "the address of the upload is not https"));
    }
    let given = answer.get("headers").and_then(Value::as_object);
    let headers = given.into_iter().flatten().filter_map(|(name, value)| {
        let value = value.as_str()?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    let headers = headers.collect();
    let ask = Ask::new(Method::Put, Place::Outright(url.to_owned()), Credential::Nobody).with(headers, body);
    Ok((ask, UploadKey(Secret::new(key.to_owned()))))
}

/// The upload's answer when it was refused. The address is signed for a time, so a refusal passes with a new address:
/// it says nothing about the publisher's permissions.
#[must_use]
pub fn upload_refused(response: &Response, now: Timestamp) -> Failure {
    let refused = failure::refused(response, now);
    let kind = match refused.kind {
        FailureKind::Unauthorized | FailureKind::Forbidden | FailureKind::NotFound | FailureKind::Invalid => {
            FailureKind::Conflict
        }
        FailureKind::Throttled
        | FailureKind::Conflict
        | FailureKind::Server
        | FailureKind::NotSent
        | FailureKind::NoAnswer
        | FailureKind::Malformed
        | FailureKind::Local => refused.kind,
    };
    Failure { kind, message: format!("the upload was refused: {}", refused.message), ..refused }
}

/// The publish: sent once.
#[must_use]
pub fn publish(plan: &Plan, key: &UploadKey) -> Ask {
    let path = format!("{}/update", path_of(plan));
    Ask::api(Method::Post, path).urgent().json(&json!({ "uploadKey": key.0.expose() }))
}

/// What the answer to the publish, or its absence, proves.
#[must_use]
pub fn publish_answer(answer: Result<Response, Failure>, now: Timestamp) -> PublishAnswer {
    let failure = match answer {
        Ok(response) => match taken(&response, now) {
            Ok(operation) => return PublishAnswer::Accepted { operation },
            Err(failure) => failure,
        },
        Err(failure) => failure,
    };
    match failure.kind.effect() {
        Effect::None => PublishAnswer::NotDone(failure),
        Effect::Possible => PublishAnswer::Doubt(failure),
    }
}

fn taken(response: &Response, now: Timestamp) -> Result<Option<OperationId>, Failure> {
    if !matches!(response.status, 200..=299) {
        return Err(failure::refused(response, now));
    }
    let body = response.value();
    let operation = body.get("operationId").and_then(Value::as_str).and_then(|id| OperationId::new(id).ok());
    match (response.status, body.get("status").and_then(Value::as_str)) {
        (_, Some("Error" | "Canceled")) => {
            Err(failure::malformed(response, "the platform took the publish and ended it at once without saying why"))
        }
        (200..=202, Some("Processing" | "Complete")) => Ok(operation),
        // 202 itself says that it was taken, whatever else the body holds.
        (202, _) if body.is_object() => Ok(operation),
        _ => Err(failure::malformed(response, "the answer to the publish cannot be read")),
    }
}
