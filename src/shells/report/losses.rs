//! Whether softphones are lost more often after a publish than before it: in words, in a picture, in a table of minutes.
//!
//! Must never: call an association a cause, or silence evidence.

use crate::law::evidence::{Compared, Evidence, Exposure, Finding};
use crate::law::losses::{Losses, MINUTES, Minute};
use crate::shells::report::pictures::WIDTH;
use crate::shells::report::story::Story;
use crate::shells::report::svg::{Anchor, Svg, round_ticks};
use crate::shells::report::words::{count, counted};

/// What the numbers say of everything that was seen, in a sentence; `after` names the time that is compared with before: `in the 5 min after the publish`.
#[must_use]
pub fn finding_words(finding: Finding, seen: &Evidence, after: &str) -> String {
    match finding {
        Finding::Association(found) => format!(
            "Softphones were lost {} {after} as before ({}). That is an association; it does not prove the cause.",
            times(found),
            chance(found)
        ),
        Finding::None(found) => format!("No association found ({}).", chance(found)),
        Finding::Nothing if seen.before.agent_ms > 0 && seen.after.agent_ms > 0 => {
            "No association found: no softphone was lost.".to_owned()
        }
        Finding::Nothing => "No association found: too little was seen to compare.".to_owned(),
    }
}

/// Losses and their rate: `41 lost, 8.2 a minute of 1,000 ready agents`.
#[must_use]
pub fn rate_words(seen: &Exposure) -> String {
    let rate = seen
        .per_thousand_a_minute()
        .map_or("nobody was watched".to_owned(), |rate| format!("{rate:.1} a minute of 1,000 ready agents"));
    format!("{} lost, {rate}", count(seen.losses))
}

/// What a run's losses say, one sentence each.
#[must_use]
pub fn sentences(losses: &Losses) -> Vec<String> {
    let evidence = losses.evidence();
    let Evidence { before, after } = evidence;
    let (pushed, unheard) = (pushed_words(losses), unheard_words(losses));
    if losses.looks() == 0 {
        let alone = "Nobody was watched before the publish, so losses after it cannot be compared.".to_owned();
        return std::iter::once(alone).chain(pushed).chain(unheard).collect();
    }
    let looks = counted(losses.looks() as u64, "look", "looks");
    let told = [
        finding_words(evidence.finding(), &evidence, "in the minutes after the publish"),
        format!("Before the publish: {}, in {looks}.", rate_words(&before)),
        format!("From the last of them to the first answer after the publish: {}.", rate_words(&after)),
    ];
    told.into_iter().chain(pushed).chain(unheard).collect()
}

/// What was pushed, where anything was. Nothing that was pushed says nothing: perhaps nobody listened.
fn pushed_words(losses: &Losses) -> Option<String> {
    let told: Vec<String> = PUSHED.iter().filter_map(|(of, one, many)| around_t(losses, *of, one, many)).collect();
    let (last, rest) = told.split_last()?;
    let told = if rest.is_empty() { last.clone() } else { format!("{}, and that {last}", rest.join(", that ")) };
    Some(format!(
        "The platform pushed that {told}; what is pushed may be lost, and a remedy, a refresh or a logout does it as well."
    ))
}

/// One of the things that are counted in a minute.
type Part = fn(&Minute) -> u32;

/// What is pushed, and its words for one and for many.
const PUSHED: [(Part, &str, &str); 3] = [
    (|minute| minute.disconnected, "station was disassociated", "stations were disassociated"),
    (|minute| minute.tokens, "agent's token changed", "agents' tokens changed"),
    (|minute| minute.legs, "media leg failed", "media legs failed"),
];

/// How often something was pushed before T and after it; `None` where it was not.
fn around_t(losses: &Losses, of: Part, one: &str, many: &str) -> Option<String> {
    let side = |is_after: bool| {
        let side = losses.minutes().filter(|(minute, _)| (*minute >= 0) == is_after);
        side.map(|(_, seen)| u64::from(of(&seen))).sum::<u64>()
    };
    let (before, after) = (side(false), side(true));
    (before + after > 0).then(|| {
        let before = counted(before, one, many);
        format!("{before} in the {MINUTES} min before T and {} in the {MINUTES} min after it", count(after))
    })
}

/// That nothing could be heard of some, where it was so.
fn unheard_words(losses: &Losses) -> Option<String> {
    let unheard = u64::from(losses.unheard());
    (unheard > 0).then(|| {
        let agents = counted(unheard, "agent", "agents");
        format!(
            "Of {agents} nothing that is pushed could be heard for a while, because the notification channels were full: they \
             were looked at as planned."
        )
    })
}

fn times(found: Compared) -> String {
    match found.ratio {
        Some(ratio) => format!("{} times as often", number(ratio)),
        None => format!("at least {} times as often", number(found.low)),
    }
}

fn chance(found: Compared) -> String {
    let low = number(found.low);
    let ratio = match found.high.map(number) {
        Some(high) => format!("ratio between {low} and {high}"),
        None => format!("ratio of at least {low}"),
    };
    let p = if found.p < 1e-12 { "p < 1e-12".to_owned() } else { format!("p = {:.2e}", found.p) };
    format!("{ratio} with 95 % confidence, {p}")
}

fn number(n: f64) -> String {
    if n < 10.0 { format!("{n:.1}") } else { count(n.round() as u64) }
}

const HEIGHT: f64 = 120.0;
const TOP: f64 = 26.0;
const LEFT: f64 = 60.0;

/// Losses, refused tokens and stations pushed as disassociated of each minute around T, side by side.
#[must_use]
pub fn picture(story: &Story) -> String {
    let seen: Vec<(i64, Minute)> = story.losses.minutes().collect();
    let most = seen
        .iter()
        .map(|(_, minute)| minute.lost.max(minute.refused).max(minute.disconnected))
        .max()
        .unwrap_or_default();
    let ticks = round_ticks(u64::from(most.max(1)));
    let (bottom, slot) = (TOP + HEIGHT, (WIDTH - LEFT - 20.0) / (2 * MINUTES) as f64);
    let x = |minute: i64| LEFT + (minute + MINUTES) as f64 * slot;
    let scale = HEIGHT / f64::from(most.max(1));
    let mut svg = Svg::new();
    for n in ticks {
        let y = bottom - n as f64 * scale;
        svg.line("grid", (LEFT, y), (WIDTH - 20.0, y));
        svg.text("tick", Anchor::End, (LEFT - 8.0, y + 4.0), &count(n));
    }
    for minute in (-MINUTES..=MINUTES).step_by(10) {
        let label = if minute == 0 { "T".to_owned() } else { format!("{minute:+} min") };
        svg.text("tick", Anchor::Middle, (x(minute), bottom + 17.0), &label);
    }
    for (minute, told) in &seen {
        let tip = format!("minute {minute:+}: {}", minute_words(told));
        let bar = |svg: &mut Svg, class: &str, n: u32, dx: f64| {
            if n > 0 {
                let height = (f64::from(n) * scale).max(2.0);
                svg.rect(class, (x(*minute) + dx * slot, bottom - height), (slot * 0.3, height), &tip);
            }
        };
        bar(&mut svg, "lost", told.lost, 0.0);
        bar(&mut svg, "refused", told.refused, 0.33);
        bar(&mut svg, "disconnected", told.disconnected, 0.66);
    }
    svg.line("axis", (LEFT, bottom), (WIDTH - 20.0, bottom));
    svg.line("t", (x(0), TOP - 8.0), (x(0), bottom));
    svg.text("t-name", Anchor::Start, (x(0) + 6.0, TOP - 10.0), &format!("T {}", story.zone.clock(story.publish_at())));
    let told = seen.iter().map(|(minute, m)| format!("{minute:+}: {}", minute_words(m)));
    let told: Vec<String> = told.collect();
    let told = if told.is_empty() { "nothing was lost".to_owned() } else { told.join("; ") };
    svg.finish(
        "losses",
        (WIDTH, bottom + 26.0),
        "Softphones lost, tokens refused and stations disassociated in each minute around T",
        &told,
    )
}

fn minute_words(seen: &Minute) -> String {
    let lost = counted(u64::from(seen.lost), "softphone lost", "softphones lost");
    let refused = counted(u64::from(seen.refused), "token refused with 401", "tokens refused with 401");
    // Told where anything was: without notifications, there is nothing to tell.
    let pushed = counted(u64::from(seen.disconnected), "station disassociated", "stations disassociated");
    let told = [
        (seen.disconnected, pushed),
        (seen.tokens, counted(u64::from(seen.tokens), "token changed", "tokens changed")),
        (seen.legs, counted(u64::from(seen.legs), "media leg failed", "media legs failed")),
    ];
    let told = told.into_iter().filter(|(n, _)| *n > 0).map(|(_, words)| words);
    [lost, refused].into_iter().chain(told).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::{Event, Record};
    use crate::law::verdict::LegState;
    use crate::words::clock::Timestamp;
    use crate::words::id::Seat;

    fn of(after: (u64, u64), before: (u64, u64)) -> String {
        let seen = |(losses, minutes): (u64, u64)| Exposure { losses, agent_ms: minutes * 60_000 };
        let evidence = Evidence { before: seen(before), after: seen(after) };
        finding_words(evidence.finding(), &evidence, "in the 5 min after the publish")
    }

    #[test]
    fn what_was_pushed_is_told_by_kind_and_so_is_of_whom_nothing_was_heard() {
        let pushed = |since, tokens: &[u32], failed: &[u32], unheard| {
            let seats = |seats: &[u32]| seats.iter().copied().map(Seat).collect::<Vec<_>>();
            let legs = seats(failed).into_iter().map(|seat| (seat, LegState::Failed)).collect();
            let event = Event::Pushed { since, disassociated: Vec::new(), tokens: seats(tokens), legs, unheard };
            Record { seq: 2, at: since, event }
        };
        let of = |records: &[Record]| sentences(&Losses::of(records)).split_off(1);
        assert!(of(&[]).is_empty());
        let told = of(&[pushed(Timestamp(-5_000), &[1, 2], &[], None), pushed(Timestamp(61_000), &[1], &[3], Some(7))]);
        let [pushed, unheard] = told.as_slice() else { panic!("{told:?}") };
        assert!(
            pushed.contains("2 agents' tokens changed in the 30 min before T and 1 in the 30 min after it"),
            "{pushed}"
        );
        assert!(pushed.contains(", and that 0 media legs failed in the 30 min before T and 1 in"), "{pushed}");
        assert!(unheard.starts_with("Of 7 agents nothing"), "{unheard}");
        let minute = Minute { tokens: 1, legs: 2, ..Minute::default() };
        assert_eq!(
            minute_words(&minute),
            "0 softphones lost, 0 tokens refused with 401, 1 token changed, 2 media legs failed"
        );
    }

    #[test]
    fn an_association_is_told_with_its_interval_and_never_as_a_cause() {
        let told = of((41, 5), (3, 30));
        assert!(told.starts_with("Softphones were lost 82 times as often in the 5 min after the publish"), "{told}");
        assert!(told.contains("ratio between 26 and 414 with 95 % confidence, p < 1e-12"), "{told}");
        assert!(told.ends_with("it does not prove the cause."), "{told}");
        assert!(of((90, 5), (0, 30)).contains("at least"), "{}", of((90, 5), (0, 30)));
        assert!(of((3, 5), (18, 30)).starts_with("No association found (ratio between 0.2 and 3.4"));
        assert!(of((0, 5), (0, 30)).contains("no softphone was lost"));
        assert!(of((0, 0), (9, 30)).contains("too little"));
    }
}
