//! Pages that a built-in template draws: those of the agents' sign-in and of people's.
//!
//! Must never: let a text into a page unescaped.

use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use tera::{Context, Tera};

/// Decides what is escaped.
const NAME: &str = "page.html.tera";

/// The page. Templates are built in and tested; should one fail all the same, the `words` are enough.
pub(super) fn drawn(template: &str, page: &impl Serialize, words: impl FnOnce() -> String) -> Response {
    let html = || {
        let mut engine = Tera::new();
        engine.autoescape_on([".html.tera"]);
        engine.add_raw_template(NAME, template)?;
        engine.render(NAME, &Context::from_serialize(page)?)
    };
    match html() {
        Ok(html) => Html(html).into_response(),
        Err(_) => words().into_response(),
    }
}
