//! The first page: how things stand, in sentences.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

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
    ask::{query, segment},
    chart::Chart,
    frame::{Frame, ok, written},
    home,
    sessions::SignedIn,
    words,
};

/// A sentence about something that is not as it should be, and where it is looked into.
struct Sentence {
    tone: &'static str,
    text: String,
    href: Option<String>,
}

/// What is computed anew while somebody watches.
#[derive(Template)]
#[template(path = "overview_live.html")]
struct OverviewPart {
    sentences: Vec<Sentence>,
    tiles: Vec<(&'static str, u64)>,
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
    let sum = |of: fn(&CarrierQueue) -> u64| queues.iter().map(of).sum();
    Ok(OverviewPart {
        sentences: sentences((&store, &nodes, &certificates), &queues, &endpoints),
        tiles: vec![
            ("Waiting", sum(|queue| queue.waiting)),
            ("In flight", sum(|queue| queue.sending)),
            ("At carriers", sum(|queue| queue.at_carrier)),
            ("Parked", sum(|queue| queue.parked)),
            ("Callbacks owed", endpoints.iter().map(|one| one.owed).sum()),
            ("Callbacks failed", endpoints.iter().map(|one| one.failed).sum()),
        ],
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
    Ok(Chart::of("Messages a second", &series))
}

fn sentences(
    (store, nodes, certificates): (&StoreView, &[NodeView], &[CertificateView]),
    queues: &[CarrierQueue],
    endpoints: &[EndpointView],
) -> Vec<Sentence> {
    let of_store =
        |text: &String| Sentence { tone: "bad", text: text.clone(), href: Some("/nodes".to_owned()) };
    let mut all: Vec<Sentence> = store.says.iter().map(of_store).collect();
    all.extend(of_nodes(nodes));
    all.extend(certificates.iter().filter_map(of_certificate));
    all.extend(queues.iter().filter_map(|queue| {
        let (text, href) = (queue.says.clone()?, format!("/carriers/{}", segment(&queue.carrier)));
        Some(Sentence { tone: "warn", text, href: Some(href) })
    }));
    all.extend(queues.iter().filter(|queue| queue.parked > 0).map(|queue| Sentence {
        tone: "warn",
        text: format!(
            "Parked at {1}: {0} that may have arrived; a report or an operator decides.",
            words::messages(queue.parked),
            queue.carrier
        ),
        href: Some(format!("/messages?{}", query([("state", "Parked"), ("carrier", &queue.carrier)]))),
    }));
    all.extend(endpoints.iter().filter_map(of_endpoint));
    if all.is_empty() {
        all.push(Sentence { tone: "good", text: "Nothing is out of the ordinary.".to_owned(), href: None });
    }
    all
}

/// A certificate that ends soon, or has ended.
fn of_certificate(one: &CertificateView) -> Option<Sentence> {
    let says = one.says.as_deref()?;
    let mut letters = says.chars();
    let first = letters.next()?.to_uppercase();
    let carrier = one.name.split('/').next().filter(|_| one.side == "carrier");
    let href = carrier.map(|carrier| format!("/carriers/{}", segment(carrier)));
    Some(Sentence { tone: "warn", text: format!("{first}{}.", letters.as_str()), href })
}

/// What nodes do not do, or do not do alike.
fn of_nodes(nodes: &[NodeView]) -> Vec<Sentence> {
    let warning = |text: String| Sentence { tone: "warn", text, href: Some("/nodes".to_owned()) };
    let called = |node: &NodeView| match node.node.as_str() {
        "self" => "This node".to_owned(),
        other => format!("Node {other}"),
    };
    let single = nodes.iter().filter_map(|node| match node {
        one if !one.alive => Some(format!(
            "{} was last heard {} ago: others take over what it had, and it takes nothing.",
            called(one),
            words::age(&Some(Duration::from_millis(one.beat_age_ms).as_secs_f64()))
        )),
        one if one.stopping => Some(format!("{} is stopping: it takes nothing new.", called(one))),
        one if one.draining => Some(format!(
            "{} is drained: new messages are answered 3510, and what is there goes out.",
            called(one)
        )),
        _ => None,
    });
    let mut all: Vec<Sentence> = single.map(warning).collect();
    let versions: BTreeSet<&str> = nodes.iter().map(|node| node.version.as_str()).collect();
    if versions.len() > 1 {
        let versions: Vec<_> = versions.into_iter().collect();
        all.push(warning(format!("Nodes run different versions: {}.", versions.join(", "))));
    }
    all
}

fn of_endpoint(one: &EndpointView) -> Option<Sentence> {
    let href = Some("/callbacks".to_owned());
    if let Some(paused) = &one.paused {
        let text =
            format!("Callbacks of {} are paused by {}; {} are owed.", one.account, paused.by, one.owed);
        return Some(Sentence { tone: "warn", text, href });
    }
    let since = one.failing_since?;
    let said = one.last_answer.as_ref().map(|last| format!(": {}", last.said)).unwrap_or_default();
    let text = format!(
        "Callbacks of {} fail since {}, {} are owed{said}.",
        one.account,
        words::short(&since),
        one.owed
    );
    Some(Sentence { tone: "bad", text, href })
}

#[cfg(test)]
mod tests {
    use posthouse_api::LastAnswer;

    use super::*;

    fn endpoint() -> EndpointView {
        EndpointView {
            account: "acme".to_owned(),
            report_url: None,
            deliver_url: None,
            owed: 3,
            oldest: None,
            failed: 0,
            failing_since: None,
            last_answer: None,
            paused: None,
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_that_nothing_is() {
        let said = |queues: &[CarrierQueue], endpoints: &[EndpointView]| {
            sentences((&StoreView::default(), &[], &[]), queues, endpoints)
                .into_iter()
                .map(|one| (one.tone, one.text))
                .collect::<Vec<_>>()
        };
        assert_eq!(said(&[], &[endpoint()]), [("good", "Nothing is out of the ordinary.".to_owned())]);
        let full = StoreView { says: vec!["There is no room.".to_owned()], ..StoreView::default() };
        assert_eq!(
            sentences((&full, &[], &[]), &[], &[]).first().map(|one| &*one.text),
            Some("There is no room.")
        );
        let node = |name: &str, version: &str, draining| NodeView {
            node: name.to_owned(),
            version: version.to_owned(),
            pid: Some(1),
            number: 1,
            epoch: 1,
            address: "http://127.0.0.1:9102".to_owned(),
            beat_age_ms: 0,
            alive: true,
            revision: 1,
            draining,
            stopping: false,
        };
        let gone = NodeView { alive: false, beat_age_ms: 12_400, ..node("2", "0.1.0", false) };
        let nodes = [node("self", "0.1.0", true), node("b", "0.2.0", false), gone];
        let of_nodes: Vec<_> = of_nodes(&nodes).into_iter().map(|one| one.text).collect();
        assert_eq!(
            of_nodes,
            [
                "This node is drained: new messages are answered 3510, and what is there goes out.",
                "Node 2 was last heard 12 s ago: others take over what it had, and it takes nothing.",
                "Nodes run different versions: 0.1.0, 0.2.0."
            ]
        );
        let certificate = |says: Option<&str>| CertificateView {
            side: "carrier".to_owned(),
            name: "31003/vzw-1".to_owned(),
            expires_at: None,
            says: says.map(str::to_owned),
        };
        assert!(of_certificate(&certificate(None)).is_none());
        let told = of_certificate(&certificate(Some("the certificate of carrier 31003/vzw-1 ends"))).unwrap();
        assert_eq!(told.text, "The certificate of carrier 31003/vzw-1 ends.");
        assert_eq!(told.href.as_deref(), Some("/carriers/31003"));
        let at = Timestamp::UNIX_EPOCH;
        let failing = EndpointView {
            failing_since: Some(at),
            last_answer: Some(LastAnswer { at, http_status: Some(500), said: "HTTP 500".to_owned() }),
            ..endpoint()
        };
        assert_eq!(
            said(&[], &[failing]),
            [("bad", "Callbacks of acme fail since 1970-01-01 00:00:00, 3 are owed: HTTP 500.".to_owned())]
        );
    }
}
