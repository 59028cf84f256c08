//! Drives one run in real or scaled time: append, perform, wait for an answer, an instant or an order, and again.
//!
//! Must never: decide anything, perform what is not in the journal, or go on when the lease may be lost. A failed append
//! ends it at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::hands::genesys::push;
use crate::hands::journal::{Journal, JournalError};
use crate::law::command::{CommandId, Outcome};
use crate::law::decide::{Input, Step, decide};
use crate::law::event::{Event, Record};
use crate::law::hint::Hint;
use crate::law::order::{Order, OrderId};
use crate::law::run::Run;
use crate::shells::leader::Leader;
use crate::shells::pages;
use crate::shells::perform::Hands;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::RunId;

/// Hints that wait for the run at most; one that is further behind has enough to look at.
const HINTS_MAX: usize = 256;
/// The store is usually asked for orders this often, in real time.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A graceful stop waits this long for what is under way, in real time: within the 10 s that a stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// Why driving ended before the run did.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal could not be written, or the lease was lost; nothing was performed that it does not hold.
    #[error("the journal could not be written")]
    Journal(#[from] JournalError),
    /// A command ended without an answer: a bug of ours.
    #[error("a command ended without an answer")]
    Lost(#[from] tokio::task::JoinError),
}

/// How driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The run is as far as this process was to take it; by default, nothing more will happen in it without a person.
    Over,
    /// It waits for a person, and this process was not to wait for one.
    Waits,
    /// It was asked to stop. The run goes on where it is when it is taken up again.
    Interrupted,
}

/// Whether a process waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForPeople {
    /// As long as the plan allows.
    Wait,
    /// Not once the instant has come.
    Return,
}

/// What a run is driven with.
pub struct Driver<J> {
    /// Where it is recorded.
    pub journal: Arc<J>,
    /// The right to write to it.
    pub leader: Leader<J>,
    /// What performs its commands.
    pub hands: Arc<Hands>,
    /// Its time.
    pub clock: Clock,
    /// How often the store is asked for orders, in real time.
    pub look_every: Duration,
    /// Whether it waits for people.
    pub for_people: ForPeople,
}

impl<J: Journal + Send + Sync + 'static> Driver<J> {
    /// The run's name.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.leader.lease().run
    }

    /// Drives `run` as far as its desk's goal says, or until `stop` completes. `listen` hears every record once it is in the
    /// journal.
    ///
    /// # Errors
    /// [`DriveError`] when the journal cannot be written or the lease is lost.
    pub async fn drive(
        &self,
        run: &mut Run,
        listen: impl FnMut(&Record),
        stop: impl Future<Output = ()>,
    ) -> Result<Ended, DriveError> {
        tokio::select! {
            ended = self.work(run, listen, stop) => ended,
            // What is under way is dropped with the work: nobody may act for a run that somebody else may lead.
            lost = self.leader.keep() => Err(lost.into()),
        }
    }

    async fn work(
        &self,
        run: &mut Run,
        mut listen: impl FnMut(&Record),
        stop: impl Future<Output = ()>,
    ) -> Result<Ended, DriveError> {
        let mut stop = std::pin::pin!(stop);
        let mut tasks: Tasks = JoinSet::new();
        let mut asking = JoinSet::new();
        let mut orders = self.ask_for_orders(&mut asking);
        let (tell, mut pushed) = mpsc::channel(HINTS_MAX);
        if let Some(pages) = self.hands.pages.clone().filter(|_| run.plan.mechanisms.companion) {
            asking.spawn(pages::hints(pages, Arc::clone(&run.plan), tell.clone()));
        }
        let mut ear = Some(tell);
        let mut input = Input::Started;
        loop {
            let wake_at = self.step(run, input, &mut tasks, &mut listen).await?;
            if let Some(ended) = self.ended(run, &tasks) {
                return Ok(ended);
            }
            if run.plan.listen_at().is_some_and(|at| at <= self.clock.now()) {
                ear.take().into_iter().for_each(|tell| self.listen(run, tell, &mut asking));
            }
            input = loop {
                break tokio::select! {
                    Some(answer) = tasks.join_next() => answered(answer)?,
                    () = self.clock.sleep_until(wake_at.unwrap_or_default()), if wake_at.is_some() => Input::Woke,
                    Some(hint) = pushed.recv() => Input::Hinted(hint),
                    Some(found) = orders.recv() => match self.first_new(run, found).await {
                        Some(order) => order,
                        None => continue,
                    },
                    () = &mut stop => {
                        self.close(run, tasks, &mut listen).await?;
                        return Ok(Ended::Interrupted);
                    }
                };
            };
        }
    }

    /// One decision: record, then perform. Gives back when to come again.
    async fn step(
        &self,
        run: &mut Run,
        input: Input,
        tasks: &mut Tasks,
        listen: &mut impl FnMut(&Record),
    ) -> Result<Option<Timestamp>, DriveError> {
        let now = self.clock.now();
        let last_seq = run.seq;
        let step = decide(run, input, now);
        self.append(last_seq, now, &step, listen).await?;
        self.leader.check()?;
        for (id, command) in step.perform {
            let hands = Arc::clone(&self.hands);
            let asked = hands.ask(self.run(), run, command, now);
            tasks.spawn(async move { (id, hands.perform(asked).await) });
        }
        Ok(step.wake_at)
    }

    fn ended(&self, run: &Run, tasks: &Tasks) -> Option<Ended> {
        if !tasks.is_empty() {
            return None;
        }
        // A run that ended before the goal is over as well, and its hooks have been heard.
        if run.reached() || run.is_over() {
            return Some(Ended::Over);
        }
        let waits = self.for_people == ForPeople::Return && run.waits_for().is_some() && run.waited == run.waits_for();
        waits.then_some(Ended::Waits)
    }

    async fn append(
        &self,
        last_seq: u64,
        now: Timestamp,
        step: &Step,
        listen: &mut impl FnMut(&Record),
    ) -> Result<(), JournalError> {
        if step.record.is_empty() {
            return Ok(());
        }
        self.journal.append(self.leader.lease(), last_seq, now, &step.record, claim_in(&step.record)).await?;
        for (seq, event) in (last_seq + 1..).zip(&step.record) {
            listen(&Record { seq, at: now, event: event.clone() });
        }
        Ok(())
    }

    /// Listens to what the platform pushes about the run, from the first look before its publish on: before, nothing that is
    /// pushed is of use to it.
    fn listen(&self, run: &Run, tell: mpsc::Sender<Hint>, asking: &mut JoinSet<()>) {
        let (client, plan) = (self.hands.client.clone(), Arc::clone(&run.plan));
        asking.spawn(async move { push::listen(client, &plan, plan.seed.fork("notifications"), tell).await });
    }

    /// Asks the store for orders again and again, in a task of its own: a question that is not waited for would keep the
    /// store's connection from the next append.
    fn ask_for_orders(&self, asking: &mut JoinSet<()>) -> mpsc::Receiver<Orders> {
        let (tell, told) = mpsc::channel(1);
        let (journal, run, pause) = (Arc::clone(&self.journal), self.run().clone(), self.look_every);
        asking.spawn(async move {
            while tell.send(journal.orders(&run).await).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        });
        told
    }

    /// The oldest order that the run has not taken; those that it has taken are cleared away.
    async fn first_new(&self, run: &Run, found: Orders) -> Option<Input> {
        // A store that does not answer is no reason to stop: one that is gone shows at the next append.
        for (number, input) in ordered(found).unwrap_or_default() {
            if !run.orders.contains(&OrderId(number)) {
                return Some(input);
            }
            // One that cannot be cleared away now is found, and cleared away, at the next look.
            let _again = self.journal.dismiss(self.run(), number).await;
        }
        None
    }

    /// A graceful end: nothing new is begun, and what is under way is taken in and recorded, as long as there is time.
    async fn close(&self, run: &mut Run, mut tasks: Tasks, listen: &mut impl FnMut(&Record)) -> Result<(), DriveError> {
        self.step(run, Input::Closing, &mut tasks, listen).await?;
        let all = async {
            while let Some(answer) = tasks.join_next().await {
                self.step(run, answered(answer)?, &mut tasks, listen).await?;
            }
            Ok(())
        };
        // After that long a stop is a kill, and the run survives that as well.
        tokio::time::timeout(STOP_WITHIN, all).await.unwrap_or(Ok(()))
    }
}

/// What a look for orders brings.
pub type Orders = Result<Vec<(u64, Order)>, JournalError>;
type Tasks = JoinSet<(CommandId, Outcome)>;

/// What the store holds for a run, with the numbers, the oldest first. One that cannot be read stands alone, until it is
/// noted and cleared away.
///
/// # Errors
/// [`JournalError`] when the store does not answer.
pub fn ordered(found: Orders) -> Result<Vec<(u64, Input)>, JournalError> {
    match found {
        Ok(orders) => Ok(orders.into_iter().map(|(n, order)| (n, Input::Ordered { id: OrderId(n), order })).collect()),
        Err(JournalError::BadOrder { order, why, .. }) => Ok(vec![(order, Input::Unread { id: OrderId(order), why })]),
        Err(e) => Err(e),
    }
}

fn answered(answer: Result<(CommandId, Outcome), tokio::task::JoinError>) -> Result<Input, DriveError> {
    let (id, outcome) = answer?;
    Ok(Input::Answered { id, outcome })
}

/// The publish attempt that a batch of events claims; its row commits with them.
#[must_use]
pub fn claim_in(events: &[Event]) -> Option<u32> {
    events
        .iter()
        .find_map(|event| if let Event::PublishClaimed { attempt, .. } = event { Some(*attempt) } else { None })
}
