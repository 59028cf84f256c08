//! The name of a run: readable, sortable, and unlikely to be drawn twice.
//!
//! Must never: hold a character that means something in a file name or a shell.

use chrono::TimeZone;
use chrono_tz::Tz;

use crate::words::clock::{Seed, Timestamp};
use crate::words::id::{BadId, RunId};

/// Letters and digits that are not mistaken for each other.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
const SLUG_CHARS_MAX: usize = 28;

/// A name such as `20261127-1600-customer-care-k3f9`: T on the wall clock of `zone`, the business unit, four letters.
///
/// # Errors
/// [`BadId`] for an instant whose year no calendar on paper has.
pub fn run_id(publish_at: Timestamp, zone: Tz, unit: &str, seed: &Seed) -> Result<RunId, BadId> {
    let wall = publish_at.utc().with_timezone(&zone).format("%Y%m%d-%H%M");
    let mut draw = seed.fork("run id");
    let letters: String = (0..4).map(|_| letter(&mut draw)).collect();
    let slug = slug(unit);
    RunId::new(&if slug.is_empty() { format!("{wall}-{letters}") } else { format!("{wall}-{slug}-{letters}") })
}

/// The name of the run of a calendar entry: `20261127-1600-customer-care`. The same instant of the same entry has the same
/// name in every process, so that of several that stage it only one does.
///
/// # Errors
/// [`BadId`] for an instant whose year no calendar on paper has, or a name that no entry has.
pub fn entry_run_id(publish_at: Timestamp, zone: Tz, entry: &str) -> Result<RunId, BadId> {
    let wall = publish_at.utc().with_timezone(&zone);
    // Where the clocks show the same time twice, the instants differ in their offset.
    let offset = if zone.from_local_datetime(&wall.naive_local()).single().is_some() {
        ""
    } else {
        &wall.format("%z").to_string()
    };
    RunId::new(&format!("{}{}-{entry}", wall.format("%Y%m%d-%H%M"), offset.replace('+', "p").replace('-', "m")))
}

fn letter(draw: &mut Seed) -> char {
    let at = draw.between(0, LETTERS.len() as i64 - 1);
    LETTERS.get(at as usize).map_or('x', |b| char::from(*b))
}

/// Lower-case letters and digits of the name, other runs of characters as one dash.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if slug.len() >= SLUG_CHARS_MAX {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_its_instant_and_its_unit() {
        let friday = Timestamp::parse_rfc3339("2026-11-27T22:00:00Z").unwrap();
        let name = |unit: &str| run_id(friday, Tz::America__Chicago, unit, &Seed(3)).unwrap().to_string();
        assert!(name("Customer Care").starts_with("20261127-1600-customer-care-"), "{}", name("Customer Care"));
        assert_eq!(name("Customer Care").len(), "20261127-1600-customer-care-k3f9".len());
        assert!(name("  São Paulo / Süd!").starts_with("20261127-1600-s-o-paulo-s-d-"));
        assert_eq!(name("日本").len(), "20261127-1600-k3f9".len());
        assert!(name(&"long ".repeat(50)).len() <= 64);
        assert_eq!(entry_run_id(friday, Tz::America__Chicago, "care").unwrap().as_str(), "20261127-1600-care");
        let fold =
            |at: &str| entry_run_id(Timestamp::parse_rfc3339(at).unwrap(), Tz::America__Chicago, "care").unwrap();
        assert_ne!(fold("2026-11-01T06:30:00Z"), fold("2026-11-01T07:30:00Z"));
        assert_ne!(run_id(friday, Tz::UTC, "a", &Seed(1)), run_id(friday, Tz::UTC, "a", &Seed(2)));
    }
}
