//! Who may do what: each route with each role, keys that are revoked, sessions, and requests that other pages forge.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{PUBLIC, REPEAT, Served, answer};
use crate::support::process::{patiently, softlanding_ends, softlanding_says, texts};
use crate::support::site::{RUN, Site, calm};

/// A site whose run is staged and waits for its approval.
async fn staged(name: &str) -> Served {
    staged_with(name, "").await
}

/// The same with further lines of the configuration.
async fn staged_with(name: &str, more: &str) -> Served {
    let site = Site::open(name, calm(&["Approved"]), -9, 1.0, "require_approval = true").await;
    let mut served = Served::open(site, more).await;
    served.daemon.event("calendar.staged").await;
    served
}

/// Whom a proxy has signed in may come in by these rules.
fn people(rules: &str) -> String {
    format!("[people]\n{rules}\nproxy = {{ header = \"X-Forwarded-Email\", from = [\"127.0.0.1\"] }}\n")
}

/// Who asks is told, with the time on the clock that the runs follow.
fn is_me(me: &Value, wanted: &Value) {
    let mut me = me.clone();
    let now = me.as_object_mut().and_then(|fields| fields.remove("now"));
    assert!(
        now.as_ref().and_then(Value::as_str).is_some_and(|now| now.starts_with("2026-11-27T21:5")),
        "{now:?}; {REPEAT}"
    );
    assert_eq!(&me, wanted, "{REPEAT}");
}

/// What viewers may ask.
const LOOKS: [&str; 12] = [
    "/api/v1/me",
    "/api/v1/calendar",
    "/api/v1/runs",
    "/api/v1/runs/20261127-1600-care",
    "/api/v1/runs/20261127-1600-care/agents",
    "/api/v1/runs/20261127-1600-care/agents?verdict=not_checked&limit=5",
    "/api/v1/runs/20261127-1600-care/report.html",
    "/api/v1/runs/20261127-1600-care/report.md",
    "/api/v1/runs/20261127-1600-care/report.json",
    "/api/v1/runs/20261127-1600-care/audit",
    "/api/v1/evidence",
    "/api/v1/evidence?business_unit=Nobody",
];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_key_may_look_and_nobody_else() {
    patiently(async {
        let served = staged("api-look").await;
        for path in LOOKS {
            for key in [&served.viewer, &served.operator, &served.approver] {
                served.get(key, path).await.well(200);
            }
            answer(served.request(Method::GET, path)).await.problem(401);
            served.get("slk_0", path).await.problem(401);
            let basic = served.request(Method::GET, path).header("authorization", "Basic Og==");
            answer(basic).await.problem(401);
        }
        let card = served.get(&served.viewer, "/api/v1/runs").await.well(200)["runs"][0].clone();
        let wanted = [
            ("run", json!(RUN)),
            ("entry", json!("care")),
            ("schedule", json!("Approved")),
            ("publish_at", json!("2026-11-27T22:00:00.000Z")),
            ("over", json!(false)),
            ("ending", json!("open")),
            ("held", json!(false)),
            ("approval", json!("missing")),
            ("needs", json!("approval")),
            ("agents", json!(12)),
            ("not_checked", json!(12)),
            ("allowed", json!(["approve", "hold", "abort", "elsewhere"])),
        ];
        for (field, value) in wanted {
            assert_eq!(card[field], value, "{field}: {card}; {REPEAT}");
        }
        let audit = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}/audit")).await.well(200);
        assert_eq!((&audit["sound"], &audit["broken"]), (&json!(true), &Value::Null), "{audit}; {REPEAT}");
        let calendar = served.get(&served.viewer, "/api/v1/calendar").await.well(200);
        let next = &calendar["entries"][0]["next"];
        assert_eq!((&next[0]["run"], &next[1]["run"]), (&json!(RUN), &Value::Null), "{calendar}; {REPEAT}");
        assert_eq!(next[1]["state"], "planned", "{calendar}; {REPEAT}");
        // One page after the other brings everybody once, in order of shift start.
        let (mut seats, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/runs/{RUN}/agents?limit=5{after}");
            let page = served.get(&served.viewer, &path).await.well(200);
            seats.extend(page["agents"].as_array().expect("agents").iter().map(|row| row["seat"].to_string()));
            let Some(next) = page["next"].as_u64() else { break };
            after = format!("&after={next}");
        }
        let unique: std::collections::BTreeSet<&String> = seats.iter().collect();
        assert_eq!((seats.len(), unique.len()), (12, 12), "{seats:?}; {REPEAT}");
        let whole = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}/agents")).await.well(200);
        let agent = whole["agents"][0]["agent"].as_str().expect("an id");
        let story = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}/agents/{agent}")).await.well(200);
        assert_eq!((&story["agent"], &story["story"]["id"]), (&json!(agent), &json!(agent)), "{story}; {REPEAT}");
        assert_eq!(story["signals"].as_array().expect("signals").len(), 8, "{story}; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_cannot_be_read_is_a_problem_with_a_hint() {
    patiently(async {
        let served = staged("api-problems").await;
        for (path, status) in [
            ("/api/v1/nothing", 404),
            ("/api", 404),
            ("/hooks", 404),
            ("/api/v1/runs/20261127-1600-nobody", 404),
            ("/api/v1/runs/calendar.care", 404),
            ("/api/v1/runs?limit=0", 400),
            ("/api/v1/runs?limit=x", 400),
            ("/api/v1/runs?page=1", 400),
            ("/api/v1/runs?before=nobody", 404),
            ("/api/v1/runs/20261127-1600-care/agents?verdict=grey", 400),
            ("/api/v1/runs/20261127-1600-care/agents?after=99", 404),
            ("/api/v1/runs/20261127-1600-care/agents/nobody", 404),
        ] {
            served.get(&served.viewer, path).await.problem(status);
        }
        answer(served.request(Method::DELETE, "/api/v1/runs").bearer_auth(&served.viewer)).await.problem(405);
        let unreadable = served.request(Method::POST, "/hooks/v1/%ff").body("{}");
        answer(unreadable).await.problem(400);
        // People are led back.
        let nowhere = served.get("", "/run/20261127-1600-care").await;
        let page = nowhere.body.as_str().unwrap_or_default();
        assert!(nowhere.status == 404 && page.contains("href=\"/\""), "{nowhere:?}; {REPEAT}");
        let described = served.get("", "/openapi.json").await.well(200);
        assert_eq!(described["openapi"], "3.1.0", "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_listed_and_revoked_by_command_and_opens_nothing_afterwards() {
    patiently(async {
        let served = staged("api-keys").await;
        let folder = &served.site.folder;
        let key = softlanding_says(folder, &["keys", "add", "--name", "ci", "--role", "viewer"]).await;
        let key = key.trim();
        let me = served.get(key, "/api/v1/me").await.well(200);
        is_me(&me, &json!({ "name": "ci", "role": "viewer", "via": "key", "csrf": null }));
        let listed = softlanding_says(folder, &["keys", "list", "--json"]).await;
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        let ci = listed["keys"].as_array().expect("keys").iter().find(|one| one["name"] == "ci").expect("the key");
        assert!(ci["last_used_at"].is_string() && ci["revoked_at"].is_null(), "{ci}; {REPEAT}");
        assert!(!listed.to_string().contains(key), "{REPEAT}");
        let twice = softlanding_ends(folder, &["keys", "add", "--name", "ci", "--role", "approver"]).await;
        assert_ne!(twice.status.code(), Some(0), "{:?}; {REPEAT}", texts(&twice));
        softlanding_says(folder, &["keys", "revoke", "ci"]).await;
        served.get(key, "/api/v1/me").await.problem(401);
        let table = softlanding_says(folder, &["keys", "list"]).await;
        assert!(table.contains("ci ") && table.contains("revoked"), "{table}; {REPEAT}");
        // Wrong keys are told to wait after a while; a right one never is.
        let mut statuses = std::collections::BTreeMap::new();
        for _ in 0..80 {
            *statuses.entry(served.get(key, "/api/v1/me").await.status).or_insert(0) += 1;
        }
        assert!(statuses[&429] >= 20 && statuses[&401] >= 1, "{statuses:?}; {REPEAT}");
        served.get(&served.viewer, "/api/v1/me").await.well(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lets_a_person_look_and_tells_what_must_come_with_an_act() {
    patiently(async {
        let served = staged_with("api-session", &people("approvers = [\"ann@example.com\"]")).await;
        let (cookie, csrf) = served.session("ann@example.com").await;
        let asked = |cookie: &str| served.request(Method::GET, "/api/v1/me").header("cookie", cookie.to_owned());
        let me = answer(asked(&cookie)).await.well(200);
        let wanted = json!({ "name": "ann@example.com", "role": "approver", "via": "session", "csrf": csrf });
        is_me(&me, &wanted);
        answer(asked("softlanding_session=0")).await.problem(401);
        let orders = format!("/api/v1/runs/{RUN}/orders");
        let hold = json!({ "wish": "hold", "why": "a test" });
        let order = || {
            let request = served.request(Method::POST, &orders).header("cookie", &cookie);
            request.header("content-type", "application/json").body(hold.to_string())
        };
        for forged in [
            order(),
            order().header("x-csrf-token", &csrf),
            order().header("x-csrf-token", &csrf).header("origin", "https://evil.example"),
            order().header("x-csrf-token", &csrf).header("sec-fetch-site", "cross-site").header("origin", PUBLIC),
            order().header("origin", PUBLIC),
            order().header("x-csrf-token", "0".repeat(64)).header("origin", PUBLIC),
        ] {
            answer(forged).await.problem(403);
        }
        assert_eq!(served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await.body["held"], false, "{REPEAT}");
        answer(order().header("x-csrf-token", &csrf).header("origin", PUBLIC)).await.well(202);
        let held = served.until(RUN, |card| card["held"] == true).await;
        assert_eq!(held["needs"], "resume", "{held}; {REPEAT}");
        let whole = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await.well(200);
        assert!(whole["control"].to_string().contains("held by ann@example.com: a test"), "{whole}; {REPEAT}");
        served.access.close_session(cookie.split_once('=').expect("a pair").1).await.expect("closed");
        answer(asked(&cookie)).await.problem(401);
    })
    .await;
}

/// Who may do what stands in the configuration, whenever somebody signed in.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_taken_out_of_the_rules_is_out_though_the_session_is_open() {
    patiently(async {
        let rules = "approvers = [\"ann@example.com\", \"bob@example.com\"]";
        let served = staged_with("api-session-rules", &people(rules)).await;
        let (ann, _) = served.session("ann@example.com").await;
        let (bob, _) = served.session("bob@example.com").await;
        let asked = |served: &Served, cookie: &str| {
            answer(served.request(Method::GET, "/api/v1/me").header("cookie", cookie.to_owned()))
        };
        for cookie in [&ann, &bob] {
            assert_eq!(asked(&served, cookie).await.well(200)["role"], "approver", "{REPEAT}");
        }
        served.site.edit(|config| config.replace(rules, "viewers = [\"ann@example.com\"]"));
        let served = served.restart().await;
        assert_eq!(asked(&served, &ann).await.well(200)["role"], "viewer", "{REPEAT}");
        let out = asked(&served, &bob).await.problem(401);
        assert!(out.body["detail"].to_string().contains("bob@example.com"), "{out:?}; {REPEAT}");
        // The session is over, also for whoever brings the rule back.
        served.site.edit(|config| config.replace("viewers = [", "viewers = [\"bob@example.com\", "));
        let served = served.restart().await;
        asked(&served, &bob).await.problem(401);
        // Without the section nobody who has signed in is let in.
        served.site.edit(|config| config.split("[people]").next().unwrap_or_default().to_owned());
        let served = served.restart().await;
        asked(&served, &ann).await.problem(401);
    })
    .await;
}
