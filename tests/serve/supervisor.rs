//! systemd: what `serve` tells it, through the socket that it gives; and the unit file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use tokio::net::UnixDatagram;

use crate::support::process::{PROGRAM, folder, patiently, softlanding};
use crate::support::site::{Daemon, REPEAT, Site, calm, told};

/// A supervisor's end of the socket.
struct Supervisor {
    socket: UnixDatagram,
    path: PathBuf,
    /// Everything that was said so far.
    said: Vec<String>,
}

impl Supervisor {
    fn listen(name: &str) -> Supervisor {
        // A socket's path is short, and the build directory's may not be.
        let path = std::env::temp_dir().join(format!("softlanding-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Supervisor { socket: UnixDatagram::bind(&path).expect("a socket"), path, said: Vec::new() }
    }
    /// `softlanding serve` under this supervisor.
    fn serve(&self, folder: &Path) -> Daemon {
        let mut command = softlanding(folder, &["serve"]);
        command.env("NOTIFY_SOCKET", &self.path);
        Daemon::start(command)
    }
    /// The next message, line by line.
    async fn hears(&mut self) -> Vec<String> {
        let mut bytes = [0; 4_096];
        let n = self.socket.recv(&mut bytes).await.expect("a message");
        let lines: Vec<String> = String::from_utf8_lossy(&bytes[..n]).lines().map(str::to_owned).collect();
        self.said.extend(lines.iter().cloned());
        lines
    }
    async fn until(&mut self, wanted: &str) {
        while !self.hears().await.iter().any(|line| line.starts_with(wanted)) {}
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_hears_that_it_is_ready_alive_and_stopping() {
    patiently(async {
        let site = Site::open("notify", calm(&["Approved"]), -60, 1.0, "").await;
        let mut supervisor = Supervisor::listen("notify");
        let mut daemon = supervisor.serve(&site.folder);
        supervisor.until("READY=1").await;
        assert_eq!(supervisor.said, ["READY=1"], "{REPEAT}");
        for _ in 0..3 {
            supervisor.until("WATCHDOG=1").await;
        }
        assert!(supervisor.said.contains(&"STATUS=leading 0 runs".to_owned()), "{:?}; {REPEAT}", supervisor.said);
        assert!(!supervisor.said.iter().any(|line| line.starts_with("STOPPING")), "{REPEAT}");
        daemon.signal(Signal::TERM);
        supervisor.until("STOPPING=1").await;
        daemon.event("stopped").await;
        let end = daemon.end().await;
        assert_eq!(end.code, Some(0), "{}; {REPEAT}", told(&end.log));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_it_is_never_ready() {
    patiently(async {
        let site = Site::open("no-store", calm(&["Approved"]), -60, 1.0, "").await;
        site.edit(|config| format!("store = \"sqlite:no/such/folder/softlanding.db\"\n{config}"));
        let supervisor = Supervisor::listen("no-store");
        let end = supervisor.serve(&site.folder).end().await;
        assert_eq!(end.code, Some(6), "{}{}; {REPEAT}", told(&end.log), end.complaint);
        // It has ended, so whatever it said is there already.
        let mut bytes = [0; 64];
        let heard = supervisor.socket.try_recv(&mut bytes);
        assert!(heard.is_err(), "{}; {REPEAT}", String::from_utf8_lossy(&bytes));
    })
    .await;
}

/// The sample unit file.
fn unit() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd/softlanding.service");
    std::fs::read_to_string(file).expect("the unit file")
}

/// Keys that systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.kill(5) describe, as far as they are used.
const KNOWN: [(&str, &[&str]); 3] = [
    ("Unit", &["Description", "Documentation", "Wants", "After", "StartLimitIntervalSec"]),
    (
        "Service",
        &[
            "Type",
            "NotifyAccess",
            "ExecStart",
            "WatchdogSec",
            "Restart",
            "RestartSec",
            "RestartPreventExitStatus",
            "KillMode",
            "TimeoutStopSec",
            "LimitNOFILE",
            "DynamicUser",
            "StateDirectory",
            "StateDirectoryMode",
            "WorkingDirectory",
            "UMask",
            "LoadCredential",
            "NoNewPrivileges",
            "ProtectSystem",
            "ProtectHome",
            "PrivateTmp",
            "PrivateDevices",
            "ProtectClock",
            "ProtectHostname",
            "ProtectKernelTunables",
            "ProtectKernelModules",
            "ProtectKernelLogs",
            "ProtectControlGroups",
            "RestrictAddressFamilies",
            "RestrictNamespaces",
            "RestrictRealtime",
            "RestrictSUIDSGID",
            "LockPersonality",
            "MemoryDenyWriteExecute",
            "CapabilityBoundingSet",
            "SystemCallArchitectures",
            "SystemCallFilter",
            "SystemCallErrorNumber",
        ],
    ),
    ("Install", &["WantedBy"]),
];

#[test]
fn the_unit_file_holds_known_keys_and_what_is_promised_of_it() {
    let (text, mut section, mut found) = (unit(), String::new(), BTreeMap::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}; {REPEAT}"));
        let known = KNOWN.iter().any(|(name, keys)| *name == section && keys.contains(&key));
        assert!(known, "{key} is no known key of [{section}]; {REPEAT}");
        found.entry(key.to_owned()).or_insert_with(Vec::new).push(value.to_owned());
    }
    for (key, value) in [
        ("Type", "notify"),
        ("WatchdogSec", "60"),
        ("Restart", "on-failure"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("StateDirectory", "softlanding"),
        ("DynamicUser", "yes"),
    ] {
        assert_eq!(found.get(key), Some(&vec![value.to_owned()]), "{key}; {REPEAT}");
    }
    assert_eq!(found["LoadCredential"].len(), 3, "{REPEAT}");
    // The stop is the daemon's own 10 s and some more; the watchdog waits longer than a stop, during which nothing is said.
    assert_eq!((&found["TimeoutStopSec"][0], &found["WatchdogSec"][0]), (&"20".to_owned(), &"60".to_owned()));
}

/// systemd's own opinion, where it is installed.
#[test]
fn systemd_finds_nothing_wrong_with_the_unit_file() {
    let copy = folder("serve-unit").join("softlanding.service");
    std::fs::write(&copy, unit().replace("/usr/bin/softlanding ", &format!("{PROGRAM} "))).expect("a file");
    let verify = std::process::Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&copy)
        .stdin(Stdio::null())
        .output();
    let Ok(verified) = verify else {
        println!("systemd-analyze is not installed, so the unit file was not verified by it");
        return;
    };
    let said = [verified.stdout, verified.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    // It may have something to say about other units of the machine.
    assert!(!said.contains("softlanding.service"), "{said}; {REPEAT}");
}
