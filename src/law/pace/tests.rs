//! The pacer in virtual time: never too many, all of it used, and a fair share for everybody who shares it.
//!
//! Must never: read a clock; every instant is a number here.

use proptest::prelude::*;

use super::*;

/// One request of the house that does not wait for its turn.
fn ask(pacer: &mut Pacer, now: i64, urgency: Urgency) -> Turn {
    let mut ticket = Ticket::new(Party::HOUSE, urgency);
    let turn = pacer.turn(Timestamp(now), &mut ticket);
    pacer.withdraw(&mut ticket);
    turn
}

/// Somebody who sends one request after the other, each as soon as the answer to the one before is there.
#[derive(Clone)]
struct Worker {
    party: Party,
    urgency: Urgency,
    from: i64,
    /// Never comes back for a turn from here on.
    to: i64,
    calls_max: usize,
}

fn workers(party: u32, many: usize, from: i64, to: i64) -> Vec<Worker> {
    let calls_max = usize::MAX;
    vec![Worker { party: Party(party), urgency: Urgency::Normal, from, to, calls_max }; many]
}

/// Lets everybody work, each answer `latency` later; who left when. Who wakes first of those that wake at one instant is
/// drawn from `seed`.
fn work(pacer: &mut Pacer, workers: &[Worker], latency: i64, until: i64, seed: u64) -> Vec<(i64, Party)> {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Does {
        Ask,
        Hear,
    }
    // Of each instant and worker alone, so that one worker more moves nobody else.
    let order = |at: i64, w: usize| Seed(seed).fork(&format!("{at} {w}")).bits();
    let mut queue = BTreeMap::new();
    let mut tickets: Vec<(Ticket, usize)> = Vec::new();
    for (w, worker) in workers.iter().enumerate() {
        tickets.push((Ticket::new(worker.party, worker.urgency), 0));
        queue.insert((worker.from, order(worker.from, w), w), Does::Ask);
    }
    let mut left = Vec::new();
    while let Some(((now, _, w), does)) = queue.pop_first().filter(|((now, ..), _)| *now < until) {
        let (worker, (ticket, calls)) = (&workers[w], &mut tickets[w]);
        if does == Does::Hear {
            pacer.answered(Timestamp(now), worker.party, RateHeaders::default());
        }
        if now >= worker.to || *calls >= worker.calls_max {
            continue;
        }
        match pacer.turn(Timestamp(now), ticket) {
            Turn::Go => {
                *calls += 1;
                left.push((now, worker.party));
                queue.insert((now + latency, order(now + latency, w), w), Does::Hear);
            }
            Turn::Wait(at) => {
                assert!(at.0 > now, "a wait that has passed would spin");
                queue.insert((at.0, order(at.0, w), w), Does::Ask);
            }
        }
    }
    no_minute_holds_more_than(pacer.allowed(), &left);
    left
}

fn no_minute_holds_more_than(allowed: u32, left: &[(i64, Party)]) {
    for (i, (at, _)) in left.iter().enumerate() {
        let within = left[i..].iter().take_while(|(later, _)| *later < at + WINDOW_MS).count();
        assert!(within <= allowed as usize, "{within} calls within a minute of {at}");
    }
}

fn calls_of(party: u32, from: i64, to: i64, left: &[(i64, Party)]) -> usize {
    left.iter().filter(|(at, who)| *who == Party(party) && (from..to).contains(at)).count()
}

#[test]
fn two_parties_with_endless_work_have_half_each() {
    for (seed, (one, two)) in [(4, 4), (16, 16), (16, 12), (2, 2)].into_iter().enumerate() {
        let mut pacer = Pacer::new(300, None);
        let both = [workers(1, one, 0, i64::MAX), workers(2, two, 0, i64::MAX)].concat();
        let left = work(&mut pacer, &both, 20, 600_000, seed as u64);
        let (mine, theirs) = (calls_of(1, 60_000, 600_000, &left), calls_of(2, 60_000, 600_000, &left));
        assert!(mine.abs_diff(theirs) <= 12, "{one} against {two} at a time: {mine} and {theirs}");
        assert!(left.len() >= 290 * 9, "only {} calls left in ten minutes", left.len());
    }
}

#[test]
fn who_asks_one_thing_at_a_time_comes_to_its_share_as_well() {
    let mut pacer = Pacer::new(300, None);
    let both = [workers(1, 16, 0, i64::MAX), workers(2, 1, 0, i64::MAX)].concat();
    let left = work(&mut pacer, &both, 20, 1_800_000, 1);
    // While its only request is under way none of its waits, and the first burst is the other's.
    assert!(calls_of(2, 0, 60_000, &left) < 30);
    let (many, few) = (calls_of(1, 1_200_000, 1_800_000, &left), calls_of(2, 1_200_000, 1_800_000, &left));
    assert!(few * 3 >= many * 2, "{many} and {few}");
    assert!(left.len() >= 280 * 29, "only {} calls left in half an hour", left.len());
}

#[test]
fn who_comes_a_minute_later_has_half_within_a_window() {
    for head_start in [1_000, 30_000, 60_000, 90_000] {
        let mut pacer = Pacer::new(300, None);
        let both = [workers(1, 8, 0, i64::MAX), workers(2, 8, head_start, i64::MAX)].concat();
        let left = work(&mut pacer, &both, 50, 900_000, 7);
        let settled = head_start + 2 * WINDOW_MS;
        let (one, two) = (calls_of(1, settled, 900_000, &left), calls_of(2, settled, 900_000, &left));
        assert!(one.abs_diff(two) <= 24, "{head_start} ms later: {one} and {two}");
    }
}

#[test]
fn a_party_alone_has_everything() {
    let mut pacer = Pacer::new(300, None);
    let left = work(&mut pacer, &workers(7, 4, 0, i64::MAX), 20, 600_000, 1);
    assert!(left.len() >= 290 * 9, "only {} calls left in ten minutes", left.len());
    // After the others have gone as well.
    let mut pacer = Pacer::new(300, None);
    let gone = [workers(1, 4, 0, i64::MAX), workers(2, 4, 0, 120_000), workers(3, 4, 0, 120_000)].concat();
    let left = work(&mut pacer, &gone, 20, 720_000, 1);
    assert!(calls_of(1, 240_000, 720_000, &left) >= 290 * 7);
}

#[test]
fn ten_parties_have_a_tenth_each_and_who_wants_less_leaves_it_to_the_others() {
    let mut pacer = Pacer::new(300, None);
    let ten: Vec<Worker> = (0..10).flat_map(|party| workers(party, 3, 0, i64::MAX)).collect();
    let left = work(&mut pacer, &ten, 20, 1_200_000, 3);
    let shares: Vec<usize> = (0..10).map(|party| calls_of(party, 0, 1_200_000, &left)).collect();
    let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
    assert!(most - least <= 20, "{shares:?}");
    assert!(left.len() >= 290 * 19, "only {} calls", left.len());
    // One that asks every ten seconds only is never held up, and the rest is shared by the others.
    let mut pacer = Pacer::new(300, None);
    let slow: Vec<Worker> = (0..60)
        .map(|n| Worker { calls_max: 1, ..workers(1, 1, n * 10_000, i64::MAX).remove(0) })
        .chain(workers(2, 4, 0, i64::MAX))
        .chain(workers(3, 4, 0, i64::MAX))
        .collect();
    let left = work(&mut pacer, &slow, 20, 601_000, 5);
    assert!(calls_of(1, 0, 601_000, &left) >= 55, "{} of 60 left", calls_of(1, 0, 601_000, &left));
    let (two, three) = (calls_of(2, 0, 601_000, &left), calls_of(3, 0, 601_000, &left));
    assert!(two.abs_diff(three) <= 12, "{two} and {three}");
}

#[test]
fn nobody_starves_however_little_there_is() {
    for allowed in [1, 2, 5] {
        let mut pacer = Pacer::new(allowed, None);
        let ten: Vec<Worker> = (0..10).flat_map(|party| workers(party, 4, 0, i64::MAX)).collect();
        let minutes = 10 * 12 / i64::from(allowed);
        let left = work(&mut pacer, &ten, 20, minutes * 60_500, 3);
        for party in 0..10 {
            let calls = calls_of(party, 0, i64::MAX, &left);
            assert!((9..=15).contains(&calls), "{allowed} a minute: party {party} had {calls} of {}", left.len());
        }
    }
}

#[test]
fn a_party_that_does_not_come_back_holds_the_others_up_for_a_moment_only() {
    let mut pacer = Pacer::new(2, None);
    let (mut busy, mut gone) = (Ticket::new(Party(1), Urgency::Normal), Ticket::new(Party(2), Urgency::Normal));
    for _ in 0..2 {
        assert_eq!(pacer.turn(Timestamp(0), &mut busy), Turn::Go);
        pacer.answered(Timestamp(0), Party(1), RateHeaders::default());
    }
    assert_eq!(pacer.turn(Timestamp(10), &mut gone), Turn::Wait(Timestamp(60_000)));
    pacer.allowed = 3;
    // It is not there before the instant that it was told, so nobody is behind it.
    assert_eq!(pacer.turn(Timestamp(20), &mut busy), Turn::Go);
    pacer.answered(Timestamp(59_000), Party(1), RateHeaders::default());
    pacer.allowed = 2;
    assert_eq!(pacer.turn(Timestamp(60_000), &mut busy), Turn::Wait(Timestamp(60_000 + YIELD_MS)));
    let late = 60_000 + PRESENT_MS;
    assert_eq!(pacer.turn(Timestamp(late - 1), &mut busy), Turn::Wait(Timestamp(late - 1 + YIELD_MS)));
    assert_eq!(pacer.turn(Timestamp(late), &mut busy), Turn::Go);
    pacer.answered(Timestamp(late), Party(1), RateHeaders::default());
    // Whoever gives up says so, and nobody waits for it at all.
    let (mut other, next) = (Ticket::new(Party(3), Urgency::Normal), 59_000 + WINDOW_MS);
    assert_eq!(pacer.turn(Timestamp(late), &mut other), Turn::Wait(Timestamp(next)));
    pacer.withdraw(&mut other);
    assert_eq!(pacer.turn(Timestamp(next), &mut busy), Turn::Go);
}

#[test]
fn the_publish_goes_before_everybody() {
    for allowed in [4, 300] {
        let mut pacer = Pacer::new(allowed, None);
        let publish = Worker { urgency: Urgency::Publish, calls_max: 1, ..workers(1, 1, 200_000, i64::MAX).remove(0) };
        let all: Vec<Worker> =
            (1..10).flat_map(|party| workers(party, 4, 0, i64::MAX)).chain([publish.clone()]).collect();
        let without = work(&mut pacer.clone(), &all[..36], 20, 400_000, 9);
        let left = work(&mut pacer, &all, 20, 400_000, 9);
        // It leaves at once where there is a reserve, and otherwise with the next turns that are free.
        let next = without.iter().find(|(at, _)| *at >= 200_000).map_or(i64::MAX, |(at, _)| *at);
        let by = if allowed == 300 { 200_000 } else { next };
        let (with, without) = (calls_of(1, 200_000, by + 1, &left), calls_of(1, 200_000, by + 1, &without));
        assert_eq!(with, without + 1, "{allowed} calls a minute, until {by}");
    }
}

#[test]
fn what_is_over_is_forgotten() {
    let mut pacer = Pacer::new(300, None);
    let many: Vec<Worker> = (0..200).flat_map(|party| workers(party, 2, 0, 90_000)).collect();
    work(&mut pacer, &many, 20, 300_000, 11);
    let mut ticket = Ticket::new(Party::HOUSE, Urgency::Normal);
    assert_eq!(pacer.turn(Timestamp(900_000), &mut ticket), Turn::Go);
    pacer.answered(Timestamp(900_000), Party::HOUSE, RateHeaders::default());
    assert_eq!((pacer.used.len(), pacer.counted, pacer.expiring.len()), (1, 1, 1));
    assert!(pacer.queue.is_empty(), "{:?}", pacer.queue);
}
/// Sends as fast as the pacer lets, each answer `latency` later; the instants at which requests left.
fn drain(pacer: &mut Pacer, from: i64, to: i64, latency: i64) -> Vec<i64> {
    let (mut now, mut left) = (from, Vec::new());
    while now < to {
        match ask(pacer, now, Urgency::Normal) {
            Turn::Go => {
                left.push(now);
                now += latency;
                pacer.answered(Timestamp(now), Party::HOUSE, RateHeaders::default());
            }
            Turn::Wait(at) => now = at.0,
        }
    }
    left
}

#[test]
fn no_window_of_sixty_seconds_holds_more_than_the_allowance() {
    let mut pacer = Pacer::new(300, None);
    let left = drain(&mut pacer, 0, 600_000, 7);
    for (i, at) in left.iter().enumerate() {
        let within = left[i..].iter().take_while(|later| **later < at + WINDOW_MS).count();
        assert!(within <= 300, "{within} calls within a minute of {at}");
    }
    assert!(left.len() >= 290 * 9, "only {} calls left in ten minutes", left.len());
}

#[test]
fn the_publish_may_use_the_reserve() {
    let mut pacer = Pacer::new(300, None);
    for _ in 0..290 {
        assert_eq!(ask(&mut pacer, 0, Urgency::Normal), Turn::Go);
    }
    assert!(matches!(ask(&mut pacer, 0, Urgency::Normal), Turn::Wait(_)));
    for _ in 0..10 {
        assert_eq!(ask(&mut pacer, 0, Urgency::Publish), Turn::Go);
    }
    assert!(matches!(ask(&mut pacer, 0, Urgency::Publish), Turn::Wait(_)));
}

#[test]
fn the_reserve_is_free_when_nobody_has_been_urgent_for_a_while() {
    let normal = |pacer: &mut Pacer, at| (0..400).filter(|_| ask(pacer, at, Urgency::Normal) == Turn::Go).count();
    // Before anybody was urgent T may be about to come, however long ago the pacer was made.
    assert_eq!(normal(&mut Pacer::new(300, None), 3_600_000), 290);
    let mut pacer = Pacer::new(300, None);
    assert_eq!(ask(&mut pacer, 0, Urgency::Publish), Turn::Go);
    pacer.answered(Timestamp(20), Party::HOUSE, RateHeaders::default());
    assert_eq!(normal(&mut pacer.clone(), RESERVE_KEPT_MS - 1), 290);
    assert_eq!(normal(&mut pacer.clone(), RESERVE_KEPT_MS), 300);
    // A publish that is to come has it kept for two windows before its instant, and for two behind it.
    pacer.expect_publish(Timestamp(10 * RESERVE_KEPT_MS));
    for (at, free) in [(2, 300), (9, 290), (11, 290), (12, 300)] {
        assert_eq!(normal(&mut pacer.clone(), at * RESERVE_KEPT_MS), free, "{at}");
    }
    // Whoever is urgent again has it kept again, whether there is a turn or not.
    assert_eq!(normal(&mut pacer, RESERVE_KEPT_MS), 300);
    assert!(matches!(ask(&mut pacer, RESERVE_KEPT_MS + 1, Urgency::Publish), Turn::Wait(_)));
    for _ in 0..300 {
        pacer.answered(Timestamp(RESERVE_KEPT_MS + 20), Party::HOUSE, RateHeaders::default());
    }
    assert_eq!(normal(&mut pacer, RESERVE_KEPT_MS + 20 + WINDOW_MS), 290);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// A run that is through has given the reserve free, and works on with others; another prepares one window before its T.
    #[test]
    fn a_publish_that_is_prepared_one_window_before_finds_the_reserve(
        allowed in 100_u32..400, parties in 1_u32..4, many in 1_usize..24, latency in 1_i64..3_000,
        prepares_at in 300_000_i64..500_000, seed: u64,
    ) {
        let mut pacer = Pacer::new(allowed, None);
        let urgent = |party, at| Worker { urgency: Urgency::Publish, calls_max: 1, ..workers(party, 1, at, i64::MAX).remove(0) };
        let publish_at = prepares_at + WINDOW_MS;
        let all: Vec<Worker> = (0..parties)
            .flat_map(|party| workers(party, many, 0, i64::MAX))
            .chain([urgent(0, 0), urgent(9, prepares_at), urgent(8, publish_at)])
            .collect();
        // Asserts that no window held too many.
        let left = work(&mut pacer, &all, latency, publish_at + 60_000, seed);
        let published = left.iter().find(|(_, party)| *party == Party(8)).map(|(at, _)| *at);
        prop_assert_eq!(published, Some(publish_at));
    }
}

#[test]
fn a_party_alone_uses_all_of_it_once_the_publish_is_through() {
    let mut pacer = Pacer::new(300, None);
    let publish = Worker { urgency: Urgency::Publish, calls_max: 1, ..workers(1, 1, 0, i64::MAX).remove(0) };
    let left = work(&mut pacer, &[workers(1, 16, 0, i64::MAX), vec![publish]].concat(), 200, 1_200_000, 3);
    let from = RESERVE_KEPT_MS + 2 * WINDOW_MS;
    let minutes = usize::try_from((1_200_000 - from) / WINDOW_MS).expect("few");
    let made = calls_of(1, from, 1_200_000, &left);
    assert!(made * 100 >= 300 * minutes * 99, "{made} calls in {minutes} minutes");
}

#[test]
fn the_server_steers() {
    let mut pacer = Pacer::new(300, Some(200));
    assert_eq!(pacer.allowed(), 200);
    assert_eq!(ask(&mut pacer, 0, Urgency::Normal), Turn::Go);
    pacer.answered(Timestamp(0), Party::HOUSE, RateHeaders { allowed: Some(180), ..RateHeaders::default() });
    assert_eq!(pacer.allowed(), 180);
    assert_eq!(ask(&mut pacer, 0, Urgency::Normal), Turn::Go);
    pacer.answered(Timestamp(0), Party::HOUSE, RateHeaders { retry_after_s: Some(42), ..RateHeaders::default() });
    assert_eq!(ask(&mut pacer, 1, Urgency::Publish), Turn::Wait(Timestamp(42_000)));
}

#[test]
fn what_others_spend_from_the_same_allowance_counts() {
    let mut pacer = Pacer::new(300, None);
    assert_eq!(ask(&mut pacer, 0, Urgency::Normal), Turn::Go);
    let theirs = RateHeaders { count: Some(300), allowed: Some(300), reset_s: Some(20), retry_after_s: None };
    pacer.answered(Timestamp(0), Party::HOUSE, theirs);
    assert_eq!(ask(&mut pacer, 1, Urgency::Publish), Turn::Wait(Timestamp(21_000)));
    assert_eq!(ask(&mut pacer, 21_000, Urgency::Publish), Turn::Go);
}

#[test]
fn backoff_doubles_up_to_its_bound() {
    let mut chance = Seed(1);
    for attempt in 1..=200 {
        let wait = backoff_ms(1_000, 60_000, attempt, &mut chance);
        assert!((1..=60_000).contains(&wait) && wait <= 1_000 << (attempt - 1).min(6));
    }
}

#[test]
fn what_was_heard_of_a_limit_holds_until_the_server_says_otherwise() {
    let mut pacer = Pacer::new(300, None);
    pacer.expect(4);
    // A higher hearsay later on does not count against a lower one.
    pacer.expect(90);
    let left = (0..10).filter(|_| ask(&mut pacer, 0, Urgency::Normal) == Turn::Go).count();
    assert_eq!((left, pacer.allowed()), (4, 4));
    pacer.answered(Timestamp(10), Party::HOUSE, RateHeaders { allowed: Some(20), ..RateHeaders::default() });
    pacer.expect(4);
    let more = (0..30).filter(|_| ask(&mut pacer, 20, Urgency::Publish) == Turn::Go).count();
    assert_eq!((more, pacer.allowed()), (16, 20));
}
