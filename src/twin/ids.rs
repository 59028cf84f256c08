//! Ids of the twin's things: UUIDs that carry an index, so that finding a thing by its id needs no table.
//!
//! Must never: panic on an id that somebody made up.

/// What an id stands for; the number is the id's first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Organization = 0x0000_0001,
    Division = 0x0000_0002,
    Role = 0x0000_0003,
    Site = 0x0000_0004,
    Edge = 0x0000_0005,
    Trunk = 0x0000_0006,
    PhoneBase = 0x0000_0007,
    Presence = 0x0000_0008,
    BusinessUnit = 0x0000_00b0,
    ManagementUnit = 0x0000_00b1,
    Schedule = 0x0000_00b2,
    Operation = 0x0000_00b3,
    Shift = 0x0000_00b4,
    Agent = 0x0000_0a00,
    Person = 0x0000_0a06,
    Station = 0x0000_0a01,
    Phone = 0x0000_0a02,
    Line = 0x0000_0a03,
    Client = 0x0000_0a04,
    Job = 0x0000_0a05,
    Conversation = 0x0000_0c00,
    Session = 0x0000_0c01,
    Participant = 0x0000_0c02,
    Leg = 0x0000_0c03,
}

const MIDDLE: &str = "-0000-4000-8000-";

/// The id of the `index`th thing of its kind.
pub(super) fn id(thing: Thing, index: usize) -> String {
    format!("{:08x}{MIDDLE}{:012x}", thing as u32, index)
}

/// The index in an id, when it is one of this kind.
pub(super) fn index(thing: Thing, text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || !bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')) {
        return None;
    }
    let kind = u32::from_str_radix(text.get(..8)?, 16).ok()?;
    if kind != thing as u32 || text.get(8..24)? != MIDDLE {
        return None;
    }
    usize::from_str_radix(text.get(24..)?, 16).ok()
}

const FIRST: [&str; 32] = [
    "Ada", "Ben", "Carla", "Dele", "Elin", "Farid", "Grace", "Hugo", "Ines", "Jamal", "Kaya", "Liam", "Mei", "Nadia",
    "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wes", "Ximena", "Yara", "Zane", "Anouk",
    "Bruno", "Chloe", "Dmitri", "Esther", "Femi",
];
const LAST: [&str; 29] = [
    "Abbott", "Becker", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ibrahim", "Jensen",
    "Kowalski", "Larsen", "Moreau", "Nguyen", "Okafor", "Patel", "Quispe", "Rossi", "Silva", "Tanaka", "Ueda",
    "Vasquez", "Walker", "Xu", "Yilmaz", "Zhang", "Adeyemi", "Brennan", "Cohen",
];

/// A name for the `index`th agent; different for each.
pub(super) fn person(index: usize) -> String {
    let pick = |names: &[&'static str], at: usize| names.get(at % names.len()).copied().unwrap_or("Agent");
    let (first, last) = (pick(&FIRST, index), pick(&LAST, index));
    match index / (FIRST.len() * LAST.len()) {
        0 => format!("{first} {last}"),
        round => format!("{first} {last} {}", round + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_its_index_back_and_only_to_its_own_kind() {
        let text = id(Thing::Agent, 99_999);
        assert_eq!(index(Thing::Agent, &text), Some(99_999));
        assert_eq!(index(Thing::Phone, &text), None);
        for made_up in ["", "x", "00000a00-0000-4000-8000-00000000000G", "00000a00-0000-4000-8000-0000000000+1", "é"] {
            assert_eq!(index(Thing::Agent, made_up), None);
        }
    }

    #[test]
    fn names_differ() {
        let names: std::collections::HashSet<String> = (0..5000).map(person).collect();
        assert_eq!(names.len(), 5000);
    }
}
