//! What changes something: staging a publish, telling a run something, starting it, and a roll call, which changes nothing but
//! costs calls.
//!
//! Must never: act for whoever may only look, or approve for whoever may not.

use std::future::Future;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::extract::{JsonBody, Places, run_id};
use crate::law::order::{Order, Wish};
use crate::law::plan::StagedBy;
use crate::shells::rollcall::RollDocument;
use crate::shells::web::Room;
use crate::shells::web::access::{Caller, Role};
use crate::shells::web::book::RunCard;
use crate::shells::web::deeds::{self, Expects, StageAnswer};
use crate::shells::web::listener::Peer;
use crate::shells::web::office::Office;
use crate::shells::web::once::{Asked, Done, once};
use crate::shells::web::problem::{Kind, Problem};
use crate::words::id::AgentId;

/// What every request that acts brings beside its body.
pub(super) struct Act {
    caller: Caller,
    asked: Asked,
    peer: Peer,
}

/// The publish that is to be staged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StageWanted {
    /// The entry of the calendar.
    #[schema(example = "care")]
    publish: String,
    /// When to publish, RFC 3339; the entry's next instant when left out.
    #[schema(format = "date-time")]
    at: Option<String>,
    /// Why, in one line of at most 500 characters. It stands in the journal and in the report, with the caller's name.
    #[schema(min_length = 1, max_length = 500, example = "the week was planned anew")]
    why: Option<String>,
}

/// Stage a publish of the calendar
///
/// As the calendar does it by itself some days before: the schedule and the roster are pinned, and all that could fail is found
/// out. Nothing is approved by it.
#[utoipa::path(post, path = "/api/v1/runs", tag = "act", request_body = StageWanted,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes that it is done once", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 201, description = "It is staged", body = RunCard),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn stage(
    State(room): State<Room>,
    act: Act,
    body: JsonBody<StageWanted>,
) -> Result<Response, Problem> {
    let office = Arc::clone(room.office()?);
    act.caller.needs(Role::Operator)?;
    let StageWanted { publish, at, why } = body.value;
    let by = StagedBy { who: act.caller.name.clone(), why };
    let at = at.as_deref().map(deeds::instant).transpose()?;
    let doing = Arc::clone(&office);
    act.once(&office, &body.bytes, async move {
        let run = match deeds::stage_entry(&doing, &publish, at, by).await? {
            StageAnswer::Staged(run) => run,
            StageAnswer::Already(run) => {
                return Err(Problem::new(Kind::Refused, format!("it is staged already, as run {run}"))
                    .hint(format!("GET /api/v1/runs/{run} shows it")));
            }
        };
        let opened = doing.book.run(&run).await.map_err(|e| deeds::unshown(&doing, e))?;
        let card = opened.look().await.map_err(|e| deeds::unshown(&doing, e))?.card();
        Ok((StatusCode::CREATED, document(&card)))
    })
    .await
}

/// What a run is to be told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderWanted {
    /// What is wanted.
    wish: WishWanted,
    /// The agent it is about, by the platform's user id: with retry, and with nothing else.
    agent: Option<String>,
    /// On which side of the publish the order is meant: what a wish means changes there, and an order that comes too late for
    /// what was meant is refused. On either side when left out.
    expects: Option<Expects>,
    /// Why, in one line of at most 500 characters. It stands in the journal and in the report, with the caller's name.
    #[schema(min_length = 1, max_length = 500, example = "the board has met")]
    why: String,
}

/// What a run can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WishWanted {
    /// The publish may be made; takes an approver.
    Approve,
    /// Before the publish: it waits. After it: no more remedies.
    Hold,
    /// Go on.
    Resume,
    /// Before the publish: the run ends. After it: no more remedies, for good.
    Abort,
    /// One agent is looked at again, and helped from the first remedy on. After the publish only.
    Retry,
    /// Somebody else has published: the schedule is looked at now and, found published, the agents are checked. Before the
    /// publish only.
    Elsewhere,
}

impl WishWanted {
    fn needs(self) -> Role {
        match self {
            WishWanted::Approve => Role::Approver,
            WishWanted::Hold | WishWanted::Resume | WishWanted::Abort | WishWanted::Retry | WishWanted::Elsewhere => {
                Role::Operator
            }
        }
    }
    fn wish(self) -> Wish {
        match self {
            WishWanted::Approve => Wish::Approve,
            WishWanted::Hold => Wish::Hold,
            WishWanted::Resume => Wish::Resume,
            WishWanted::Abort => Wish::Abort,
            WishWanted::Retry => Wish::Retry,
            WishWanted::Elsewhere => Wish::Elsewhere,
        }
    }
}

/// That an order was left.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ordered {
    /// Its number: the run's events tell what becomes of it.
    order: u64,
}

/// Tell a run something
///
/// The order is left in the store for whoever leads the run, which takes it within a second. What cannot be followed as things
/// are is refused at once.
#[utoipa::path(post, path = "/api/v1/runs/{run}/orders", tag = "act", request_body = OrderWanted,
    params(
        ("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes that it is done once", pattern = "^[!-~]{1,255}$"),
    ),
    responses(
        (status = 202, description = "The order is left", body = Ordered),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn order(
    State(room): State<Room>,
    act: Act,
    Places(run): Places<String>,
    body: JsonBody<OrderWanted>,
) -> Result<Response, Problem> {
    let office = Arc::clone(room.office()?);
    let OrderWanted { wish, agent, expects, why } = body.value;
    act.caller.needs(wish.needs())?;
    let agent = agent.as_deref().map(AgentId::new).transpose();
    let agent = agent.map_err(|e| Problem::new(Kind::NotUnderstood, e.to_string()))?;
    let order = Order { wish: wish.wish(), agent, who: act.caller.name.clone(), why };
    let doing = Arc::clone(&office);
    act.once(&office, &body.bytes, async move {
        let order = deeds::order_on(&doing, &run_id(&run)?, order, expects).await?;
        Ok((StatusCode::ACCEPTED, document(&Ordered { order })))
    })
    .await
}

/// That the daemon looks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Started {
    /// The run.
    run: String,
}

/// Have the daemon look at a run at once
///
/// It would by itself within a second or two; a run that another process leads stays there.
#[utoipa::path(post, path = "/api/v1/runs/{run}/start", tag = "act",
    params(
        ("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes that it is done once", pattern = "^[!-~]{1,255}$"),
    ),
    responses(
        (status = 202, description = "It looks", body = Started),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn start(
    State(room): State<Room>,
    act: Act,
    Places(run): Places<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let office = Arc::clone(room.office()?);
    act.caller.needs(Role::Operator)?;
    let doing = Arc::clone(&office);
    act.once(&office, &body, async move {
        let run = run_id(&run)?;
        deeds::start(&doing, &run).await?;
        Ok((StatusCode::ACCEPTED, document(&Started { run: run.to_string() })))
    })
    .await
}

/// Whose roll is to be called: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckWanted {
    /// The business unit of this entry of the calendar.
    #[schema(example = "care")]
    publish: Option<String>,
    /// A business unit by name or id.
    business_unit: Option<String>,
}

/// Call the roll of a business unit
///
/// Every signal of every softphone, read in bulk: nothing is changed by it. One at a time.
#[utoipa::path(post, path = "/api/v1/checks", tag = "act", request_body = CheckWanted,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes that it is done once", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 200, description = "Everybody's answer", body = RollDocument<'static>),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn check(
    State(room): State<Room>,
    act: Act,
    body: JsonBody<CheckWanted>,
) -> Result<Response, Problem> {
    let office = Arc::clone(room.office()?);
    act.caller.needs(Role::Operator)?;
    let unit = match (body.value.publish, body.value.business_unit) {
        (Some(name), None) => deeds::entry(&office, &name)?.request.business_unit.clone(),
        (None, Some(unit)) => unit,
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::new(Kind::NotUnderstood, "exactly one of publish and business_unit is needed"));
        }
    };
    let doing = Arc::clone(&office);
    act.once(&office, &body.bytes, async move {
        let called = deeds::Roll::of(&doing, &unit).await?.call(&doing).await;
        Ok((StatusCode::OK, document(&called.document())))
    })
    .await
}

impl FromRequestParts<Room> for Act {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, room: &Room) -> Result<Act, Problem> {
        let caller = Caller::from_request_parts(parts, room).await?;
        let peer = ConnectInfo::<Peer>::from_request_parts(parts, room).await;
        let ConnectInfo(peer) =
            peer.map_err(|_| Problem::new(Kind::Bug, "nobody knows where the request comes from"))?;
        let asked = Asked::new(caller.scope(), &parts.method, parts.uri.path(), &parts.headers)?;
        Ok(Act { caller, asked, peer })
    }
}

impl Act {
    /// Carries it out, once. Whoever asked waits, and may be silent meanwhile.
    async fn once<W>(self, office: &Arc<Office>, body: &[u8], work: W) -> Result<Response, Problem>
    where
        W: Future<Output = Done> + Send + 'static,
    {
        let _waits = self.peer.waits();
        Ok(once(office, self.asked.with(body), work).await)
    }
}

fn document(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_else(|_| json!({}))
}
