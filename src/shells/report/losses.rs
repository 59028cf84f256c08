//! Whether softphones are lost more often after a publish than before it, in words.
//!
//! Must never: call an association a cause, or silence evidence.

use crate::law::evidence::{Compared, Evidence, Exposure, Finding};
use crate::law::losses::{Losses, MINUTES, Minute, Tried};
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
        Finding::None(found) if found.high.is_some_and(|high| high < 1.0) => {
            format!("Fewer softphones were lost {after} than before ({}): no association found.", chance(found))
        }
        Finding::None(found) => format!("No association found ({}).", chance(found)),
        Finding::Nothing if seen.before.agent_ms > 0 && seen.after.agent_ms > 0 => {
            "No association found: no softphone was lost.".to_owned()
        }
        Finding::Nothing => "Nothing can be said: too little was seen to compare.".to_owned(),
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
    let seen = [refused_words(losses), pushed_words(losses), unheard_words(losses)].into_iter().flatten();
    if losses.looks() == 0 {
        let alone = "Nobody was watched before the publish, so losses after it cannot be compared.".to_owned();
        return std::iter::once(alone).chain(seen).collect();
    }
    let looks = counted(losses.looks() as u64, "look", "looks");
    let told = [
        finding_words(evidence.finding(), &evidence, "in the minutes after the publish"),
        format!("Before the publish: {}, in {looks}.", rate_words(&before)),
        format!("From the last of them to the first answer after the publish: {}.", rate_words(&after)),
    ];
    told.into_iter().chain(seen).collect()
}

/// How many tokens were refused, where anybody has tried one.
fn refused_words(losses: &Losses) -> Option<String> {
    let Tried { before, after } = losses.tried();
    let (refused_before, refused_after) = around_t(losses, |minute| minute.refused);
    let side = |was_tried: bool, refused: u64, when: &str| match was_tried {
        true => format!("{} in the {MINUTES} min {when}", count(refused)),
        false => format!("nobody tried one {when}"),
    };
    let (early, late) = (side(before, refused_before, "before T"), side(after, refused_after, "after it"));
    (before || after)
        .then(|| format!("Tokens refused with 401, to softlanding or in the agents' pages: {early}, {late}."))
}

/// What was pushed, where anything was. Nothing that was pushed says nothing: perhaps nobody listened.
fn pushed_words(losses: &Losses) -> Option<String> {
    let told: Vec<String> = PUSHED.iter().filter_map(|part| pushed_around_t(losses, part)).collect();
    let (last, rest) = told.split_last()?;
    let told = if rest.is_empty() { last.clone() } else { format!("{}, and that {last}", rest.join(", that ")) };
    Some(format!(
        "The platform pushed that {told}; what softlanding had just refreshed is left out, what is pushed may be lost, and a \
         remedy, a page or a logout does it as well."
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

/// How many there were before T and after it.
fn around_t(losses: &Losses, of: Part) -> (u64, u64) {
    let side = |is_after: bool| {
        let side = losses.minutes().filter(|(minute, _)| (*minute >= 0) == is_after);
        side.map(|(_, seen)| u64::from(of(&seen))).sum::<u64>()
    };
    (side(false), side(true))
}

/// How often something was pushed before T and after it; `None` where it was not.
fn pushed_around_t(losses: &Losses, (of, one, many): &(Part, &str, &str)) -> Option<String> {
    let (before, after) = around_t(losses, *of);
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
    format!("{ratio} with 95 % confidence, {}", probability(found.p))
}

/// `p = 0.997`, `p = 1.8e-5`: three digits, and a power of ten only where zeros would have to be counted.
fn probability(p: f64) -> String {
    match p {
        p if p < 1e-12 => "p < 1e-12".to_owned(),
        p if p < 0.000_95 => format!("p = {p:.1e}"),
        p if p < 0.1 => format!("p = {p:.4}"),
        p if p < 0.9995 => format!("p = {p:.3}"),
        _ => "p = 1.00".to_owned(),
    }
}

fn number(n: f64) -> String {
    if n < 10.0 { format!("{n:.1}") } else { count(n.round() as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::{Event, Record};
    use crate::law::page::{PageSeen, PageState};
    use crate::law::verdict::{CallState, LegState};
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
    }

    #[test]
    fn refused_tokens_are_told_whoever_tried_them_and_silence_is_not_told_as_none() {
        let at = Timestamp(61_000);
        let told = |events: Vec<Event>| {
            let records: Vec<Record> = (1..).zip(events).map(|(seq, event)| Record { seq, at, event }).collect();
            sentences(&Losses::of(&records)).split_off(1)
        };
        let page = |seat, state| PageSeen { seat: Seat(seat), state, call: CallState::Free, at };
        let pages = vec![page(0, PageState::Refused), page(1, PageState::Refused), page(2, PageState::Ready)];
        let refused = told(vec![Event::PagesSeen { seen: pages }]);
        let both = "to softlanding or in the agents' pages: nobody tried one before T, 2 in the 30 min after it.";
        assert_eq!(refused, [format!("Tokens refused with 401, {both}")]);
        assert!(told(vec![Event::PagesSeen { seen: vec![page(0, PageState::Unknown)] }]).is_empty());
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
        assert!(of((0, 0), (9, 30)).starts_with("Nothing can be said: too little"));
        let fewer = of((2, 50), (90, 30));
        assert!(fewer.starts_with("Fewer softphones were lost in the 5 min after the publish than before (ratio"));
        let numbers = [1.0, 0.9997, 0.997, 0.25, 0.0421, 0.0009, 1.8e-5, 1e-13].map(probability);
        let words =
            ["p = 1.00", "p = 1.00", "p = 0.997", "p = 0.250", "p = 0.0421", "p = 9.0e-4", "p = 1.8e-5", "p < 1e-12"];
        assert_eq!(numbers, words);
    }
}
