//! A person signs in at the platform: there with a state that only this browser knows, and back with a code that tells who it
//! is.
//!
//! Must never: keep the person's token longer than it takes to ask whose it is, or believe anybody but the platform about it.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};

use super::door;
use super::page::Stop;
use super::{People, Way, proxy};
use crate::hands::access::Session;
use crate::hands::genesys::{Client, sign_in};
use crate::law::command::Failure;
use crate::shells::daemon::news::News;
use crate::shells::web::Room;
use crate::shells::web::cookie::Sealer;
use crate::shells::web::desk::Desk;
use crate::shells::web::oauth;
use crate::shells::web::query::field;
use crate::words::clock::Clock;
use crate::words::secret::Secret;

/// Sends the browser to the platform.
pub(super) async fn start(State(room): State<Room>, RawQuery(query): RawQuery) -> Response {
    let Some((_, client, cookies)) = by_platform(&room) else { return Stop::NotSetUp.shown() };
    let to = door::own_path(field(query.as_deref(), "to"));
    let way = oauth::Way { client, cookies, settings: &room.desk.settings, redirect_uri: redirect_uri(&room.desk) };
    match oauth::sent_off(&way, Some(to)) {
        Ok(response) => response,
        Err(oauth::NoWay::NoClient) => Stop::NotSetUp.shown(),
        Err(oauth::NoWay::NoEntropy) => Stop::NotKept.shown(),
    }
}

/// The platform has sent the browser back.
pub(super) async fn callback(State(room): State<Room>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.as_deref();
    let Some((people, client, cookies)) = by_platform(&room) else { return Stop::NotSetUp.shown() };
    let state = field(query, "state").unwrap_or_default();
    let Some(begun) = cookies.take(&headers, &state, Clock::System.now()) else { return Stop::NotStarted.shown() };
    let unset = cookies.unset(&state, oauth::is_secure(&room.desk.settings));
    let mut response = match who(&room.desk, client, &begun, query).await {
        Ok(who) => door::enter(&room, people, &headers, &who, &door::own_path(begun.back)).await,
        Err(stop) => stop.shown(),
    };
    if let Ok(unset) = unset.parse() {
        response.headers_mut().append(SET_COOKIE, unset);
    }
    response.into_response()
}

async fn who(
    desk: &Desk,
    client: &Client,
    begun: &crate::shells::web::cookie::SignIn,
    query: Option<&str>,
) -> Result<Session, Stop> {
    let code = field(query, "code").map(Secret::new).ok_or(Stop::Denied)?;
    let Ok(_turn) = desk.tokens.try_acquire() else { return Err(Stop::Busy) };
    let trouble = |what: &str, failure: &Failure| {
        desk.tell(News::Trouble { run: None, what: what.to_owned(), why: failure.to_string() });
        Stop::NotAccepted
    };
    let now = || client.clock().now();
    let verifier = begun.verifier.clone().map(Secret::new);
    let answer = client.ask(sign_in::grant_by_code(&code, &redirect_uri(desk), verifier.as_ref())).await;
    // What else came with it is dropped here: nobody refreshes the token of a person who only looks in.
    let access = sign_in::access(answer, now()).map_err(|e| trouble("a person's sign-in was not accepted", &e))?;
    let person = sign_in::person(client.ask(sign_in::whoami(&access)).await, now());
    let person = person.map_err(|e| trouble("the platform does not say who has signed in", &e))?;
    let mail = person.mail.filter(|mail| proxy::is_mail(mail)).ok_or(Stop::NoMail)?;
    // The client may let users of other organisations in; the publisher sees only those of its own.
    match sign_in::is_member(&desk.client.ask(sign_in::member(&person.id)).await) {
        Some(true) => Ok(Session { name: named(&person.name, &mail), mail }),
        Some(false) => Err(Stop::Elsewhere),
        None => Err(Stop::NotAccepted),
    }
}

/// Names are not unique, addresses are not what people call each other: the journal has both.
fn named(name: &str, mail: &str) -> String {
    if name.is_empty() { mail.to_owned() } else { format!("{name} ({mail})") }
}

fn by_platform(room: &Room) -> Option<(&People, &Client, &Sealer)> {
    let people = room.people()?;
    match &people.way {
        Way::Platform { client, cookies } => Some((people, client, cookies)),
        Way::Proxy { .. } => None,
    }
}

fn redirect_uri(desk: &Desk) -> String {
    format!("{}/sign-in/callback", desk.settings.public_url)
}
