//! The picture of the minutes around T: softphones lost, tokens refused, and what the platform pushed, one above the other on
//! one axis of time.
//!
//! Each has a scale of its own: a thousand changed tokens before T must not flatten forty lost softphones after it. Must
//! never: show nothing pushed as nothing lost, or nothing asked as nothing refused; perhaps nobody listened or asked.

use crate::law::losses::{MINUTES, Minute, Tried};
use crate::shells::report::pictures::WIDTH;
use crate::shells::report::story::Story;
use crate::shells::report::svg::{Anchor, Svg};
use crate::shells::report::words::{count, counted};

const TOP: f64 = 26.0;
const LEFT: f64 = 176.0;
const RIGHT: f64 = WIDTH - 142.0;
/// Height of one panel, and from one to the next.
const HEIGHT: f64 = 40.0;
const PITCH: f64 = 56.0;

/// One thing that is counted minute by minute.
struct Part {
    name: &'static str,
    class: &'static str,
    of: fn(&Minute) -> u32,
    one: &'static str,
    many: &'static str,
    shown: Shown,
}

/// When something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Although there was none of it.
    Always,
    /// Likewise; where nobody has tried a token, that stands in the place of the numbers.
    WhereTried,
    /// Where there was some.
    WhereSeen,
}

const PARTS: [Part; 5] = [
    Part {
        name: "softphones lost",
        class: "lost",
        of: |minute| minute.lost,
        one: "softphone lost",
        many: "softphones lost",
        shown: Shown::Always,
    },
    Part {
        name: "tokens refused, 401",
        class: "refused",
        of: |minute| minute.refused,
        one: "token refused with 401",
        many: "tokens refused with 401",
        shown: Shown::WhereTried,
    },
    Part {
        name: "stations disassociated",
        class: "disconnected",
        of: |minute| minute.disconnected,
        one: "station disassociated",
        many: "stations disassociated",
        shown: Shown::WhereSeen,
    },
    Part {
        name: "media legs failed",
        class: "legs",
        of: |minute| minute.legs,
        one: "media leg failed",
        many: "media legs failed",
        shown: Shown::WhereSeen,
    },
    Part {
        name: "tokens changed",
        class: "tokens",
        of: |minute| minute.tokens,
        one: "token changed",
        many: "tokens changed",
        shown: Shown::WhereSeen,
    },
];

impl Part {
    fn counted(&self, n: u32) -> String {
        counted(u64::from(n), self.one, self.many)
    }
    /// How many before T and from T on.
    fn around_t(&self, seen: &[(i64, Minute)]) -> (u64, u64) {
        let side = |is_after: bool| {
            let side = seen.iter().filter(|(minute, _)| (*minute >= 0) == is_after);
            side.map(|(_, minute)| u64::from((self.of)(minute))).sum()
        };
        (side(false), side(true))
    }
    /// The same in words, for a line each.
    fn sums(&self, seen: &[(i64, Minute)], tried: Tried) -> (String, String) {
        let (before, after) = self.around_t(seen);
        let told = |n: u64, was_tried: bool, when: &str| match (self.shown, was_tried || n > 0) {
            (Shown::WhereTried, false) => format!("not asked {when}"),
            (Shown::Always | Shown::WhereTried | Shown::WhereSeen, _) => format!("{} {when}", count(n)),
        };
        (told(before, tried.before, "before T"), told(after, tried.after, "from T on"))
    }
    /// Whether a minute with so many says so.
    fn is_told(&self, n: u32, tried: Tried) -> bool {
        match self.shown {
            Shown::Always => true,
            Shown::WhereTried => n > 0 || tried != Tried::default(),
            Shown::WhereSeen => n > 0,
        }
    }
}

/// The minutes around T.
#[must_use]
pub fn picture(story: &Story) -> String {
    let seen: Vec<(i64, Minute)> = story.losses.minutes().collect();
    let tried = story.losses.tried();
    let is_shown =
        |part: &&Part| part.shown != Shown::WhereSeen || seen.iter().any(|(_, minute)| (part.of)(minute) > 0);
    let shown: Vec<&Part> = PARTS.iter().filter(is_shown).collect();
    let bottom = TOP + shown.len() as f64 * PITCH - (PITCH - HEIGHT);
    let slot = (RIGHT - LEFT) / (2 * MINUTES) as f64;
    let x = |minute: i64| LEFT + (minute + MINUTES) as f64 * slot;
    let mut svg = Svg::new();
    for minute in (-MINUTES..=MINUTES).step_by(5) {
        svg.line("grid", (x(minute), TOP), (x(minute), bottom));
        let words = if minute == 0 { "T".to_owned() } else { format!("{minute:+}") };
        svg.text("tick", Anchor::Middle, (x(minute), bottom + 17.0), &words);
    }
    for (at, part) in shown.iter().enumerate() {
        let top = TOP + at as f64 * PITCH;
        panel(&mut svg, part, &seen, top, slot, x);
        let (before, after) = part.sums(&seen, tried);
        svg.text("value", Anchor::Start, (RIGHT + 10.0, top + 16.0), &before);
        svg.text("value", Anchor::Start, (RIGHT + 10.0, top + 33.0), &after);
    }
    svg.line("t", (x(0), TOP - 8.0), (x(0), bottom));
    svg.text("t-name", Anchor::Start, (x(0) + 6.0, TOP - 10.0), &format!("T {}", story.zone.clock(story.publish_at())));
    svg.text("axis-name", Anchor::End, (LEFT - 8.0, TOP - 10.0), "a minute");
    svg.text("axis-name", Anchor::End, (RIGHT, bottom + 35.0), "minutes from T");
    let told: Vec<String> = seen.iter().map(|(minute, m)| format!("{minute:+}: {}", minute_words(m, tried))).collect();
    let told = if told.is_empty() { "nothing was lost".to_owned() } else { told.join("; ") };
    let told = if tried == Tried::default() { format!("{told}; no token was tried") } else { told };
    svg.finish("minutes", (WIDTH, bottom + 42.0), "What was lost, refused and pushed in each minute around T", &told)
}

fn panel(svg: &mut Svg, part: &Part, seen: &[(i64, Minute)], top: f64, slot: f64, x: impl Fn(i64) -> f64) {
    let bottom = top + HEIGHT;
    let most = seen.iter().map(|(_, minute)| (part.of)(minute)).max().unwrap_or_default().max(1);
    svg.line("grid", (LEFT, top), (RIGHT, top));
    svg.text("tick", Anchor::End, (LEFT - 8.0, top + 8.0), &count(u64::from(most)));
    svg.text("tick", Anchor::End, (LEFT - 8.0, bottom), "0");
    svg.rect(part.class, (0.0, top + 13.0), (12.0, 12.0), "");
    svg.text("label small", Anchor::Start, (18.0, top + 23.5), part.name);
    for (minute, told) in seen {
        let n = (part.of)(told);
        if n > 0 {
            let height = (f64::from(n) / f64::from(most) * HEIGHT).max(2.0);
            let tip = format!("minute {minute:+}: {}", part.counted(n));
            svg.rect(part.class, (x(*minute) + slot * 0.1, bottom - height), (slot * 0.8, height), &tip);
        }
    }
    svg.line("axis", (LEFT, bottom), (RIGHT, bottom));
}

fn minute_words(seen: &Minute, tried: Tried) -> String {
    let told = PARTS.iter().map(|part| (part, (part.of)(seen))).filter(|(part, n)| part.is_told(*n, tried));
    told.map(|(part, n)| part.counted(n)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::{Event, Record};
    use crate::law::page::{PageSeen, PageState};
    use crate::law::verdict::{CallState, LegState, ProbeState};
    use crate::words::clock::Timestamp;
    use crate::words::id::Seat;

    #[test]
    fn what_was_seen_has_its_panel_and_its_sums_and_what_was_not_has_none() {
        let minute = Minute { tokens: 1, legs: 2, ..Minute::default() };
        let words = "0 softphones lost, 0 tokens refused with 401, 2 media legs failed, 1 token changed";
        assert_eq!(minute_words(&minute, Tried { before: true, after: false }), words);
        assert_eq!(minute_words(&minute, Tried::default()), "0 softphones lost, 2 media legs failed, 1 token changed");
        let seats = |n: u32| (0..n).map(Seat).collect::<Vec<_>>();
        let pushed = |since: i64, tokens: u32, failed: u32| Event::Pushed {
            since: Timestamp(since),
            disassociated: Vec::new(),
            tokens: seats(tokens),
            legs: seats(failed).into_iter().map(|seat| (seat, LegState::Failed)).collect(),
            unheard: None,
        };
        let events =
            [pushed(-61_000, 7, 0), pushed(5_000, 2, 3), Event::Probed { seat: Seat(0), result: ProbeState::Refused }];
        let mut story = Story::default();
        for (seq, event) in (1..).zip(events) {
            story.losses.hear(&Record { seq, at: Timestamp(61_000), event });
        }
        let picture = picture(&story);
        for part in
            ["tokens changed", "7 before T", "2 from T on", "media legs failed", "3 from T on", "tokens refused, 401"]
        {
            assert!(picture.contains(part), "{part}");
        }
        assert!(!picture.contains("stations disassociated"), "{picture}");
    }

    #[test]
    fn where_nobody_tried_a_token_no_zeros_stand() {
        let drawn = |events: Vec<Event>| {
            let mut story = Story::default();
            for (seq, event) in (1..).zip(events) {
                story.losses.hear(&Record { seq, at: Timestamp(61_000), event });
            }
            let drawn = picture(&story);
            ["not asked before T", "not asked from T on", "no token was tried"].map(|words| drawn.contains(words))
        };
        let page = |state| {
            let seen = PageSeen { seat: Seat(0), state, call: CallState::Free, at: Timestamp(61_000) };
            Event::PagesSeen { seen: vec![seen] }
        };
        assert_eq!(drawn(Vec::new()), [true, true, true]);
        assert_eq!(drawn(vec![page(PageState::Unknown)]), [true, true, true]);
        assert_eq!(drawn(vec![page(PageState::Refused)]), [true, false, false]);
    }
}
