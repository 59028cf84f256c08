//! Calls sent through the real pacer in virtual time, one by one, as soon as both the pacer and the bound allow it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{T, budget, given};
use crate::law::lead::{Budget, Why, place};
use crate::law::pace::{Pacer, Party, RateHeaders, Ticket, Turn, Urgency};
use crate::words::clock::{Seed, Timestamp};

const DAY_MS: i64 = 86_400_000;

/// One run's calls: how many are left, how many under way.
#[derive(Debug, Clone, Copy)]
struct Sender {
    left: u64,
    under_way: u32,
    done_at: Timestamp,
}

/// When each of several runs has its last answer, if all begin at `T` and take turns; call number n takes `latency(n)`.
fn replay(budget: &Budget, calls: &[u64], mut latency: impl FnMut() -> i64) -> Vec<i64> {
    let mut pacer = Pacer::new(budget.calls_per_minute.unwrap_or(u32::MAX), None);
    let mut runs: Vec<Sender> = calls.iter().map(|left| Sender { left: *left, under_way: 0, done_at: T }).collect();
    let mut answers: BTreeMap<(Timestamp, u64), usize> = BTreeMap::new();
    let (mut now, mut sent) = (T, 0_u64);
    let mut ticket = Ticket::new(Party::HOUSE, Urgency::Normal);
    loop {
        let mut turn_at = None;
        // Whoever has the most left comes first: the runs are fair to each other.
        while let Some(next) = (0..runs.len())
            .filter(|r| runs[*r].left > 0 && runs[*r].under_way < budget.in_flight_max)
            .max_by_key(|r| (runs[*r].left, usize::MAX - r))
        {
            match pacer.turn(now, &mut ticket) {
                Turn::Go => {
                    ticket = Ticket::new(Party::HOUSE, Urgency::Normal);
                    sent += 1;
                    runs[next].left -= 1;
                    runs[next].under_way += 1;
                    answers.insert((now + latency(), sent), next);
                }
                Turn::Wait(at) => {
                    turn_at = Some(at);
                    break;
                }
            }
        }
        let answer_at = answers.first_key_value().map(|((at, _), _)| *at);
        match (answer_at, turn_at) {
            (None, None) => return runs.iter().map(|r| r.done_at.since_ms(T)).collect(),
            (Some(at), turn) if turn.is_none_or(|turn| at <= turn) => {
                now = at;
                while let Some(entry) = answers.first_entry().filter(|e| e.key().0 <= now) {
                    let run = &mut runs[entry.remove()];
                    run.under_way -= 1;
                    run.done_at = now;
                    pacer.answered(now, Party::HOUSE, RateHeaders::default());
                }
            }
            (_, Some(at)) => now = at,
            (Some(_), None) => unreachable!("an answer without a turn to wait for is taken above"),
        }
    }
}

/// Budgets as they may be drawn: tiny and large, tight and loose, quick and slow.
fn budgets() -> impl Strategy<Value = Budget> {
    (1_u32..400, 1_u32..40, 1_i64..20_000).prop_map(|(allowed, in_flight_max, call_ms)| Budget {
        calls_per_minute: Some(allowed),
        share: 1,
        in_flight_max,
        call_ms,
    })
}

/// Budgets that hold fewer calls than there are runs to share them.
fn tiny_budgets() -> impl Strategy<Value = Budget> {
    (1_u32..5, budgets()).prop_map(|(allowed, budget)| Budget { calls_per_minute: Some(allowed), ..budget })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn calls_that_are_all_slow_take_exactly_what_the_arithmetic_says(budget in budgets(), calls in 0_u64..1_500) {
        prop_assert_eq!(replay(&budget, &[calls], || budget.call_ms), vec![budget.takes_ms(calls)]);
    }

    #[test]
    fn calls_of_any_speed_never_take_longer(budget in budgets(), calls in 0_u64..1_500, seed: u64) {
        let mut chance = Seed(seed);
        let took = replay(&budget, &[calls], || chance.between(1, budget.call_ms));
        prop_assert!(took[0] <= budget.takes_ms(calls), "{} > {}", took[0], budget.takes_ms(calls));
    }

    #[test]
    fn runs_that_share_a_budget_fairly_are_all_done_in_time(
        budget in prop_oneof![budgets(), tiny_budgets()], runs in 2_u32..5, calls in 0_u64..600, seed: u64
    ) {
        let mut chance = Seed(seed);
        let shared = Budget { share: runs, ..budget };
        let took = replay(&budget, &vec![calls; runs as usize], || chance.between(1, budget.call_ms));
        for ms in took {
            prop_assert!(ms <= shared.takes_ms(calls), "{ms} > {}", shared.takes_ms(calls));
        }
    }

    #[test]
    fn of_runs_that_are_more_than_the_room_the_last_takes_exactly_what_it_says(
        call_ms in 1_i64..20_000, runs in 2_u32..5, calls in 1_u64..60
    ) {
        let budget = Budget { calls_per_minute: Some(1), share: 1, in_flight_max: 4, call_ms };
        let took = replay(&budget, &vec![calls; runs as usize], || call_ms);
        let says_ms = Budget { share: runs, ..budget }.takes_ms(calls);
        prop_assert_eq!(took.into_iter().max(), Some(says_ms));
    }

    #[test]
    fn as_many_calls_fit_as_it_says_and_no_more(budget in budgets(), ms in 0_i64..900_000) {
        let fit = budget.holds(ms);
        prop_assert!(fit == 0 || replay(&budget, &[fit], || budget.call_ms)[0] <= ms);
        prop_assert!(replay(&budget, &[fit + 1], || budget.call_ms)[0] > ms);
    }

    #[test]
    fn a_window_that_is_accepted_holds_the_work_and_one_that_is_refused_does_not(
        budget in budgets(), calls in 1_u64..1_500, lead_ms in 61_000_i64..3_600_000, seed: u64
    ) {
        let mut grounds = given(lead_ms);
        grounds.refresh_budget = budget;
        grounds.work.refreshes = calls;
        // Only the lead is on trial: there is time, and tokens last.
        grounds.now = T - 30 * DAY_MS;
        grounds.token_life.ms = 30 * DAY_MS;
        let lead = place(grounds);
        let mut chance = Seed(seed);
        let there_ms = lead.prepare_at.since_ms(lead.refresh_starts);
        let at_worst = replay(&budget, &[calls], || budget.call_ms)[0];
        match lead.check() {
            Ok(()) => prop_assert!(replay(&budget, &[calls], || chance.between(1, budget.call_ms))[0] <= there_ms),
            Err(tight) => {
                prop_assert_eq!((tight.why, tight.needed_ms(), tight.there_ms()), (Why::LeadTooShort, at_worst, there_ms));
                prop_assert!(at_worst > there_ms);
            }
        }
    }
}

#[test]
fn an_agents_own_token_is_limited_by_nobody_but_the_calls_at_once() {
    let own = Budget { calls_per_minute: None, ..budget(1) };
    assert_eq!(own.takes_ms(600), 38 * 2_000);
    assert_eq!(replay(&own, &[600], || own.call_ms), vec![own.takes_ms(600)]);
}
