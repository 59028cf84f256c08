//! The names of things: one type per kind of id, so that a station can never stand where a phone is meant.
//!
//! Must never: hold an id that could change the meaning of a URL or a file name; every id is checked where it enters.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An id that is empty, too long, or holds a character that ids of the platform never have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a {kind}: 1 to 64 letters, digits, '-', '_', '.' or ':' are accepted")]
pub struct BadId {
    /// The kind of id that was asked for, e.g. `station id`.
    pub kind: &'static str,
    /// What was found, cut after 80 characters.
    pub found: String,
}

fn check(kind: &'static str, text: &str) -> Result<Arc<str>, BadId> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    // "." and ".." are letters of this alphabet and would climb out of a URL or a folder.
    let climbs = text.chars().all(|c| c == '.');
    if text.is_empty() || text.len() > 64 || climbs || !text.chars().all(plain) {
        return Err(BadId { kind, found: text.chars().take(80).collect() });
    }
    Ok(Arc::from(text))
}

/// Whether `text` has the shape of the platform's own ids, such as `5f1d3a0e-77aa-4a7e-9d3c-1d0f8a9b2c4d`.
///
/// What people type is an id or a name; a name never has this shape.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36 && text.bytes().enumerate().all(|(at, b)| if dash(at) { b == b'-' } else { b.is_ascii_hexdigit() })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes it an id.
            ///
            /// # Errors
            /// [`BadId`] when `text` is empty, longer than 64 characters or holds a character that no id has.
            pub fn new(text: &str) -> Result<Self, BadId> {
                check($kind, text).map(Self)
            }
            /// The id as the platform writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// One staged publish and everything that happens to it, from staging to its report.
    RunId = "run id";
    /// A business unit: the platform publishes schedules per business unit and week (API.md section 4).
    BusinessUnitId = "business unit id";
    /// A management unit: the group of agents inside a business unit (API.md section 4).
    ManagementUnitId = "management unit id";
    /// A week's schedule, draft or published (API.md section 4).
    ScheduleId = "schedule id";
    /// An agent: the platform's user id (API.md section 4).
    AgentId = "user id";
    /// A station: where an agent's calls ring (API.md section 9).
    StationId = "station id";
    /// A phone: the device behind a station (API.md section 10).
    PhoneId = "phone id";
    /// An asynchronous operation of the platform, such as a schedule update (API.md section 5).
    OperationId = "operation id";
}

/// What the name of a calendar entry's stream begins with.
const CALENDAR: &str = "calendar.";

impl RunId {
    /// The stream that holds the daemon's notes about one publish entry of the configuration.
    ///
    /// # Errors
    /// [`BadId`] when `entry` is longer than 55 characters or holds a character that no id has.
    pub fn calendar(entry: &str) -> Result<RunId, BadId> {
        RunId::new(&format!("{CALENDAR}{entry}"))
    }
    /// Whether this is such a stream rather than a run.
    #[must_use]
    pub fn is_calendar(&self) -> bool {
        self.as_str().starts_with(CALENDAR)
    }
}

/// An agent's place in the roster that a run pinned when it was staged, from 0.
///
/// The journal names agents by seat: four bytes, whatever the platform's id looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seat(pub u32);

impl Seat {
    /// The seat as an index into the roster.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A text that is not a date of the calendar; cut after 80 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no date: a week is named by its first day, yyyy-MM-dd, such as 2026-11-30")]
pub struct NoDate(String);

/// The first day of a schedule's week, `yyyy-MM-dd`, in the business unit's own time zone (API.md section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WeekDate(chrono::NaiveDate);

impl WeekDate {
    /// Reads `yyyy-MM-dd`.
    ///
    /// # Errors
    /// [`NoDate`] when `text` is not a date of the calendar.
    pub fn new(text: &str) -> Result<Self, NoDate> {
        let read = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d");
        read.map(Self).map_err(|_| NoDate(text.chars().take(80).collect()))
    }
    /// The date itself.
    #[must_use]
    pub fn date(self) -> chrono::NaiveDate {
        self.0
    }
}
impl From<chrono::NaiveDate> for WeekDate {
    fn from(date: chrono::NaiveDate) -> Self {
        Self(date)
    }
}
impl TryFrom<String> for WeekDate {
    type Error = NoDate;
    fn try_from(text: String) -> Result<Self, NoDate> {
        Self::new(&text)
    }
}
impl From<WeekDate> for String {
    fn from(week: WeekDate) -> String {
        week.to_string()
    }
}
impl fmt::Display for WeekDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_the_calendar_is_told_from_a_run() {
        let stream = RunId::calendar("friday").unwrap();
        assert_eq!((stream.as_str(), stream.is_calendar()), ("calendar.friday", true));
        assert!(!RunId::new("20261127-1600-calendar.friday").unwrap().is_calendar());
        for bad in ["a b", "a/b", &"x".repeat(56)] {
            assert!(RunId::calendar(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_date_is_told_so() {
        for bad in ["2026-99-01", "2026-02-30", "next", ""] {
            let told = WeekDate::new(bad).unwrap_err().to_string();
            assert!(told.contains("is no date") && told.contains("yyyy-MM-dd"), "{told}");
        }
    }

    #[test]
    fn an_id_of_the_platform_is_told_from_a_name() {
        assert!(is_uuid("5f1d3a0e-77aa-4a7e-9d3c-1d0f8a9b2c4d"));
        assert!(is_uuid("5F1D3A0E-77AA-4A7E-9D3C-1D0F8A9B2C4D"));
        for name in ["", "Customer Care", "5f1d3a0e77aa4a7e9d3c1d0f8a9b2c4d", "5f1d3a0e-77aa-4a7e-9d3c-1d0f8a9b2c4g"] {
            assert!(!is_uuid(name), "{name}");
        }
    }
}
