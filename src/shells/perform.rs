//! Performs commands: asks the platform, the vault, the hooks and agents' pages, and brings back outcomes.
//!
//! Must never: decide, retry a publish, or hand an outcome on before the grant that came with it is in the vault.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::hands::companion::Pages;
use crate::hands::genesys::{Call, Client};
use crate::hands::hook::{Hooks, envelope};
use crate::hands::vault::{Vault, VaultError};
use crate::law::agent::Delivery;
use crate::law::command::{Command, Failure, FailureKind, Outcome};
use crate::law::page::{Errand, PageAnswer, PageState};
use crate::law::plan::Plan;
use crate::law::run::Run;
use crate::shells::notice;
use crate::shells::own_token::OwnToken;
use crate::shells::pages::{self, Brings};
use crate::shells::preflight::Preflights;
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::{AgentId, RunId, Seat};

/// Everything that a run can be done with.
pub struct Hands {
    /// The platform.
    pub client: Client,
    /// The organisation's executables.
    pub hooks: Hooks,
    /// Agents' tokens, where there are any.
    pub vault: Option<Arc<Vault>>,
    /// The pages in agents' browsers, where companions may connect.
    pub pages: Option<Pages>,
    /// What preflights have found for the organisation's runs.
    pub preflights: Arc<Preflights>,
    /// Hears of trouble with the vault.
    pub ear: Arc<VaultEar>,
}

type Tell = Box<dyn Fn(&VaultError) + Send + Sync>;

/// Tells people of the first trouble that a run has with the vault: what follows is most often the same, once for each agent.
#[derive(Default)]
pub struct VaultEar {
    tell: Option<Tell>,
    told: AtomicBool,
}

impl VaultEar {
    /// `tell` is called once.
    #[must_use]
    pub fn new(tell: impl Fn(&VaultError) + Send + Sync + 'static) -> VaultEar {
        VaultEar { tell: Some(Box::new(tell)), told: AtomicBool::new(false) }
    }
    pub(crate) fn hear(&self, error: &VaultError) {
        // One agent's grant that is out, or no token at all, is no trouble with the vault.
        let about_one = matches!(error, VaultError::Held { .. } | VaultError::BadToken { .. });
        if let Some(tell) = self.tell.as_ref().filter(|_| !about_one && !self.told.swap(true, Ordering::Relaxed)) {
            tell(error);
        }
    }
}

/// A command with what it needs of the run at the moment it was asked.
pub enum Asked {
    /// For the platform.
    Platform {
        /// The command.
        command: Command,
        /// What the run intends.
        plan: Arc<Plan>,
        /// Until when it may leave.
        not_after: Option<Timestamp>,
    },
    /// What these agents' pages say is to be heard.
    Pages {
        /// The agents.
        agents: Vec<(Seat, AgentId)>,
        /// What a page said before this is asked for once more.
        since: Timestamp,
    },
    /// An agent's page is to be told something.
    Page {
        /// The agent; `None` for a seat that the roster does not have.
        agent: Option<AgentId>,
        /// What.
        errand: Errand,
        /// Whether the agent's newest token goes along.
        brings: Brings,
        /// Until when it may leave.
        not_after: Option<Timestamp>,
    },
    /// What a publish of this plan needs is to be looked over.
    Preflight(Arc<Plan>),
    /// For the hooks.
    Hooks {
        /// The moment.
        point: HookPoint,
        /// The document for their standard input.
        document: Value,
    },
}

impl Hands {
    /// Takes from the run what the command needs, so that it can be performed while the run goes on; `now` is the instant
    /// at which it was decided.
    #[must_use]
    pub fn ask(&self, id: &RunId, run: &Run, command: Command, now: Timestamp) -> Asked {
        match command {
            Command::RunHooks { point, seat } => {
                let data = notice::data(id, run, point, seat);
                let subject = seat.and_then(|s| run.plan.member(s)).map_or(id.as_str(), |m| m.agent.as_str());
                Asked::Hooks { point, document: envelope(point, id, subject, now, run.seq, data) }
            }
            Command::Preflight => Asked::Preflight(Arc::clone(&run.plan)),
            Command::ReadPages { seats, since } => {
                let agent = |seat: Seat| Some((seat, run.plan.member(seat)?.agent.clone()));
                Asked::Pages { agents: seats.into_iter().filter_map(agent).collect(), since }
            }
            Command::TellPage { seat, errand } => self.ask_page(run, seat, errand, now),
            command => {
                let not_after = command.not_after(now, run.plan.limits.on_call_fresh_ms);
                Asked::Platform { command, plan: Arc::clone(&run.plan), not_after }
            }
        }
    }

    fn ask_page(&self, run: &Run, seat: Seat, errand: Errand, now: Timestamp) -> Asked {
        let not_after = Command::TellPage { seat, errand }.not_after(now, run.plan.limits.on_call_fresh_ms);
        // A token that the page has had may be older than its own by now.
        let is_due = run.agent(seat).is_some_and(|agent| agent.delivery == Delivery::Due);
        let brings = match errand {
            Errand::Token | Errand::Renew => Brings::Token,
            Errand::Revive if is_due => Brings::Token,
            Errand::Revive | Errand::AskToReload | Errand::AskToSignIn => Brings::Nothing,
        };
        let agent = run.plan.member(seat).map(|member| member.agent.clone());
        Asked::Page { agent, errand, brings, not_after }
    }

    /// Performs one command. Every end of it is an outcome; there is no error beside.
    pub async fn perform(&self, asked: Asked) -> Outcome {
        match asked {
            Asked::Preflight(plan) => {
                Outcome::Preflighted(self.preflights.concerns(&self.client, &plan.mechanisms).await)
            }
            Asked::Hooks { point, document } => Outcome::HooksRan(self.hooks.run(point, &document).await.hooks),
            Asked::Pages { agents, since } => match &self.pages {
                Some(pages) => Outcome::Pages(pages::read(pages, agents, since).await),
                None => Outcome::Pages(Vec::new()),
            },
            Asked::Page { not_after: Some(at), .. } if self.client.clock().now() > at => {
                let late = "it could not leave in time, and so was not sent";
                Outcome::Failed(Failure::plain(FailureKind::NotSent, late))
            }
            Asked::Page { agent, errand, brings, .. } => Outcome::PageTold(match self.pages.as_ref().zip(agent) {
                Some((pages, agent)) => {
                    pages::tell(pages, self.vault.as_deref().zip(Some(&*self.ear)), &agent, errand, brings).await
                }
                None => PageAnswer::NoPage,
            }),
            Asked::Platform { command, plan, not_after } => match agent_of(&command, &plan) {
                Some(agent) => {
                    let command = self.unless_refused(command, &agent);
                    self.with_grant(command, plan, agent, not_after).await.unwrap_or_else(Outcome::Failed)
                }
                None => self.client.perform(bound(Call::new(&command, &plan, None), not_after)).await.outcome,
            },
        }
    }

    /// A token that the agent's page was refused with is not left as it is, however young.
    fn unless_refused(&self, mut command: Command, agent: &AgentId) -> Command {
        if let Command::RefreshToken { unless, .. } = &mut command {
            let said = self.pages.as_ref().and_then(|pages| pages.seen(agent));
            *unless = unless.filter(|_| said.is_none_or(|seen| pages::state(&seen) != PageState::Refused));
        }
        command
    }

    /// Commands that use an agent's own token: taken from the vault before, put back before anybody hears of it. In a task of
    /// its own, which goes on when nobody waits for it any more: a refresh token that was spent is worth nothing unless the
    /// next one is kept.
    async fn with_grant(
        &self,
        command: Command,
        plan: Arc<Plan>,
        agent: AgentId,
        not_after: Option<Timestamp>,
    ) -> Result<Outcome, Failure> {
        let vault = self.vault.clone().ok_or_else(|| local("there is no vault"))?;
        let (client, ear) = (self.client.clone(), Arc::clone(&self.ear));
        let whole = tokio::spawn(async move {
            let own = OwnToken { vault: &vault, client: &client, agent: &agent, ear: &ear };
            own.perform(&command, &plan, not_after).await
        });
        whole.await.unwrap_or_else(|_| Err(local("the refresh ended without an answer")))
    }
}

/// A call that may leave until then.
pub(crate) fn bound(call: Call, not_after: Option<Timestamp>) -> Call {
    match not_after {
        Some(at) => call.not_after(at),
        None => call,
    }
}

/// The agent whose own token a command uses.
pub(crate) fn agent_of(command: &Command, plan: &Plan) -> Option<AgentId> {
    plan.member(command.own_token_of()?).map(|m| m.agent.clone())
}

pub(crate) fn local(message: &str) -> Failure {
    Failure::plain(FailureKind::Local, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hands::genesys::{Hosts, Org, OrgSettings, Wire};
    use crate::hands::hook::HookLimits;
    use crate::shells::report::sample;
    use crate::words::clock::Clock;
    use crate::words::id::Seat;
    use crate::words::secret::Secret;

    /// Hands whose platform is a port that nobody listens at.
    fn hands() -> Hands {
        let hosts = Hosts::given("http://127.0.0.1:9", "http://127.0.0.1:9").unwrap();
        let org = Org::new(OrgSettings::new(hosts, "publisher", Secret::new("secret".to_owned())));
        let client = Client::new(org, Wire::new(Clock::System).unwrap(), Clock::System);
        Hands {
            client,
            hooks: Hooks::new(std::path::PathBuf::new(), HookLimits::default()),
            vault: None,
            pages: None,
            preflights: Arc::default(),
            ear: Arc::default(),
        }
    }

    #[tokio::test]
    async fn a_remedy_leaves_while_its_look_is_fresh_or_not_at_all() {
        let (hands, id) = (hands(), RunId::new("friday").unwrap());
        let run = Run::staged(Arc::new(sample::plan(1, 3)));
        let fresh_ms = run.plan.limits.on_call_fresh_ms;
        let at_once = hands.client.clock().now();
        let perform = |decided: Timestamp| {
            let asked = hands.ask(&id, &run, Command::RevokeTokens { seat: Seat(0) }, decided);
            let hands = &hands;
            async move {
                match hands.perform(asked).await {
                    Outcome::Failed(failure) => failure,
                    other => panic!("nobody listens there: {other:?}"),
                }
            }
        };
        let late = perform(at_once - fresh_ms - 1).await;
        assert_eq!(late.kind, FailureKind::NotSent);
        assert!(late.message.contains("could not leave in time"), "{late}");
        let in_time = perform(at_once + 3_600_000).await;
        assert!(in_time.message.contains("could not log in"), "{in_time}");
    }

    #[tokio::test]
    async fn the_first_trouble_with_the_vault_is_told_and_no_other() {
        use crate::hands::testing::Folder;
        use crate::hands::vault::new_key;
        use crate::law::command::TokenVia;
        use crate::shells::daemon::news::chain;
        use std::sync::Mutex;

        let (folder, run, heard) = (Folder::new(), Run::staged(Arc::new(sample::plan(1, 3))), Arc::default());
        let path = folder.join("v.db");
        let vault = Arc::new(Vault::open(&path, &new_key().unwrap()).await.unwrap());
        let told: Arc<Mutex<Vec<String>>> = Arc::clone(&heard);
        let ear = VaultEar::new(move |e| told.lock().unwrap().push(chain(e)));
        let hands = Hands { vault: Some(vault), ear: Arc::new(ear), ..hands() };
        let refresh = async |seat: u32| {
            let command = Command::RefreshToken { seat: Seat(seat), via: TokenVia::Grant, unless: None };
            let asked = hands.ask(&RunId::new("friday").unwrap(), &run, command, hands.client.clock().now());
            match hands.perform(asked).await {
                Outcome::Failed(failure) => failure.kind,
                other => panic!("nothing can be refreshed here: {other:?}"),
            }
        };
        // Who is not enrolled is no trouble.
        assert_eq!(refresh(0).await, FailureKind::Local);
        assert_eq!(*heard.lock().unwrap(), Vec::<String>::new());
        std::fs::rename(&path, folder.join("away.db")).unwrap();
        for seat in [0, 1, 2] {
            assert_eq!(refresh(seat).await, FailureKind::NotSent);
        }
        let heard = heard.lock().unwrap();
        assert!(matches!(heard.as_slice(), [one] if one.contains("there is no vault")), "{heard:?}");
    }

    #[tokio::test]
    async fn a_token_that_is_young_enough_is_left_as_it_is_and_nothing_is_asked() {
        use crate::hands::testing::Folder;
        use crate::hands::vault::new_key;
        use crate::law::command::TokenVia;
        use crate::law::young::Young;
        use crate::words::secret::Grant;

        let (folder, run) = (Folder::new(), Run::staged(Arc::new(sample::plan(1, 3))));
        let vault = Arc::new(Vault::open(&folder.join("v.db"), &new_key().unwrap()).await.unwrap());
        let hands = Hands { vault: Some(Arc::clone(&vault)), ..hands() };
        let now = hands.client.clock().now();
        let secret = |text: &str| Secret::new(text.to_owned());
        let grant = Grant { refresh_token: secret("r"), access_token: Some((secret("a"), now + 3_600_000)) };
        vault.put(&run.plan.roster[0].agent, "Ann", &grant).await.unwrap();
        let perform = |seat: u32, unless| {
            let command = Command::RefreshToken { seat: Seat(seat), via: TokenVia::Grant, unless };
            hands.perform(hands.ask(&RunId::new("friday").unwrap(), &run, command, now))
        };
        let young = |ends_ms, made_ms| Some(Young { ends_from: now + ends_ms, made_from: now + made_ms });
        let left = perform(0, young(3_600_000, -60_000)).await;
        assert!(matches!(left, Outcome::TokenLeft { expires_at, .. } if expires_at == now + 3_600_000), "{left:?}");
        // One that ends too early, one that was made too early, and one that nobody wants left are refreshed: nobody listens.
        for unless in [young(3_600_001, -60_000), young(0, 60_000), None] {
            assert!(matches!(perform(0, unless).await, Outcome::Failed(_)), "{unless:?}");
        }
        assert!(matches!(perform(1, young(0, -60_000)).await, Outcome::Failed(_)), "nobody is enrolled in this seat");
    }
}
