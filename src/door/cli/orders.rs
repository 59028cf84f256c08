//! `softlanding approve`, `hold`, `resume`, `abort`, `retry`: a person's word to a run, through the store that all processes share.
//!
//! A run that is being carried out takes the order within a second, wherever that is; one that nobody carries out is told at
//! once, here. Either way it is in the journal before this command ends, or the command says that it is not.
//! Must never: perform anything for the run.

use std::sync::Arc;
use std::time::Duration;

use crate::door::cli::agents::unread;
use crate::door::cli::args::{OrderArgs, RetryArgs};
use crate::door::cli::{open, out};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::genesys::staging;
use crate::hands::journal::{AnyJournal, Journal, JournalError};
use crate::law::decide::decide;
use crate::law::event::{Event, Record};
use crate::law::order::{Order, OrderId, Wish};
use crate::law::plan::Member;
use crate::law::run::Closing;
use crate::shells::driver::ordered;
use crate::shells::leader::{Leader, myself};
use crate::shells::report::Story;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::{AgentId, RunId};

/// A leader takes an order within a second; one that has just died is replaced within its lease.
const PATIENCE: u32 = 60;
const PAUSE: Duration = Duration::from_millis(250);
/// The longest name and reason, in characters.
const WORDS_MAX: usize = 500;

/// An order about the whole run.
pub(super) async fn order(args: &OrderArgs, wish: Wish) -> Result<ExitCode, Failure> {
    give(args, wish, None).await
}

/// An order about one agent of it.
pub(super) async fn retry(args: &RetryArgs) -> Result<ExitCode, Failure> {
    give(&args.order, Wish::Retry, Some(&args.agent)).await
}

async fn give(args: &OrderArgs, wish: Wish, agent: Option<&str>) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let (who, why) = (words("--as", &who(args))?, words("--why", &args.why)?);
    let config = open::config(&args.config.config)?;
    let journal = Arc::new(open::journal(&config).await?);
    journal.verify().await?;
    let clock = open::clock(&config).await.unwrap_or(Clock::System);
    let agent = match agent {
        Some(named) => Some(agent_named(&config, clock, &journal, &id, named).await?),
        None => None,
    };
    let order = Order { wish, agent, who, why };
    let number = journal.send(&id, clock.now(), &order).await?;
    for _ in 0..PATIENCE {
        if let Some(leader) = Leader::take(&journal, &id, &myself(), config.serve.lease_ms).await? {
            take_in(&leader, &journal, &id, clock.now()).await?;
            leader.release().await;
        }
        let waits = match journal.orders::<Order>(&id).await {
            Ok(orders) => orders.iter().any(|(n, _)| *n == number),
            // Whoever carries the run out sets that one aside first.
            Err(JournalError::BadOrder { order, .. }) => order <= number,
            Err(e) => return Err(e.into()),
        };
        if !waits {
            return answer(&journal, &id, OrderId(number)).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    out::note(&format!("run {id} has not taken the order yet; it will as soon as somebody carries it out"));
    Ok(ExitCode::NotYet)
}

/// The agent of the run's roster that is meant: by id or name, as the plan has them, or by the platform's e-mail address.
async fn agent_named(
    config: &Config,
    clock: Clock,
    journal: &AnyJournal,
    id: &RunId,
    named: &str,
) -> Result<AgentId, Failure> {
    let plan = open::replay(id, &open::records(journal, id).await?)?.plan;
    let word = named.trim().to_lowercase();
    let is_named = |member: &&Member| member.agent.as_str() == word || member.name.to_lowercase() == word;
    let mut found: Vec<AgentId> = plan.roster.iter().filter(is_named).map(|member| member.agent.clone()).collect();
    if found.is_empty() && word.contains('@') {
        let client = open::client(config, clock).await?;
        let people = staging::people(&client).await.map_err(unread)?;
        found = people.into_iter().filter(|one| one.email.to_lowercase() == word).map(|one| one.agent).collect();
        found.retain(|agent| plan.roster.iter().any(|member| member.agent == *agent));
    }
    match found.as_slice() {
        [agent] => Ok(agent.clone()),
        [] => Err(Failure::new(ExitCode::Usage, format!("the roster of run {id} has no {named}"))
            .hint("name the agent by user id, full name or e-mail address; `softlanding report` lists everybody")),
        several => {
            let ids: Vec<&str> = several.iter().map(AgentId::as_str).collect();
            let message = format!("{named} could be {}", ids.join(" or "));
            Err(Failure::new(ExitCode::Usage, message).hint("name the agent by user id"))
        }
    }
}

/// Nobody carries the run out: what is ordered is recorded here, and nothing is done beyond that.
async fn take_in(
    leader: &Leader<AnyJournal>,
    journal: &Arc<AnyJournal>,
    id: &RunId,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut run = open::replay(id, &open::records(journal.as_ref(), id).await?)?;
    run.desk.closing = Closing::Yes;
    loop {
        let orders = ordered(journal.orders(id).await)?;
        if orders.is_empty() {
            return Ok(());
        }
        for (number, input) in orders {
            let last_seq = run.seq;
            let step = decide(&mut run, input, now);
            if !step.record.is_empty() {
                journal.append(leader.lease(), last_seq, now, &step.record, None).await?;
            }
            journal.dismiss(id, number).await?;
        }
    }
}

/// What became of the order.
async fn answer(journal: &AnyJournal, id: &RunId, number: OrderId) -> Result<ExitCode, Failure> {
    let records = open::records(journal, id).await?;
    let about = |record: &&Record| match &record.event {
        Event::Ordered { order, .. } | Event::OrderRefused { order, .. } | Event::OrderUnread { order, .. } => {
            *order == number
        }
        _ => false,
    };
    let Some(found) = records.iter().find(about) else {
        let message = format!("the store no longer has the order to run {id}, and nothing in the run answers it");
        return Err(Failure::new(ExitCode::Access, message).hint(format!(
            "somebody has put an older store in its place, or it does not keep what is written: check the disk's free space and \
             health, look at `softlanding status {id}`, and give the order again"
        )));
    };
    let before = Story::of(records.iter().take_while(|record| record.seq < found.seq));
    let said = before.control_words(&found.event).unwrap_or_default();
    if let Event::OrderRefused { .. } | Event::OrderUnread { .. } = &found.event {
        return Err(Failure::new(ExitCode::Refused, format!("run {id}: {said}"))
            .hint(format!("`softlanding status {id}` shows where it stands")));
    }
    out::say([format!("Run {id}: {said}.")]);
    Ok(ExitCode::Done)
}

fn words(field: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    let fine = !text.is_empty() && text.chars().count() <= WORDS_MAX && !text.chars().any(char::is_control);
    if fine {
        return Ok(text.to_owned());
    }
    let message = format!("{field} is empty, longer than {WORDS_MAX} characters, or has control characters");
    Err(Failure::new(ExitCode::Usage, message).hint("it stands in the journal: one line that others will understand"))
}

fn who(args: &OrderArgs) -> String {
    args.who.clone().unwrap_or_else(|| {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let user = variable("SUDO_USER").or_else(|| variable("USER")).or_else(|| variable("LOGNAME"));
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        format!("{}@{}", user.as_deref().unwrap_or("somebody"), host.trim())
    })
}
