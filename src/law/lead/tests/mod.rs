//! The arithmetic against the pacer itself: what it accepts ends in time, what it refuses does not.

mod learning;
mod replay;

use super::*;
use crate::words::clock::Timestamp;

pub(super) const T: Timestamp = Timestamp(1_795_816_800_000);

pub(super) fn budget(calls_per_minute: u32) -> Budget {
    Budget { calls_per_minute: Some(calls_per_minute), share: 1, in_flight_max: 16, call_ms: CALL_MS }
}

/// 600 agents, 438 of them enrolled, staged a day ahead with every setting as it comes.
pub(super) fn grounds() -> Grounds {
    let settings = LeadSettings::default();
    Grounds {
        now: T - 86_400_000,
        publish_at: T,
        work: Work { agents: 600, refreshes: 438, user_calls: 6, phone_calls: 6 },
        refresh_budget: budget(300),
        check_budget: budget(300),
        timing: Timing::default(),
        settings,
        publish_expected: Known::publish(&settings, &Learnt::default()),
        token_life: Known::token_life(&settings, &Learnt::default()),
    }
}

fn given(lead_ms: i64) -> Grounds {
    let mut grounds = grounds();
    grounds.settings.refresh_lead = RefreshLead::Given;
    grounds.timing.refresh_lead_ms = lead_ms;
    grounds
}

fn refused(grounds: Grounds) -> TooTight {
    *place(grounds).check().expect_err("it must be refused")
}

fn says(tight: &TooTight, part: &str) -> bool {
    tight.help().iter().any(|way| way.contains(part))
}

#[test]
fn a_usual_friday_is_placed_by_arithmetic() {
    let lead = place(grounds());
    // 290 leave in waves of 16, two seconds each; the other 148 when the first are 60 s back.
    assert_eq!(lead.refresh_ms, 62_000 + 9 * 2_000 + 2_000);
    assert_eq!(lead.refresh_from, T - (60_000 + 82_000 + 300_000));
    assert_eq!((lead.prepare_at, lead.spare_ms()), (T - 60_000, 300_000));
    // Twelve calls in one wave, and the pages of phones after the first one later.
    assert_eq!((lead.sweep_calls, lead.sweep_ms), (12, 4_000));
    assert_eq!(lead.token_must_outlive, T + 7_200_000, "two hours are more than the check needs");
    assert_eq!(lead.seen_by, T + 120_000 + 30_000 + 4_000);
    assert!(lead.first_token_ends() > lead.token_must_outlive);
    assert!(lead.check().is_ok());
}

#[test]
fn a_token_outlives_the_first_check_whatever_the_setting() {
    let mut grounds = grounds();
    grounds.timing.token_outlives_ms = 0;
    let lead = place(grounds);
    assert_eq!(lead.token_must_outlive, lead.seen_by + 300_000);
    assert_eq!(lead.token_outlives_ms(), 154_000 + 300_000);
}

#[test]
fn a_lead_that_is_given_is_checked_and_not_trusted() {
    let fits = place(given(60_000 + 82_000));
    assert_eq!((fits.check(), fits.spare_ms()), (Ok(()), 0));
    let tight = refused(given(60_000 + 81_999));
    assert_eq!((tight.why, tight.needed_ms(), tight.there_ms()), (Why::LeadTooShort, 82_000, 81_999));
    assert_eq!(
        tight.to_string(),
        "438 token refreshes at 290 a minute take 1 min 22 s, and the refresh lead of 2 min 21 s leaves 1 min 21 s before \
         the last look"
    );
    assert!(says(&tight, "refresh_lead = \"auto\", or \"7min 22s\""), "{:#?}", tight.help());
    let fit = place(given(60_000 + 81_999)).grounds.refresh_budget.holds(81_999);
    assert!(says(&tight, &format!("{fit} of the 438 fit")), "{:#?}", tight.help());
}

#[test]
fn tokens_that_live_too_short_are_found_out() {
    let mut short = grounds();
    short.token_life = Known { ms: 1_800_000, from_runs: 1 };
    let tight = refused(short.clone());
    assert_eq!((tight.why, tight.there_ms()), (Why::TokensTooShort, 0));
    assert!(says(&tight, "token_outlives = \"27min 38s\" or less"), "{:#?}", tight.help());
    // As it says: the setting helps to the last second.
    short.timing.token_outlives_ms = 1_658_000;
    assert_eq!(place(short.clone()).check(), Ok(()));
    short.timing.token_outlives_ms += 1;
    assert!(place(short).check().is_err());
}

#[test]
fn tokens_are_refreshed_no_earlier_than_they_can_last() {
    let mut short = grounds();
    short.token_life = Known { ms: 7_200_000 + 60_000 + 82_000 + 10_000, from_runs: 0 };
    let lead = place(short.clone());
    assert_eq!((lead.check(), lead.spare_ms()), (Ok(()), 10_000), "the margin gives way, the work does not");
    assert_eq!(lead.first_token_ends(), lead.token_must_outlive);
    short.settings.refresh_lead = RefreshLead::Given;
    short.timing.refresh_lead_ms = 60_000 + 82_000 + 10_001;
    let tight = refused(short);
    assert_eq!((tight.why, tight.needed_ms() - tight.there_ms()), (Why::LeadTooLong, 1));
    assert!(says(&tight, "\"auto\", or \"2min 32s\" at most"), "{:#?}", tight.help());
}

#[test]
fn it_can_be_too_late_today() {
    let mut late = grounds();
    late.now = T - 60_000 - 82_000;
    let lead = place(late.clone());
    assert_eq!((lead.check(), lead.refresh_starts, lead.spare_ms()), (Ok(()), late.now, 0));
    late.now = late.now + 1;
    let tight = refused(late);
    assert_eq!((tight.why, tight.there_ms()), (Why::TooLate, 81_999));
    assert!(says(&tight, "in 2 min 22 s at the earliest"), "{:#?}", tight.help());
}

#[test]
fn a_check_that_cannot_see_everyone_is_refused() {
    let mut large = grounds();
    large.work = Work { agents: 100_000, refreshes: 0, user_calls: 1_000, phone_calls: 1_000 };
    large.timing.settle_after_ms = 300_000;
    let tight = refused(large.clone());
    assert_eq!((tight.why, tight.there_ms()), (Why::CheckTooShort, 270_000));
    large.timing.settle_after_ms = tight.needed_ms() + 30_000;
    assert_eq!(place(large).check(), Ok(()));
}

#[test]
fn nobody_enrolled_needs_no_token_and_no_time() {
    let mut nobody = grounds();
    nobody.work.refreshes = 0;
    nobody.token_life = Known { ms: 1, from_runs: 0 };
    nobody.now = T - 1;
    let lead = place(nobody);
    assert_eq!((lead.check(), lead.refresh_ms, lead.refresh_lead_ms()), (Ok(()), 0, 360_000));
}

#[test]
fn every_way_out_leads_out() {
    let mut shared = given(60_000 + 200_000);
    shared.refresh_budget.share = 4;
    let tight = refused(shared.clone());
    assert!(says(&tight, "3 other runs spend the same budget"), "{:#?}", tight.help());
    shared.refresh_budget.share = 1;
    assert_eq!(place(shared).check(), Ok(()));

    let mut few = given(60_000 + 120_000);
    few.refresh_budget.in_flight_max = 1;
    let tight = refused(few.clone());
    let n = number_after(&tight, "limits.in_flight_max = ");
    few.refresh_budget.in_flight_max = n;
    assert_eq!(place(few.clone()).check(), Ok(()));
    few.refresh_budget.in_flight_max = n - 1;
    assert!(place(few).check().is_err());

    let mut slow = given(60_000 + 120_000);
    slow.refresh_budget.calls_per_minute = Some(60);
    let tight = refused(slow.clone());
    let n = number_after(&tight, "for this OAuth client: ");
    slow.refresh_budget.calls_per_minute = Some(n);
    assert_eq!(place(slow.clone()).check(), Ok(()));
    slow.refresh_budget.calls_per_minute = Some(n - 1);
    assert!(place(slow).check().is_err());
}

fn number_after(tight: &TooTight, words: &str) -> u32 {
    let help = tight.help().join("\n");
    let (_, rest) = help.split_once(words).unwrap_or_else(|| panic!("no {words:?} in {help}"));
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}
