//! What is generated: completions that a shell reads, pages that a manual reader reads; and the package that carries them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::promtool::REPEAT;
use crate::support::process::{PROGRAM, folder, softlanding_says};

fn on_path(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Runs a program that must end well; what it printed on both streams.
fn says(program: &str, arguments: &[&str], at: &Path) -> String {
    let output =
        Command::new(program).args(arguments).current_dir(at).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{program} {}: {said}; {REPEAT}", arguments.join(" "));
    said
}

#[tokio::test]
async fn completions_are_scripts_that_their_shells_read() {
    let place = folder("ops-completions");
    for (shell, check) in [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-execute"])] {
        let script = softlanding_says(&place, &["completions", shell]).await;
        for word in ["watch", "agents", "rotate-key", "--business-unit"] {
            assert!(
                script.contains(word) || script.contains(word.trim_start_matches('-')),
                "{shell}: {word}; {REPEAT}"
            );
        }
        let file = format!("softlanding.{shell}");
        std::fs::write(place.join(&file), &script).expect("a file");
        if on_path(shell) {
            says(shell, &[check, &[&file]].concat(), &place);
        }
    }
    // Bash is everywhere: it is asked what it would complete.
    let asked = "source ./softlanding.bash; COMP_WORDS=(softlanding wat); COMP_CWORD=1; \
                 _softlanding softlanding wat softlanding; echo \"${COMPREPLY[@]}\"";
    assert_eq!(says("bash", &["-c", asked], &place).trim(), "watch", "{REPEAT}");
}

#[tokio::test]
async fn every_command_has_a_page_that_a_manual_reader_reads() {
    let place = folder("ops-man");
    softlanding_says(&place, &["man", "--out", "man1"]).await;
    let first = softlanding_says(&place, &["man"]).await;
    assert!(first.contains(".TH softlanding 1"), "{first}; {REPEAT}");
    let pages: Vec<PathBuf> =
        std::fs::read_dir(place.join("man1")).expect("pages").map(|entry| entry.expect("a page").path()).collect();
    assert!(pages.len() > 25, "{pages:?}; {REPEAT}");
    for page in &pages {
        let text = std::fs::read_to_string(page).expect("a page");
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{}; {REPEAT}", page.display());
    }
    let page = place.join("man1/softlanding-watch.1").display().to_string();
    if on_path("mandoc") {
        let said = says("mandoc", &["-T", "lint", "-W", "error", &page], &place);
        assert!(!said.contains("ERROR"), "{said}; {REPEAT}");
    }
    if on_path("man") && on_path("nroff") {
        let said = says("man", &["-l", &page], &place);
        assert!(said.contains("softlanding watch") || said.contains("softlanding-watch"), "{said}; {REPEAT}");
    }
}

#[test]
fn the_debian_package_has_what_an_installation_needs() {
    if !on_path("dpkg-deb") {
        println!("no dpkg-deb here: nothing to test");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = folder("ops-debian");
    let build = root.join("packaging/debian/build").display().to_string();
    let said = says(&build, &["--program", PROGRAM, "--out", &out.display().to_string(), "--compress", "none"], root);
    let package = said.lines().last().unwrap_or_default().to_owned();
    let fields = says("dpkg-deb", &["--field", &package], &out);
    let version = format!("Version: {}", env!("CARGO_PKG_VERSION"));
    for part in ["Package: softlanding", version.as_str(), "Depends: libc6 (>= 2.", "ca-certificates", "Maintainer: "] {
        assert!(fields.contains(part), "{part} is missing in\n{fields}; {REPEAT}");
    }
    assert!(!fields.contains('@') || !fields.contains("@VERSION@"), "{fields}; {REPEAT}");
    let installed = out.join("root");
    says("dpkg-deb", &["--extract", &package, &installed.display().to_string()], &out);
    for file in [
        "usr/bin/softlanding",
        "lib/systemd/system/softlanding.service",
        "usr/share/man/man1/softlanding.1.gz",
        "usr/share/man/man1/softlanding-watch.1.gz",
        "usr/share/bash-completion/completions/softlanding",
        "usr/share/zsh/vendor-completions/_softlanding",
        "usr/share/fish/vendor_completions.d/softlanding.fish",
        "usr/share/doc/softlanding/copyright",
        "usr/share/doc/softlanding/changelog.gz",
        "usr/share/doc/softlanding/examples/softlanding.toml",
        "usr/share/doc/softlanding/examples/prometheus/alerts.yml",
        "usr/share/doc/softlanding/examples/grafana/softlanding.json",
        "usr/share/doc/softlanding/examples/engines/cron/softlanding-drive",
    ] {
        let file = installed.join(file);
        assert!(file.metadata().is_ok_and(|found| found.len() > 0), "{} is missing; {REPEAT}", file.display());
    }
    for point in softlanding::words::hook::HookPoint::ALL {
        let place = installed.join(format!("etc/softlanding/hooks/{point}.d"));
        assert!(place.is_dir(), "{} is missing; {REPEAT}", place.display());
    }
    let program = installed.join("usr/bin/softlanding").display().to_string();
    assert!(says(&program, &["--version"], &out).starts_with("softlanding "), "{REPEAT}");
    says("dpkg-deb", &["--control", &package, "control"], &out);
    for script in ["postinst", "prerm", "postrm"] {
        says("sh", &["-n", script], &out.join("control"));
    }
    // Every file is the package's own, and is as its sum says.
    says("md5sum", &["--quiet", "--check", &out.join("control/md5sums").display().to_string()], &installed);
}
