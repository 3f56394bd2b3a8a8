//! The first page: how things stand, in sentences.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::Timestamp;
use posthouse_api::{
    CarrierQueue, CertificateView, EndpointView, NodeView, PageOf, ProblemDetails, RefusalView, SeriesView,
    StoreView,
};
use posthouse_core::actor::Actor;

use super::{
    PageState,
    chart::Chart,
    frame::{Frame, ok, written},
    home,
    sessions::SignedIn,
    words,
};

/// What is computed anew while somebody watches.
#[derive(Template)]
#[template(path = "overview_live.html")]
struct OverviewPart {
    sentences: Vec<words::Sentence>,
    /// What is counted, how many, and where they are listed.
    tiles: Vec<(&'static str, u64, &'static str)>,
    chart: Option<Chart>,
    queues: Vec<CarrierQueue>,
    endpoints: Vec<EndpointView>,
    refusals: Vec<RefusalView>,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    now: Timestamp,
    live: OverviewPart,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn) -> Response {
    if let Some(own) = by.actor.account().cloned() {
        return home::of_account(&pages, by, &own).await;
    }
    let frame = Frame { stream: Some("/live/overview".to_owned()), ..Frame::of(&by.visitor, "/") };
    match gathered(&pages, &by.actor).await {
        Ok(live) => ok(&OverviewPage { frame, now: pages.admin.clock.now(), live }),
        Err(problem) => frame.trouble(&problem),
    }
}

/// The part that is live.
///
/// # Errors
/// What the API refuses it for.
pub(super) async fn part(pages: &PageState, by: &Actor) -> Result<String, ProblemDetails> {
    written(&gathered(pages, by).await?)
}

async fn gathered(pages: &PageState, by: &Actor) -> Result<OverviewPart, ProblemDetails> {
    let queues = pages.api.get::<PageOf<CarrierQueue>>(by, "/queues").await?.items;
    let endpoints = pages.api.get::<PageOf<EndpointView>>(by, "/endpoints").await?.items;
    let refusals = pages.api.get::<PageOf<RefusalView>>(by, "/refusals?limit=5").await?.items;
    let store = pages.api.get::<StoreView>(by, "/stats/store").await?;
    let nodes = pages.api.get::<PageOf<NodeView>>(by, "/nodes").await?.items;
    let certificates = pages.api.get::<PageOf<CertificateView>>(by, "/certificates").await?.items;
    Ok(OverviewPart {
        sentences: words::sentences((&store, &nodes, &certificates), &queues, &endpoints),
        tiles: words::tiles(&queues, &endpoints),
        chart: chart(pages, by).await?,
        queues,
        endpoints,
        refusals,
    })
}

/// How much came in and went out.
async fn chart(pages: &PageState, by: &Actor) -> Result<Option<Chart>, ProblemDetails> {
    let mut series = Vec::new();
    for name in ["accepted", "forwarded", "reported"] {
        let found: PageOf<SeriesView> =
            pages.api.get(by, &format!("/stats/series?step=10&name={name}")).await?;
        series.extend(found.items.into_iter().map(|one| (name.to_owned(), one)));
    }
    Ok(Chart::of(words::TRAFFIC, &series))
}
