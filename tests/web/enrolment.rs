//! An agent signs in: through the twin's own page and back, and everything that can be wrong on the way.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::json;
use softlanding::hands::vault::Taken;
use softlanding::shells::daemon::news::News;
use softlanding::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET};

use super::page::{ORIGIN, Page, REPEAT};
use super::room::Room;
use crate::support::contract;
use crate::support::org::Org;

/// A browser that follows nothing by itself.
struct Browser(reqwest::Client);

struct Answer {
    status: u16,
    location: String,
    cookie: String,
    text: String,
}

impl Browser {
    fn new() -> Browser {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Browser(client.build().expect("a client"))
    }
    async fn get(&self, url: &str, cookie: &str) -> Answer {
        let answer = self.0.get(url).header(COOKIE, cookie).send().await.expect("an answer");
        let header =
            |name| answer.headers().get(name).map(|v| v.to_str().expect("text").to_owned()).unwrap_or_default();
        let (location, cookie) = (header(LOCATION), header(SET_COOKIE));
        if answer.headers().get("content-type").is_some_and(|kind| kind.to_str().expect("text").contains("html"))
            && !url.contains("/oauth/")
        {
            let policy = header(reqwest::header::CONTENT_SECURITY_POLICY);
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(
                (header(reqwest::header::REFERRER_POLICY), header(reqwest::header::CACHE_CONTROL)),
                ("no-referrer".to_owned(), "no-store".to_owned())
            );
        }
        Answer { status: answer.status().as_u16(), location, cookie, text: answer.text().await.expect("text") }
    }
    /// From the link to the way back: the callback's address and the cookie.
    async fn to_the_platform_and_back(&self, room: &Room, n: usize) -> (String, String) {
        let begun = self.get(&format!("{}/enrol?return={ORIGIN}", room.url), "").await;
        assert_eq!(begun.status, 302, "{}; {REPEAT}", begun.text);
        assert!(begun.cookie.contains("HttpOnly") && begun.cookie.contains("SameSite=Lax"), "{}", begun.cookie);
        for field in ["response_type=code", "state=", "code_challenge_method=S256", "redirect_uri="] {
            assert!(begun.location.contains(field), "{}; {REPEAT}", begun.location);
        }
        let choice = self.get(&begun.location, "").await;
        assert!(choice.status == 200 && choice.text.contains("twin_agent="), "{}; {REPEAT}", choice.text);
        let back = self.get(&format!("{}&twin_agent={}", begun.location, room.agent(n)), "").await;
        assert_eq!(back.status, 302, "{}; {REPEAT}", back.text);
        (back.location, begun.cookie.split(';').next().expect("a cookie").to_owned())
    }
}

fn attribute(html: &str, name: &str) -> String {
    let (_, rest) =
        html.split_once(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("no {name} in {html}; {REPEAT}"));
    rest.split('"').next().expect("its end").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_is_enrolled_and_the_page_gets_a_key() {
    let room = Room::open("enrol").await;
    let browser = Browser::new();
    let (callback, cookie) = browser.to_the_platform_and_back(&room, 0).await;
    assert!(callback.starts_with(&format!("{}/enrol/callback?", room.url)), "{callback}");
    let done = browser.get(&callback, &cookie).await;
    assert_eq!(done.status, 200, "{}; {REPEAT}", done.text);
    assert!(done.cookie.contains("Max-Age=0"), "{}", done.cookie);
    assert_eq!(
        (attribute(&done.text, "agent"), attribute(&done.text, "origin")),
        (room.agent(0).to_string(), ORIGIN.to_owned())
    );
    assert!(!done.text.contains("twin-access") && !done.text.contains("twin-refresh"), "{}; {REPEAT}", done.text);
    let (_page, welcome) = Page::hello(&room.url, "p", ("key", &attribute(&done.text, "key"))).await;
    assert_eq!((&welcome["agent"], welcome.get("enrol")), (&json!(room.agent(0)), None), "{welcome}; {REPEAT}");
    // The grant is a good one: the platform takes its refresh token.
    let grant = room.vault.get(&room.agent(0)).await.expect("a vault").expect("a grant");
    let form = format!("grant_type=refresh_token&refresh_token={}", grant.refresh_token.expose());
    assert_eq!(room.org.grant((APP_CLIENT_ID, APP_CLIENT_SECRET), &form).await.status, 200);
    let told = room.news.look(|news| news.iter().filter(|n| matches!(n, News::Enrolled { .. })).count());
    assert_eq!(told, 1);
    let mut exchanges = room.org.exchanges();
    // The step in the browser is no part of the API.
    exchanges.retain(|exchange| !exchange["url"].as_str().is_some_and(|url| url.starts_with("/oauth/authorize")));
    let faults = contract::check(&exchanges);
    assert!(faults.is_empty(), "{faults:#?}; {REPEAT}");
    let kept = serde_json::to_string(&exchanges).expect("JSON");
    assert!(kept.contains("/oauth/token") && !kept.contains("twin-code") && !kept.contains("twin%2D"), "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_grant_comes_to_life_by_signing_in_again() {
    let room = Room::open("again").await;
    let browser = Browser::new();
    let (callback, cookie) = browser.to_the_platform_and_back(&room, 0).await;
    assert_eq!(browser.get(&callback, &cookie).await.status, 200);
    let first = room.vault.get(&room.agent(0)).await.expect("a vault").expect("a grant");
    let Taken::Yours(spending) = room.vault.take(&room.agent(0)).await.expect("a vault") else { panic!("{REPEAT}") };
    room.vault.mark_dead(&spending, "revoked").await.expect("a vault");
    let (page, welcome) = Page::hello(&room.url, "p", ("key", &room.key(0))).await;
    assert_eq!(welcome["enrol"], json!(format!("{}/enrol", room.url)), "{welcome}; {REPEAT}");
    drop(page);
    let (callback, cookie) = browser.to_the_platform_and_back(&room, 0).await;
    assert_eq!(browser.get(&callback, &cookie).await.status, 200);
    let second = room.vault.get(&room.agent(0)).await.expect("a vault").expect("a grant");
    assert_ne!(first.refresh_token, second.refresh_token);
    let form = format!("grant_type=refresh_token&refresh_token={}", first.refresh_token.expose());
    assert_eq!(
        room.org.grant((APP_CLIENT_ID, APP_CLIENT_SECRET), &form).await.status,
        400,
        "the older one is worthless"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_was_tampered_with_brings_nothing() {
    let room = Room::open("tampered").await;
    let browser = Browser::new();
    let nothing = async |answer: Answer, status: u16, what: &str| {
        assert_eq!(answer.status, status, "{what}: {}; {REPEAT}", answer.text);
        assert!(!answer.text.contains("data-key"), "{what}: {}; {REPEAT}", answer.text);
        assert!(room.vault.agents().await.expect("a vault").is_empty(), "{what}; {REPEAT}");
    };
    // An origin that is not allowed is not even begun with.
    nothing(browser.get(&format!("{}/enrol?return=https://evil.example", room.url), "").await, 400, "origin").await;
    // Another browser, another state, an altered cookie.
    let (callback, cookie) = browser.to_the_platform_and_back(&room, 0).await;
    nothing(browser.get(&callback, "").await, 400, "no cookie").await;
    let (_, other) = browser.to_the_platform_and_back(&room, 1).await;
    nothing(browser.get(&callback, &other).await, 400, "another sign-in's cookie").await;
    let (name, value) = cookie.split_once('=').expect("a value");
    let (_, other_value) = other.split_once('=').expect("a value");
    nothing(browser.get(&callback, &format!("{name}={other_value}")).await, 400, "another cookie's value").await;
    nothing(browser.get(&callback, &format!("{name}=x{value}")).await, 400, "an altered cookie").await;
    let state = callback.split("state=").nth(1).expect("a state").to_owned();
    nothing(browser.get(&callback.replace(&state, &"0".repeat(64)), &cookie).await, 400, "another state").await;
    nothing(browser.get(&callback.replace(&state, "%22%3E"), &cookie).await, 400, "a state that is none").await;
    // A code that the platform has not made.
    let code = callback.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    nothing(browser.get(&callback.replace(&code, "made-up"), &cookie).await, 502, "a made-up code").await;
    // That state is spent, even with the right code.
    nothing(browser.get(&callback, &cookie).await, 400, "a spent state").await;
    // The agent breaks it off.
    let begun = browser.get(&format!("{}/enrol", room.url), "").await;
    let denied = browser.get(&format!("{}&twin_deny=1", begun.location), "").await;
    let cookie = begun.cookie.split(';').next().expect("a cookie").to_owned();
    nothing(browser.get(&denied.location, &cookie).await, 403, "denied").await;
    // A code that was made for another verifier: stolen from one browser, and used with another's sign-in.
    let (mine, cookie) = browser.to_the_platform_and_back(&room, 0).await;
    let (theirs, _) = browser.to_the_platform_and_back(&room, 1).await;
    let code_of =
        |url: &str| url.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    nothing(browser.get(&mine.replace(&code_of(&mine), &code_of(&theirs)), &cookie).await, 502, "a stolen code").await;
    // A code whose time is over.
    let (late, cookie) = browser.to_the_platform_and_back(&room, 0).await;
    room.org.pass(300_000);
    nothing(browser.get(&late, &cookie).await, 502, "an old code").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_takes_a_code_once_and_for_its_own_address_only() {
    let room = Room::open("codes").await;
    let browser = Browser::new();
    let authorize = |query: &str| format!("{}/oauth/authorize?{query}", room.org.url);
    let app = (APP_CLIENT_ID, APP_CLIENT_SECRET);
    let base = format!("client_id={APP_CLIENT_ID}&response_type=code&redirect_uri=http://127.0.0.1:9/back&state=s");
    for (query, status) in [
        ("client_id=other&response_type=code&redirect_uri=http://127.0.0.1:9/".to_owned(), 400),
        (format!("client_id={APP_CLIENT_ID}&response_type=code&redirect_uri=http://evil.example/"), 400),
        (format!("client_id={APP_CLIENT_ID}&response_type=code&redirect_uri=http://127.0.0.1.evil.example/"), 400),
        (format!("{base}&twin_agent=nobody"), 400),
    ] {
        assert_eq!(browser.get(&authorize(&query), "").await.status, status, "{query}; {REPEAT}");
    }
    let code = async || {
        let back = browser.get(&authorize(&format!("{base}&twin_agent={}", room.agent(0))), "").await;
        assert!(back.location.ends_with("&state=s"), "{}", back.location);
        back.location.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").replace("%2D", "-")
    };
    let form = |code: &str, uri: &str| format!("grant_type=authorization_code&code={code}&redirect_uri={uri}");
    let good = code().await;
    assert_eq!(room.org.grant(Org::publisher(), &form(&good, "http://127.0.0.1:9/back")).await.status, 400);
    assert_eq!(room.org.grant(app, &form(&good, "http://127.0.0.1:9/back")).await.status, 200, "{REPEAT}");
    assert_eq!(room.org.grant(app, &form(&good, "http://127.0.0.1:9/back")).await.status, 400, "twice; {REPEAT}");
    assert_eq!(room.org.grant(app, &form(&code().await, "http://127.0.0.1:9/other")).await.status, 400);
    let unproven = format!("{}&code_verifier=v", form(&code().await, "http://127.0.0.1:9/back"));
    assert_eq!(room.org.grant(app, &unproven).await.status, 400);
}
