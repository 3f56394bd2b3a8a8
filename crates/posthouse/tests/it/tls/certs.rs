//! Certificates made on the spot, and clients that trust them.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use posthouse_gateway::tls::files::Tls;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{PrivateKeyDer, ServerName},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A certification authority.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// A certificate and its key.
pub struct Leaf {
    certificate: Certificate,
    key: KeyPair,
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl Ca {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A server's certificate that is its own authority, as OpenSSL makes them.
    pub fn self_signed(name: &str) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Leaf { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// A certificate for these names, whose first is its common name too.
    pub fn issue(&self, names: &[&str]) -> Leaf {
        self.issue_until(names, 2090)
    }

    /// The same, good up to the beginning of a year.
    pub fn issue_until(&self, names: &[&str], year: i32) -> Leaf {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).unwrap();
        params.distinguished_name.push(DnType::CommonName, &names[0]);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        Leaf { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    pub fn pem(&self) -> String {
        pem("CERTIFICATE", self.certificate.der())
    }

    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }

    /// A client that trusts this CA, with or without a certificate of its own.
    pub fn client(&self, own: Option<&Leaf>) -> ClientConfig {
        self.client_of(&[&TLS12, &TLS13], own)
    }

    pub fn client_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        own: Option<&Leaf>,
    ) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots());
        match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                builder.with_client_auth_cert(vec![own.certificate.der().clone()], own.key_der()).unwrap()
            }
        }
    }
}

impl Leaf {
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", self.certificate.der())
    }

    pub fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.serialized_der())
    }

    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// Writes certificate and key where a door has them.
    pub fn write(&self, files: &Tls) {
        fs::write(&files.cert, self.pem()).unwrap();
        fs::write(&files.key, self.key_pem()).unwrap();
    }
}

/// Names of files for a door in a folder.
pub fn files(folder: &Path, name: &str, client_ca: Option<&Ca>) -> Tls {
    let path = |kind: &str| -> PathBuf { folder.join(format!("{name}-{kind}.pem")) };
    let client_ca = client_ca.map(|ca| {
        fs::write(path("ca"), ca.pem()).unwrap();
        path("ca")
    });
    Tls { cert: path("cert"), key: path("key"), client_ca }
}

/// Opens TLS to a server on this machine, by its address.
pub async fn connect(server: SocketAddr, client: &ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::from(server.ip());
    TlsConnector::from(Arc::new(client.clone())).connect(name, TcpStream::connect(server).await?).await
}

/// What a server shows, and whose client certificates it takes and needs.
pub fn server(leaf: &Leaf, client_ca: Option<&Ca>) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let verifier = match client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(ca) => WebPkiClientVerifier::builder_with_provider(Arc::new(ca.roots()), Arc::clone(&provider))
            .build()
            .unwrap(),
    };
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![leaf.certificate.der().clone()], leaf.key_der())
        .unwrap()
}
