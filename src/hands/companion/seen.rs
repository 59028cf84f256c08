//! What a page reports about its softphone (SOFTPHONE.md section 7), and what several pages of one agent say together.
//!
//! Must never: read a missing answer as a good one; a page that does not say whether it is on a call is taken to be on one.

use crate::words::clock::Timestamp;

/// Where the softphone's signalling client is (SOFTPHONE.md section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalling {
    /// Its socket is up.
    Up,
    /// Its socket is down, and it tries again by itself.
    Retrying,
    /// It has given up for good: only a new initialisation revives it.
    GivenUp,
    /// The page does not say, or says something that is not known here.
    Unknown,
}

impl Signalling {
    /// As the protocol writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Signalling::Up => "up",
            Signalling::Retrying => "retrying",
            Signalling::GivenUp => "given_up",
            Signalling::Unknown => "unknown",
        }
    }
    /// Reads the protocol's word.
    #[must_use]
    pub fn of(word: &str) -> Signalling {
        let known = [Signalling::Up, Signalling::Retrying, Signalling::GivenUp];
        known.into_iter().find(|state| state.word() == word).unwrap_or(Signalling::Unknown)
    }
}

/// The newest report about an agent's softphone. `None` in a field means that the page could not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSeen {
    /// The signalling socket is up and its stream active.
    pub connected: bool,
    /// The agent has a WebRTC softphone as station.
    pub station: Option<bool>,
    /// There are ICE servers.
    pub ice: Option<bool>,
    /// There is a microphone, and it may be used.
    pub microphone: Option<bool>,
    /// The status of one HTTP call with the SDK's own token, 100 to 599: 401 is a revoked token.
    pub http: Option<u16>,
    /// A call is up, on any of the agent's pages.
    pub call: bool,
    /// Where the signalling client is.
    pub state: Signalling,
    /// The page's own conclusion: it can take calls. A report that says so although its token is refused, or its socket
    /// is down, is not believed.
    pub ready: bool,
    /// A command waits on the page for the end of a call.
    pub deferred: bool,
    /// When the report came, on the clock of the hub.
    pub at: Timestamp,
    /// The version of the vendor's SDK, as the page gave it.
    pub sdk: Option<String>,
}

impl PageSeen {
    /// What is believed of a report: `ready` only if nothing in it speaks against.
    #[must_use]
    pub fn sober(mut self) -> PageSeen {
        let refused = self.http.is_some_and(|status| status == 401 || status == 403);
        let lacks = [self.station, self.ice, self.microphone].contains(&Some(false));
        self.ready &= self.connected && self.state == Signalling::Up && !refused && !lacks;
        self
    }

    /// What two pages of one agent say together: the better one counts, a call on either is a call, and so is a command
    /// that waits.
    #[must_use]
    pub fn with(self, other: PageSeen) -> PageSeen {
        let (call, deferred) = (self.call || other.call, self.deferred || other.deferred);
        let best = if self.rank() >= other.rank() { self } else { other };
        PageSeen { call, deferred, ..best }
    }

    /// Better pages have higher ranks; of equals, the one heard last.
    fn rank(&self) -> (bool, bool, bool, Timestamp) {
        (self.ready, self.connected, self.http == Some(200), self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn good(at: i64) -> PageSeen {
        PageSeen {
            connected: true,
            station: Some(true),
            ice: Some(true),
            microphone: Some(true),
            http: Some(200),
            call: false,
            state: Signalling::Up,
            ready: true,
            deferred: false,
            at: Timestamp(at),
            sdk: None,
        }
    }

    #[test]
    fn a_page_that_says_ready_beside_a_refusal_is_not_believed() {
        assert!(good(1).sober().ready);
        for wrong in [
            PageSeen { http: Some(401), ..good(1) },
            PageSeen { connected: false, ..good(1) },
            PageSeen { state: Signalling::GivenUp, ..good(1) },
            PageSeen { station: Some(false), ..good(1) },
            PageSeen { microphone: Some(false), ..good(1) },
        ] {
            assert!(!wrong.clone().sober().ready, "{wrong:?}");
        }
        // What the page cannot tell is the page's own to judge.
        assert!(PageSeen { http: None, station: None, ..good(1) }.sober().ready);
    }

    #[test]
    fn the_better_page_counts_and_a_call_on_either_is_a_call() {
        let dead = PageSeen { connected: false, ready: false, call: true, state: Signalling::GivenUp, ..good(9) };
        let both = good(1).with(dead.clone());
        assert!(both.ready && both.call && both.at == Timestamp(1));
        assert_eq!(dead.with(good(1)), both);
        assert_eq!(good(1).with(good(2)).at, Timestamp(2));
    }
}
