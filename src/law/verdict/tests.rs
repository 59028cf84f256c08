//! The rule, row by row, where a media leg is concerned.
//!
//! Must never: leave out a row in which what was pushed and what was read disagree.

use super::*;

/// Every signal good but the media leg, of which nothing is known.
fn good() -> Signals {
    Signals {
        station: StationState::Associated(StationId::new("s").unwrap()),
        presence: PresenceState::LoggedIn,
        call: CallState::Free,
        phone: PhoneState::Up,
        ..Signals::default()
    }
}

#[test]
fn a_media_leg_that_failed_is_bad_news_and_one_that_is_up_is_no_news() {
    let failed = Readiness::NotReady(Reason::MediaLegFailed);
    let with = |change: fn(&mut Signals)| {
        let mut signals = good();
        change(&mut signals);
        signals
    };
    let nothing: fn(&mut Signals) = |_| {};
    for (change, otherwise, if_failed) in [
        (nothing, Readiness::Ready, failed),
        (|s| s.page = PageState::Ready, Readiness::Ready, failed),
        (|s| (s.phone, s.probe) = (PhoneState::Unknown, ProbeState::Accepted), Readiness::Ready, failed),
        // Missing signals stay missing, whatever is pushed of a leg that is up.
        (|s| s.phone = PhoneState::Unknown, Readiness::Unknown(Missing::Phone), failed),
        (|s| s.station = StationState::Unknown, Readiness::Unknown(Missing::Station), failed),
        (|s| s.call = CallState::Unknown, Readiness::Unknown(Missing::Call), failed),
        (|s| s.call = CallState::OnCall, Readiness::Ready, Readiness::OnCall),
        (|s| s.page_call = CallState::OnCall, Readiness::Ready, Readiness::OnCall),
        // What is read tells more of what is wrong.
        (
            |s| s.phone = PhoneState::Down,
            Readiness::NotReady(Reason::PhoneDown),
            Readiness::NotReady(Reason::PhoneDown),
        ),
        (
            |s| s.probe = ProbeState::Refused,
            Readiness::NotReady(Reason::TokenRefused),
            Readiness::NotReady(Reason::TokenRefused),
        ),
        (
            |s| (s.presence, s.phone) = (PresenceState::Offline, PhoneState::Down),
            Readiness::LoggedOut,
            Readiness::LoggedOut,
        ),
        (
            |s| s.presence = PresenceState::Unknown,
            Readiness::Unknown(Missing::Presence),
            Readiness::Unknown(Missing::Presence),
        ),
    ] {
        let mut signals = with(change);
        for leg in [LegState::Unknown, LegState::Up, LegState::Idle] {
            signals.leg = leg;
            assert_eq!(readiness(&signals), otherwise, "{signals:?}");
        }
        signals.leg = LegState::Failed;
        assert_eq!(readiness(&signals), if_failed, "{signals:?}");
    }
}
