//! Prometheus's own tool, as `./tests/run` provides it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What to run to repeat a test.
pub const REPEAT: &str = "to repeat: ./tests/run --test ops";

fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build directory");
    let fetched = target.join("test-promtool/promtool");
    // Without it the system's, whose absence the start will tell.
    if fetched.exists() { fetched } else { PathBuf::from("promtool") }
}

/// Runs it in a folder with this on its standard input; it must end well, and what it said comes back.
pub async fn promtool(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(program());
    command.current_dir(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("promtool: {e}; ./tests/run fetches it"));
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may end without reading all of it, and then says why.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "promtool {}: {said}; {REPEAT}", arguments.join(" "));
    said
}
