//! Addresses that may come in and those that may not, and passwords that are guessed, at all three doors.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use posthouse_core::provisioning::tree::ValueSource;
use posthouse_gateway::secrets::Secret;
use tokio::net::TcpSocket;

use posthouse_testing::{
    answer::{RawAnswer, exchange, exchange_on},
    request::RawRequest,
    town::{Town, TownPlan},
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Another address of this machine.
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
// vzw:right and vzw:wrong
const RIGHT: &str = "Basic dnp3OnJpZ2h0";
const WRONG: &str = "Basic dnp3Ondyb25n";

async fn exchange_from(from: IpAddr, to: SocketAddr, bytes: &[u8]) -> RawAnswer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from, 0)).unwrap();
    exchange_on(&mut socket.connect(to).await.unwrap(), bytes).await
}

/// A request at the carriers' door; one that is let in is no report, and refused for that.
fn as_carrier(header: (&str, &str)) -> RawRequest {
    let mut request = RawRequest { path: "/carriers/31003/mm7".to_owned(), ..RawRequest::to("16175550100") };
    request.header(header.0, header.1);
    request
}

#[tokio::test]
async fn the_carriers_door_believes_proxies_that_are_ours() {
    let mut plan = TownPlan::default();
    plan.settings.carriers.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let town = Town::planned(plan).await;
    let callbacks = "[carrier.callbacks]\nallowed_ips = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n";
    town.provision(&(town.carrier("31003", "") + callbacks)).await;
    for (from, forwarded, kept_out) in [
        (HERE, "192.0.2.7", false),
        (HERE, "::ffff:192.0.2.7", false),
        (HERE, "2001:db8::7", false),
        (HERE, "192.0.2.7, 198.51.100.7", true),
        (HERE, "2001:db9::7", true),
        (HERE, "192.0.2.7, nonsense", true),
        (THERE, "192.0.2.7", true),
    ] {
        let request = as_carrier(("X-Forwarded-For", forwarded));
        let answer = exchange_from(from, town.carrier_door(), &request.bytes()).await;
        assert_eq!(answer.http_status == 403, kept_out, "{from} {forwarded}");
    }
    town.close().await;
}

#[tokio::test]
async fn an_ipv4_address_is_one_also_where_ipv6_is_listened_at() {
    let mut plan = TownPlan::default();
    let everywhere = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
    plan.settings.mm7.listen = everywhere;
    plan.settings.carriers.listen = everywhere;
    let town = Town::planned(plan).await;
    let (four, six) = ("[\"127.0.0.0/8\"]", "[\"::1\"]");
    let account = |name, allowed| town.account(name, &format!("allowed_ips = {allowed}\n"));
    let callbacks = format!("[carrier.callbacks]\nallowed_ips = {four}\n");
    let other = format!("[[carrier]]\nid = \"four\"\n{callbacks}");
    town.provision(&[account("four", four), account("six", six), town.usual_carriers(), other].concat())
        .await;
    let at = |door: SocketAddr, address: IpAddr| SocketAddr::new(address, door.port());
    for (account, address, code) in [
        ("four", HERE, 1000),
        ("four", Ipv6Addr::LOCALHOST.into(), 2000),
        ("six", HERE, 2000),
        ("six", Ipv6Addr::LOCALHOST.into(), 1000),
    ] {
        let request = RawRequest { vaspid: Some(format!("{account}-key")), ..RawRequest::to("16175559008") };
        let answer = exchange(at(town.mm7_door(), address), &request.bytes()).await;
        assert_eq!(answer.code(), Some(code), "{account} {address}");
    }
    let request = RawRequest { path: "/carriers/four/mm7".to_owned(), ..RawRequest::to("16175550100") };
    for (address, kept_out) in [(HERE, false), (Ipv6Addr::LOCALHOST.into(), true)] {
        let answer = exchange(at(town.carrier_door(), address), &request.bytes()).await;
        assert_eq!(answer.http_status == 403, kept_out, "{address}");
    }
    town.close().await;
}

#[tokio::test]
async fn who_guesses_at_the_carriers_door_is_kept_out_and_the_carrier_is_not() {
    let town = Town::planned(TownPlan::default()).await;
    let callbacks = "[carrier.callbacks]\nbasic_auth = { username = \"vzw\", password = \"right\" }\n";
    town.provision(&(town.carrier("31003", "") + callbacks)).await;
    let shows = async |from, credentials| {
        let request = as_carrier(("Authorization", credentials));
        exchange_from(from, town.carrier_door(), &request.bytes()).await.http_status
    };
    for _ in 0..10 {
        assert_eq!(shows(HERE, WRONG).await, 401);
    }
    assert_eq!(shows(HERE, RIGHT).await, 401, "the guesser does not learn it");
    assert_ne!(shows(THERE, RIGHT).await, 401);
    town.close().await;
}

#[tokio::test]
async fn who_guesses_the_token_is_kept_out_and_others_are_not() {
    let mut plan = TownPlan::default();
    plan.settings.admin.token = Some(Secret::new("hush".to_owned(), ValueSource::Inline));
    let town = Town::planned(plan).await;
    let admin: SocketAddr = town.app.ready().admin.strip_prefix("http://").unwrap().parse().unwrap();
    let shows = async |from, token| {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        exchange_from(from, admin, request.as_bytes()).await.http_status
    };
    assert_eq!(shows(HERE, "hush").await, 200);
    for _ in 0..10 {
        assert_eq!(shows(HERE, "guess").await, 401);
    }
    assert_eq!(shows(HERE, "hush").await, 401);
    assert_eq!(shows(THERE, "hush").await, 200);
    town.close().await;
}
