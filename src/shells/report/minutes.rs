//! The picture of the minutes around T: softphones lost, tokens refused, and what the platform pushed, one above the other on
//! one axis of time.
//!
//! Each has a scale of its own: a thousand refreshed tokens before T must not flatten forty lost softphones after it. Must
//! never: show nothing pushed as nothing lost; perhaps nobody listened.

use crate::law::losses::{MINUTES, Minute};
use crate::shells::report::pictures::WIDTH;
use crate::shells::report::story::Story;
use crate::shells::report::svg::{Anchor, Svg};
use crate::shells::report::words::{count, counted};

const TOP: f64 = 26.0;
const LEFT: f64 = 176.0;
const RIGHT: f64 = WIDTH - 132.0;
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
    /// Whether it is shown although there was none.
    always: bool,
}

const PARTS: [Part; 5] = [
    Part {
        name: "softphones lost",
        class: "lost",
        of: |minute| minute.lost,
        one: "softphone lost",
        many: "softphones lost",
        always: true,
    },
    Part {
        name: "tokens refused, 401",
        class: "refused",
        of: |minute| minute.refused,
        one: "token refused with 401",
        many: "tokens refused with 401",
        always: true,
    },
    Part {
        name: "stations disassociated",
        class: "disconnected",
        of: |minute| minute.disconnected,
        one: "station disassociated",
        many: "stations disassociated",
        always: false,
    },
    Part {
        name: "media legs failed",
        class: "legs",
        of: |minute| minute.legs,
        one: "media leg failed",
        many: "media legs failed",
        always: false,
    },
    Part {
        name: "tokens changed",
        class: "tokens",
        of: |minute| minute.tokens,
        one: "token changed",
        many: "tokens changed",
        always: false,
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
}

/// The minutes around T.
#[must_use]
pub fn picture(story: &Story) -> String {
    let seen: Vec<(i64, Minute)> = story.losses.minutes().collect();
    let shown = PARTS.iter().filter(|part| part.always || seen.iter().any(|(_, minute)| (part.of)(minute) > 0));
    let shown: Vec<&Part> = shown.collect();
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
        panel(&mut svg, part, &seen, TOP + at as f64 * PITCH, slot, x);
    }
    svg.line("t", (x(0), TOP - 8.0), (x(0), bottom));
    svg.text("t-name", Anchor::Start, (x(0) + 6.0, TOP - 10.0), &format!("T {}", story.zone.clock(story.publish_at())));
    svg.text("axis-name", Anchor::End, (LEFT - 8.0, TOP - 10.0), "a minute");
    svg.text("axis-name", Anchor::End, (RIGHT, bottom + 35.0), "minutes from T");
    let told: Vec<String> = seen.iter().map(|(minute, m)| format!("{minute:+}: {}", minute_words(m))).collect();
    let told = if told.is_empty() { "nothing was lost".to_owned() } else { told.join("; ") };
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
    let (before, after) = part.around_t(seen);
    svg.text("value", Anchor::Start, (RIGHT + 10.0, top + 16.0), &format!("{} before T", count(before)));
    svg.text("value", Anchor::Start, (RIGHT + 10.0, top + 33.0), &format!("{} from T on", count(after)));
}

fn minute_words(seen: &Minute) -> String {
    let told = PARTS.iter().map(|part| (part, (part.of)(seen))).filter(|(part, n)| part.always || *n > 0);
    told.map(|(part, n)| part.counted(n)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::{Event, Record};
    use crate::law::verdict::{LegState, ProbeState};
    use crate::words::clock::Timestamp;
    use crate::words::id::Seat;

    #[test]
    fn what_was_seen_has_its_panel_and_its_sums_and_what_was_not_has_none() {
        let minute = Minute { tokens: 1, legs: 2, ..Minute::default() };
        let words = "0 softphones lost, 0 tokens refused with 401, 2 media legs failed, 1 token changed";
        assert_eq!(minute_words(&minute), words);
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
}
