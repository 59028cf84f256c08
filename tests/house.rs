//! The house checks itself: floors, openings of files, what must not be left lying about, what the README promises.
//!
//! Each test reads the repository's own files, so none of them needs more than a checkout.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use softlanding::twin::Scenario;

const REPEAT: &str = "to repeat: ./tests/run --test house";

/// The floors, lowest first.
const FLOORS: [&str; 6] = ["words", "law", "hands", "twin", "shells", "door"];

/// Longest file, in lines. A file that one cannot hold in mind should be two.
const LINES_MAX: usize = 500;

/// Files that may be longer, and why.
const LONG_FILES: [(&str, &str); 2] = [
    ("src/twin/scenario.rs", "a list of settings with their defaults and ranges; there is no seam to cut along"),
    ("src/shells/sim/life.rs", "one life of a simulated process, from start to crash"),
];

/// What has no place in a file that is committed. Spelt in two parts so that this file does not contain it.
const LITTER: [(&str, &str); 5] =
    [("todo", "!("), ("unimplemented", "!("), ("dbg", "!("), ("#[ign", "ore"), ("thread::sl", "eep(")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a directory whose name ends so, with its path from the root.
fn files(below: &str, end: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<PathBuf> = vec![root().join(below)];
    while let Some(place) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&place) else { continue };
        for entry in entries.map(|e| e.expect("a directory entry").path()) {
            if entry.is_dir() {
                waiting.push(entry);
            } else if entry.to_string_lossy().ends_with(end) {
                let name = entry.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&entry).expect("a text file"));
            }
        }
    }
    found
}

fn sources() -> BTreeMap<String, String> {
    let found = files("src", ".rs");
    assert!(found.len() > 50, "only {} source files found; {REPEAT}", found.len());
    found
}

fn assert_none(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}; {REPEAT}\n  {}", faults.join("\n  "));
}

/// Whether the whole file is compiled for tests only: some other file says `#[cfg(test)] mod name;`.
fn for_tests_only(path: &str, all: &BTreeMap<String, String>) -> bool {
    let mut name = path.trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
    // A file below a module for tests is one as well.
    while let Some((parent, module)) = name.clone().rsplit_once('/') {
        for declared_in in [format!("{parent}/mod.rs"), format!("{parent}.rs"), format!("{parent}/lib.rs")] {
            let Some(text) = all.get(&declared_in) else { continue };
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for seen in ["", "pub ", "pub(crate) ", "pub(super) "] {
                if flat.contains(&format!("#[cfg(test)] {seen}mod {module};")) {
                    return true;
                }
            }
        }
        let by_path = format!("#[cfg(test)] #[path = \"{module}.rs\"]");
        let beside = |other: &String| other.rsplit_once('/').is_some_and(|(place, _)| place == parent);
        let flat = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        if all.iter().any(|(other, text)| beside(other) && flat(text).contains(&by_path)) {
            return true;
        }
        name = parent.to_owned();
    }
    false
}

/// The part of a file that ships: no comments, and nothing from the inline test module on.
fn shipped(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let inline = |(i, line): (usize, &&str)| {
        line.trim() == "#[cfg(test)]" && lines.get(i + 1).is_some_and(|next| next.trim_end().ends_with('{'))
    };
    let end = lines.iter().enumerate().position(inline).unwrap_or(lines.len());
    let code = lines[..end].iter().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    code.collect::<Vec<_>>().join("\n")
}

/// The modules at the top of the crate that a piece of code names: `crate::a`, `crate::{a, b::c}`.
fn named_floors(code: &str) -> Vec<String> {
    let word =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            named.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in group.char_indices() {
            if start && depth == 0 && (c.is_alphanumeric() || c == '_') {
                named.push(word(&group[i..]));
                start = false;
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                _ => {}
            }
        }
    }
    named
}

/// Why a file on one floor may not name another; nothing when it may.
fn misstep(floor: &str, named: &str) -> Option<String> {
    let height = |name: &str| FLOORS.iter().position(|f| *f == name);
    let (own, other) = (height(floor)?, height(named)?);
    // The twin stands above the hands, but must know nothing of the program that talks to it.
    let twin_knows_more = floor == "twin" && !["words", "twin"].contains(&named);
    (other > own || twin_knows_more).then(|| format!("{floor} names {named}"))
}

/// SQLite's driver stops at the first row of these, and drops the error of a commit that comes after it. The functions of
/// `hands::sqlite` that bear their names do not; a macro may hand over any of them.
const STOP_AT_THE_FIRST_ROW: [&str; 3] = [".fetch_one(", ".fetch_optional(", ".$fetch("];

#[test]
fn no_statement_of_sqlite_is_left_at_its_first_row() {
    let all = sources();
    let mut faults = Vec::new();
    // PostgreSQL's driver reads on, and what is for it stands in files of its own.
    for (path, text) in all.iter().filter(|(path, _)| !path.contains("postgres") && !for_tests_only(path, &all)) {
        // A call may begin on any line.
        let code: String = shipped(text).split_whitespace().collect();
        faults
            .extend(STOP_AT_THE_FIRST_ROW.iter().filter(|call| code.contains(*call)).map(|c| format!("{path}: {c}…)")));
    }
    assert_none("ask with the functions of hands::sqlite", &faults);
}

#[test]
fn a_file_uses_only_its_own_floor_and_lower_ones() {
    let all = sources();
    let mut faults = Vec::new();
    for (path, text) in &all {
        let Some((floor, _)) = path.trim_start_matches("src/").split_once('/') else { continue };
        assert!(FLOORS.contains(&floor), "src/{floor} is no floor of the house; {REPEAT}");
        if for_tests_only(path, &all) {
            continue;
        }
        let named = named_floors(&shipped(text));
        faults.extend(named.iter().filter_map(|n| misstep(floor, n)).map(|m| format!("{path}: {m}")));
    }
    assert_none("files that reach upwards", &faults);
}

#[test]
fn the_check_of_floors_sees_every_way_to_name_one() {
    let named =
        named_floors("use crate::{law::plan::Plan, words::{clock, id}}; crate::shells::driver(); use crate::hands;");
    assert_eq!(named, ["law", "words", "shells", "hands"]);
    assert!(misstep("words", "law").is_some());
    assert!(misstep("twin", "law").is_some());
    assert!(misstep("twin", "words").is_none());
    assert!(misstep("door", "words").is_none());
    assert!(misstep("law", "serde").is_none());
    let text = "use crate::words;\n// use crate::door;\n#[cfg(test)]\nmod tests {\n    use crate::door;\n}";
    assert_eq!(named_floors(&shipped(text)), ["words"]);
}

/// Whether a file only lists its modules: nothing in it can do anything.
fn only_lists(text: &str) -> bool {
    let code = shipped(text);
    let statements: Vec<&str> = code.split(';').map(str::trim).filter(|s| !s.is_empty()).collect();
    statements.iter().all(|s| {
        let mut rest = *s;
        while let Some(attribute) = rest.strip_prefix("#[").or_else(|| rest.strip_prefix("#![")) {
            rest = attribute.split_once(']').map_or("", |(_, after)| after).trim();
        }
        rest.is_empty()
            || ["mod ", "pub mod ", "pub use ", "use ", "pub(crate) use ", "pub(crate) mod "]
                .iter()
                .any(|k| rest.starts_with(k))
    })
}

#[test]
fn every_file_says_what_it_does_and_what_it_must_never_do() {
    let all = sources();
    let mut faults = Vec::new();
    for (path, text) in &all {
        if !text.starts_with("//! ") {
            faults.push(format!("{path}: opens without //!"));
            continue;
        }
        let opening: Vec<&str> = text.lines().take_while(|l| l.starts_with("//!")).collect();
        if !only_lists(text) && !for_tests_only(path, &all) && !opening.join(" ").to_lowercase().contains("never") {
            faults.push(format!("{path}: does not say what it must never do"));
        }
    }
    for (path, text) in files("tests", ".rs").iter().chain(&files("benches", ".rs")) {
        if !text.starts_with("//! ") {
            faults.push(format!("{path}: opens without //!"));
        }
    }
    assert_none("openings of files", &faults);
}

#[test]
fn a_file_can_be_held_in_mind() {
    let all = sources();
    let long: BTreeMap<&str, usize> =
        all.iter().map(|(p, t)| (p.as_str(), t.lines().count())).filter(|(_, n)| *n > LINES_MAX).collect();
    let excused = |path: &str| LONG_FILES.iter().any(|(p, why)| *p == path && !why.is_empty());
    let mut faults: Vec<String> = long
        .iter()
        .filter(|(p, _)| !excused(p))
        .map(|(p, n)| format!("{p}: {n} lines, more than {LINES_MAX}"))
        .collect();
    let stale = LONG_FILES.iter().filter(|(p, _)| !long.contains_key(p));
    faults.extend(stale.map(|(p, _)| format!("{p} is excused in tests/house.rs without need")));
    assert_none("long files", &faults);
}

#[test]
fn nothing_unfinished_is_left_lying_about() {
    let mut all = sources();
    all.extend(files("tests", ".rs"));
    all.extend(files("benches", ".rs"));
    let mut faults = Vec::new();
    for (path, text) in &all {
        for (start, end) in LITTER {
            let litter = format!("{start}{end}");
            let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&litter));
            faults.extend(lines.map(|(i, _)| format!("{path}:{}: {litter}", i + 1)));
        }
    }
    assert_none("unfinished or forbidden", &faults);
}

#[test]
fn no_machine_is_named() {
    let mut all = sources();
    for end in [".rs", ".py", ".toml", ".md", "run", ".html", ".sh"] {
        for place in ["tests", "src", "hooks", "templates", "benches", ".ci", ".config"] {
            all.extend(files(place, end));
        }
    }
    all.extend(
        ["README.md", "Cargo.toml", "clippy.toml"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?))),
    );
    let mut faults = Vec::new();
    for (path, text) in &all {
        for place in ["work", "root", "home"].map(|p| format!("/{p}/")) {
            let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&place));
            faults.extend(lines.map(|(i, line)| format!("{path}:{}: {}", i + 1, line.trim())));
        }
    }
    assert_none("paths of one machine", &faults);
}

#[test]
fn every_dependency_gives_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let mut section = String::new();
    let mut seen = 0;
    let mut faults = Vec::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if section.ends_with("dependencies") && line.contains('=') {
            seen += 1;
            let reason = line.rsplit_once("# ").map(|(_, reason)| reason.trim()).unwrap_or_default();
            if reason.len() < 15 {
                faults.push(line.to_owned());
            }
            if line.contains("\"*\"") {
                faults.push(format!("{line}: any version"));
            }
        }
    }
    assert!(seen > 15, "only {seen} dependencies found; {REPEAT}");
    assert_none("dependencies without a reason", &faults);
}

#[test]
fn every_scenario_tells_its_story() {
    let shipped = files("src/twin/scenarios", ".toml");
    let mut faults = Vec::new();
    for (path, text) in &shipped {
        let name = Path::new(path).file_stem().expect("a name").to_string_lossy().into_owned();
        match Scenario::from_toml(text) {
            Err(e) => faults.push(format!("{path}: {e}")),
            Ok(read) => {
                let story = read.story.strip_prefix(&format!("{name}: ")).unwrap_or_default();
                if story.len() < 20 || story.contains('\n') {
                    faults.push(format!("{path}: the story must be one line that begins with \"{name}: \""));
                }
                if Scenario::named(&name) != Some(read) {
                    faults.push(format!("{path}: Scenario::named does not give this file"));
                }
            }
        }
    }
    for wanted in ["calm", "friday-1600", "slow-publish", "publish-fails", "rate-limited"] {
        if Scenario::named(wanted).is_none() {
            faults.push(format!("{wanted} is missing"));
        }
    }
    assert_eq!(Scenario::names().len(), shipped.len(), "names and files differ; {REPEAT}");
    assert_none("scenarios", &faults);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = files(".", ".md").into_iter().filter(|(name, _)| !name.starts_with("target"));
    let (mut faults, mut followed) = (Vec::new(), 0);
    for (name, text) in pages {
        let folder = root().join(&name).parent().expect("a folder").to_path_buf();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            followed += 1;
            if !folder.join(target.split('#').next().unwrap_or_default()).exists() {
                faults.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(followed > 15, "only {followed} links found; {REPEAT}");
    assert_none("links to nothing", &faults);
}
