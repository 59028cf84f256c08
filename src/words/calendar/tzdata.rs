//! How old the zone data is: the release that is compiled in, the host's, and which of two is the newer one.
//!
//! Must never: place an instant by the host's data; two replicas on two hosts would disagree about when Friday 16:00 is.

use std::cmp::Ordering;
use std::path::Path;

/// Where hosts keep their zone data.
pub const HOST_DIR: &str = "/usr/share/zoneinfo";
/// The release stands in the first line; the file itself has 100 kB and more.
const HEAD_BYTES_MAX: u64 = 200;

/// The release of the zone data that is compiled in, such as "2025b".
#[must_use]
pub fn compiled() -> &'static str {
    chrono_tz::IANA_TZDB_VERSION
}

/// The release of the host's zone data in `dir`: from the first line of `tzdata.zi` ("# version 2025b"), else from
/// `+VERSION`. `None` when neither names a release.
#[must_use]
pub fn host(dir: &Path) -> Option<String> {
    let zi = first_line(&dir.join("tzdata.zi"));
    let named = zi.as_deref().and_then(|line| line.strip_prefix("# version ")).map(str::trim);
    if let Some(release) = named.filter(|text| Release::read(text).is_some()) {
        return Some(release.to_owned());
    }
    first_line(&dir.join("+VERSION")).filter(|text| Release::read(text).is_some())
}

/// How the release `a` compares with `b`, older first; `None` when one of them is no release name.
#[must_use]
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(Release::read(a)?.cmp(&Release::read(b)?))
}

/// Year and letters. After 2025z would come 2025za, so that more letters are later (iana.org/time-zones, "Release names").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Release {
    year: u32,
    letters: (usize, String),
}

impl Release {
    fn read(text: &str) -> Option<Release> {
        let (year, letters) = text.trim().split_at_checked(4)?;
        let fine = year.bytes().all(|b| b.is_ascii_digit()) && letters.bytes().all(|b| b.is_ascii_lowercase());
        let year = year.parse().ok().filter(|_| fine && letters.len() <= 3)?;
        Some(Release { year, letters: (letters.len(), letters.to_owned()) })
    }
}

fn first_line(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(HEAD_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_year_and_then_by_letter() {
        for (older, newer) in
            [("2025b", "2025c"), ("2024b", "2025a"), ("2025z", "2025za"), ("2025", "2025a"), ("1999j", "2025b")]
        {
            assert_eq!(compare(older, newer), Some(Ordering::Less), "{older} {newer}");
            assert_eq!(compare(newer, older), Some(Ordering::Greater), "{older} {newer}");
        }
        assert_eq!(compare("2025b", " 2025b\n"), Some(Ordering::Equal));
        for text in ["", "25b", "2025B", "2025-b", "unknown", "2025bbbb", "é025b"] {
            assert_eq!(compare(text, "2025b"), None, "{text}");
        }
        assert_eq!(compare(compiled(), "1993a"), Some(Ordering::Greater));
    }

    #[test]
    fn the_hosts_release_is_read_from_either_file() {
        let folder = crate::hands::testing::Folder::new();
        assert_eq!(host(folder.path()), None);
        std::fs::write(folder.join("+VERSION"), "2024a\n").unwrap();
        assert_eq!(host(folder.path()).as_deref(), Some("2024a"));
        let long = "x".repeat(100_000);
        std::fs::write(folder.join("tzdata.zi"), format!("# version 2026b\n# {long}\n")).unwrap();
        assert_eq!(host(folder.path()).as_deref(), Some("2026b"));
        for damaged in ["", "# version unknown\n", "\u{0}\u{0}", &long] {
            std::fs::write(folder.join("tzdata.zi"), damaged).unwrap();
            assert_eq!(host(folder.path()).as_deref(), Some("2024a"), "{damaged:.20}");
        }
    }
}
