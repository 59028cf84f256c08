//! The template is true, and every mistake in a file is named by its line and field, all at once.

use std::path::Path;

use super::tests_publish::the_example_of_an_entry_is_full_of_defaults;
use super::*;
use crate::hands::genesys::hosts::REGIONS;
use crate::law::lead::{LeadSettings, RefreshLead};
use crate::law::plan::{Limits, Mechanisms, RemedyPolicy, Timing};
use crate::words::clock::{Clock, Seed};

const FILE: &str = "/etc/softlanding/softlanding.toml";
pub(super) const ORG: &str = "[org]\nregion = \"us_west_2\"\nclient_id = \"abc\"\nclient_secret = { env = \"S\" }\n";

pub(super) fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, Path::new(FILE))
}
/// The errors as lines, without the file's folder.
pub(super) fn errors(text: &str) -> Vec<String> {
    let errors = parse(text).unwrap_err();
    errors.errors.iter().map(|e| e.line_for(Path::new("s.toml"))).collect()
}
/// A good file with something below it; the added text begins in line 5.
pub(super) fn errors_after_org(text: &str) -> Vec<String> {
    errors(&format!("{ORG}{text}"))
}

/// The template with its defaults switched on.
fn spelled_out() -> String {
    let shown =
        |line: &str| line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphabetic)).map(str::to_owned);
    TEMPLATE.lines().map(|line| shown(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_template_is_read_and_its_defaults_are_the_real_ones() {
    let config = parse(TEMPLATE).unwrap_or_else(|e| panic!("{e:#?}"));
    let spelled_out = spelled_out();
    assert_eq!(parse(&spelled_out).unwrap_or_else(|e| panic!("{e:#?}")), config);
    // Each default is in the file once, so that the comparison has compared it.
    assert_eq!(spelled_out.lines().count(), TEMPLATE.lines().count());
    let switched_on = spelled_out.lines().zip(TEMPLATE.lines()).filter(|(a, b)| a != b).count();
    assert_eq!(switched_on, 48);
    // Three spaces after # mark what has no default; switched on too, the file is still a good one.
    let everything: String = spelled_out
        .lines()
        .filter(|line| {
            !line.contains("api_url = ")
                && !line.contains("login_url = ")
                && !line.starts_with("path = \"softlanding.db\"")
                && !line.contains("{ env = \"NAME\" } ")
                && !line.starts_with("#   {")
        })
        .filter(|line| !line.contains("[clock]") && !line.contains("follow = "))
        .map(|line| line.strip_prefix("#   ").unwrap_or(line).to_owned() + "\n")
        .collect();
    let full = parse(&everything).unwrap_or_else(|e| panic!("{e:#?}"));
    assert!(full.app.is_some() && full.vault.is_some() && full.calls_per_minute_max == Some(240));
    assert!(matches!(full.store.place, StorePlace::Postgres { password: Some(_), .. }) && full.store.keep_ms.is_some());
    let web = full.web.as_ref().unwrap();
    let usual = WebSettings::default();
    assert_eq!((web.listen, web.companions_max, web.answer_ms), (usual.listen, usual.companions_max, usual.answer_ms));
    assert_eq!((web.heartbeat_ms, web.pkce), (usual.heartbeat_ms, usual.pkce));
    assert!(full.telemetry.listen.is_some_and(|at| at.ip().is_loopback()));
    the_example_of_an_entry_is_full_of_defaults(&full.publishes);
}

#[test]
fn a_small_file_is_enough_and_paths_begin_beside_it() {
    let config = parse(ORG).unwrap();
    assert_eq!(config.org.hosts.api, "https://api.usw2.pure.cloud");
    assert_eq!(config.org.hosts.login, "https://login.usw2.pure.cloud");
    assert_eq!(config.org.client_secret, SecretRef::Env("S".to_owned()));
    assert_eq!(config.store.sqlite_path().unwrap(), Path::new("/etc/softlanding/softlanding.db"));
    assert_eq!(config.hooks.dir, Path::new("/etc/softlanding/hooks"));
    assert_eq!((config.timing, config.limits), (Timing::default(), Limits::default()));
    assert_eq!(config.lead, LeadSettings::default());
    let mechanisms = Mechanisms { companion: true, ..Mechanisms::default() };
    assert_eq!((config.remedies, config.mechanisms), (RemedyPolicy::default(), mechanisms));
    assert_eq!((config.zone, config.calls_per_minute_max), (chrono_tz::Tz::America__Chicago, None));
    assert_eq!((config.app.is_some(), config.vault, config.clock, config.web), (false, None, None, None));
    assert_eq!(config.report.templates, None);
}

#[test]
fn everything_can_be_set() {
    let text = "[org]\napi_url = 'http://127.0.0.1:9/'\nlogin_url = 'http://127.0.0.1:9'\nclient_id = 'x'\n\
        client_secret = { file = 'org.secret' }\n[app]\nclient_id = 'y'\nclient_secret = { command = 'pass app' }\n\
        [vault]\nkey = { file = '/run/key' }\npath = '/var/v.db'\n[timing]\nzone = 'Eastern'\nrefresh_lead = '1h 30min'\n\
        [limits]\ncalls_per_minute_max = 0x64\n[remedies]\noutage_share = '25%'\nrung_failure_share = 1\n\
        [mechanisms]\nsession_reset = true\nsession_reset_path = '/api/v2/x'\n[clock]\nfollow = 'http://127.0.0.1:9/twin/clock'\n";
    let config = parse(text).unwrap_or_else(|e| panic!("{e:#?}"));
    assert_eq!(config.org.hosts.api, "http://127.0.0.1:9");
    assert_eq!(config.org.client_secret, SecretRef::File("/etc/softlanding/org.secret".into()));
    let folder = "/etc/softlanding".into();
    assert_eq!(config.app.unwrap().client_secret, SecretRef::Command { line: "pass app".to_owned(), folder });
    let vault = config.vault.unwrap();
    assert_eq!((vault.place, vault.key), (StorePlace::Sqlite("/var/v.db".into()), SecretRef::File("/run/key".into())));
    assert_eq!((config.zone, config.timing.refresh_lead_ms), (chrono_tz::Tz::America__New_York, 5_400_000));
    assert_eq!(config.lead.refresh_lead, RefreshLead::Given);
    assert_eq!(config.calls_per_minute_max, Some(100));
    assert_eq!((config.remedies.outage_share, config.remedies.rung_failure_share), (0.25, 1.0));
    assert_eq!(config.session_reset_path.as_deref(), Some("/api/v2/x"));
    assert_eq!(config.clock.unwrap().follow, "http://127.0.0.1:9/twin/clock");
}

#[test]
fn the_vault_is_where_the_journal_is_unless_it_has_a_path_of_its_own() {
    let place = |above: &str, vault: &str| {
        let config = parse(&format!("{above}{ORG}[vault]\nkey = {{ env = 'K' }}\n{vault}"));
        config.unwrap_or_else(|e| panic!("{e:#?}")).vault.unwrap()
    };
    let file = |path: &str| StorePlace::Sqlite(path.into());
    assert_eq!(place("", "").place, file("/etc/softlanding/vault.db"));
    assert_eq!(place("store = 'sqlite:/var/j.db'\n", "").place, file("/etc/softlanding/vault.db"));
    let shared = place("store = 'postgres://s@127.0.0.1/x'\n", "old_key = { env = 'O' }\n");
    assert!(matches!(&shared.place, StorePlace::Postgres { url, .. } if url.contains("127.0.0.1")), "{shared:?}");
    assert_eq!(shared.old_key, Some(SecretRef::Env("O".to_owned())));
    assert_eq!(place("store = 'postgres://s@127.0.0.1/x'\n", "path = 'v.db'").place, file("/etc/softlanding/v.db"));
}

#[test]
fn all_errors_come_at_once_in_order_of_the_lines() {
    let text = "[org]\nregoin = \"us_east_1\"\nclient_id = 5\nclient_secret = \"hush\"\n\n[timing]\nrefresh_lead = 45\n\
                prepare_lead = \"soon\"\n\n[limts]\n[limits]\nin_flight_max = 0\n[mechanisms]\nask = \"yes\"\n";
    let got = errors(text);
    let regions = REGIONS.map(|(name, _)| name).join(", ");
    let expected = [
        format!("s.toml:1: org.region: found nothing; accepted: {regions}"),
        "s.toml:2: org.regoin: found an unknown field; accepted: region, api_url, login_url, client_id, client_secret \
         (did you mean region?)"
            .to_owned(),
        "s.toml:3: org.client_id: found 5; accepted: the id of an OAuth client, such as \"1f2e3d4c-…\"".to_owned(),
        "s.toml:4: org.client_secret: found a literal string; accepted: { env = \"NAME\" }, { file = \"path\" } or \
         { command = \"…\" } (a secret in this file would end up in backups, tickets and version control)"
            .to_owned(),
        "s.toml:7: timing.refresh_lead: found 45; accepted: \"auto\", or a duration such as \"20min\", from 1min to 12h (a number needs \
         a unit: ms, s, min, h or d, in quotes)"
            .to_owned(),
        "s.toml:8: timing.prepare_lead: found \"soon\"; accepted: a duration such as \"1min\", from 5s to 1h".to_owned(),
        "s.toml:10: limts: found an unknown section; accepted: org, app, store, vault, hooks, report, timing, limits, \
         remedies, mechanisms, publish, webhook, serve, telemetry, web, inbound, people, clock (did you mean limits?)"
            .to_owned(),
        "s.toml:12: limits.in_flight_max: found 0; accepted: a whole number from 1 to 256".to_owned(),
        "s.toml:14: mechanisms.ask: found \"yes\"; accepted: true or false, without quotes".to_owned(),
    ];
    assert_eq!(got, expected, "{got:#?}");
}

#[test]
fn each_mistake_is_named() {
    for (text, expected) in [
        ("[store]\npath = 5", "s.toml:6: store.path: found 5; accepted: a path"),
        ("[store]\npath = ''", "s.toml:6: store.path: found an empty string"),
        ("[store]\npath = '~/x.db'", "~ is the shell's"),
        ("[store]\npath = \"a\\u0000b\"", "found a string with control characters"),
        ("store = 'sqlite:x'", "s.toml:5: org.store: found an unknown field"),
        ("store = 'sqlite:x'", "(store = … stands above the first section of the file)"),
        ("[store]\npath = 'x'\nurl = 'postgres://db/x'", "s.toml:7: store.url: found a url together with a path"),
        ("[store]\npassword = { env = 'P' }", "s.toml:6: store.password: found a password without a url"),
        ("[store]\nurl = 'postgres://s:hush@db/x'", "take the password out of the URL: password = { file = \"…\" }"),
        (
            "[store]\nkeep = 400",
            "store.keep: found 400; accepted: a duration such as \"400d\", from 1d to 3660d (a number",
        ),
        ("[store]\nkeep = '12h'", "found \"12h\"; accepted: a duration such as \"400d\", from 1d to 3660d"),
        ("[serve]\nlease = '1s'", "serve.lease: found \"1s\"; accepted: a duration such as \"6s\", from 2s to 1min"),
        ("[serve]\nlook_every = '11s'", "serve.look_every: found \"11s\"; accepted: a duration such as \"500ms\""),
        ("[vault]\nkey = 'hush'", "s.toml:6: vault.key: found a literal string"),
        ("[vault]\nkey = { env = 'A', file = 'b' }", "found a table of 2 fields"),
        ("[vault]\nkey = {}", "found a table of 0 fields"),
        (
            "[vault]\nkey = { evn = 'A' }",
            "vault.key.evn: found an unknown field; accepted: env, file, command (did you mean env?)",
        ),
        ("[vault]\nkey = { env = 'hush hush' }", "vault.key.env: found something that is no name"),
        ("[app]\nclient_id = 'x'\nclient_secret = { env = 'A' }", "vault.key: found nothing; accepted: { env"),
        ("[hooks]\ntimeout = '11min'", "found \"11min\"; accepted: a duration such as \"30s\", from 100ms to 10min"),
        ("[timing]\nzone = 'Midwest'", "s.toml:6: timing.zone: found \"Midwest\""),
        (
            "[timing]\nprepare_lead = '40min'\nrefresh_lead = '20min'",
            "accepted: a prepare_lead shorter than refresh_lead",
        ),
        (
            "[timing]\nrefresh_lead = 'automatic'",
            "accepted: \"auto\", or a duration such as \"20min\", from 1min to 12h",
        ),
        ("[timing]\ntoken_life = '4min'", "accepted: a duration such as \"1d\", from 5min to 2d"),
        (
            "[timing]\nrefresh_lead = '1min'",
            "s.toml:6: timing.refresh_lead: found \"1min\"; accepted: a prepare_lead shorter",
        ),
        (
            "[timing]\ncheck_interval = '2min'\nsettle_after = '1min'",
            "accepted: a check_interval shorter than settle_after",
        ),
        ("[remedies]\nbackoff_first = '5min'", "accepted: a backoff_first no longer than backoff_max"),
        ("[remedies]\noutage_share = 1.5", "found 1.5; accepted: a share from 0.0 to 1.0"),
        ("[remedies]\noutage_share = nan", "found nan; accepted: a share"),
        ("[remedies]\noutage_share = '130%'", "found \"130%\"; accepted: a share"),
        ("[limits]\ncalls_per_minute_max = -15", "found -15; accepted: a whole number from 10 to 10000"),
        ("[limits]\ncalls_per_minute_max = 99999999999999999999", "accepted: a whole number from 10 to 10000"),
        ("[mechanisms]\nsession_reset_path = 'https://evil.example'", "accepted: a path that begins with /api/"),
        ("[clock]\nfollow = 'http://127.0.0.1:1/twin/clock'", "found a clock to follow for a real organisation"),
        ("[clock]\nfollow = 'https://time.example'", "found a clock on another machine"),
        (
            "[report]\ntemplate = 'x'",
            "report.template: found an unknown field; accepted: dir, templates (did you mean templates?)",
        ),
    ] {
        let got = errors_after_org(text);
        assert!(got.len() == 1 && got[0].contains(expected), "{text}: {got:#?}");
        assert!(!got[0].contains("hush"), "{got:?}");
    }
}

#[test]
fn the_organisation_is_named_in_one_way() {
    let client = "client_id = 'x'\nclient_secret = { env = 'S' }\n";
    for (text, expected) in [
        ("region = 'US Midwest'", "a region that is not listed can be given by api_url and login_url"),
        ("region = 'us_esat_1'", "did you mean us_east_1?"),
        ("region = 'us_east_1'\napi_url = 'https://a.example'", "found a region together with api_url or login_url"),
        ("api_url = 'https://a.example'", "org.login_url: found nothing"),
        ("login_url = 'https://a.example'", "org.api_url: found nothing"),
        (
            "api_url = 'http://a.example'\nlogin_url = 'https://a.example'",
            "org.api_url: found plain http to another machine",
        ),
        (
            "api_url = 'https://u:hush@a.example'\nlogin_url = 'https://a.example'",
            "org.api_url: found a URL with a user name",
        ),
    ] {
        let got = errors(&format!("[org]\n{text}\n{client}"));
        assert!(got.len() == 1 && got[0].contains(expected), "{text}: {got:#?}");
        assert!(!got[0].contains("hush"), "{got:?}");
    }
    assert_eq!(
        parse(&format!("[org]\nregion = 'US-East-1'\n{client}")).unwrap().org.hosts.api,
        "https://api.mypurecloud.com"
    );
    let app: Vec<String> =
        errors_after_org("[app]").iter().map(|e| e.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        app,
        ["s.toml:5: app.client_id: found", "s.toml:5: app.client_secret: found", "s.toml:5: vault.key: found"]
    );
    assert_eq!(errors("").len(), 3, "{:#?}", errors(""));
}

#[test]
fn broken_toml_is_reported_with_what_else_is_wrong() {
    let got =
        errors(&format!("{ORG}[timing]\nrefresh_lead = = '5min'\n[limits]\nin_flight_max = 0\n[store]\npath = 'a\n"));
    assert!(got.iter().any(|e| e.starts_with("s.toml:6: found broken TOML (")), "{got:#?}");
    assert!(got.iter().any(|e| e.starts_with("s.toml:8: limits.in_flight_max: found 0")), "{got:#?}");
    assert!(got.iter().any(|e| e.starts_with("s.toml:10: found broken TOML (")), "{got:#?}");
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let folder = crate::hands::testing::Folder::new();
    let missing = Config::read(&folder.join("none.toml")).unwrap_err();
    assert!(missing.to_string().contains("none.toml cannot be read: No such file"), "{missing}");
    assert!(missing.hint().unwrap().contains("softlanding init"));
    std::fs::write(folder.join("bytes.toml"), b"\xff\xfe").unwrap();
    assert!(Config::read(&folder.join("bytes.toml")).unwrap_err().to_string().contains("no UTF-8 text"));
    std::fs::write(folder.join("good.toml"), TEMPLATE).unwrap();
    let good = Config::read(&folder.join("good.toml")).unwrap();
    assert_eq!(
        (good.folder(), good.store.sqlite_path()),
        (folder.path(), Some(folder.join("softlanding.db").as_path()))
    );
}

/// One random change: a piece cut out, doubled, moved, or replaced by something odd.
fn mutate(text: &str, seed: &mut Seed) -> String {
    const ODD: [&str; 24] = [
        "\"",
        "'",
        "=",
        "[",
        "]",
        "[[",
        "{",
        "}",
        "\n",
        "#",
        ".",
        ",",
        "-1",
        "0",
        "1e999",
        "\"\"\"",
        "é",
        "\u{0}",
        "\u{feff}",
        "true",
        "1979-05-27",
        "\\",
        "=[[[[{a=",
        "99999999999999999999",
    ];
    let chars: Vec<char> = text.chars().collect();
    let last = chars.len() as i64;
    let from = seed.between(0, last) as usize;
    let to = (from + seed.between(0, 30) as usize).min(chars.len());
    let (before, piece, after) = (&chars[..from], &chars[from..to], &chars[to..]);
    let middle: String = match seed.between(0, 3) {
        0 => String::new(),
        1 => piece.iter().chain(piece).collect(),
        2 => ODD[seed.between(0, ODD.len() as i64 - 1) as usize].to_owned(),
        _ => piece.iter().rev().collect(),
    };
    before.iter().copied().chain(middle.chars()).chain(after.iter().copied()).collect()
}

#[test]
fn two_thousand_broken_templates_are_refused_or_read_but_never_panic() {
    let mut seed = Seed(94).fork("config");
    let spelled_out = spelled_out();
    let mut refused = 0;
    for round in 0..2000 {
        let mut text = if round % 2 == 0 { TEMPLATE.to_owned() } else { spelled_out.clone() };
        for _ in 0..seed.between(1, 6) {
            text = mutate(&text, &mut seed);
        }
        if let Err(e) = parse(&text) {
            refused += 1;
            let lines = text.split('\n').count();
            assert!(!e.errors.is_empty(), "round {round}: refused without a reason\n{text}");
            for error in &e.errors {
                assert!((1..=lines).contains(&error.line) && error.column >= 1, "round {round}: {error:?}");
                assert!(!error.found.is_empty() && !error.accepted.is_empty(), "round {round}: {error:?}");
            }
        }
    }
    assert!(refused > 500, "only {refused} of 2000 were refused");
}

#[tokio::test]
async fn a_configuration_opens_what_it_names() {
    let folder = crate::hands::testing::Folder::new();
    let text = "[org]\nregion = 'us_east_1'\nclient_id = 'x'\nclient_secret = { command = 'echo hush-org' }\n[app]\nclient_id = 'y'\n\
        client_secret = { command = 'echo hush-app' }\n[vault]\nkey = { command = 'cat key' }\n[limits]\ncalls_per_minute_max = 50\n\
        [mechanisms]\nsession_reset_path = '/api/v2/y'\n";
    let config = Config::parse(text, &folder.join("softlanding.toml")).unwrap();
    let settings = config.org_settings().await.unwrap();
    assert_eq!(
        (settings.client_secret.expose(), settings.app.as_ref().unwrap().client_secret.expose()),
        ("hush-org", "hush-app")
    );
    assert_eq!((settings.calls_per_minute_max, settings.session_reset_path.as_str()), (Some(50), "/api/v2/y"));
    let refused = config.open_vault(Clock::System).await.unwrap_err();
    assert_eq!(refused.code, crate::door::error::ExitCode::Access, "{refused:?}");
    std::fs::write(folder.join("key"), crate::hands::vault::new_key().unwrap().expose()).unwrap();
    assert!(config.open_vault(Clock::System).await.unwrap().is_some() && folder.join("vault.db").exists());
    assert_eq!(config.open_hooks().names(crate::words::hook::HookPoint::Settled).unwrap(), [""; 0]);
}
