//! The companion in the page: beside a scripted SDK under node, and beside the vendor's own in a browser, whose softphone
//! registers with the twin and takes calls with sound.
//!
//! The scripts are in tests/softphone/; each says what it proves. The vendor's SDK comes in two builds: 9 is version 9.2.4
//! as published, with streaming-client 17; 19 is the same on streaming-client 19, which gives up sooner and with other words.

#[path = "softphone/stage.rs"]
mod stage;
mod support;

use stage::{node, packages, prove, prove_a_friday, prove_persistent, prove_with_serve};
use support::process::{patiently, texts};

const REPEAT: &str = "to repeat: ./tests/run --test softphone";

#[tokio::test]
async fn the_companion_beside_a_scripted_sdk() {
    packages();
    let output = patiently(node(&["--test"], "companion.test.mjs").output()).await.expect("node runs");
    let (said, complaint) = texts(&output);
    let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")).and_then(|n| n.parse::<u32>().ok());
    assert!(output.status.success() && passed.is_some_and(|n| n > 40), "{REPEAT}\n{said}\n{complaint}");
}

/// One test per proof and SDK, named after the script.
macro_rules! proofs {
    ($($script:ident with $play:ident),+ $(,)?) => {
        $(mod $script {
            #[tokio::test(flavor = "multi_thread")]
            async fn sdk_9() {
                super::$play(stringify!($script), "9").await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn sdk_19() {
                super::$play(stringify!($script), "19").await;
            }
        })+
    };
}

proofs! {
    dead with prove,
    pre_refresh with prove,
    late with prove,
    socket_up with prove,
    on_call with prove,
    persistent with prove_persistent,
    away with prove_with_serve,
    sign_in with prove_with_serve,
}

/// Longer than all others together, and about softlanding rather than about the SDK: once, with the SDK as published.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_friday() {
    prove_a_friday("friday", "9").await;
}
