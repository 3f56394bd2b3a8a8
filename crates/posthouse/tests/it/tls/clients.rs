//! Client certificates, by account and by carrier.

use posthouse_core::certificate::CertificateRule;
use posthouse_gateway::tls::certificate;
use rustls::ClientConfig;

use super::certs::{Ca, Leaf, connect, files};
use posthouse_testing::{
    answer::{RawAnswer, exchange_on},
    request::RawRequest,
    town::{Town, TownPlan},
};

/// A town whose doors for VASPs and carriers ask for certificates of this CA.
async fn asking_town(ca: &Ca) -> Town {
    let mut plan = TownPlan::default();
    let [mm7, carriers] = ["mm7", "carriers"].map(|name| files(plan.folder.path(), name, Some(ca)));
    ca.issue(&["127.0.0.1"]).write(&mm7);
    ca.issue(&["127.0.0.1"]).write(&carriers);
    plan.settings.mm7.tls = Some(mm7);
    plan.settings.carriers.tls = Some(carriers);
    Town::planned(plan).await
}

fn fingerprint(leaf: &Leaf) -> String {
    CertificateRule::Sha256(certificate::shown(&leaf.der().to_vec().into()).sha256).to_string()
}

async fn post(town: &Town, account: &str, client: &ClientConfig) -> RawAnswer {
    let request = RawRequest { vaspid: Some(format!("{account}-key")), ..RawRequest::to("16175559008") };
    let mut stream = connect(town.mm7_door(), client).await.unwrap();
    exchange_on(&mut stream, &request.bytes()).await
}

#[tokio::test]
async fn row_13_each_account_takes_its_own_certificates() {
    let ca = Ca::new("Test CA");
    let town = asking_town(&ca).await;
    let (acme, other) = (ca.issue(&["Acme Ltd", "mms.acme.example"]), ca.issue(&["other.example"]));
    let accounts = [
        ("free", String::new()),
        ("by-name", "client_certs = [\"cn:nobody\", \"cn:Acme Ltd\"]\n".to_owned()),
        ("by-dns", "client_certs = [\"dns:MMS.acme.example\"]\n".to_owned()),
        ("by-print", format!("client_certs = [{:?}]\n", fingerprint(&acme))),
    ];
    let toml: String = accounts.iter().map(|(name, settings)| town.account(name, settings)).collect();
    town.provision(&(toml + &town.usual_carriers())).await;
    for (account, _) in &accounts {
        let free = *account == "free";
        for (shown, taken) in [(None, free), (Some(&other), free), (Some(&acme), true)] {
            let answer = post(&town, account, &ca.client(shown)).await;
            assert_eq!(answer.code(), Some(if taken { 1000 } else { 2568 }), "{account}: {}", answer.xml());
        }
    }
    town.close().await;
}

#[tokio::test]
async fn a_carrier_shows_its_certificate_before_its_password_counts() {
    let ca = Ca::new("Test CA");
    let town = asking_town(&ca).await;
    let carrier = town.carrier("31003", "")
        + "[carrier.callbacks]\nclient_certs = [\"cn:vzw\"]\nbasic_auth = { username = \"vzw\", password = \"p\" }\n";
    town.provision(&carrier).await;
    let post = async |client: &ClientConfig, credentials: &str| {
        let mut request =
            RawRequest { path: "/carriers/31003/mm7".to_owned(), ..RawRequest::to("16175550100") };
        request.header("Authorization", credentials);
        let mut stream = connect(town.carrier_door(), client).await.unwrap();
        exchange_on(&mut stream, &request.bytes()).await.http_status
    };
    let (vzw, other) = (ca.issue(&["vzw"]), ca.issue(&["other"]));
    // vzw:p and vzw:q
    let (right, wrong) = ("Basic dnp3OnA=", "Basic dnp3OnE=");
    assert_eq!(post(&ca.client(None), right).await, 403);
    assert_eq!(post(&ca.client(Some(&other)), right).await, 403);
    assert_eq!(post(&ca.client(Some(&vzw)), wrong).await, 401);
    // It is let in, and what it posts is no report.
    assert_eq!(post(&ca.client(Some(&vzw)), right).await, 500);
    town.close().await;
}
