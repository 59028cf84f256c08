//! Runs: a list of them, and each as it stands.
//!
//! Must never: hold up the list because one run cannot be read.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Fields, Places, run_id, unshown};
use crate::law::plan::{Mechanisms, Timing};
use crate::law::spent::Spent;
use crate::shells::report::ending::answer;
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::book::{Folded, RunCard};
use crate::shells::web::problem::{Kind, Problem};
use crate::words::clock::Timestamp;

/// Runs of one page, at most.
const PAGE_MAX: u32 = 100;
const PAGE: u32 = 20;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsWanted {
    /// How many, from 1 to 100; 20 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Those before this one: the `next` of the page before.
    #[param(max_length = 64)]
    before: Option<String>,
}

/// Runs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Runs {
    /// The runs.
    runs: Vec<RunCard>,
    /// What `before` is to be for the next page; null after the last one.
    next: Option<String>,
}

/// Runs, the newest first
#[utoipa::path(get, path = "/api/v1/runs", tag = "look", params(RunsWanted), responses(
    (status = 200, description = "A page of runs", body = Runs),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(room): State<Room>,
    _caller: Caller,
    Fields(wanted): Fields<RunsWanted>,
) -> Result<Json<Runs>, Problem> {
    let office = room.office()?;
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::new(Kind::BadRequest, format!("limit is {limit}")).hint("accepted: 1 to 100"));
    }
    let unknown = || {
        Problem::new(Kind::NotFound, "there is no run `before` which others could stand")
            .hint("take it from `next` of the page before; a run that is too old may have been deleted")
    };
    let before = wanted.before.as_deref().map(run_id).transpose().map_err(|_| unknown())?;
    let page = office.book.cards(before.as_ref(), limit as usize).await.map_err(unshown(office))?;
    let (kept, more) = page.ok_or_else(unknown)?;
    let next = kept.last().filter(|_| more).map(|kept| kept.card.run.clone());
    Ok(Json(Runs { runs: kept.iter().map(|kept| kept.card.clone()).collect(), next }))
}

/// A run as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunDetail {
    #[serde(flatten)]
    card: RunCard,
    /// How it stands, in a sentence or two.
    answer: String,
    /// What that means.
    meaning: Vec<String>,
    /// What people should do.
    next: Vec<String>,
    /// The phases that it has gone through, in order.
    phases: Vec<PhaseSpan>,
    /// What it intends.
    plan: PlanDoc,
    /// The calls of the platform that it has spent, by what they were for, and how many were refused.
    #[schema(value_type = Object)]
    spent: Spent,
    /// Why remedies were stopped, the first first.
    brakes: Vec<BrakeDoc>,
    /// What people told it and what it waited for, the first first.
    control: Vec<Line>,
    /// This instant, on the clock that it follows.
    #[schema(format = "date-time")]
    now: String,
}

/// One phase of a run.
#[derive(Debug, Serialize, ToSchema)]
struct PhaseSpan {
    /// Which.
    #[schema(value_type = String, example = "checking")]
    phase: crate::law::event::Phase,
    /// When it began.
    #[schema(format = "date-time")]
    begin: String,
    /// When the next one began; null while it lasts.
    #[schema(format = "date-time")]
    end: Option<String>,
}

/// What a run intends.
#[derive(Debug, Serialize, ToSchema)]
struct PlanDoc {
    /// When agents' tokens begin to be refreshed.
    #[schema(format = "date-time")]
    refresh_at: String,
    /// When the last look at the schedule begins.
    #[schema(format = "date-time")]
    prepare_at: String,
    /// T.
    #[schema(format = "date-time")]
    publish_at: String,
    /// When it settles at the latest, if the publish is seen complete at T.
    #[schema(format = "date-time")]
    settle_at: String,
    /// Calls a minute of the publisher's token, as the platform told at staging; null when it did not.
    calls_per_minute: Option<u32>,
    /// The lead times and intervals, in ms.
    #[schema(value_type = Object)]
    timing: Timing,
    /// What may be used.
    #[schema(value_type = Object)]
    mechanisms: Mechanisms,
}

/// Something that stopped remedies.
#[derive(Debug, Serialize, ToSchema)]
struct BrakeDoc {
    /// When.
    #[schema(format = "date-time")]
    at: String,
    /// The remedy; null for all of them.
    rung: Option<&'static str>,
    /// Why.
    why: String,
}

/// Something that was told, and when.
#[derive(Debug, Serialize, ToSchema)]
struct Line {
    /// When.
    #[schema(format = "date-time")]
    at: String,
    /// What.
    words: String,
}

/// One run, as it stands
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care")),
    responses(
        (status = 200, description = "The run", body = RunDetail),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn one(
    State(room): State<Room>,
    _caller: Caller,
    Places(run): Places<String>,
) -> Result<Json<RunDetail>, Problem> {
    let office = room.office()?;
    let opened = office.book.run(&run_id(&run)?).await.map_err(unshown(office))?;
    let folded = opened.look().await.map_err(unshown(office))?;
    Ok(Json(detail(&folded, office.site.clock.now())))
}

fn detail(folded: &Folded, now: Timestamp) -> RunDetail {
    let (story, plan) = (&folded.story, &folded.run.plan);
    let answer = answer(story);
    let line = |at: Timestamp, words: &str| Line { at: at.rfc3339(), words: words.to_owned() };
    RunDetail {
        card: folded.card(),
        answer: answer.headline,
        meaning: answer.meaning,
        next: answer.next,
        phases: story
            .phases
            .items
            .iter()
            .map(|span| PhaseSpan {
                phase: span.phase,
                begin: span.begin.rfc3339(),
                end: span.end.map(Timestamp::rfc3339),
            })
            .collect(),
        plan: PlanDoc {
            refresh_at: plan.refresh_at().rfc3339(),
            prepare_at: (plan.publish_at - plan.timing.prepare_lead_ms).rfc3339(),
            publish_at: plan.publish_at.rfc3339(),
            settle_at: plan.settle_at().rfc3339(),
            calls_per_minute: plan.limits.calls_per_minute,
            timing: plan.timing.clone(),
            mechanisms: plan.mechanisms.clone(),
        },
        spent: story.spent,
        brakes: story
            .brakes
            .items
            .iter()
            .map(|brake| BrakeDoc {
                at: brake.at.rfc3339(),
                rung: brake.rung.map(|rung| rung.words()),
                why: brake.why.to_string(),
            })
            .collect(),
        control: story.control.items.iter().map(|(at, words)| line(*at, words)).collect(),
        now: now.rfc3339(),
    }
}
