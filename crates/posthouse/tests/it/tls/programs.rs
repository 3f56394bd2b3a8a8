//! The commands beside a gateway whose doors speak TLS.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use posthouse_core::store::MessageFilter;
use posthouse_gateway::tls::files::Tls;
use posthouse_testing::{
    answer::exchange_on,
    provisioning::{AccountToml, CarrierToml, range},
    request::RawRequest,
    settings,
    store::visit,
    town::address,
};
use serde_json::Value;
use tokio::task::{JoinSet, block_in_place};
use tokio_util::sync::CancellationToken;

use super::{
    certs::{Ca, connect, files, server},
    listeners::{keep_posting, shows},
    outgoing::{Fate, front},
};
use crate::process::{Gateway, Program, posthouse};

fn acme() -> String {
    let account = AccountToml::new("acme").with("require_tls = true\n").service("default = true\n");
    format!("{account}{}{}", CarrierToml::new("31003").nowhere(), range("1617", "31003"))
}

/// A configuration whose doors have the files `door-cert.pem` and `door-key.pem`.
fn configure(folder: &Path, ca: &Ca) -> Tls {
    let tls = files(folder, "door", None);
    ca.issue(&["127.0.0.1"]).write(&tls);
    let line = "tls = { cert = \"door-cert.pem\", key = \"door-key.pem\" }\n";
    let listen = "listen = \"127.0.0.1:0\"\n";
    fs::write(folder.join("posthouse.toml"), settings::TOML.replace(listen, &format!("{listen}{line}")))
        .unwrap();
    fs::write(folder.join("p.toml"), acme()).unwrap();
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    tls
}

/// What a command says on stdout and stderr, and whether it succeeded.
fn run(folder: &Path, arguments: &[&str]) -> (String, String, bool) {
    let output = posthouse(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

fn send(folder: &Path, url: &str, more: &[&str]) -> (String, String, bool) {
    let base = [
        "send",
        "--url",
        url,
        "--vaspid",
        "acme-key",
        "--from",
        "111122",
        "--to",
        "16175550100",
        "--text",
        "hi",
    ];
    run(folder, &[&base[..], more].concat())
}

#[test]
fn apply_doctor_and_send_find_a_gateway_that_speaks_tls() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Ca::new("Test CA"));
    let folder = folder.path();
    configure(folder, &ca);
    let gateway = Gateway::start(folder);
    assert!(gateway.admin.starts_with("https://127.0.0.1:"), "{}", gateway.admin);
    let (said, _, _) = run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]);
    assert!(said.ends_with(&format!("the gateway at {} took it\n", gateway.admin)), "{said}");
    let (said, _, _) = run(folder, &["doctor", "-c", "posthouse.toml", "--json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let of = |check: &'static str| findings.clone().filter(move |finding| finding["check"] == check);
    assert!(of("gateway").all(|finding| finding["verdict"] == "ok"), "{said}");
    let told: Vec<_> = of("tls").map(|finding| finding["said"].as_str().unwrap()).collect();
    assert_eq!(told.len(), 3);
    assert!(told[0].starts_with("mm7.tls.cert is good until 2090-01-01T00:00:00Z, "), "{told:?}");

    let (said, told, sent) = send(folder, &gateway.mm7, &["--ca", "ca.pem"]);
    assert!(sent && said.starts_with("1000 Success\n"), "{said}{told}");
    fs::write(folder.join("other.pem"), Ca::new("Another CA").pem()).unwrap();
    let (_, told, sent) = send(folder, &gateway.mm7, &["--ca", "other.pem"]);
    assert!(!sent && told.contains("its certificate is from an unknown issuer"), "{told}");
    let (_, told, sent) = send(folder, &gateway.mm7.replace("127.0.0.1", "localhost"), &["--ca", "ca.pem"]);
    assert!(!sent && told.contains("the name does not match its certificate"), "{told}");
    let (_, told, sent) = send(folder, &gateway.mm7, &["--ca", "none.pem"]);
    assert!(!sent && told.contains("none.pem cannot be read: "), "{told}");
}

#[test]
fn a_certificate_that_has_ended_is_told_of_in_the_log() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Ca::new("Test CA"));
    let tls = configure(folder.path(), &ca);
    ca.issue_until(&["127.0.0.1"], 2020).write(&tls);
    let gateway = Gateway::start(folder.path());
    let said = gateway.program.said("the certificate of door mm7");
    assert!(
        said.contains(" WARN ") && said.contains("expired at 2020-01-01T00:00:00Z; put a new one there"),
        "{said}"
    );
}

#[test]
fn a_new_file_that_cannot_be_used_is_logged_and_the_old_one_stays() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Ca::new("Test CA"));
    let folder = folder.path();
    let tls = configure(folder, &ca);
    let gateway = Gateway::start(folder);
    run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]);
    let good = fs::read(&tls.cert).unwrap();
    fs::write(&tls.cert, "no certificate at all").unwrap();
    let said = gateway.program.said("those before stay in force");
    assert!(said.contains("holds no certificate; a PEM file has -----BEGIN CERTIFICATE-----"), "{said}");
    let (said, told, _) = send(folder, &gateway.mm7, &["--ca", "ca.pem"]);
    assert!(said.starts_with("1000 Success\n"), "{said}{told}");
    // What the gateway shows is not in the file any more.
    let (_, told, applied) = run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]);
    assert!(!applied && told.contains("holds no certificate"), "{told}");
    fs::write(&tls.cert, good).unwrap();
    let (_, told, applied) = run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]);
    assert!(applied, "{told}");
}

/// New certificates, another configuration and other provisioning, one after the other while messages come over connections that last and
/// over new ones: each is accepted, each that was accepted is there, and what is new counts.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_again_under_load_refuses_and_loses_nothing() {
    let (place, ca) = (tempfile::tempdir().unwrap(), Ca::new("Test CA"));
    let folder = place.path();
    let tls = configure(folder, &ca);
    let gateway = block_in_place(|| Gateway::start(folder));
    block_in_place(|| run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]));
    let door = address(&gateway.mm7);
    let (client, enough) = (Arc::new(ca.client(None)), CancellationToken::new());
    let mut posting = JoinSet::new();
    for reuse in [true, false, true, false] {
        posting.spawn(keep_posting(door, Arc::clone(&client), reuse, enough.clone()));
    }
    let settings = fs::read_to_string(folder.join("posthouse.toml")).unwrap();
    for round in 0..3 {
        let next = ca.issue(&["127.0.0.1"]);
        next.write(&tls);
        fs::write(
            folder.join("posthouse.toml"),
            format!("{settings}[retention]\nmedia = \"{}h\"\n", 1 + round),
        )
        .unwrap();
        gateway.program.signal("HUP");
        block_in_place(|| gateway.program.said("the configuration was read again"));
        let newcomer = AccountToml::new(&format!("late-{round}")).service("default = true\n");
        fs::write(folder.join("p.toml"), format!("{}{newcomer}", acme())).unwrap();
        let (said, told, _) = block_in_place(|| run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]));
        assert!(said.contains("took it"), "{said}{told}");
        shows(door, &client, &next).await;
        let mut request = RawRequest::to("16175559008");
        request.vaspid = Some(format!("late-{round}-key"));
        let mut stream = connect(door, &client).await.unwrap();
        let answer = exchange_on(&mut stream, &request.bytes()).await;
        assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
    }
    enough.cancel();
    let accepted: Vec<usize> = posting.join_all().await;
    assert!(accepted.iter().all(|accepted| *accepted > 0), "{accepted:?}");
    let store = visit(folder).await;
    let all = store.count(&MessageFilter::default(), &[], 1).await.unwrap();
    assert_eq!(all[0].messages, accepted.iter().sum::<usize>() as u64 + 3);
    store.close().await.unwrap();
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
}

/// A connection of a carrier, with lines for its `tls`.
fn connection(name: &str, to: SocketAddr, tls: &str) -> String {
    format!("[[carrier.connection]]\nname = {name:?}\nurl = \"https://{to}/mm7\"\ntls = {{ {tls} }}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_shakes_hands_with_peers_and_looks_at_our_own_certificates() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Ca::new("Test CA"));
    let folder = folder.path();
    let own = ca.issue_until(&["posthouse"], 2001);
    for (name, text) in [("ca.pem", ca.pem()), ("own.pem", own.pem()), ("own-key.pem", own.key_pem())] {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::write(folder.join("posthouse.toml"), settings::TOML).unwrap();
    let good = front(server(&ca.issue(&["127.0.0.1"]), None), Fate::DiesAfterRequest).await;
    let mutual = front(server(&ca.issue(&["127.0.0.1"]), Some(&ca)), Fate::DiesAfterRequest).await;
    let expired = front(server(&ca.issue_until(&["127.0.0.1"], 2001), None), Fate::DiesAfterRequest).await;
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = plain.local_addr().unwrap();
    let trusted = "ca = \"ca.pem\"";
    let ours = "ca = \"ca.pem\", cert = \"own.pem\", key = \"own-key.pem\"";
    let provisioning = [
        "[[account]]\nname = \"acme\"\nvaspid = \"acme-key\"\nclient_certs = [\"cn:Acme\"]\n",
        &format!(
            "[account.callbacks]\nreport_url = \"https://{expired}/r?key=s3cret\"\ntls = {{ {trusted} }}\n"
        ),
        "[[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n[[carrier]]\nid = \"31003\"\n",
        &connection("good", good, trusted),
        &connection("strange", good, ""),
        &connection("mutual", mutual, trusted),
        &connection("ours", mutual, ours),
        &connection("silent", silent, trusted),
    ];
    fs::write(folder.join("p.toml"), provisioning.concat()).unwrap();
    let (_, told, applied) = run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]);
    assert!(applied, "{told}");
    let (said, _, fine) = run(folder, &["doctor", "-c", "posthouse.toml"]);
    assert!(!fine && !said.contains("s3cret"), "{said}");
    let remedy = "; mend it there, or its url and tls here (docs/tls.md)\n";
    let refused = |name: &str, to: SocketAddr, why: &str| {
        format!("mend  carrier  31003 {name}: {to} does not shake hands: {why}{remedy}")
    };
    for expected in [
        format!("ok    carrier  31003 good: {good} shakes hands; its certificate is good until 2090-01-01"),
        refused("strange", good, "its certificate is from an unknown issuer; name its CA in tls.ca"),
        refused("mutual", mutual, "it refuses our client certificate, or asks for one (CertificateRequired)"),
        refused("ours", mutual, "it refuses our client certificate, or asks for one (CertificateExpired)"),
        refused("silent", silent, "nothing within 3 s"),
        format!("mend  vasp     acme report_url: {expired} does not shake hands: its certificate has expired{remedy}"),
        "mend  tls      31003 ours tls.cert expired at 2001-01-01T00:00:00Z; put a new one there\n".to_owned(),
        "mend  tls      acme: client_certs asks for a certificate that nobody can show, and all is refused by 2568; \
         name the CA in [mm7] tls.client_ca\n"
            .to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected}\n{said}");
    }
}

#[test]
fn a_certificate_that_is_its_own_authority_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tls = configure(folder, &Ca::new("Test CA"));
    let own = Ca::self_signed("127.0.0.1");
    own.write(&tls);
    fs::write(folder.join("ca.pem"), own.pem()).unwrap();
    let gateway = Gateway::start(folder);
    let (_, told, sent) = send(folder, &gateway.mm7, &["--ca", "ca.pem"]);
    let words =
        "its certificate is an authority's; have one made for the server, with basicConstraints=CA:FALSE";
    assert!(!sent && told.contains(words), "{told}");
}

#[test]
fn a_report_goes_to_a_listener_over_tls() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Ca::new("Test CA"));
    let folder = folder.path();
    let tls = configure(folder, &ca);
    let (cert, key) = (tls.cert.to_str().unwrap(), tls.key.to_str().unwrap());
    let files = ["--tls-cert", cert, "--tls-key", key];
    let listener = Program::start(folder, &[&["listen", "--listen", "127.0.0.1:0"][..], &files].concat());
    let ready = listener.line();
    let url = ready.strip_prefix("listening on ").unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{ready}");
    let gateway = Gateway::start(folder);
    let callbacks =
        format!("[account.callbacks]\nreport_url = \"{url}/reports\"\ntls = {{ ca = \"ca.pem\" }}\n");
    let provisioning = acme().replacen("[[account.service]]", &format!("{callbacks}[[account.service]]"), 1);
    fs::write(folder.join("p.toml"), provisioning).unwrap();
    let (_, told, applied) = run(folder, &["apply", "p.toml", "-c", "posthouse.toml"]);
    assert!(applied, "{told}");
    // Nobody is there for the carrier: it expires, and the VASP is told.
    let (said, told, _) = send(folder, &gateway.mm7, &["--ca", "ca.pem", "--delivery-report", "true"]);
    assert!(said.starts_with("1000 Success\n"), "{said}{told}");
    let (_, told, expired) = run(folder, &["messages", "expire", "--all", "-c", "posthouse.toml"]);
    assert!(expired, "{told}");
    let report = listener.line();
    assert!(report.contains(" Expired 16175550100") && report.ends_with("answered 1000"), "{report}");

    let (_, told, started) = run(folder, &["listen", "--tls-cert", key, "--tls-key", key]);
    assert!(!started && told.contains("holds no certificate"), "{told}");
}
