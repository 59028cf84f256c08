//! Which path is which page. All have the same shell, which holds nothing of anybody's: so that a page is the same for whoever
//! asks for it, and only the API asks who that is.
//!
//! A browser without a session's cookie is sent to the sign-in at once. Must never: say in a page who is signed in, or put a
//! text of a path into one.

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::shells::web::Room;
use crate::shells::web::access::session;
use crate::shells::web::files::{File, serve};

const SHELL: &str = include_str!("assets/shell.html");

/// A page: its path, its title, and the module that draws it.
const PAGES: [(&str, &str, &str); 6] = [
    ("/", "Overview", "home"),
    ("/runs/{run}", "Run", "run"),
    ("/runs/{run}/agents/{agent}", "Agent", "agent"),
    ("/compare", "Compare runs", "compare"),
    ("/check", "Roll call", "check"),
    ("/evidence", "Evidence", "evidence"),
];

pub(super) fn router() -> Router<Room> {
    PAGES.into_iter().fold(Router::new(), |router, (path, title, module)| {
        let html = SHELL.replace("%TITLE%", title).replace("%MODULE%", module);
        router.route(path, get(async move |uri: Uri, headers: HeaderMap| page(&html, &uri, &headers)))
    })
}

fn page(html: &str, uri: &Uri, headers: &HeaderMap) -> Response {
    if session::cookie_in(headers).is_none() {
        let here = uri.path_and_query().map_or("/", |here| here.as_str());
        let to = percent_encoding::utf8_percent_encode(here, percent_encoding::NON_ALPHANUMERIC);
        return Redirect::to(&format!("/sign-in?to={to}")).into_response();
    }
    let file = File { text: html, kind: "text/html; charset=utf-8", shared: false };
    (super::policy(), serve(&file, headers)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::web::dashboard::assets::{ASSETS, named};

    #[test]
    fn every_page_names_files_that_are_there_and_holds_no_script_or_style_itself() {
        for (path, title, module) in PAGES {
            assert!(named(&format!("{module}.js")).is_some(), "{path}");
            let html = SHELL.replace("%TITLE%", title).replace("%MODULE%", module);
            assert!(!html.contains('%') && !html.contains("<style") && !html.contains(" style="), "{path}");
            let names: Vec<&str> = html.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            assert!(names.len() >= 5, "{names:?}");
            assert!(names.iter().all(|name| named(name).is_some()), "{names:?}");
            assert!(html.split("<script").skip(1).all(|script| script.contains("src=\"/assets/")), "{path}");
        }
        for (name, _, text) in ASSETS.iter().filter(|(name, ..)| name.ends_with(".js")) {
            let imports = text.split(" from './").skip(1).filter_map(|rest| rest.split('\'').next());
            for import in imports {
                assert!(named(import).is_some(), "{name} imports {import}");
            }
            assert!(text.starts_with("// ") && text.contains("Must never: "), "{name}");
            for banned in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "://cdn", "document.write"] {
                assert!(!text.contains(banned), "{name} has {banned}");
            }
        }
    }
}
