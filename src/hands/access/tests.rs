//! One suite over both kinds of database.

use std::sync::Arc;

use super::*;
use crate::hands::journal::{PostgresJournal, SqliteJournal};
use crate::hands::testing::Folder;
use crate::hands::testing::postgres::Database;

const NOW: Timestamp = Timestamp(1_795_816_800_000);
const H: i64 = 3_600_000;

async fn on_both(check: impl AsyncFn(Access)) {
    let folder = Folder::new();
    let path = folder.join("j.db");
    // Beside a journal that is open, as in `serve`.
    let _journal = SqliteJournal::open(&path).await.unwrap();
    check(Access::open(&path).await.unwrap()).await;
    let database = Database::new().await;
    let _journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    check(Access::connect(&database.url(), None).await.unwrap()).await;
    database.close().await;
}

#[tokio::test]
async fn a_key_is_known_by_its_hash_until_it_is_revoked() {
    on_both(async |access| {
        let key = access.add_key("ci", Role::Operator, NOW).await.unwrap();
        let key = key.expose();
        assert!(key.starts_with(KEY_PREFIX) && key.len() == KEY_PREFIX.len() + 64, "{}", key.len());
        assert_eq!(access.keys().await.unwrap()[0].used_at, None);
        let holder = access.holder_of_key(key, NOW + 1).await.unwrap();
        assert_eq!(holder, Some(("ci".to_owned(), Role::Operator)));
        for wrong in ["", "slk_", &key[..key.len() - 1], &format!("{key}0"), &key.to_uppercase(), &hash(key)] {
            assert_eq!(access.holder_of_key(wrong, NOW).await.unwrap(), None, "{wrong}");
        }
        // Its use is noted, but not each time.
        for (later_ms, noted_ms) in [(30_000, 1), (70_000, 70_000)] {
            access.holder_of_key(key, NOW + later_ms).await.unwrap();
            assert_eq!(access.keys().await.unwrap()[0].used_at, Some(NOW + noted_ms));
        }
        let taken = access.add_key("ci", Role::Viewer, NOW).await.unwrap_err();
        assert!(matches!(taken, AccessError::NameTaken(_)), "{taken}");
        assert!(access.revoke_key("ci", NOW + 5).await.unwrap());
        assert!(!access.revoke_key("ci", NOW + 6).await.unwrap());
        assert_eq!(access.holder_of_key(key, NOW + 7).await.unwrap(), None);
        // The name is free again, for the key that takes its place.
        let next = access.add_key("ci", Role::Viewer, NOW + 8).await.unwrap();
        assert_eq!(access.holder_of_key(next.expose(), NOW + 9).await.unwrap().unwrap().1, Role::Viewer);
        let listed: Vec<_> = access.keys().await.unwrap().into_iter().map(|key| (key.role, key.revoked_at)).collect();
        assert_eq!(listed, [(Role::Viewer, None), (Role::Operator, Some(NOW + 5))]);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_cannot_stand_in_a_journal_is_refused() {
    let folder = Folder::new();
    let access = Access::open(&folder.join("j.db")).await.unwrap();
    for bad in ["", "a b", "a\nb", &"x".repeat(41), "ä"] {
        let refused = access.add_key(bad, Role::Viewer, NOW).await.unwrap_err();
        assert!(matches!(refused, AccessError::BadName(_)), "{bad}");
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_when_it_is_old_and_when_it_is_closed() {
    on_both(async |access| {
        let ann = Session { name: "Ann (ann@example.com)".to_owned(), mail: "ann@example.com".to_owned() };
        let open = async || access.open_session(&ann, Role::Approver, NOW).await.unwrap();
        let session = async |cookie: &Secret, at| access.session(cookie.expose(), at).await.unwrap();
        let (idle, used, closed) = (open().await, open().await, open().await);
        assert_eq!(session(&idle, NOW + H - 1).await.as_ref(), Some(&ann));
        assert_eq!(session(&idle, NOW + 2 * H).await, None);
        for hour in 1..24 {
            let at = NOW + hour * H / 2;
            assert!(session(&used, at).await.is_some(), "half hour {hour}");
        }
        assert_eq!(session(&used, NOW + 12 * H).await, None, "however often it was used");
        assert!(session(&closed, NOW).await.is_some());
        access.close_session(closed.expose()).await.unwrap();
        assert_eq!(session(&closed, NOW).await, None);
        assert_eq!(access.session("", NOW).await.unwrap(), None);
        assert_eq!(access.session(&"a".repeat(1_000), NOW).await.unwrap(), None);
        access.sweep(NOW + 13 * H).await.unwrap();
        assert_eq!(session(&used, NOW).await, None, "it is gone from the store as well");
    })
    .await;
}

/// A process of before, which goes on beside a new one, tells no address: nobody can say what that person may do now.
#[tokio::test]
async fn a_session_without_an_address_opens_nothing() {
    on_both(async |access| {
        let cookie = "0".repeat(64);
        let insert = "INSERT INTO softlanding_sessions (hash, name, role, made_ms, seen_ms) VALUES ($1, $2, $3, $4, $4)
             RETURNING made_ms";
        let before = async || -> Result<(i64,), AccessError> {
            Ok(ask!(access, "a test", fetch_one, insert, hash(&cookie), "ann@example.com", "approver", NOW.0)?)
        };
        before().await.unwrap();
        assert_eq!(access.session(&cookie, NOW + 1).await.unwrap(), None);
    })
    .await;
}

#[test]
fn the_token_against_forgery_is_the_sessions_own() {
    let token = csrf_of("cookie");
    assert!(token.len() == 64 && token != csrf_of("other"));
    assert!(is_csrf_of("cookie", &token));
    for wrong in ["", &token[..63], &format!("{token}0"), &csrf_of("other")] {
        assert!(!is_csrf_of("cookie", wrong), "{wrong}");
    }
}

fn request<'a>(key: &'a str, print: &'a str, holder: &'a str) -> Request<'a> {
    Request { caller: "ci", key, print, holder }
}

#[tokio::test]
async fn a_request_is_carried_out_once_and_answered_again() {
    on_both(async |access| {
        let mine = request("k", "p", "one");
        let begin = async |request, at| access.begin_answer(request, at).await.unwrap();
        assert_eq!(begin(mine, NOW).await, Begun::Mine);
        let in_hand = Begun::InHand { holder: "one".to_owned(), since: NOW };
        assert_eq!(begin(request("k", "p", "two"), NOW + 1).await, in_hand);
        // Whoever did not take it in hand cannot answer it either.
        access.keep_answer(request("k", "p", "two"), 500, "no").await.unwrap();
        access.keep_answer(mine, 201, "yes").await.unwrap();
        let known = Begun::Known { status: 201, body: "yes".to_owned() };
        assert_eq!(begin(request("k", "p", "two"), NOW + 2).await, known);
        assert_eq!(begin(request("k", "other", "two"), NOW + 2).await, Begun::OtherBody);
        assert_eq!(begin(Request { caller: "else", ..mine }, NOW).await, Begun::Mine);
        assert_eq!(begin(request("k", "other", "two"), NOW + 25 * H).await, Begun::Mine, "a day later it is forgotten");
    })
    .await;
}

#[tokio::test]
async fn what_came_to_nothing_can_be_repeated_and_what_a_dead_process_had_in_hand_is_taken_over() {
    on_both(async |access| {
        let (one, two) = (request("k", "p", "one"), request("k", "p", "two"));
        let begin = async |request, at| access.begin_answer(request, at).await.unwrap();
        assert_eq!(begin(one, NOW).await, Begun::Mine);
        access.let_go_of_answer(one).await.unwrap();
        assert_eq!(begin(two, NOW).await, Begun::Mine);
        assert!(access.take_over_answer(one, "two", NOW, NOW + 1).await.unwrap());
        assert!(!access.take_over_answer(one, "two", NOW, NOW + 2).await.unwrap(), "once");
        access.keep_answer(two, 200, "the dead").await.unwrap();
        access.keep_answer(one, 200, "the living").await.unwrap();
        assert_eq!(begin(two, NOW + 3).await, Begun::Known { status: 200, body: "the living".to_owned() });
        assert!(!access.take_over_answer(two, "one", NOW + 1, NOW + 4).await.unwrap(), "it was answered");
    })
    .await;
}

#[tokio::test]
async fn of_many_at_once_one_takes_the_request_in_hand() {
    on_both(async |access| {
        let access = Arc::new(access);
        let asked = (0..16).map(|n| {
            let access = Arc::clone(&access);
            tokio::spawn(async move { access.begin_answer(request("k", "p", &format!("p{n}")), NOW).await.unwrap() })
        });
        let answers: Vec<Begun> = futures_util::future::join_all(asked).await.into_iter().map(Result::unwrap).collect();
        let mine = answers.iter().filter(|begun| **begun == Begun::Mine).count();
        let waits = answers.iter().filter(|begun| matches!(begun, Begun::InHand { .. })).count();
        assert_eq!((mine, waits), (1, 15), "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn a_webhook_is_received_once_as_it_was_signed_and_old_ones_are_dropped() {
    on_both(async |access| {
        let receive = async |id, stamp, at| access.receive("wfm", id, stamp, at).await.unwrap();
        assert!(receive("msg_1", "100", NOW).await);
        assert!(!receive("msg_1", "100", NOW + 1).await);
        assert!(receive("msg_1", "160", NOW + 2).await, "signed anew");
        assert!(access.receive("other", "msg_1", "100", NOW).await.unwrap());
        access.sweep(NOW + 25 * H).await.unwrap();
        assert!(receive("msg_1", "100", NOW + 25 * H).await);
    })
    .await;
}
