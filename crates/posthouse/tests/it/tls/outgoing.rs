//! The gateway as a client: carriers, VASPs and the lookup service behind TLS.

use std::{fs, net::SocketAddr, sync::Arc};

use posthouse_core::message::EventKind;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::certs::{Ca, Leaf, server};
use posthouse_testing::{
    canned::{Canned, CannedReply},
    provisioning::range,
    request::RawRequest,
    town::{Town, TownPlan},
};

const NUMBER: &str = "16175550100";

/// What becomes of a connection to a [`Front`].
#[derive(Clone, Copy)]
pub(super) enum Fate {
    /// It is passed on to a server that speaks no TLS.
    PassedOn(SocketAddr),
    /// It is closed in the handshake.
    DiesInHandshake,
    /// It is closed once some of the request was read.
    DiesAfterRequest,
}

/// Speaks TLS for somebody else. Where it is.
pub(super) async fn front(config: ServerConfig, fate: Fate) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(acceptor.clone(), stream, fate));
        }
    });
    address
}

async fn serve(acceptor: TlsAcceptor, mut stream: TcpStream, fate: Fate) {
    if let Fate::DiesInHandshake = fate {
        let _ = stream.read(&mut [0]).await;
        return;
    }
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    match fate {
        Fate::PassedOn(to) => {
            let mut to = TcpStream::connect(to).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut to).await;
        }
        Fate::DiesAfterRequest => drop(stream.read(&mut [0; 4096]).await),
        Fate::DiesInHandshake => {}
    }
}

fn address_of(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().split('/').next().unwrap().parse().unwrap()
}

/// A town whose carrier 31003 is behind TLS.
struct Secure {
    town: Town,
    ca: Ca,
    door: SocketAddr,
}

impl Secure {
    /// The carrier's certificate is made by `certify`; with `mutual` it needs a client certificate of the same CA.
    async fn found(certify: impl Fn(&Ca) -> Leaf, mutual: bool) -> Self {
        let (town, ca) = (Town::planned(TownPlan::default()).await, Ca::new("Test CA"));
        let config = server(&certify(&ca), mutual.then_some(&ca));
        let door = front(config, Fate::PassedOn(address_of(&town.carriers["31003"].url()))).await;
        Self { town, ca, door }
    }

    async fn dying(fate: Fate) -> Self {
        let (town, ca) = (Town::planned(TownPlan::default()).await, Ca::new("Test CA"));
        let door = front(server(&ca.issue(&["127.0.0.1"]), None), fate).await;
        Self { town, ca, door }
    }

    /// Provisions the carrier with this `tls`, or with trust in the CA.
    async fn provision(&self, tls: Option<&str>) {
        let folder = self.town.folder();
        fs::write(folder.join("ca.pem"), self.ca.pem()).unwrap();
        let ca = format!("tls = {{ ca = {:?} }}\n", folder.join("ca.pem"));
        let url = format!("https://{}/mm7", self.door);
        let carrier = format!(
            "[[carrier]]\nid = \"31003\"\n[[carrier.connection]]\nname = \"a\"\nurl = {url:?}\n{}",
            tls.unwrap_or(&ca)
        );
        let account = self.town.account("acme", "");
        self.town.provision(&[account, carrier, range("1617", "31003")].concat()).await;
    }

    /// What is said of the first try to send a message that cannot be.
    async fn retrying(&self) -> String {
        let id = self.town.submit(&RawRequest::to(NUMBER)).await;
        self.town.event(id, EventKind::Retrying).await
    }
}

#[tokio::test]
async fn a_message_goes_to_a_carrier_over_tls() {
    let secure = Secure::found(|ca| ca.issue(&["127.0.0.1"]), false).await;
    secure.provision(None).await;
    let id = secure.town.submit(&RawRequest::to(NUMBER)).await;
    assert_eq!(secure.town.ended(id).await.state.as_str(), "Retrieved");
    assert_eq!(secure.town.carriers["31003"].messages().len(), 1);
    secure.town.close().await;
}

#[tokio::test]
async fn a_certificate_that_is_not_good_means_that_nothing_was_sent() {
    let stranger = |_: &Ca| Ca::new("Another CA").issue(&["127.0.0.1"]);
    let expired = |ca: &Ca| ca.issue_until(&["127.0.0.1"], 2001);
    let another_name = |ca: &Ca| ca.issue(&["mmsc.example"]);
    for (certify, words) in [
        (
            &stranger as &dyn Fn(&Ca) -> Leaf,
            "its certificate is from an unknown issuer; name its CA in tls.ca",
        ),
        (&expired, "its certificate has expired"),
        (&another_name, "the name does not match its certificate"),
    ] {
        let secure = Secure::found(certify, false).await;
        secure.provision(None).await;
        let said = secure.retrying().await;
        assert!(said.contains(&format!("no connection: {words}")), "{said}");
        assert_eq!(secure.town.carriers["31003"].messages().len(), 0);
        secure.town.close().await;
    }
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_was_not_reached() {
    let town = Town::planned(TownPlan::default()).await;
    let door = address_of(&town.carriers["31003"].url());
    let secure = Secure { town, ca: Ca::new("Test CA"), door };
    secure.provision(None).await;
    let said = secure.retrying().await;
    assert!(said.contains("no connection: it does not speak TLS there; its URL may be http://"), "{said}");
    secure.town.close().await;
}

#[tokio::test]
async fn who_dies_in_the_handshake_was_not_reached_and_who_dies_after_the_request_may_have_been() {
    let secure = Secure::dying(Fate::DiesInHandshake).await;
    secure.provision(None).await;
    let said = secure.retrying().await;
    assert!(said.contains("no connection: "), "{said}");
    secure.town.close().await;

    let secure = Secure::dying(Fate::DiesAfterRequest).await;
    secure.provision(None).await;
    let id = secure.town.submit(&RawRequest::to(NUMBER)).await;
    let said = secure.town.event(id, EventKind::Parked).await;
    assert!(said.contains("no answer: "), "{said}");
    secure.town.close().await;
}

#[tokio::test]
async fn our_certificate_is_shown_where_it_is_asked_for_and_without_it_nothing_was_sent() {
    let secure = Secure::found(|ca| ca.issue(&["127.0.0.1"]), true).await;
    secure.provision(None).await;
    let id = secure.town.submit(&RawRequest::to(NUMBER)).await;
    let said = secure.town.event(id, EventKind::Retrying).await;
    let words = "no connection: it refuses our client certificate, or asks for one (CertificateRequired)";
    assert!(said.contains(words), "{said}");

    // Files are read when they are applied, and what they hold is in force then.
    let folder = secure.town.folder();
    let (cert, key) = (folder.join("own.pem"), folder.join("own-key.pem"));
    let tls = format!("tls = {{ ca = {:?}, cert = {cert:?}, key = {key:?} }}\n", folder.join("ca.pem"));
    let stranger = Ca::new("Another CA").issue(&["posthouse"]);
    fs::write(&cert, stranger.pem()).unwrap();
    fs::write(&key, stranger.key_pem()).unwrap();
    secure.provision(Some(&tls)).await;
    let own = secure.ca.issue(&["posthouse"]);
    fs::write(&cert, own.pem()).unwrap();
    fs::write(&key, own.key_pem()).unwrap();
    secure.provision(Some(&tls)).await;
    assert_eq!(secure.town.ended(id).await.state.as_str(), "Retrieved");
    assert_eq!(secure.town.carriers["31003"].messages().len(), 1);
    secure.town.close().await;
}

#[tokio::test]
async fn reports_and_lookups_go_over_tls() {
    let (town, ca) = (Town::planned(TownPlan::default()).await, Ca::new("Test CA"));
    let config = || server(&ca.issue(&["127.0.0.1"]), None);
    let vasp = front(config(), Fate::PassedOn(address_of(&town.vasp.url()))).await;
    let directory =
        Canned::start(|_| CannedReply::http(200, "application/json", "{\"carrier\":\"31003\"}")).await;
    let lookup = front(config(), Fate::PassedOn(address_of(&directory.url("/")))).await;
    fs::write(town.folder().join("ca.pem"), ca.pem()).unwrap();
    let tls = format!("tls = {{ ca = {:?} }}\n", town.folder().join("ca.pem"));
    let account =
        town.account_with("acme", "", &tls, "").replace(&town.vasp.url(), &format!("https://{vasp}"));
    let lookup = format!(
        "[lookup]\nprovider = \"http\"\nurl = \"https://{lookup}/{{msisdn}}\"\ntimeout = \"10s\"\n{tls}"
    );
    town.provision(&[account, town.carrier("31003", ""), lookup].concat()).await;
    let id = town.submit(&RawRequest::to("4420755501001")).await;
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    assert_eq!(town.statuses_on(id).last().map(String::as_str), Some("Retrieved"));
    town.close().await;
}
