//! Where a secret is to be found: an environment variable, a file, or the output of a command. Never the secret itself.
//!
//! Must never: show a secret, or what a command has written.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use crate::words::secret::Secret;

/// The longest secret, in bytes.
const SECRET_BYTES_MAX: usize = 16_384;
/// How long a command may take, in milliseconds. Password managers that ask a server need a few seconds.
const COMMAND_MS_MAX: u64 = 20_000;

/// Where a secret is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `{ env = "NAME" }`.
    Env(String),
    /// `{ file = "path" }`, readable for its owner only.
    File(PathBuf),
    /// `{ command = "…" }`: what it prints, run by `sh` in the folder of the configuration.
    Command {
        /// The command line.
        line: String,
        /// Where it runs.
        folder: PathBuf,
    },
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "environment variable {name}"),
            SecretRef::File(path) => write!(f, "file {}", path.display()),
            SecretRef::Command { line, .. } => write!(f, "command {line:?}"),
        }
    }
}

/// Why a secret could not be had. Holds nothing of it.
#[derive(Debug, thiserror::Error)]
#[error("the secret in {from} cannot be used: {why}")]
pub struct SecretError {
    /// Where it was looked for.
    pub from: SecretRef,
    /// What is wrong.
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SecretRef {
    /// Gets the secret. White space around it is dropped.
    ///
    /// # Errors
    /// [`SecretError`] when there is none, when it is empty, of several lines or longer than 16 KiB, when the file can be
    /// read by others, or when the command fails or takes longer than 20 seconds.
    pub async fn resolve(&self) -> Result<Secret, SecretError> {
        let bytes = match self {
            SecretRef::Env(name) => from_env(name),
            SecretRef::File(path) => from_file(path),
            SecretRef::Command { line, folder } => from_command(line, folder, COMMAND_MS_MAX).await,
        };
        bytes.and_then(|bytes| usable(&bytes)).map_err(|(why, hint)| SecretError { from: self.clone(), why, hint })
    }
}

type Why = (String, Option<String>);
type Bytes = Zeroizing<Vec<u8>>;

fn why(text: impl Into<String>) -> Why {
    (text.into(), None)
}

fn from_env(name: &str) -> Result<Bytes, Why> {
    use std::os::unix::ffi::OsStringExt;
    match std::env::var_os(name) {
        Some(value) => Ok(Zeroizing::new(value.into_vec())),
        None => Err(("it is not set".to_owned(), Some(format!("export {name} before softlanding is started")))),
    }
}

fn from_file(path: &Path) -> Result<Bytes, Why> {
    let file = std::fs::File::open(path).map_err(|e| why(e.to_string()))?;
    // Asked of the open file, so that it cannot be exchanged in between.
    let meta = file.metadata().map_err(|e| why(e.to_string()))?;
    if !meta.is_file() {
        return Err(why("it is no file"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return Err((
            "others than its owner can read or change it".to_owned(),
            Some(format!("chmod 600 {}", path.display())),
        ));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX + 1));
    file.take(SECRET_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|e| why(e.to_string()))?;
    Ok(bytes)
}

/// Kills the command with everything it has started, however this ends.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails when nothing of the group is left, which is what was wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn from_command(line: &str, folder: &Path, ms_max: u64) -> Result<Bytes, Why> {
    let by_hand = || Some("run the command by hand to see what it says".to_owned());
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What a password manager complains about may hold what it manages.
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| why(e.to_string()))?;
    let _group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let output = child.stdout.take();
    let answer = async {
        let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX + 1));
        if let Some(output) = output {
            output.take(SECRET_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).await.map_err(|e| why(e.to_string()))?;
        }
        if bytes.len() > SECRET_BYTES_MAX {
            // It may write for ever; `usable` says that it is too long.
            return Ok(bytes);
        }
        let status = child.wait().await.map_err(|e| why(e.to_string()))?;
        match status.success() {
            true => Ok(bytes),
            false => Err((format!("it ended with {status}"), by_hand())),
        }
    };
    tokio::time::timeout(Duration::from_millis(ms_max), answer)
        .await
        .unwrap_or_else(|_| Err((format!("it took longer than {ms_max} ms"), by_hand())))
}

/// One line of text that is not empty.
fn usable(bytes: &[u8]) -> Result<Secret, Why> {
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(why(format!("it is longer than {SECRET_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| why("it is no UTF-8 text"))?.trim();
    if text.is_empty() {
        return Err(why("it is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(why("it has several lines or control characters"));
    }
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hands::testing::Folder;

    fn command(line: &str) -> SecretRef {
        SecretRef::Command { line: line.to_owned(), folder: std::env::temp_dir() }
    }
    async fn refused(from: &SecretRef) -> String {
        let error = from.resolve().await.unwrap_err();
        format!("{error} [{}]", error.hint.as_deref().unwrap_or_default())
    }

    #[tokio::test]
    async fn secrets_come_from_the_environment_a_file_or_a_command() {
        // PATH is set wherever tests run; a test must not change the environment of its neighbours.
        let path = std::env::var("PATH").unwrap();
        assert_eq!(SecretRef::Env("PATH".to_owned()).resolve().await.unwrap().expose(), path.trim());
        let folder = Folder::new();
        let file = folder.join("secret");
        std::fs::write(&file, "hush-file\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(SecretRef::File(file).resolve().await.unwrap().expose(), "hush-file");
        assert_eq!(command("echo hush-command").resolve().await.unwrap().expose(), "hush-command");
        let here = SecretRef::Command { line: "cat secret".to_owned(), folder: folder.path().to_owned() };
        assert_eq!(here.resolve().await.unwrap().expose(), "hush-file");
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_without_the_secret() {
        let folder = Folder::new();
        let file = |name: &str, mode: u32, bytes: &[u8]| {
            std::fs::write(folder.join(name), bytes).unwrap();
            std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
            SecretRef::File(folder.join(name))
        };
        for (from, expected) in [
            (SecretRef::Env("SOFTLANDING_NO_SUCH_THING".to_owned()), "it is not set [export SOFTLANDING_NO_SUCH_THING"),
            (file("shared", 0o644, b"hush"), "others than its owner can read or change it [chmod 600 "),
            (file("group", 0o620, b"hush"), "others than its owner"),
            (file("empty", 0o600, b" \n"), "it is empty"),
            (file("lines", 0o600, b"hush\nhush"), "it has several lines"),
            (file("bytes", 0o600, b"hush\xff"), "it is no UTF-8 text"),
            (file("long", 0o600, &[b'x'; 20_000]), "it is longer than 16384 bytes"),
            (SecretRef::File(folder.path().to_owned()), "it is no file"),
            (SecretRef::File(folder.join("none")), "No such file"),
            (command("printf hush; echo hush >&2; exit 3"), "it ended with exit status: 3 [run the command by hand"),
            (command("yes"), "it is longer than 16384 bytes"),
            (command("true"), "it is empty"),
        ] {
            let text = refused(&from).await;
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains("hush") || matches!(from, SecretRef::Command { .. }), "{text}");
        }
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_given_up() {
        let folder = std::env::temp_dir();
        for line in ["sleep 1000", "sleep 1000 & exit 0", "printf hush; exec sleep 1000"] {
            let (why, _) = from_command(line, &folder, 200).await.unwrap_err();
            assert_eq!(why, "it took longer than 200 ms", "{line}");
        }
    }
}
