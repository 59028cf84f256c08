//! The client: drives calls and asks over the wire, waits where they say so.
//!
//! Must never: hold the lock on the organisation while it waits, or forget a request that was given up half-way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hands::genesys::ask::{Ask, Next};
use crate::hands::genesys::call::{Call, Done};
use crate::hands::genesys::failure;
use crate::hands::genesys::org::Org;
use crate::hands::genesys::push::Hub;
use crate::hands::genesys::wire::Wire;
use crate::law::command::Failure;
use crate::law::pace::Party;
use crate::words::clock::{Clock, Timestamp};
use crate::words::http::{Lost, Response};
use crate::words::permit::Permit;

/// One organisation over real sockets. Clones share login, rate budgets, connections and notification
/// channels.
#[derive(Debug, Clone)]
pub struct Client {
    org: Arc<Mutex<Org>>,
    wire: Arc<Wire>,
    clock: Clock,
    party: Party,
    permit: Permit,
    hub: Hub,
}

impl Client {
    /// A client for `org`, over `wire`, waiting on `clock`.
    #[must_use]
    pub fn new(org: Org, wire: Wire, clock: Clock) -> Client {
        let (party, permit) = (Party::HOUSE, Permit::always());
        Client { org: Arc::new(Mutex::new(org)), wire: Arc::new(wire), clock, party, permit, hub: Hub::default() }
    }
    /// The same client on behalf of a party: what it asks spends that party's share of the rate budgets. A new client asks
    /// for [`Party::HOUSE`].
    #[must_use]
    pub fn for_party(&self, party: Party) -> Client {
        Client { party, ..self.clone() }
    }
    /// The same, whose requests leave only while `permit` holds; a request that may not leave counts as not sent.
    #[must_use]
    pub fn permitted_by(&self, permit: Permit) -> Client {
        Client { permit, ..self.clone() }
    }
    /// Carries a command out.
    pub async fn perform(&self, call: Call) -> Done {
        self.drive(call.for_party(self.party)).await
    }
    /// Makes one request; an answer of any status is an answer.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&self, ask: Ask) -> Result<Response, Failure> {
        let answer = self.drive(ask.for_party(self.party)).await;
        answer.map_err(|mut failure| {
            failure::scrub(&mut failure, self.org().secrets());
            failure
        })
    }
    /// What this client's requests are permitted by.
    pub(super) fn permit(&self) -> Permit {
        self.permit.clone()
    }
    /// The notification channels, shared with every clone.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }
    /// The clock that the client waits on.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }
    /// What is shared with every clone. Not to be held across an await.
    pub fn org(&self) -> MutexGuard<'_, Org> {
        // A panic elsewhere leaves the value as it was before one of its small steps; it stays usable.
        self.org.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn drive<E: Errand>(&self, errand: E) -> E::Over {
        let mut flight = Flight { errand, client: self, aloft: Aloft::No };
        loop {
            match flight.next() {
                Next::Done(over) => return over,
                Next::Wait(at) => self.clock.sleep_until(at).await,
                Next::Send(request) => {
                    // Asked at the last moment: a request may have waited for its turn, and this process may have been paused.
                    let answer = self.wire.send_while(&self.permit, request).await;
                    flight.land(answer);
                }
            }
        }
    }
}

/// What can be driven: one request, or a command of several.
trait Errand {
    type Over;
    fn next(&mut self, org: &mut Org, now: Timestamp) -> Next<Self::Over>;
    fn answer(&mut self, org: &mut Org, now: Timestamp, answer: Result<Response, Lost>);
    fn withdraw(&mut self, org: &mut Org);
}

impl Errand for Call {
    type Over = Done;
    fn next(&mut self, org: &mut Org, now: Timestamp) -> Next<Done> {
        Call::next(self, org, now)
    }
    fn answer(&mut self, org: &mut Org, now: Timestamp, answer: Result<Response, Lost>) {
        Call::answer(self, org, now, answer);
    }
    fn withdraw(&mut self, org: &mut Org) {
        Call::withdraw(self, org);
    }
}

impl Errand for Ask {
    type Over = Result<Response, Failure>;
    fn next(&mut self, org: &mut Org, now: Timestamp) -> Next<Self::Over> {
        Ask::next(self, org, now)
    }
    fn answer(&mut self, org: &mut Org, now: Timestamp, answer: Result<Response, Lost>) {
        Ask::answer(self, org, now, answer);
    }
    fn withdraw(&mut self, org: &mut Org) {
        Ask::withdraw(self, org);
    }
}

/// An errand under way. When its driver is dropped in mid-air the answer counts as lost, so that the rate budget and the
/// login do not wait for it for ever; when it is dropped while it waits, its place among those that wait is free.
struct Flight<'a, E: Errand> {
    errand: E,
    client: &'a Client,
    aloft: Aloft,
}

#[derive(PartialEq, Eq)]
enum Aloft {
    Yes,
    No,
}

impl<E: Errand> Flight<'_, E> {
    fn next(&mut self) -> Next<E::Over> {
        let next = self.errand.next(&mut self.client.org(), self.client.clock.now());
        if let Next::Send(_) = next {
            self.aloft = Aloft::Yes;
        }
        next
    }
    fn land(&mut self, answer: Result<Response, Lost>) {
        self.aloft = Aloft::No;
        self.errand.answer(&mut self.client.org(), self.client.clock.now(), answer);
    }
}

impl<E: Errand> Drop for Flight<'_, E> {
    fn drop(&mut self) {
        if self.aloft == Aloft::Yes {
            self.land(Err(Lost::NoAnswer("given up".to_owned())));
        }
        self.errand.withdraw(&mut self.client.org());
    }
}
