//! One request on its way to the platform: login first, then its turn, then the answer; and the few repeats that are
//! harmless: once after a 401 on the publisher's token, a few times after a 429.
//!
//! Must never: send a request marked [`Repeat::Never`] a second time, whatever came back, or let one leave after the
//! instant that [`Ask::not_after`] names.

use serde_json::Value;

use crate::hands::genesys::failure;
use crate::hands::genesys::login::{self, Access};
use crate::hands::genesys::org::Org;
use crate::law::command::{Failure, FailureKind};
use crate::law::pace::{Party, Ticket, Turn, Urgency};
use crate::words::clock::Timestamp;
use crate::words::http::{Lost, Method, Request, Response};
use crate::words::secret::Secret;

/// What comes next for a request or a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Next<T = super::call::Done> {
    /// Send this, and hand the answer back.
    Send(Request),
    /// Ask again at this instant.
    Wait(Timestamp),
    /// It is over.
    Done(T),
}

/// In whose name a request is made, and so whose rate budget it spends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The publisher's token, fetched when needed.
    Publisher,
    /// An agent's own access token: one call now and then, so nobody paces it.
    Agent(Secret),
    /// The organisation's own app, at its token endpoint; the form is sent encoded.
    App(Vec<(&'static str, Secret)>),
    /// Nobody's: the upload, whose address is signed.
    Nobody,
}

/// Whether a request may be sent again when it is known to have had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It may.
    Harmless,
    /// It may not: the publish.
    Never,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A path with its query, at the API host.
    Api(String),
    /// The token endpoint of the login host.
    Token,
    /// An address that the platform handed out.
    Outright(String),
}

/// 429s that one request sits out before it gives up.
pub const THROTTLED_MAX: u8 = 5;

/// How long a request waits for its turn before it gives up, in ms: longer than any window of the platform's.
pub const PATIENCE_MS: i64 = 600_000;

/// How long the publish waits for its turn, in ms. Short: a publish that leaves long after it was claimed would surprise
/// whoever looks for its effect; given back in time, it is claimed again by the law.
pub const PUBLISH_PATIENCE_MS: i64 = 10_000;

/// Why a request waits: the kind and the words of its failure, should it wait too long. Both prove that nothing was sent.
type Reason = (FailureKind, &'static str);
const NO_TURN: Reason = (FailureKind::Throttled, "the rate limit leaves no turn in time");
const NO_LOGIN: Reason = (FailureKind::NotSent, "the login of the publisher is not there in time");

/// The words of a failure when the last instant for leaving has passed, or will have before there is a turn.
const TOO_LATE: &str = "it could not leave in time, and so was not sent";

/// Logins that one request tries for.
const LOGINS_MAX: u8 = 2;

/// The pause between two logins of one request, in ms.
const LOGIN_PAUSE_MS: i64 = 500;

/// One request and how far it has come.
#[derive(Debug, Clone)]
pub struct Ask {
    method: Method,
    place: Place,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    credential: Credential,
    ticket: Ticket,
    repeat: Repeat,
    not_after: Option<Timestamp>,
    /// When it was handed to the wire, if it was and may have left.
    left: Option<Timestamp>,
    first: Option<Timestamp>,
    not_before: Timestamp,
    throttled: u8,
    logins: u8,
    renewed: bool,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Ready,
    LoggingIn,
    /// Sent, with the publisher's token of this number.
    Sent(Option<u64>),
    Over(Result<Response, Failure>),
    Told,
}

impl Ask {
    /// A request in the publisher's name that may be repeated while it is known to have had no effect.
    #[must_use]
    pub fn api(method: Method, path: impl Into<String>) -> Ask {
        Ask::new(method, Place::Api(path.into()), Credential::Publisher)
    }
    /// A request to anywhere in anybody's name.
    #[must_use]
    pub fn new(method: Method, place: Place, credential: Credential) -> Ask {
        Ask {
            method,
            place,
            headers: Vec::new(),
            body: Vec::new(),
            credential,
            ticket: Ticket::new(Party::HOUSE, Urgency::Normal),
            repeat: Repeat::Harmless,
            not_after: None,
            left: None,
            first: None,
            not_before: Timestamp(i64::MIN),
            throttled: 0,
            logins: 0,
            renewed: false,
            state: State::Ready,
        }
    }
    /// The same with a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Ask {
        self.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        self.body = body.to_string().into_bytes();
        self
    }
    /// The same with exactly these headers and this body.
    #[must_use]
    pub fn with(mut self, headers: Vec<(String, String)>, body: Vec<u8>) -> Ask {
        (self.headers, self.body) = (headers, body);
        self
    }
    /// The same, allowed to spend what is kept back for the publish.
    #[must_use]
    pub fn urgent(mut self) -> Ask {
        self.ticket = Ticket::new(self.ticket.party(), Urgency::Publish);
        self
    }
    /// The same on behalf of a party: its share of the rate budget is spent. To be said before it asks for its turn.
    #[must_use]
    pub fn for_party(mut self, party: Party) -> Ask {
        self.ticket = Ticket::new(party, self.ticket.urgency());
        self
    }
    /// The same, given up as not sent unless it has been handed to the wire by `at`, on the clock that [`Ask::next`] is
    /// told; of several such instants the first counts. It is checked when the request is about to leave, after any login
    /// and any wait for its turn, and for each repeat anew. The way to the platform comes on top.
    #[must_use]
    pub fn not_after(mut self, at: Timestamp) -> Ask {
        self.not_after = Some(self.not_after.map_or(at, |earlier| earlier.min(at)));
        self
    }
    /// The same, sent once and never again.
    #[must_use]
    pub fn once(mut self) -> Ask {
        self.repeat = Repeat::Never;
        self
    }
    /// When the request was handed to the wire, the last time if it was repeated; `None` when it is proven that it never
    /// left.
    #[must_use]
    pub fn left(&self) -> Option<Timestamp> {
        self.left
    }
    /// Nobody asks on: its place among those that wait for a turn is free. To be called when it is given up half-way.
    pub fn withdraw(&mut self, org: &mut Org) {
        match self.credential {
            Credential::Publisher => org.publisher.withdraw(&mut self.ticket),
            Credential::App(_) => org.app.withdraw(&mut self.ticket),
            Credential::Agent(_) | Credential::Nobody => {}
        }
    }
    /// What comes next; to be called after [`Next::Wait`]'s instant, or after [`Ask::answer`].
    pub fn next(&mut self, org: &mut Org, now: Timestamp) -> Next<Result<Response, Failure>> {
        match &self.state {
            State::Over(_) => match std::mem::replace(&mut self.state, State::Told) {
                State::Over(result) => Next::Done(result),
                State::Ready | State::LoggingIn | State::Sent(_) | State::Told => Next::Done(Err(told_twice())),
            },
            State::Told => Next::Done(Err(told_twice())),
            // The answer is still out; there is nothing to do before it.
            State::LoggingIn | State::Sent(_) => Next::Wait(now + 100),
            State::Ready if now < self.not_before => self.wait(org, self.not_before, now, &NO_TURN),
            State::Ready => self.leave(org, now),
        }
    }
    /// The answer to what [`Next::Send`] sent, or that it was lost. An answer that nobody waits for is ignored.
    pub fn answer(&mut self, org: &mut Org, now: Timestamp, answer: Result<Response, Lost>) {
        match self.state {
            State::LoggingIn => self.logged_in(org, now, &answer),
            State::Sent(number) => {
                self.pace(org, now, answer.as_ref().ok());
                self.state = match answer {
                    Ok(response) => self.judge(org, now, number, response),
                    Err(lost) => {
                        if let Lost::NotSent(_) = lost {
                            self.left = None;
                        }
                        State::Over(Err(failure::lost(&lost)))
                    }
                };
            }
            State::Ready | State::Over(_) | State::Told => {}
        }
    }

    fn leave(&mut self, org: &mut Org, now: Timestamp) -> Next<Result<Response, Failure>> {
        if self.not_after.is_some_and(|last| now > last) {
            return self.give_up(org, failure::local(FailureKind::NotSent, TOO_LATE));
        }
        let (bearer, number) = match &self.credential {
            Credential::Agent(token) => (Some(token.clone()), None),
            Credential::App(_) | Credential::Nobody => (None, None),
            Credential::Publisher => {
                let settings = &org.settings;
                let login = || {
                    let form = [("grant_type", "client_credentials")];
                    login::token_request(&settings.hosts.login, &settings.client_id, &settings.client_secret, &form)
                };
                match org.login.access(now, self.ticket.urgency(), login) {
                    Access::Use(token, number) => (Some(token), Some(number)),
                    Access::Wait(at) => return self.wait(org, at, now, &NO_LOGIN),
                    Access::Failed(failure) => return self.give_up(org, failure),
                    Access::LogIn(request) => {
                        self.state = State::LoggingIn;
                        return Next::Send(request);
                    }
                }
            }
        };
        let request = match self.request(org, bearer.as_ref()) {
            Ok(request) => request,
            Err(failure) => return self.give_up(org, failure),
        };
        let turn = match &self.credential {
            Credential::Publisher => org.publisher.turn(now, &mut self.ticket),
            Credential::App(_) => org.app.turn(now, &mut self.ticket),
            Credential::Agent(_) | Credential::Nobody => Turn::Go,
        };
        match turn {
            Turn::Wait(at) => self.wait(org, at, now, &NO_TURN),
            Turn::Go => {
                self.left = Some(now);
                self.state = State::Sent(number);
                Next::Send(request)
            }
        }
    }

    fn request(&self, org: &Org, bearer: Option<&Secret>) -> Result<Request, Failure> {
        let hosts = &org.settings.hosts;
        let url = match (&self.place, &self.credential) {
            (Place::Token, Credential::App(form)) => return token_request(org, form),
            (Place::Token, Credential::Publisher | Credential::Agent(_) | Credential::Nobody) => {
                return Err(failure::local(FailureKind::Local, "only an OAuth client speaks to the token endpoint"));
            }
            (Place::Api(path), _) => format!("{}{path}", hosts.api),
            (Place::Outright(url), _) => url.clone(),
        };
        let mut request = Request::new(self.method, url);
        if let Some(token) = bearer {
            request = request
                .header("accept", "application/json")
                .header("authorization", format!("Bearer {}", token.expose()));
        }
        request.headers.extend(self.headers.iter().cloned());
        request.body.clone_from(&self.body);
        Ok(request)
    }

    fn logged_in(&mut self, org: &mut Org, now: Timestamp, answer: &Result<Response, Lost>) {
        self.state = State::Ready;
        self.logins += 1;
        let Err(failure) = org.login.answered(now, answer) else { return };
        if failure.kind == FailureKind::NotSent && self.logins < LOGINS_MAX {
            org.login.forgive();
            self.not_before = now + LOGIN_PAUSE_MS;
        } else {
            self.state = State::Over(Err(failure));
        }
    }

    fn judge(&mut self, org: &mut Org, now: Timestamp, number: Option<u64>, response: Response) -> State {
        if let (401, Some(number)) = (response.status, number) {
            org.login.refused(number);
            if self.repeat == Repeat::Harmless && !self.renewed {
                self.renewed = true;
                return State::Ready;
            }
        }
        if response.status == 429 && self.repeat == Repeat::Harmless && self.throttled < THROTTLED_MAX {
            self.throttled += 1;
            self.not_before = now + failure::throttled_for_s(&response) * 1_000;
            return State::Ready;
        }
        State::Over(Ok(response))
    }

    fn pace(&self, org: &mut Org, now: Timestamp, response: Option<&Response>) {
        match self.credential {
            Credential::Publisher => Org::learn(&mut org.publisher, now, self.ticket.party(), response),
            Credential::App(_) => Org::learn(&mut org.app, now, self.ticket.party(), response),
            Credential::Agent(_) | Credential::Nobody => {}
        }
    }

    fn wait(
        &mut self,
        org: &mut Org,
        at: Timestamp,
        now: Timestamp,
        reason: &Reason,
    ) -> Next<Result<Response, Failure>> {
        let first = *self.first.get_or_insert(now);
        let patience_ms = match self.repeat {
            Repeat::Harmless => PATIENCE_MS,
            Repeat::Never => PUBLISH_PATIENCE_MS,
        };
        // To wait for what comes too late would only cost time.
        let in_time = self.not_after.is_none_or(|last| at <= last);
        if in_time && at <= first + patience_ms {
            return Next::Wait(at);
        }
        let (kind, words) = if in_time { *reason } else { (FailureKind::NotSent, TOO_LATE) };
        let mut failure = failure::local(kind, words);
        failure.again_at = Some(at);
        self.give_up(org, failure)
    }

    fn give_up(&mut self, org: &mut Org, failure: Failure) -> Next<Result<Response, Failure>> {
        self.withdraw(org);
        self.state = State::Told;
        Next::Done(Err(failure))
    }
}

fn token_request(org: &Org, form: &[(&'static str, Secret)]) -> Result<Request, Failure> {
    let missing = || failure::local(FailureKind::Local, "the OAuth client of the organisation's app is not configured");
    let app = org.settings.app.as_ref().ok_or_else(missing)?;
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.expose())).collect();
    Ok(login::token_request(&org.settings.hosts.login, &app.client_id, &app.client_secret, &form))
}

fn told_twice() -> Failure {
    failure::local(FailureKind::Local, "this request is over already")
}
