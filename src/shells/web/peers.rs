//! Who has failed to say whose page it is too often: such a peer waits a while before anybody listens to it again.
//!
//! Must never: grow without a bound, or lock a peer out for longer than its window.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;

use crate::words::clock::Moment;

/// Refused hellos of one peer within a window. Behind one address there may be a whole contact centre whose keys were
/// made with another vault key.
const REFUSED_MAX: u32 = 600;
/// The window, in ms.
const WINDOW_MS: i64 = 60_000;
/// Peers that are remembered.
const PEERS_MAX: usize = 10_000;

/// The peers that were refused lately.
#[derive(Debug)]
pub(super) struct Peers {
    known: Mutex<HashMap<IpAddr, (Moment, u32)>>,
    refused_max: u32,
}

impl Default for Peers {
    fn default() -> Peers {
        Peers::forgiving(REFUSED_MAX)
    }
}

impl Peers {
    /// Peers of whom each may be refused so often within a window.
    pub(super) fn forgiving(refused_max: u32) -> Peers {
        Peers { known: Mutex::default(), refused_max }
    }
    /// Whether the peer may try.
    pub(super) fn may_try(&self, peer: IpAddr) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&peer)
            .is_none_or(|(since, refused)| *refused < self.refused_max || since.is_past(WINDOW_MS, Moment::now()))
    }
    /// Notes that it was refused.
    pub(super) fn refused(&self, peer: IpAddr) {
        let now = Moment::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PEERS_MAX && !known.contains_key(&peer) {
            known.retain(|_, (since, _)| !since.is_past(WINDOW_MS, now));
            if known.len() >= PEERS_MAX {
                return;
            }
        }
        let entry = known.entry(peer).or_insert((now, 0));
        if entry.0.is_past(WINDOW_MS, now) {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }
}

/// Where a request comes from: a proxy on this machine is believed about the address that it was asked from.
pub(super) fn address(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let direct = peer.ip().to_canonical();
    if !direct.is_loopback() {
        return direct;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = forwarded.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse::<IpAddr>().ok());
    last.map_or(direct, |ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_refused_too_often_waits_and_others_do_not() {
        let peers = Peers::default();
        let (bad, good) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..REFUSED_MAX {
            assert!(peers.may_try(bad));
            peers.refused(bad);
        }
        assert!(!peers.may_try(bad) && peers.may_try(good));
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "1.1.1.1, 10.0.0.9".parse().unwrap());
        let near = SocketAddr::from(([127, 0, 0, 1], 5));
        let far = SocketAddr::from(([10, 1, 1, 1], 5));
        assert_eq!(address(near, &headers), IpAddr::from([10, 0, 0, 9]));
        assert_eq!(address(far, &headers), far.ip());
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(address(near, &headers), near.ip());
    }
}
