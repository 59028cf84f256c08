//! Remedies in waves: how often each wave of a remedy was begun, when it began, and whom the remedy had helped by then.
//!
//! Must never: count a remedy that never left, or call a wave wider than the plan allowed it to be.

use serde::Serialize;

use crate::law::plan::{RemedyPolicy, WIDER_BY};
use crate::law::verdict::Rung;
use crate::shells::report::facts::Bounded;
use crate::shells::report::story::Story;
use crate::shells::report::words::count;
use crate::words::clock::Timestamp;

/// One wave of one remedy: as many agents as it might be begun for at once when the wave began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wave {
    /// When its first agent was begun with.
    pub began: Timestamp,
    /// For how many agents at once the remedy might be under way then.
    pub at_once: u32,
    /// How often it was begun; an agent whom it was tried for twice counts twice.
    pub begun: u32,
    /// Agents that the remedy had helped before.
    pub helped_before: u32,
}

/// The waves of one remedy.
#[derive(Debug, Clone, Default)]
pub struct Waves {
    /// In order; the newest may be counted only.
    pub kept: Bounded<Wave>,
    helped: u32,
    newest: Option<Wave>,
}

impl Waves {
    /// The remedy is begun for so many more.
    pub fn begun(&mut self, at: Timestamp, mut agents: u32, canary: u32) {
        while agents > 0 {
            let at_once = canary.saturating_add(self.helped.saturating_mul(WIDER_BY)).max(1);
            let room = self.newest.map_or(0, |wave| wave.at_once.saturating_sub(wave.begun));
            match self.newest.as_mut() {
                Some(wave) if room > 0 => {
                    let taken = room.min(agents);
                    wave.begun += taken;
                    agents -= taken;
                }
                Some(_) | None => {
                    let wave = Wave { began: at, at_once, begun: 0, helped_before: self.helped };
                    self.newest = Some(wave);
                    self.kept.push(wave);
                }
            }
            self.keep_newest();
        }
    }
    /// So many of those that were begun have never left.
    pub fn unsent(&mut self, agents: u32) {
        if let Some(wave) = self.newest.as_mut() {
            wave.begun = wave.begun.saturating_sub(agents);
        }
        self.keep_newest();
    }
    /// It has helped one more.
    pub fn helped(&mut self) {
        self.helped += 1;
    }
    fn keep_newest(&mut self) {
        if self.kept.more == 0
            && let (Some(last), Some(newest)) = (self.kept.items.last_mut(), self.newest)
        {
            *last = newest;
        }
    }
    /// Those in which somebody was begun with.
    pub fn all(&self) -> impl Iterator<Item = Wave> {
        self.kept.items.iter().copied().filter(|wave| wave.begun > 0)
    }
}

/// One line about a wave, or about the brake.
#[derive(Debug, Clone, Serialize)]
pub struct WaveRow {
    /// When.
    pub began: String,
    /// How often it was begun; empty for the brake.
    pub begun: String,
    /// For how many at once it might be under way; empty for the brake.
    pub at_once: String,
    /// Agents that the remedy had helped before; empty for the brake.
    pub helped_before: String,
    /// `tried first`, `widened`, `no wider`, or what the brake says.
    pub what: String,
}

/// The waves of one remedy in words, and where the brake stopped it.
#[derive(Debug, Clone, Serialize)]
pub struct RungWaves {
    /// The remedy, or `all remedies` for a brake on all.
    pub name: &'static str,
    /// In order of time.
    pub rows: Vec<WaveRow>,
    /// Waves that are not listed.
    pub more: u64,
}

/// Whether remedies went in waves at all: with a `canary` of 0, or of a journal from before there was one, they did not.
#[must_use]
pub fn policy(story: &Story) -> Option<&RemedyPolicy> {
    story.plan.as_ref().map(|plan| &plan.remedies).filter(|remedies| remedies.canary > 0)
}

/// Remedies that went in waves, gentlest first. Whom a person is asked about, nothing is done to: no waves.
pub fn rungs(story: &Story) -> impl Iterator<Item = (Rung, &Waves)> {
    let in_waves = policy(story).is_some();
    let all = Rung::ALL.into_iter().zip(&story.waves).filter(|(rung, _)| *rung != Rung::Ask);
    all.filter(move |(_, waves)| in_waves && waves.all().next().is_some())
}

/// The waves of each remedy with the brakes among them; those of a brake on all remedies last.
#[must_use]
pub fn rows(story: &Story) -> Vec<RungWaves> {
    let brakes = |rung: Option<Rung>| {
        let of_rung = story.brakes.items.iter().filter(move |brake| brake.rung == rung);
        of_rung.map(|brake| (brake.at, brake_row(story, brake.at, &brake.why)))
    };
    let mut told: Vec<RungWaves> = rungs(story)
        .map(|(rung, waves)| {
            let mut before = 0;
            let of_waves = waves.all().map(|wave| {
                let row = wave_row(story, wave, before);
                before = wave.at_once;
                (wave.began, row)
            });
            let mut rows: Vec<(Timestamp, WaveRow)> = of_waves.collect();
            rows.extend(brakes(Some(rung)));
            rows.sort_by_key(|(at, _)| *at);
            RungWaves {
                name: rung.words(),
                rows: rows.into_iter().map(|(_, row)| row).collect(),
                more: waves.kept.more,
            }
        })
        .collect();
    let all: Vec<WaveRow> = brakes(None).map(|(_, row)| row).collect();
    if !told.is_empty() && !all.is_empty() {
        told.push(RungWaves { name: "all remedies", rows: all, more: 0 });
    }
    told
}

fn wave_row(story: &Story, wave: Wave, before: u32) -> WaveRow {
    let n = |n: u32| count(u64::from(n));
    let what = match (before, wave.at_once > before) {
        (0, _) => "tried first",
        (_, true) => "widened",
        (_, false) => "no wider",
    };
    WaveRow {
        began: story.zone.near_second(wave.began, story.publish_at()),
        begun: n(wave.begun),
        at_once: n(wave.at_once),
        helped_before: n(wave.helped_before),
        what: what.to_owned(),
    }
}

fn brake_row(story: &Story, at: Timestamp, why: &str) -> WaveRow {
    WaveRow {
        began: story.zone.near_second(at, story.publish_at()),
        begun: String::new(),
        at_once: String::new(),
        helped_before: String::new(),
        what: format!("brake: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::command::FailureKind;
    use crate::law::event::{Attempt, Blame, Event, Phase};
    use crate::law::verdict::{Reason, Verdict};
    use crate::shells::report::sample;
    use crate::words::id::Seat;

    const RUNG: Rung = Rung::SessionReset;

    fn desk(canary: u32) -> sample::Scribe {
        let mut plan = sample::plan(1, 100);
        plan.remedies.canary = canary;
        let mut scribe = sample::Scribe::staged(plan);
        scribe.say(sample::T, Event::PublishClaimed { attempt: 1, late_ms: 0 });
        scribe.say(sample::T, Event::PhaseEntered { phase: Phase::Checking });
        scribe
    }
    fn seats(range: std::ops::Range<u32>) -> Vec<Seat> {
        range.map(Seat).collect()
    }
    fn begin(scribe: &mut sample::Scribe, at: i64, range: std::ops::Range<u32>) {
        scribe.say(sample::T + at, Event::RemedyStarted { rung: RUNG, seats: seats(range) });
    }
    fn judge(scribe: &mut sample::Scribe, at: i64, range: std::ops::Range<u32>, verdict: Verdict) {
        let verdicts = range.map(|seat| (Seat(seat), verdict)).collect();
        scribe.say(sample::T + at, Event::Judged { verdicts });
    }
    fn waves(story: &Story) -> Vec<(i64, u32, u32, u32)> {
        let of = |wave: Wave| (wave.began.since_ms(sample::T), wave.begun, wave.at_once, wave.helped_before);
        rungs(story).flat_map(|(_, waves)| waves.all()).map(of).collect()
    }

    #[test]
    fn a_wave_ends_when_it_is_full_and_the_next_is_as_wide_as_help_allows() {
        let mut scribe = desk(5);
        begin(&mut scribe, 1_000, 0..5);
        judge(&mut scribe, 9_000, 0..4, Verdict::Recovered { by: RUNG });
        // Said twice, helped once.
        judge(&mut scribe, 9_500, 0..4, Verdict::Recovered { by: RUNG });
        begin(&mut scribe, 10_000, 5..6);
        begin(&mut scribe, 11_000, 6..22);
        judge(&mut scribe, 20_000, 5..22, Verdict::Recovered { by: RUNG });
        begin(&mut scribe, 21_000, 22..60);
        let story = Story::of(&scribe.records);
        assert_eq!(waves(&story), [(1_000, 5, 5, 0), (10_000, 17, 17, 4), (21_000, 38, 68, 21)]);
        let told = rows(&story);
        let what: Vec<&str> = told.iter().flat_map(|rung| &rung.rows).map(|row| row.what.as_str()).collect();
        assert_eq!(what, ["tried first", "widened", "widened"]);
    }

    #[test]
    fn a_remedy_of_no_use_stays_small_until_the_brake() {
        let mut scribe = desk(5);
        for n in 0..2_i64 {
            let range = n as u32 * 5..n as u32 * 5 + 5;
            begin(&mut scribe, n * 10_000, range.clone());
            judge(&mut scribe, n * 10_000 + 9_000, range, Verdict::Straggler { reason: Reason::PhoneDown });
        }
        let why = "session reset helped 0 of 10 agents".to_owned();
        scribe.say(sample::T + 20_000, Event::BrakeApplied { rung: Some(RUNG), why });
        scribe.say(sample::T + 30_000, Event::BrakeApplied { rung: None, why: "an outage".to_owned() });
        let told = rows(&Story::of(&scribe.records));
        let what = |rung: &RungWaves| rung.rows.iter().map(|row| row.what.clone()).collect::<Vec<_>>();
        assert_eq!(
            told.iter().map(|rung| (rung.name, what(rung))).collect::<Vec<_>>(),
            [
                (
                    "session reset",
                    vec!["tried first".into(), "no wider".into(), "brake: session reset helped 0 of 10 agents".into()]
                ),
                ("all remedies", vec!["brake: an outage".to_owned()])
            ]
        );
    }

    #[test]
    fn what_never_left_is_in_no_wave_and_without_a_canary_there_are_none() {
        let never_left = |scribe: &mut sample::Scribe| {
            begin(scribe, 1_000, 0..5);
            let failure = sample::failure(FailureKind::NotSent, 0, "the look at calls is too old");
            let seats = seats(0..2);
            scribe.say(
                sample::T + 1_100,
                Event::RemedyFailed { rung: RUNG, seats, failure, attempt: Attempt::NotMade, blame: Blame::Nobody },
            );
        };
        let mut scribe = desk(5);
        never_left(&mut scribe);
        assert_eq!(waves(&Story::of(&scribe.records)), [(1_000, 3, 5, 0)]);
        let mut scribe = desk(0);
        never_left(&mut scribe);
        assert!(waves(&Story::of(&scribe.records)).is_empty());
    }

    #[test]
    fn a_thousand_waves_are_counted_and_not_kept() {
        let mut waves = Waves::default();
        for n in 0..1_000 {
            waves.begun(sample::T + n, 5, 5);
        }
        assert_eq!((waves.kept.total(), waves.all().count()), (1_000, Bounded::<Wave>::MAX));
        assert!(waves.all().all(|wave| wave.begun == 5));
    }
}
