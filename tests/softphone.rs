//! The companion in the page: beside a scripted SDK under node, and beside the vendor's own in a browser.
//!
//! The scripts are in tests/softphone/; each says what it proves.

mod support;

use std::path::{Path, PathBuf};

use support::process::{patiently, texts};
use tokio::process::Command;

const REPEAT: &str = "to repeat: ./tests/run --test softphone";

/// Where `./tests/run` has put the packages and the SDK's bundles.
fn packages() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build directory");
    let folder = target.join("test-node");
    assert!(
        folder.join("installed.txt").exists(),
        "{} is missing; run ./tests/run once, it installs what this test needs",
        folder.display()
    );
    folder
}

/// A script of tests/softphone/, about to be run by node.
fn node(options: &[&str], script: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/softphone").join(script);
    let mut command = Command::new("node");
    command.args(options).arg(script).kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_companion_beside_a_scripted_sdk() {
    packages();
    let output = patiently(node(&["--test"], "companion.test.mjs").output()).await.expect("node runs");
    let (said, complaint) = texts(&output);
    let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")).and_then(|n| n.parse::<u32>().ok());
    assert!(output.status.success() && passed.is_some_and(|n| n > 40), "{REPEAT}\n{said}\n{complaint}");
}
