use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use mm7::Dialect;
use posthouse_core::{
    carrier::CarrierId,
    life::classify::classify,
    overrides::{ConnectionOverride, OverrideSetting},
    provisioning::DialectName,
    url::PeerUrl,
};
use tokio::net::TcpListener;

use super::*;

fn connection(name: &str, priority: u32, weight: u32) -> Connection {
    Connection {
        name: name.to_owned(),
        url: PeerUrl::parse("http://127.0.0.1:9/mm7".to_owned()).unwrap(),
        vaspid: None,
        vasid: None,
        basic_auth: None,
        dialect: DialectName::new(Dialect::THREE_GPP),
        timeout: Duration::from_secs(10),
        per_second: None,
        window: 4,
        priority,
        weight,
        namespace: None,
        version: None,
        tls: None,
    }
}

fn links(connections: &[Connection]) -> Links {
    Links::new(connections, &[], AnyConnector::new, Arc::default())
}

/// The connection that the next message takes.
async fn next(links: &Links) -> Option<Ticket> {
    links.turn(&[], Allowed::Healthy).await
}

fn name(ticket: &Ticket) -> String {
    ticket.link().connection().name.clone()
}

/// Messages one after the other, each ending as is said of its connection.
async fn play(links: &Links, times: usize, ends: impl Fn(&str) -> LinkOutcome) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..times {
        let Some(ticket) = next(links).await else { break };
        let name = name(&ticket);
        ticket.end(ends(&name), None);
        *counts.entry(name).or_default() += 1;
    }
    counts
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn what_an_attempt_says_about_its_connection() {
    for (said, expected) in [
        (Said::Mm7(1000), LinkOutcome::Served),
        (Said::Mm7(2002), LinkOutcome::Served),
        (Said::Mm7(4007), LinkOutcome::Served),
        (Said::Http(413), LinkOutcome::Served),
        (Said::Mm7(4006), LinkOutcome::Busy),
        (Said::Mm7(3000), LinkOutcome::Busy),
        (Said::Http(429), LinkOutcome::Busy),
        (Said::Http(503), LinkOutcome::Busy),
        (Said::Mm7(4001), LinkOutcome::NotLetIn),
        (Said::Http(409), LinkOutcome::Busy),
        (Said::Http(405), LinkOutcome::Odd),
        (Said::Http(401), LinkOutcome::NotLetIn),
        (Said::Http(200), LinkOutcome::Silent),
        (Said::NoAnswer, LinkOutcome::Silent),
        (Said::Unreached, LinkOutcome::Unreached),
    ] {
        assert_eq!(LinkOutcome::of(said, classify(said).next), expected, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_best_priority_shares_by_weight_and_the_others_stand_by() {
    let links = links(&[connection("a", 1, 3), connection("b", 1, 1), connection("c", 2, 100)]);
    assert_eq!(play(&links, 40, |_| LinkOutcome::Served).await, counts(&[("a", 30), ("b", 10)]));
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_left_alone_and_comes_back() {
    let links = links(&[connection("a", 1, 1), connection("b", 2, 1), connection("c", 3, 1)]);
    let fail_a = |name: &str| if name == "a" { LinkOutcome::Busy } else { LinkOutcome::Served };
    assert_eq!(play(&links, 15, fail_a).await, counts(&[("a", 5), ("b", 10)]));
    assert!(links.is_any_down() && !links.are_down());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(play(&links, 10, fail_a).await, counts(&[("a", 1), ("b", 9)]), "one tries");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(play(&links, 10, |_| LinkOutcome::Served).await, counts(&[("a", 10)]));
    assert!(!links.is_any_down());
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_on_to_those_that_it_was_not_tried_on() {
    let links = links(&[connection("a", 1, 1), connection("b", 1, 1), connection("c", 2, 1)]);
    let (mut tried, mut names) = (Vec::new(), Vec::new());
    while let Some(ticket) = links.turn(&tried, Allowed::Healthy).await {
        names.push(name(&ticket));
        tried.push(Arc::clone(ticket.link()));
        ticket.end(LinkOutcome::Unreached, None);
    }
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn where_all_failed_only_who_is_waited_for_tries() {
    let links = links(&[connection("a", 1, 1), connection("b", 1, 1)]);
    assert_eq!(play(&links, 20, |_| LinkOutcome::Silent).await, counts(&[("a", 5), ("b", 5)]));
    assert!(links.are_down() && links.places() == 0 && !links.is_try_due());
    assert!(!links.is_nobody_there(), "somebody took the requests");
    let ticket = links.turn(&[], Allowed::All).await.expect("somebody waits for it");
    let noted = ticket.end(LinkOutcome::Served, None);
    assert_eq!(noted, Noted { turn: BreakerChange::Closed, came_back: true });
    assert!(!links.are_down());
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_asks_for_time_gets_it() {
    let links = links(&[connection("a", 1, 1), connection("b", 2, 1)]);
    let ticket = next(&links).await.unwrap();
    let noted = ticket.end(LinkOutcome::Busy, Some(Duration::from_secs(30)));
    assert_eq!(noted, Noted { turn: BreakerChange::Opened, came_back: false });
    tokio::time::advance(Duration::from_secs(29)).await;
    assert_eq!(play(&links, 3, |_| LinkOutcome::Served).await, counts(&[("b", 3)]));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(play(&links, 3, |_| LinkOutcome::Served).await, counts(&[("a", 3)]));
}

#[tokio::test(start_paused = true)]
async fn a_full_window_makes_others_wait_and_not_the_other_connection() {
    let links = Arc::new(links(&[connection("a", 1, 1), connection("b", 1, 1)]));
    let mut taken = Vec::new();
    for _ in 0..8 {
        taken.push(next(&links).await.unwrap());
    }
    assert_eq!(taken.iter().filter(|ticket| name(ticket) == "a").count(), 4);
    let waiting = Arc::clone(&links);
    let waiting = tokio::spawn(async move { next(&waiting).await.map(|ticket| name(&ticket)) });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!waiting.is_finished());
    let b = taken.iter().position(|ticket| name(ticket) == "b").unwrap();
    drop(taken.swap_remove(b));
    assert_eq!(waiting.await.unwrap().as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn a_full_window_does_not_send_messages_to_those_that_stand_by() {
    let links = links(&[connection("a", 1, 1), connection("b", 2, 1)]);
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(next(&links).await.unwrap());
    }
    assert!(timeout(Duration::from_secs(60), next(&links)).await.is_err());
    assert_eq!(links.places(), 8);
}

#[tokio::test(start_paused = true)]
async fn the_rate_holds_over_time() {
    let links = links(&[Connection { per_second: Some(2), ..connection("a", 1, 1) }]);
    let begun = Instant::now();
    assert_eq!(play(&links, 21, |_| LinkOutcome::Served).await, counts(&[("a", 21)]));
    let took = begun.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(11)).contains(&took), "{took:?}");
    assert_eq!(links.places(), 8, "as the window has it");
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_is_busy_gets_less_and_then_as_much_again() {
    let links = links(&[Connection { window: 16, ..connection("a", 1, 1) }]);
    let taken: Vec<Ticket> = [next(&links).await, next(&links).await].into_iter().flatten().collect();
    for ticket in taken {
        ticket.end(LinkOutcome::Busy, None);
    }
    assert_eq!((links.all()[0].state().window, links.places()), (8, 16));
    tokio::time::advance(Duration::from_millis(1)).await;
    play(&links, 1000, |_| LinkOutcome::Served).await;
    assert_eq!((links.all()[0].state().window, links.places()), (16, 32));
}

fn overridden(setting: OverrideSetting) -> ConnectionOverride {
    ConnectionOverride {
        carrier: CarrierId("31003".to_owned()),
        connection: "a".to_owned(),
        setting,
        since: Timestamp::UNIX_EPOCH,
        until: None,
        by: "ann".to_owned(),
        reason: String::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_suspended_is_neither_used_nor_tried_whoever_waits() {
    let links = links(&[connection("a", 1, 1), connection("b", 2, 1)]);
    let suspend = |link: usize| {
        let suspended = Some(overridden(OverrideSetting::Suspended));
        links.all()[link].override_with(OverridesInForce { suspended, limited: None })
    };
    suspend(0);
    assert_eq!(play(&links, 3, |_| LinkOutcome::Served).await, counts(&[("b", 3)]), "the next best");
    assert!(!links.are_down() && links.is_any_down());
    suspend(1);
    assert!(links.are_down() && !links.is_try_due() && !links.is_nobody_there());
    assert_eq!(links.places(), 0);
    assert!(links.turn(&[], Allowed::All).await.is_none(), "in relay mode too");
    assert_eq!(links.all()[0].standing(&links.all()[0].pace_state()), "suspended");
    links.all()[0].override_with(OverridesInForce::default());
    assert!(!links.are_down());
    assert_eq!(play(&links, 3, |_| LinkOutcome::Served).await, counts(&[("a", 3)]));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_turn_is_told_when_its_connection_is_suspended() {
    let links = links(&[Connection { window: 1, ..connection("a", 1, 1) }]);
    let held = next(&links).await.expect("there is room");
    let waits = next(&links);
    tokio::pin!(waits);
    assert!(timeout(Duration::from_secs(5), waits.as_mut()).await.is_err());
    let suspended = Some(overridden(OverrideSetting::Suspended));
    links.all()[0].override_with(OverridesInForce { suspended, limited: None });
    assert!(waits.await.is_none(), "it waits in the store");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn what_is_limited_takes_so_much_and_no_more() {
    let links = links(&[connection("a", 1, 1)]);
    let limit = OverrideSetting::Limited { window: Some(1), per_second: None };
    links.all()[0].override_with(OverridesInForce { suspended: None, limited: Some(overridden(limit)) });
    let held = next(&links).await.expect("there is room");
    assert!(timeout(Duration::from_secs(5), next(&links)).await.is_err());
    links.all()[0].override_with(OverridesInForce::default());
    assert!(next(&links).await.is_some());
    drop(held);
}

#[tokio::test]
async fn somebody_who_was_gone_is_seen_to_be_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let there = Connection {
        url: PeerUrl::parse(format!("http://{address}/")).unwrap(),
        ..connection("there", 1, 1)
    };
    let links = links(&[connection("gone", 1, 1), there]);
    play(&links, 6, |_| LinkOutcome::Unreached).await;
    assert!(links.are_down() && links.is_nobody_there() && !links.is_try_due());
    links.look().await;
    assert!(links.is_try_due());
    assert_eq!(play(&links, 2, |_| LinkOutcome::Served).await, counts(&[("there", 2)]));
    drop(listener);
}

#[test]
fn what_stays_as_it_was_provisioned_keeps_what_is_known_of_it() {
    let room = Arc::default();
    let before = Links::new(
        &[connection("a", 1, 1), connection("b", 1, 1)],
        &[],
        AnyConnector::new,
        Arc::clone(&room),
    );
    let after =
        Links::new(&[connection("a", 1, 1), connection("b", 1, 2)], before.all(), AnyConnector::new, room);
    assert!(Arc::ptr_eq(&before.all()[0], &after.all()[0]));
    assert!(!Arc::ptr_eq(&before.all()[1], &after.all()[1]));
    assert!(before.all()[1].is_named_as(&after.all()[1]));
}

#[tokio::test(start_paused = true)]
async fn one_message_that_is_refused_again_and_again_stops_no_other() {
    let links = links(&[connection("a", 1, 1)]);
    let refuse = async |message: i64| {
        let mut ticket = next(&links).await.expect("the connection is used");
        ticket.begin(Id::from_number(message).unwrap());
        ticket.end(LinkOutcome::NotLetIn, None)
    };
    for _ in 0..20 {
        assert_eq!(refuse(1).await.turn, BreakerChange::Same);
    }
    assert!(!links.are_down() && !links.all()[0].refuses_us());
    // The first is one of them.
    for message in 2..5 {
        assert_eq!(refuse(message).await.turn, BreakerChange::Same);
        assert!(!links.all()[0].refuses_us());
    }
    assert_eq!(refuse(5).await.turn, BreakerChange::Opened);
    assert!(links.are_down() && links.all()[0].refuses_us());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(refuse(1).await.turn, BreakerChange::Same);
    assert!(!links.is_try_due(), "a try that fails lengthens the pause, whose it is");
    tokio::time::advance(Duration::from_secs(2)).await;
    play(&links, 1, |_| LinkOutcome::Served).await;
    assert!(!links.are_down() && !links.all()[0].refuses_us());
    for message in 1..5 {
        assert_eq!(refuse(message).await.turn, BreakerChange::Same, "from the beginning again");
    }
}
