//! Whom the gateway talks to: its own ports, carriers, VASPs, the lookup service.

use std::{io, net::SocketAddr, time::Duration};

use http::Uri;
use jiff::Timestamp;
use posthouse_core::{
    account::{Account, Callbacks},
    carrier::Carrier,
    provisioning::{Lookup, LookupProvider, Provisioning},
    tls::PeerTls,
    url::PeerUrl,
};
use posthouse_gateway::{
    config::Settings,
    tls::client::{PeerTlsFailure, shake_hands},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::{certificates, finding::DoctorFinding};
use crate::running::{Reached, dropped_log_lines, reach};

/// How long a peer may take to take a connection.
const WAIT: Duration = Duration::from_secs(3);

/// The gateway that runs on the store, or that its ports are free for one.
///
/// # Errors
/// What a running gateway left beside the store cannot be read.
pub(super) async fn ports(settings: &Settings) -> anyhow::Result<Vec<DoctorFinding>> {
    match reach(settings, 0, WAIT).await? {
        Reached::Taken { admin } => {
            let runs = DoctorFinding::fine("gateway", format!("runs, admin at {admin}"));
            let dropped = dropped_log_lines(settings, &admin, WAIT).await;
            Ok([runs].into_iter().chain(dropped.and_then(of_the_log)).collect())
        }
        Reached::Late { admin, said } => {
            let said =
                format!("{admin} does not answer as it should ({said}); see its log, or start it again");
            Ok(vec![DoctorFinding::mend("gateway", said)])
        }
        Reached::NotRunning | Reached::Gone { .. } => {
            let listens = [
                ("mm7", settings.mm7.listen),
                ("carriers", settings.carriers.listen),
                ("admin", settings.admin.listen),
            ];
            let mut findings = vec![DoctorFinding::note("gateway", "none runs on this store")];
            for (section, address) in listens {
                findings.push(free(section, address, TcpListener::bind(address).await.map(drop)));
            }
            Ok(findings)
        }
    }
}

/// A log that lost something.
fn of_the_log(dropped: u64) -> Option<DoctorFinding> {
    let said = format!(
        "{dropped} lines were dropped since nobody read them; look at what takes the gateway's stderr"
    );
    (dropped > 0).then(|| DoctorFinding::note("log", said))
}

fn free(section: &str, address: SocketAddr, bound: io::Result<()>) -> DoctorFinding {
    match bound {
        Ok(()) => DoctorFinding::fine("port", format!("{address} can be listened on ({section}.listen)")),
        Err(error) => DoctorFinding::mend(
            "port",
            format!(
                "{address} cannot be listened on ({error}); stop what has it, or change {section}.listen"
            ),
        ),
    }
}

/// Whether each connection to a carrier, each VASP and the lookup service takes a TCP connection, and shakes hands where its URL is
/// https.
pub(super) async fn reachable(provisioning: &Provisioning) -> Vec<DoctorFinding> {
    let mut calls = JoinSet::new();
    for (place, target) in targets(provisioning).into_iter().enumerate() {
        calls.spawn(async move { (place, target.call().await) });
    }
    let mut findings = calls.join_all().await;
    findings.sort_by_key(|(place, _)| *place);
    let unconnected = provisioning.carriers.iter().filter(|carrier| carrier.connections.is_empty());
    findings.into_iter().map(|(_, finding)| finding).chain(unconnected.map(without_connection)).collect()
}

fn without_connection(carrier: &Carrier) -> DoctorFinding {
    let id = &carrier.id;
    DoctorFinding::mend(
        "carrier",
        format!(
            "{id} has no connection, and what is for it is refused by 3520; add a [[carrier.connection]]"
        ),
    )
}

/// What VASPs are found under.
const VASP: &str = "vasp";

/// A peer that the gateway calls.
struct Target {
    check: &'static str,
    name: String,
    url: String,
    tls: Option<PeerTls>,
}

fn targets(provisioning: &Provisioning) -> Vec<Target> {
    let connections = provisioning.carriers.iter().flat_map(|carrier| {
        carrier.connections.iter().map(|connection| Target {
            check: "carrier",
            name: format!("{} {}", carrier.id, connection.name),
            url: connection.url.as_str().to_owned(),
            tls: connection.tls.clone(),
        })
    });
    let vasps = provisioning.accounts.iter().flat_map(vasp);
    connections.chain(vasps).chain(provisioning.lookup.as_ref().and_then(lookup)).collect()
}

/// Where a VASP takes its callbacks.
fn vasp(account: &Account) -> impl Iterator<Item = Target> {
    let Callbacks { report_url, deliver_url, tls, .. } = &account.callbacks;
    let target = |key: &str, url: Option<&PeerUrl>| {
        let name = format!("{} {key}", account.name);
        Some(Target { check: VASP, name, url: url?.as_str().to_owned(), tls: tls.clone() })
    };
    [target("report_url", report_url.as_ref()), target("deliver_url", deliver_url.as_ref())]
        .into_iter()
        .flatten()
}

/// The lookup service, where it is one over HTTP.
fn lookup(lookup: &Lookup) -> Option<Target> {
    let url = lookup.url.as_ref().filter(|_| lookup.provider == LookupProvider::Http)?;
    // Only the host is called; braces cannot stand in a URL.
    let url = url.as_str().replace(['{', '}'], "");
    Some(Target { check: "lookup", name: "lookup.url".to_owned(), url, tls: lookup.tls.clone() })
}

impl Target {
    async fn call(self) -> DoctorFinding {
        let Self { check, name, url, tls } = self;
        let Some(peer) = Peer::of(&url) else {
            return DoctorFinding::mend(check, format!("{name} has no URL that can be called; mend it"));
        };
        let name = format!("{name}: {}", peer.address);
        let stream = match within(TcpStream::connect(&peer.address)).await {
            Ok(stream) => stream,
            Err(why) => {
                let said = format!("{name} cannot be reached ({why}); start it, or mend its url");
                // What a VASP is owed waits for it; messages go on meanwhile.
                return if check == VASP {
                    DoctorFinding::note(check, said)
                } else {
                    DoctorFinding::mend(check, said)
                };
            }
        };
        if !peer.is_secure {
            return DoctorFinding::fine(check, format!("{name} takes connections"));
        }
        let tls = tls.unwrap_or_default();
        greeted(check, &name, within(shake_hands(stream, &peer.host, &tls)).await, Timestamp::now())
    }
}

/// What comes of it in time, or why nothing does.
async fn within<T>(work: impl Future<Output = io::Result<T>>) -> Result<T, String> {
    match timeout(WAIT, work).await {
        Ok(done) => done.map_err(|error| match PeerTlsFailure::find(&error) {
            Some(broken) => broken.to_string(),
            None => error.to_string(),
        }),
        Err(_) => Err(format!("nothing within {} s", WAIT.as_secs())),
    }
}

/// Judges a peer's handshake, and how long its certificate is valid.
fn greeted(
    check: &'static str,
    name: &str,
    shaken: Result<Option<Timestamp>, String>,
    now: Timestamp,
) -> DoctorFinding {
    let expires = match shaken {
        Ok(expires) => expires,
        Err(why) => {
            let remedy = "mend it there, or its url and tls here (docs/tls.md)";
            return DoctorFinding::mend(check, format!("{name} does not shake hands: {why}; {remedy}"));
        }
    };
    let judged = certificates::judge("its certificate", expires, now);
    DoctorFinding { check, said: format!("{name} shakes hands; {}", judged.said), ..judged }
}

/// Whom a URL calls. Never more of it: the rest may hold a key.
#[derive(Debug, PartialEq, Eq)]
struct Peer {
    /// A name or an address, without brackets.
    host: String,
    /// Host and port.
    address: String,
    is_secure: bool,
}

impl Peer {
    fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_secure = uri.scheme_str() == Some("https");
        let usual = if is_secure { 443 } else { 80 };
        let address = format!("{}:{}", uri.host()?, uri.port_u16().unwrap_or(usual));
        Some(Self { host: uri.host()?.trim_matches(['[', ']']).to_owned(), address, is_secure })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_host_and_port_of_a_url_are_shown() {
        let of = |url: &str| Peer::of(url).map(|peer| (peer.host, peer.address, peer.is_secure));
        let is = |host: &str, address: &str, secure| Some((host.to_owned(), address.to_owned(), secure));
        assert_eq!(of("http://mmsc.example/mm7?key=s3cret"), is("mmsc.example", "mmsc.example:80", false));
        assert_eq!(of("https://mmsc.example/mm7"), is("mmsc.example", "mmsc.example:443", true));
        assert_eq!(of("http://127.0.0.1:9101/mm7"), is("127.0.0.1", "127.0.0.1:9101", false));
        assert_eq!(of("https://[::1]:9101/mm7"), is("::1", "[::1]:9101", true));
        assert_eq!(of("/mm7"), None);
    }

    #[test]
    fn who_shakes_hands_is_judged_by_his_certificate() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let shaken = |expires: &str| greeted("carrier", "a: b:443", Ok(Some(expires.parse().unwrap())), now);
        let told = "a: b:443 shakes hands; its certificate is good until 2026-04-01T12:00:00Z, 31 days";
        assert_eq!(shaken("2026-04-01T12:00:00Z"), DoctorFinding::fine("carrier", told));
        let told = "a: b:443 shakes hands; its certificate expires at 2026-03-02T12:00:00Z, in 1 day; have a new one made";
        assert_eq!(shaken("2026-03-02T12:00:00Z"), DoctorFinding::mend("carrier", told));
        let told = "a: b:443 shakes hands; its certificate expires at 2026-03-15T12:00:00Z, in 14 days; have a new one made";
        assert_eq!(shaken("2026-03-15T12:00:00Z"), DoctorFinding::note("carrier", told));
    }
}
