//! The companion's module, its types and an example, and the two small files of the sign-in's page.
//!
//! Must never: serve anything that is not built in.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// A file and how it is served.
pub(super) struct File<'a> {
    pub(super) text: &'a str,
    pub(super) kind: &'static str,
    /// Whether pages of other origins use it.
    pub(super) shared: bool,
}

const MODULE: File<'static> =
    File { text: include_str!("companion/v1.js"), kind: "text/javascript; charset=utf-8", shared: true };
const TYPES: File<'static> =
    File { text: include_str!("companion/v1.d.ts"), kind: "application/typescript; charset=utf-8", shared: true };
const EXAMPLE: File<'static> =
    File { text: include_str!("companion/example.html"), kind: "text/html; charset=utf-8", shared: false };
const SCRIPT: File<'static> =
    File { text: include_str!("page.js"), kind: "text/javascript; charset=utf-8", shared: false };
const STYLE: File<'static> = File { text: include_str!("page.css"), kind: "text/css; charset=utf-8", shared: false };

pub(super) async fn companion(headers: HeaderMap) -> Response {
    serve(&MODULE, &headers)
}

pub(super) async fn companion_types(headers: HeaderMap) -> Response {
    serve(&TYPES, &headers)
}

/// The example is somebody's desktop: it runs a script of its own, an SDK, a microphone, and speaks to the platform.
pub(super) async fn companion_example(headers: HeaderMap) -> Response {
    let policy = "default-src 'self' https: wss: http://127.0.0.1:* ws://127.0.0.1:*; script-src 'self' 'unsafe-inline'; \
        frame-ancestors 'none'";
    let own = [("content-security-policy", policy), ("permissions-policy", "microphone=(self)")];
    (own, serve(&EXAMPLE, &headers)).into_response()
}

pub(super) async fn page_script(headers: HeaderMap) -> Response {
    serve(&SCRIPT, &headers)
}

pub(super) async fn page_style(headers: HeaderMap) -> Response {
    serve(&STYLE, &headers)
}

/// The file; nothing of it when the browser has the same already. It is asked for anew each time, so that a page has the
/// module of the softlanding that it speaks to.
pub(super) fn serve(file: &File<'_>, headers: &HeaderMap) -> Response {
    let digest = Sha256::digest(file.text);
    let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let held = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = held.is_some_and(|held| held.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.kind)], file.text.to_owned()).into_response()
    };
    let more = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    let shared = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    for (name, value) in more.into_iter().chain(shared.into_iter().filter(|_| file.shared)) {
        if let Ok(value) = header::HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
