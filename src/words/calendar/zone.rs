//! Time zones as people name them. "CST" on a planner's lips is the wall clock of Chicago, also while it shows CDT.
//!
//! Must never: take "CST" or "EST" for a fixed offset; that is an hour off for two thirds of the year.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::words::nearest::nearest;

/// The names that people use, lower case, beside those of the IANA list.
const SPOKEN: [(&str, Tz); 31] = [
    ("cst", Tz::America__Chicago),
    ("cdt", Tz::America__Chicago),
    ("ct", Tz::America__Chicago),
    ("central", Tz::America__Chicago),
    ("us central", Tz::America__Chicago),
    ("central standard", Tz::America__Chicago),
    ("central daylight", Tz::America__Chicago),
    ("est", Tz::America__New_York),
    ("edt", Tz::America__New_York),
    ("et", Tz::America__New_York),
    ("eastern", Tz::America__New_York),
    ("us eastern", Tz::America__New_York),
    ("eastern standard", Tz::America__New_York),
    ("eastern daylight", Tz::America__New_York),
    ("mst", Tz::America__Denver),
    ("mdt", Tz::America__Denver),
    ("mt", Tz::America__Denver),
    ("mountain", Tz::America__Denver),
    ("us mountain", Tz::America__Denver),
    ("mountain standard", Tz::America__Denver),
    ("mountain daylight", Tz::America__Denver),
    ("pst", Tz::America__Los_Angeles),
    ("pdt", Tz::America__Los_Angeles),
    ("pt", Tz::America__Los_Angeles),
    ("pacific", Tz::America__Los_Angeles),
    ("us pacific", Tz::America__Los_Angeles),
    ("pacific standard", Tz::America__Los_Angeles),
    ("pacific daylight", Tz::America__Los_Angeles),
    ("utc", Tz::UTC),
    ("gmt", Tz::UTC),
    ("z", Tz::UTC),
];

/// Reads a zone: `CST`, `Central`, `US Central`, `Central Time`, `UTC`, or an IANA name in any case.
///
/// `None` when it is none of these.
#[must_use]
pub fn parse_zone(text: &str) -> Option<Tz> {
    let lower = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let bare = lower.strip_suffix(" time").unwrap_or(&lower);
    SPOKEN
        .iter()
        .find(|(name, _)| *name == bare)
        .map(|(_, zone)| *zone)
        .or_else(|| TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(bare)))
}

/// What may have been meant by a zone that is not known.
pub(super) fn zone_hint(text: &str) -> Option<String> {
    // The part after the slash is what people remember: "Chicago" for America/Chicago.
    let place = text.trim().replace(' ', "_");
    let by_city = TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .find(|name| name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(&place)));
    by_city
        .or_else(|| nearest(text, TZ_VARIANTS.iter().map(|zone| zone.name())))
        .or_else(|| nearest(text, SPOKEN.iter().map(|(name, _)| *name)))
        .map(|name| format!("did you mean {name}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoken_names_are_wall_clocks() {
        for name in
            ["CST", "cdt", "CT", "Central", "US Central", "us  central", "Central Time", "central standard time"]
        {
            assert_eq!(parse_zone(name), Some(Tz::America__Chicago), "{name}");
        }
        assert_eq!(parse_zone("EST"), Some(Tz::America__New_York));
        assert_eq!(parse_zone("Mountain"), Some(Tz::America__Denver));
        assert_eq!(parse_zone("PT"), Some(Tz::America__Los_Angeles));
        assert_eq!(parse_zone("gmt"), Some(Tz::UTC));
        assert_eq!(parse_zone("america/chicago"), Some(Tz::America__Chicago));
        assert_eq!(parse_zone("EUROPE/LONDON"), Some(Tz::Europe__London));
        assert_eq!(parse_zone("Midwest"), None);
        assert_eq!(parse_zone(""), None);
    }

    #[test]
    fn a_city_or_a_slip_is_recognised() {
        assert_eq!(zone_hint("Chicago").unwrap(), "did you mean America/Chicago?");
        assert_eq!(zone_hint("new york").unwrap(), "did you mean America/New_York?");
        assert_eq!(zone_hint("America/Chicgo").unwrap(), "did you mean America/Chicago?");
        assert_eq!(zone_hint("Midwest and beyond the blue horizon"), None);
    }

    #[test]
    fn every_zone_of_the_list_is_read_by_its_own_name() {
        let aliased = ["EST", "MST", "GMT", "UTC"];
        for zone in TZ_VARIANTS.iter().filter(|zone| !aliased.contains(&zone.name())) {
            assert_eq!(parse_zone(zone.name()), Some(*zone));
        }
    }
}
