//! How things stand, in sentences: for operators, and for an account's own people.

use std::{collections::BTreeSet, time::Duration};

use posthouse_api::{
    AccountView, CarrierQueue, CertificateView, EndpointView, NodeView, RefusalView, StoreView,
};

use super::{
    super::ask::{query, segment},
    age, are, count, messages, short,
};

/// That nothing is wrong.
const WELL: &str = "Nothing is out of the ordinary.";

/// A sentence about something that is not as it should be, and where it is looked into.
pub(in super::super) struct Sentence {
    pub(in super::super) tone: &'static str,
    pub(in super::super) text: String,
    pub(in super::super) href: Option<String>,
}

/// What the chart of the overview is of.
pub(in super::super) const TRAFFIC: &str = "Messages per second";
/// The charts of a carrier: the series of each, and what it is of.
pub(in super::super) const CARRIER_CHARTS: &[(&str, &str)] = &[
    ("forwarded", "Messages taken per second"),
    ("window", "Window, in requests"),
    ("answer", "Answer time, in milliseconds"),
];

/// How many there are of what, and where they are listed.
pub(in super::super) fn tiles(
    queues: &[CarrierQueue],
    endpoints: &[EndpointView],
) -> Vec<(&'static str, u64, &'static str)> {
    let sum = |of: fn(&CarrierQueue) -> u64| queues.iter().map(of).sum();
    vec![
        ("Waiting", sum(|queue| queue.waiting), "/messages?state=Accepted"),
        ("In flight", sum(|queue| queue.sending), "/messages?state=Sending"),
        ("At carriers", sum(|queue| queue.at_carrier), "/messages?state=Forwarded"),
        ("Parked", sum(|queue| queue.parked), "/messages?state=Parked"),
        ("Callbacks owed", endpoints.iter().map(|one| one.owed).sum(), "/callbacks"),
        ("Callbacks failed", endpoints.iter().map(|one| one.failed).sum(), "/callbacks"),
    ]
}

/// How things stand: what is out of the ordinary, or that nothing is.
pub(in super::super) fn sentences(
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
            messages(queue.parked),
            queue.carrier
        ),
        href: Some(format!("/messages?{}", query([("state", "Parked"), ("carrier", &queue.carrier)]))),
    }));
    all.extend(endpoints.iter().filter_map(of_endpoint));
    if all.is_empty() {
        all.push(Sentence { tone: "good", text: WELL.to_owned(), href: None });
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
            age(&Some(Duration::from_millis(one.beat_age_ms).as_secs_f64()))
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
            format!("Callbacks of {} are paused by {}; {} owed.", one.account, paused.by, are(one.owed));
        return Some(Sentence { tone: "warn", text, href });
    }
    let since = one.failing_since?;
    let given_up = match one.failed {
        0 => String::new(),
        failed => format!(", {} given up", count(failed)),
    };
    let (account, since, owed) = (&one.account, short(&since), count(one.owed));
    let said = last_said(one);
    let text = format!("Callbacks of {account} have failed since {since}: {owed} owed{given_up}{said}.");
    Some(Sentence { tone: "bad", text, href })
}

/// The last answer of an endpoint that fails, as the end of a sentence.
fn last_said(one: &EndpointView) -> String {
    one.last_answer.as_ref().map(|last| format!("; last attempt: {}", last.said)).unwrap_or_default()
}

/// What is out of the ordinary: how bad it is, in a sentence, and where it is looked into.
pub(in super::super) fn of_account(
    account: &AccountView,
    endpoint: Option<&EndpointView>,
    refused: Option<&RefusalView>,
) -> Vec<(&'static str, String, &'static str)> {
    let mut says = Vec::new();
    if account.status == "disabled" {
        says.push((
            "bad",
            "This account is disabled: everything is refused with 2550. Ask the operator.".to_owned(),
            "/codes/2550",
        ));
    }
    match endpoint {
        Some(one) if one.paused.is_some() => {
            says.push(("warn", format!("Your callbacks are paused; {} owed.", are(one.owed)), "/callbacks"));
        }
        Some(one @ EndpointView { failing_since: Some(since), owed, .. }) => {
            let (since, owed) = (short(since), count(*owed));
            says.push((
                "bad",
                format!("Your callbacks have failed since {since}: {owed} owed{}.", last_said(one)),
                "/callbacks",
            ));
        }
        Some(one) if one.report_url.is_none() => {
            says.push((
                "warn",
                "No address for reports is provisioned: you get none.".to_owned(),
                "/callbacks",
            ));
        }
        _ => {}
    }
    if let Some(refused) = refused {
        let at = short(&refused.last_at);
        says.push((
            "warn",
            format!("The last refusal was {} {}, at {at}.", refused.code, refused.text),
            "/refusals",
        ));
    }
    if says.is_empty() {
        says.push(("good", WELL.to_owned(), "/messages"));
    }
    says
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
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
            [(
                "bad",
                "Callbacks of acme have failed since 1970-01-01 00:00:00: 3 owed; last attempt: HTTP 500."
                    .to_owned()
            )]
        );
    }
}
