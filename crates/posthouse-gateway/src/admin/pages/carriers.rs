//! Carriers: their connections, how fast each is used and why not faster, and what they answered lately.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::Uri;
use jiff::{SignedDuration, Timestamp};
use posthouse_api::{
    CarrierQueue, CarrierView, ConnectionPace, ConnectionProbed, ConnectionStatus, ConnectionView,
    LimitRequest, MessageShare, MessageSummary, PageOf, ProblemCode, ProblemDetails, SeriesView,
    SuspendRequest,
};
use posthouse_core::actor::{Actor, Right};

use super::{
    super::{body, query::in_parameter},
    PageState,
    ask::{query, segment},
    chart::Chart,
    frame::{Frame, ok, written},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact},
};

/// How far back it is told what a carrier answered.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

#[derive(Template)]
#[template(path = "carriers.html")]
struct CarriersPage {
    frame: Frame,
    items: Vec<(CarrierView, Option<CarrierQueue>)>,
    next: Option<String>,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/carriers");
    let cursor = field(uri.query().unwrap_or_default().as_bytes(), "cursor");
    let cursor = cursor.map(|cursor| format!("?{}", query([("cursor", &*cursor)]))).unwrap_or_default();
    let carriers = pages.api.get::<PageOf<CarrierView>>(&by.actor, &format!("/carriers{cursor}")).await;
    let queues = pages.api.get::<PageOf<CarrierQueue>>(&by.actor, "/queues").await;
    match (carriers, queues) {
        (Ok(carriers), Ok(queues)) => {
            let mut of: BTreeMap<String, CarrierQueue> =
                queues.items.into_iter().map(|queue| (queue.carrier.clone(), queue)).collect();
            let with_queue = |carrier: CarrierView| {
                let queue = of.remove(&carrier.id);
                (carrier, queue)
            };
            let items = carriers.items.into_iter().map(with_queue).collect();
            ok(&CarriersPage { frame, items, next: carriers.next })
        }
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
    }
}

/// A connection as it is provisioned, and as it is used.
struct ShownConnection {
    view: ConnectionView,
    pace: Option<ConnectionPace>,
}

impl ShownConnection {
    fn is_suspended(&self) -> bool {
        self.pace.as_ref().is_some_and(|pace| pace.suspended.is_some())
    }
}

/// What is computed anew while somebody watches.
#[derive(Template)]
#[template(path = "carrier_live.html")]
struct CarrierPart {
    carrier: CarrierView,
    queue: Option<CarrierQueue>,
    connections: Vec<ShownConnection>,
    facts: Vec<Fact>,
    charts: Vec<Chart>,
    document: String,
}

#[derive(Template)]
#[template(path = "carrier.html")]
struct CarrierPage {
    frame: Frame,
    now: Timestamp,
    live: CarrierPart,
    /// How what was accepted lately stands or ended, and with which code: counted as the page is opened, for that may be millions. Or why
    /// that is not known.
    lately: Result<Vec<MessageShare>, String>,
    since: Timestamp,
    may_suspend: bool,
    may_capture: bool,
    /// What was just done, or found, as a sentence.
    done: Option<String>,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let done = field(uri.query().unwrap_or_default().as_bytes(), "done");
    let done = done.and_then(|verb| words::done("/carriers", &verb));
    page(&pages, &by, &id, done.map(str::to_owned)).await
}

async fn page(pages: &PageState, by: &SignedIn, id: &str, done: Option<String>) -> Response {
    let stream = Some(format!("/live/carrier?{}", query([("id", id)])));
    let frame = Frame { stream, ..Frame::of(&by.visitor, "/carriers") };
    match gathered(pages, &by.actor, id).await {
        Ok(live) => {
            let (may_suspend, now) = (by.actor.may(Right::Suspend), pages.admin.clock.now());
            let may_capture = by.actor.may(Right::Capture);
            let since = now.checked_sub(LATELY).unwrap_or(now);
            let lately = lately(pages, &by.actor, id, since).await;
            ok(&CarrierPage { frame, now, live, lately, since, may_suspend, may_capture, done })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

/// Suspends a connection, resumes it, limits it, or sees whether somebody is there; leads back to the carrier.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((id, name, verb)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.clone().because(&field(&form, "reason").unwrap_or_default());
    let path = format!("/carriers/{}/connections/{}/{}", segment(&id), segment(&name), segment(&verb));
    let until = until(&form, pages.admin.clock.now());
    let api = &pages.api;
    let mut done = verb.as_str();
    let answer = match verb.as_str() {
        "suspend" => {
            let request = SuspendRequest { until, reason: None };
            api.post::<ConnectionStatus>(&actor, &path, &request).await.map(drop)
        }
        "resume" => api.post::<ConnectionStatus>(&actor, &path, &serde_json::Map::new()).await.map(drop),
        "limit" => match limit_of(&form, until) {
            Ok(request) => {
                done = if request.lift { "lift" } else { "limit" };
                api.post::<ConnectionStatus>(&actor, &path, &request).await.map(drop)
            }
            Err(problem) => Err(problem),
        },
        "probe" => match api.post::<ConnectionProbed>(&actor, &path, &serde_json::Map::new()).await {
            // What was found cannot be told by the page that one is sent to.
            Ok(probed) => return page(&pages, &by, &id, Some(words::of_probe(&name, &probed))).await,
            Err(problem) => Err(problem),
        },
        _ => Err(words::no_verb("a connection", &verb)),
    };
    match answer {
        Ok(()) => see_other(&format!("/carriers/{}?{}", segment(&id), query([("done", done)]))),
        Err(problem) => Frame::of(&by.visitor, "/carriers").trouble(&problem),
    }
}

/// Till when, by the minutes that were chosen; none: till somebody ends it.
fn until(form: &[u8], now: Timestamp) -> Option<Timestamp> {
    let minutes: u32 = field(form, "minutes")?.parse().ok()?;
    now.checked_add(SignedDuration::from_mins(minutes.into())).ok()
}

fn limit_of(form: &[u8], until: Option<Timestamp>) -> Result<LimitRequest, ProblemDetails> {
    let number = |name: &'static str| match field(form, name).filter(|text| !text.trim().is_empty()) {
        Some(text) => text.trim().parse().map(Some).map_err(|_| {
            let what = (format!("{text:?} is no number"), "write a whole number, or nothing");
            ProblemDetails::new(ProblemCode::InvalidParameter).error(in_parameter(name, what))
        }),
        None => Ok(None),
    };
    let lift = field(form, "lift").is_some();
    if lift {
        return Ok(LimitRequest { lift, ..LimitRequest::default() });
    }
    Ok(LimitRequest {
        window: number("window")?,
        per_second: number("per_second")?,
        until,
        reason: None,
        lift,
    })
}

/// The part that is live.
///
/// # Errors
/// What the API refuses it for.
pub(super) async fn part(pages: &PageState, by: &Actor, id: &str) -> Result<String, ProblemDetails> {
    written(&gathered(pages, by, id).await?)
}

/// Charts of a carrier's connections: what each takes, may have in flight, and needs to answer.
async fn charts(pages: &PageState, by: &Actor, id: &str) -> Result<Vec<Chart>, ProblemDetails> {
    let mut charts = Vec::new();
    for (name, title) in words::CARRIER_CHARTS.iter().copied() {
        let of = query([("name", name), ("carrier", id), ("step", "10")]);
        let found: PageOf<SeriesView> = pages.api.get(by, &format!("/stats/series?{of}")).await?;
        let named = |mut one: SeriesView| {
            if name == "answer" {
                one.values.iter_mut().flatten().for_each(|seconds| *seconds *= 1_000.0);
            }
            (one.connection.clone().unwrap_or_default(), one)
        };
        charts.extend(Chart::of(title, &found.items.into_iter().map(named).collect::<Vec<_>>()));
    }
    Ok(charts)
}

async fn lately(
    pages: &PageState,
    by: &Actor,
    id: &str,
    since: Timestamp,
) -> Result<Vec<MessageShare>, String> {
    let window = query([("carrier", id), ("since", &since.to_string()), ("by", "state,code")]);
    let counted = pages.api.get::<MessageSummary>(by, &format!("/messages/summary?{window}")).await;
    counted.map(|counted| counted.items).map_err(|problem| problem.to_string())
}

async fn gathered(pages: &PageState, by: &Actor, id: &str) -> Result<CarrierPart, ProblemDetails> {
    let carrier: CarrierView = pages.api.get(by, &format!("/carriers/{}", segment(id))).await?;
    let of = query([("carrier", id)]);
    let queues: PageOf<CarrierQueue> = pages.api.get(by, &format!("/queues?{of}")).await?;
    let queue = queues.items.into_iter().next();
    let pace = |name: &str| {
        let mut paces = queue.as_ref()?.connections.iter();
        paces.find(|pace| pace.name == name).cloned()
    };
    let connections =
        carrier.connections.iter().map(|view| ShownConnection { pace: pace(&view.name), view: view.clone() });
    Ok(CarrierPart {
        connections: connections.collect(),
        facts: words::facts_of_carrier(&carrier, queue.as_ref()),
        charts: charts(pages, by, id).await?,
        document: serde_json::to_string_pretty(&carrier.document).unwrap_or_default(),
        carrier,
        queue,
    })
}

/// Where the messages of a line of what came lately are listed.
fn listed(share: &MessageShare, carrier: &str, since: &Timestamp) -> String {
    let code = share.code.map(|code| code.to_string());
    let since = since.to_string();
    let mut pairs = vec![("carrier", carrier), ("since", &*since)];
    pairs.extend(share.state.as_deref().map(|state| ("state", state)));
    pairs.extend(code.as_deref().map(|code| ("code", code)));
    format!("/messages?{}", query(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_read_from_its_form() {
        let now = Timestamp::UNIX_EPOCH;
        let form = b"window=4&per_second=&minutes=15&reason=x";
        let limit = limit_of(form, until(form, now)).unwrap();
        assert_eq!((limit.window, limit.per_second, limit.lift), (Some(4), None, false));
        assert_eq!(limit.until.unwrap().as_second(), 900);
        assert_eq!(until(b"minutes=", now), None, "till it is lifted");
        assert!(limit_of(b"lift=yes&window=x", None).unwrap().lift);
        let problem = limit_of(b"window=many", None).unwrap_err();
        assert_eq!(problem.errors[0].parameter.as_deref(), Some("window"));
    }
}
