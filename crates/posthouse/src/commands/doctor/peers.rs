//! Whom the gateway talks to: its own ports, carriers, the lookup service.

use std::{io, net::SocketAddr, time::Duration};

use http::Uri;
use posthouse_core::{
    carrier::Carrier,
    provisioning::{Lookup, Provider, Provisioning},
};
use posthouse_gateway::config::Settings;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::Finding;
use crate::running::{Reached, reach};

/// How long a peer may take to take a connection.
const WAIT: Duration = Duration::from_secs(3);

/// The gateway that runs on the store, or that its ports are free for one.
///
/// # Errors
/// What a running gateway left beside the store cannot be read.
pub(super) async fn ports(settings: &Settings) -> anyhow::Result<Vec<Finding>> {
    match reach(settings, 0, WAIT).await? {
        Reached::Taken { admin } => Ok(vec![Finding::fine("gateway", format!("runs, admin at {admin}"))]),
        Reached::Late { admin, said } => {
            let said =
                format!("{admin} does not answer as it should ({said}); see its log, or start it again");
            Ok(vec![Finding::mend("gateway", said)])
        }
        Reached::NotRunning | Reached::Gone { .. } => {
            let listens = [
                ("mm7", settings.mm7.listen),
                ("carriers", settings.carriers.listen),
                ("admin", settings.admin.listen),
            ];
            let mut findings = vec![Finding::note("gateway", "none runs on this store")];
            for (section, address) in listens {
                findings.push(free(section, address, TcpListener::bind(address).await.map(drop)));
            }
            Ok(findings)
        }
    }
}

fn free(section: &str, address: SocketAddr, bound: io::Result<()>) -> Finding {
    match bound {
        Ok(()) => Finding::fine("port", format!("{address} can be listened on ({section}.listen)")),
        Err(error) => Finding::mend(
            "port",
            format!(
                "{address} cannot be listened on ({error}); stop what has it, or change {section}.listen"
            ),
        ),
    }
}

/// Whether each connection to a carrier, and the lookup service, takes a TCP connection.
pub(super) async fn reachable(provisioning: &Provisioning) -> Vec<Finding> {
    let mut calls = JoinSet::new();
    for (place, target) in targets(provisioning).into_iter().enumerate() {
        calls.spawn(async move { (place, target.call().await) });
    }
    let mut findings = calls.join_all().await;
    findings.sort_by_key(|(place, _)| *place);
    let unconnected = provisioning.carriers.iter().filter(|carrier| carrier.connections.is_empty());
    findings.into_iter().map(|(_, finding)| finding).chain(unconnected.map(without_connection)).collect()
}

fn without_connection(carrier: &Carrier) -> Finding {
    let id = &carrier.id;
    Finding::mend(
        "carrier",
        format!(
            "{id} has no connection, and what is for it is refused by 3520; add a [[carrier.connection]]"
        ),
    )
}

/// Somebody whom the gateway calls.
struct Target {
    check: &'static str,
    name: String,
    url: String,
}

fn targets(provisioning: &Provisioning) -> Vec<Target> {
    let connections = provisioning.carriers.iter().flat_map(|carrier| {
        carrier.connections.iter().map(|connection| Target {
            check: "carrier",
            name: format!("{} {}", carrier.id, connection.name),
            url: connection.url.clone(),
        })
    });
    connections.chain(provisioning.lookup.as_ref().and_then(lookup)).collect()
}

/// The lookup service, where it is one over HTTP.
fn lookup(lookup: &Lookup) -> Option<Target> {
    let url = lookup.url.as_ref().filter(|_| lookup.provider == Provider::Http)?;
    // Only the host is called; braces cannot stand in a URL.
    let url = url.replace(['{', '}'], "");
    Some(Target { check: "lookup", name: "lookup.url".to_owned(), url })
}

impl Target {
    async fn call(self) -> Finding {
        let Self { check, name, url } = self;
        let Some(address) = address(&url) else {
            return Finding::mend(check, format!("{name} has no URL that can be called; mend it"));
        };
        let why = match timeout(WAIT, TcpStream::connect(&address)).await {
            Ok(Ok(_)) => return Finding::fine(check, format!("{name}: {address} takes connections")),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("nothing within {} s", WAIT.as_secs()),
        };
        Finding::mend(
            check,
            format!("{name}: {address} cannot be reached ({why}); start it, or mend its url"),
        )
    }
}

/// Host and port of a URL. Never more of it: the rest may hold a key.
fn address(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some(format!("{}:{}", uri.host()?, uri.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_host_and_port_of_a_url_are_shown() {
        assert_eq!(address("http://mmsc.example/mm7?key=s3cret").as_deref(), Some("mmsc.example:80"));
        assert_eq!(address("http://127.0.0.1:9101/mm7").as_deref(), Some("127.0.0.1:9101"));
        assert_eq!(address("http://[::1]:9101/mm7").as_deref(), Some("[::1]:9101"));
        assert_eq!(address("/mm7"), None);
    }
}
