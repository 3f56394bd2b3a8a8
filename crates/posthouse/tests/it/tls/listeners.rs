//! The gateway's three doors with TLS.

use std::{net::SocketAddr, sync::Arc};

use posthouse_gateway::tls::files::Tls;
use rustls::ClientConfig;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::certs::{Ca, Leaf, connect, files};
use posthouse_testing::{
    answer::{RawAnswer, exchange_on},
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

/// A number of carrier 31003, whose reports never come.
const QUIET: &str = "16175559008";

/// A town whose doors all speak TLS. The doors' files are `mm7-…`, `carriers-…` and `admin-…`.
async fn secure_town(ca: &Ca) -> Town {
    let mut plan = TownPlan::default();
    let folder = plan.folder.path();
    let mm7 = files(folder, "mm7", Some(ca));
    let carriers = files(folder, "carriers", Some(ca));
    let admin = files(folder, "admin", Some(ca));
    for files in [&mm7, &carriers, &admin] {
        ca.issue(&["127.0.0.1"]).write(files);
    }
    plan.settings.mm7.tls = Some(mm7);
    plan.settings.carriers.tls = Some(carriers);
    plan.settings.admin.tls = Some(admin);
    Town::planned(plan).await
}

async fn post(town: &Town, client: &ClientConfig, request: &RawRequest) -> RawAnswer {
    let mut stream = connect(town.mm7_door(), client).await.unwrap();
    exchange_on(&mut stream, &request.bytes()).await
}

#[tokio::test]
async fn the_ready_line_says_https_and_a_message_goes_in_over_tls() {
    let ca = Ca::new("Test CA");
    let town = secure_town(&ca).await;
    let ready = town.app.ready();
    for url in [&ready.mm7, &ready.carriers, &ready.admin] {
        assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    }
    town.provision(&[town.account("acme", "require_tls = true\n"), town.usual_carriers()].concat()).await;
    let answer = post(&town, &ca.client(None), &RawRequest::to(QUIET)).await;
    assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
    town.close().await;
}

/// Whose certificate a server shows.
fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Waits until new connections are shown this certificate.
pub(super) async fn shows(door: SocketAddr, client: &ClientConfig, leaf: &Leaf) {
    let looking = async || {
        let stream = connect(door, client).await.unwrap();
        (shown(&stream) == leaf.der()).then_some(())
    };
    eventually("the new certificate is shown", looking).await;
}

/// Posts till it is told to stop: each request over a connection of its own, or all over one.
pub(super) async fn keep_posting(
    door: SocketAddr,
    client: Arc<ClientConfig>,
    reuse: bool,
    enough: CancellationToken,
) -> usize {
    let mut stream = connect(door, &client).await.unwrap();
    let mut accepted = 0;
    while !enough.is_cancelled() {
        if !reuse {
            stream = connect(door, &client).await.unwrap();
        }
        let answer = exchange_on(&mut stream, &RawRequest::to(QUIET).bytes()).await;
        assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
        accepted += 1;
    }
    accepted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_exchanged_under_load_and_no_connection_is_dropped() {
    let ca = Ca::new("Test CA");
    let mut plan = TownPlan::default();
    let tls = files(plan.folder.path(), "mm7", None);
    ca.issue(&["127.0.0.1"]).write(&tls);
    plan.settings.mm7.tls = Some(tls.clone());
    let town = Town::planned(plan).await;
    town.provision(&[town.account("acme", ""), town.usual_carriers()].concat()).await;

    let (door, client, enough) = (town.mm7_door(), Arc::new(ca.client(None)), CancellationToken::new());
    let mut posting = JoinSet::new();
    for reuse in [true, false, true, false] {
        posting.spawn(keep_posting(door, Arc::clone(&client), reuse, enough.clone()));
    }
    for _ in 0..2 {
        let next = ca.issue(&["127.0.0.1"]);
        next.write(&tls);
        shows(door, &client, &next).await;
    }
    enough.cancel();
    let accepted: Vec<usize> = posting.join_all().await;
    assert!(accepted.iter().all(|accepted| *accepted > 0), "{accepted:?}");
    town.close().await;
}

#[tokio::test]
async fn who_is_trusted_as_a_client_changes_with_the_file() {
    let (ca, other) = (Ca::new("Test CA"), Ca::new("Another CA"));
    let town = secure_town(&ca).await;
    let tls = files(town.folder(), "mm7", Some(&other));
    let stranger = other.issue(&["acme.example"]);
    eventually("the other CA's certificates are taken", async || {
        let client = ca.client_of(&[&rustls::version::TLS12], Some(&stranger));
        connect(town.mm7_door(), &client).await.ok()
    })
    .await;
    drop(tls);
    town.close().await;
}

/// Asks the admin door for a path.
async fn admin(town: &Town, client: &ClientConfig, path: &str) -> (u16, String) {
    let address = town.app.ready().admin.strip_prefix("https://").unwrap().parse().unwrap();
    let mut stream = connect(address, client).await.unwrap();
    let answer = exchange_on(&mut stream, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
    stream.shutdown().await.unwrap();
    (answer.http_status, answer.xml().to_owned())
}

#[tokio::test]
async fn the_admin_door_asks_for_a_certificate_and_tells_when_its_own_ends() {
    let ca = Ca::new("Test CA");
    let mut plan = TownPlan::default();
    let tls = files(plan.folder.path(), "admin", Some(&ca));
    ca.issue_until(&["127.0.0.1"], 2077).write(&tls);
    plan.settings.admin.tls = Some(tls);
    let town = Town::planned(plan).await;
    let nobody = ca.client(None);
    assert_eq!(admin(&town, &nobody, "/healthz").await.0, 200);
    assert_eq!(admin(&town, &nobody, "/readyz").await.0, 200);
    assert_eq!(admin(&town, &nobody, "/metrics").await, (403, "a client certificate is needed\n".to_owned()));
    let operator = ca.client(Some(&ca.issue(&["operator"])));
    let (status, metrics) = admin(&town, &operator, "/metrics").await;
    assert_eq!(status, 200);
    let expiry = "posthouse_tls_certificate_expiry_seconds{listener=\"admin\"} 3376684800\n";
    assert!(metrics.contains(expiry), "{metrics}");
    town.close().await;
}

/// What a gateway with such files says instead of starting.
async fn refused(tls: &Tls) -> String {
    use std::error::Error as _;
    let mut plan = TownPlan::default();
    plan.settings.mm7.tls = Some(tls.clone());
    let error = posthouse_gateway::app::App::start(&plan.settings, plan.parts).await.err().expect("no start");
    format!("{error}: {}", error.source().unwrap())
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_the_remedy() {
    let (ca, folder) = (Ca::new("Test CA"), tempfile::tempdir().unwrap());
    let mut tls = files(folder.path(), "mm7", None);
    let place = |kind: &str| folder.path().join(format!("mm7-{kind}.pem")).display().to_string();
    let told = refused(&tls).await;
    assert_eq!(
        told,
        format!(
            "the files of [mm7] tls cannot be used: {} cannot be read: no such file or directory (os error 2); check the path and who may read it",
            place("cert")
        )
    );
    ca.issue(&["127.0.0.1"]).write(&tls);
    std::fs::write(&tls.key, ca.issue(&["127.0.0.1"]).key_pem()).unwrap();
    let told = refused(&tls).await;
    assert!(
        told.starts_with(&format!(
            "the files of [mm7] tls cannot be used: {} and {} are no pair that can be used: ",
            place("cert"),
            place("key")
        )),
        "{told}"
    );
    std::fs::write(&tls.key, "hush").unwrap();
    let told = refused(&tls).await;
    assert!(
        told.starts_with(&format!(
            "the files of [mm7] tls cannot be used: {} holds no private key; ",
            place("key")
        )),
        "{told}"
    );
    ca.issue(&["127.0.0.1"]).write(&tls);
    tls.client_ca = Some(tls.key.clone());
    let told = refused(&tls).await;
    assert!(
        told.starts_with(&format!(
            "the files of [mm7] tls cannot be used: {} holds no certificate; ",
            place("key")
        )),
        "{told}"
    );
}
