//! `softlanding webhooks`, before and beside `serve`.

use crate::REPEAT;
use crate::receiver::{Receiver, Reply};
use crate::refusals::ends;
use crate::support::process::patiently;
use crate::yard::Yard;

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_tried_before_anything_is_served() {
    patiently(async {
        let yard = Yard::quiet("test").await;
        let receiver = Receiver::open().await;
        yard.webhook("operations", &receiver, &["settled"], "");
        let said = yard.site.says(&["webhooks", "test", "operations"]).await;
        assert!(said.contains("operations took it"), "{said}; {REPEAT}");
        let test = receiver.takes(|one| one.event() == "test").await;
        assert_eq!(test.document["type"], "softlanding.test.v1", "{REPEAT}");
        yard.site.says(&["webhooks", "test", "operations"]).await;
        assert_eq!((receiver.count(), receiver.repeats()), (2, 0), "two tests are two messages; {REPEAT}");
        receiver.answers(|_, _| Reply::Status(401));
        let (code, _, complaint) = ends(&yard, &["webhooks", "test", "operations"]).await;
        assert!(code == 6 && complaint.contains("HTTP 401"), "{code} {complaint}; {REPEAT}");
        let (code, _, complaint) = ends(&yard, &["webhooks", "test", "operation"]).await;
        assert!(code == 2 && complaint.contains("did you mean operations?"), "{code} {complaint}; {REPEAT}");
        assert!(!yard.site.folder.join("softlanding.db").exists(), "a test made a journal; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_none_is_found_out_before_anything_is_served() {
    patiently(async {
        let yard = Yard::quiet("secret").await;
        let receiver = Receiver::open().await;
        yard.webhook("ops", &receiver, &["settled"], "");
        std::fs::write(yard.secret_file(), "whsec_aHVzaA==").expect("a file");
        let (code, said, complaint) = ends(&yard, &["serve"]).await;
        assert!(code == 3 && said.is_empty(), "{code} {said}{complaint}; {REPEAT}");
        for words in ["the webhook ops", "webhook.secret", "holds 4 bytes", "new-secret"] {
            assert!(complaint.contains(words) && !complaint.contains("aHVzaA"), "{complaint}; {REPEAT}");
        }
        let events = yard.site.says(&["webhooks", "events"]).await;
        assert!(events.lines().any(|line| line == "settled") && events.lines().count() > 40, "{events}; {REPEAT}");
    })
    .await;
}
