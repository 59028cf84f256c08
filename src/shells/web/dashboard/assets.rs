//! The files that pages are made of. They are for everybody: the sign-in has the same styles.
//!
//! Must never: serve anything that is not built in.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::shells::web::Room;
use crate::shells::web::files::{File, serve};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// A file of the folder: its name, its kind, its text.
macro_rules! asset {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!("assets/", $name)))
    };
}

/// All of them.
pub(super) const ASSETS: [(&str, &str, &str); 29] = [
    asset!("icon.svg", PICTURE),
    asset!("base.css", STYLE),
    asset!("parts.css", STYLE),
    asset!("pictures.css", STYLE),
    asset!("theme.js", SCRIPT),
    asset!("dom.js", SCRIPT),
    asset!("api.js", SCRIPT),
    asset!("clock.js", SCRIPT),
    asset!("times.js", SCRIPT),
    asset!("words.js", SCRIPT),
    asset!("frame.js", SCRIPT),
    asset!("ask.js", SCRIPT),
    asset!("live.js", SCRIPT),
    asset!("parts.js", SCRIPT),
    asset!("plot.js", SCRIPT),
    asset!("timeline.js", SCRIPT),
    asset!("cells.js", SCRIPT),
    asset!("tally.js", SCRIPT),
    asset!("agents_table.js", SCRIPT),
    asset!("stragglers.js", SCRIPT),
    asset!("calendar.js", SCRIPT),
    asset!("home.js", SCRIPT),
    asset!("run.js", SCRIPT),
    asset!("agent.js", SCRIPT),
    asset!("compare.js", SCRIPT),
    asset!("check.js", SCRIPT),
    asset!("evidence.js", SCRIPT),
    asset!("minutes.js", SCRIPT),
    asset!("budget.js", SCRIPT),
];

pub(super) fn router() -> Router<Room> {
    Router::new().route("/assets/{name}", get(asset))
}

/// The file of that name.
pub(super) fn named(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    ASSETS.iter().find(|(known, ..)| *known == name)
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match named(&name) {
        Some((_, kind, text)) => serve(&File { text, kind, shared: false }, &headers),
        None => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/shells/web/dashboard/assets");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let there: Vec<String> = names.filter(|name| name != "shell.html").collect();
        assert_eq!(there.len(), ASSETS.len());
        assert!(there.iter().all(|name| named(name).is_some()), "{there:?}");
        assert!(named("../mod.rs").is_none());
    }

    #[test]
    fn dark_by_choice_is_dark_as_the_system_has_it() {
        let (_, _, css) = named("base.css").unwrap();
        let block = |from: &str| {
            let rest = css.split(from).nth(1).unwrap().split('}').next().unwrap();
            let lines = rest.lines().map(str::trim).filter(|line| line.starts_with("--"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let (system, chosen) = (block(":root:not([data-theme=\"light\"]) {"), block(":root[data-theme=\"dark\"] {"));
        assert!(system.len() > 5 && system == chosen, "{system:#?} {chosen:#?}");
    }
}
