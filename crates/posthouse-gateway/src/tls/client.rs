//! TLS as a client: which authorities the gateway trusts, what it shows, and what went wrong in words.
//!
//! The name of the peer is always verified, but for [`pinned`], which trusts in one certificate alone.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use jiff::Timestamp;
use posthouse_core::mistake::Mistake;
use posthouse_core::tls::{Identity, PeerTls};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, ProtocolVersion,
    RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::OnceCell,
    task::spawn_blocking,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{HTTP_1_1, certificate, pem, provider};

/// What the system trusts in, read when it is needed first: many gateways never call anybody over https.
static SYSTEM_ROOTS: OnceCell<Arc<RootCertStore>> = OnceCell::const_new();

/// The CAs that the system trusts in, as they were when they were first asked for.
///
/// # Errors
/// The system trusts nobody, or what it says cannot be read.
pub async fn system_roots() -> io::Result<Arc<RootCertStore>> {
    let read = || async {
        let roots = spawn_blocking(read_system_roots).await.map_err(io::Error::other)??;
        Ok::<_, io::Error>(Arc::new(roots))
    };
    SYSTEM_ROOTS.get_or_try_init(read).await.cloned()
}

fn read_system_roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificates of the system that cannot be read");
    }
    let mut roots = RootCertStore::empty();
    // Some systems hold a few that are malformed; the others do.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(io::Error::other(
            "the system has no trusted certificates (on many: install ca-certificates)",
        ));
    }
    Ok(roots)
}

/// Why TLS towards a peer cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// What should be the CA's certificate.
    #[error("ca {0}")]
    Ca(pem::PemError),
    /// What should be our certificate.
    #[error("cert {0}")]
    Cert(pem::PemError),
    /// What should be its key.
    #[error("key {0}")]
    Key(pem::PemError),
    /// They are no pair.
    #[error("cert and key are no pair that can be used: {0}")]
    Pair(String),
}

impl SetupError {
    /// The key of the setting that it is about, and what is wrong with it.
    pub fn place(&self) -> (&'static str, Mistake) {
        match self {
            Self::Ca(why) => ("ca", why.mistake()),
            Self::Cert(why) => ("cert", why.mistake()),
            Self::Key(why) => ("key", why.mistake()),
            Self::Pair(_) => {
                let remedy = "give the certificate of this key, before those that signed it";
                ("cert", (self.to_string(), remedy).into())
            }
        }
    }
}

impl From<rustls::Error> for SetupError {
    fn from(error: rustls::Error) -> Self {
        Self::Pair(error.to_string())
    }
}

/// TLS that trusts in these CAs and shows no certificate.
///
/// # Errors
/// What rustls says; it takes what is written here.
pub fn anonymous(roots: Arc<RootCertStore>) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// TLS that trusts in these CAs and shows this certificate where it is asked for one.
fn identified(roots: Arc<RootCertStore>, own: &Identity) -> Result<ClientConfig, SetupError> {
    let chain = pem::chain(own.cert.as_bytes()).map_err(SetupError::Cert)?;
    let key = pem::private_key(own.key.as_bytes()).map_err(SetupError::Key)?;
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

fn over(roots: Arc<RootCertStore>, tls: &PeerTls) -> Result<ClientConfig, SetupError> {
    match &tls.identity {
        Some(own) => identified(roots, own),
        None => Ok(anonymous(roots)?),
    }
}

/// Whether this can be used, without looking at what the system trusts in.
///
/// # Errors
/// [`SetupError`].
pub fn check(tls: &PeerTls) -> Result<(), SetupError> {
    let roots = match &tls.ca {
        Some(ca) => pem::roots(ca.as_bytes()).map_err(SetupError::Ca)?,
        None => RootCertStore::empty(),
    };
    over(Arc::new(roots), tls).map(drop)
}

/// TLS towards a peer.
///
/// # Errors
/// [`SetupError`], or what the system says about the authorities that it trusts, as an I/O error.
pub async fn config(tls: &PeerTls) -> io::Result<Arc<ClientConfig>> {
    let roots = match &tls.ca {
        Some(ca) => Arc::new(pem::roots(ca.as_bytes()).map_err(SetupError::Ca).map_err(io::Error::other)?),
        None => system_roots().await?,
    };
    over(roots, tls).map(Arc::new).map_err(io::Error::other)
}

/// TLS that trusts in the first certificate of a PEM text and in no other, whatever it says of its owner and its time.
///
/// # Errors
/// The text holds no certificate.
pub fn pinned(text: &[u8]) -> Result<Arc<ClientConfig>, SetupError> {
    let certificates = pem::certificates(text).map_err(SetupError::Cert)?;
    let certificate =
        certificates.into_iter().next().ok_or(SetupError::Cert(pem::PemError::NoCertificate))?;
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let verifier = Arc::new(Pinned { certificate, provider: provider() });
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Arc::new(config))
}

/// Trusts in one certificate, and has its owner prove that the key is theirs.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *end_entity == self.certificate {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// How long a peer is given, once our side is through with a TLS 1.3 handshake, to say that it is not.
const SECOND_THOUGHTS: Duration = Duration::from_millis(500);

/// Shakes hands over a connection and hangs up; until when the peer's certificate is good, where it says so. Sets no deadline.
///
/// # Errors
/// What [`PeerTlsFailure::find`] may put into words, or what the connection says.
pub async fn shake_hands(stream: TcpStream, host: &str, tls: &PeerTls) -> io::Result<Option<Timestamp>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut stream = TlsConnector::from(config(tls).await?).connect(name, stream).await?;
    let session = stream.get_ref().1;
    let expires = session.peer_certificates().and_then(<[_]>::first).and_then(certificate::expires);
    if session.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
        // In TLS 1.3 a peer looks at our certificate afterwards.
        if let Ok(read) = timeout(SECOND_THOUGHTS, stream.read(&mut [0])).await
            && read? == 0
        {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up after the handshake"));
        }
    }
    // That it hears a good-bye is a courtesy.
    drop(stream.shutdown().await);
    Ok(expires)
}

/// What TLS says went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerTlsFailure(rustls::Error);

impl PeerTlsFailure {
    /// What TLS says in an error or one of its causes, if it is about TLS at all.
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Some(Self(tls.clone()));
            }
            // What an I/O error wraps is not its source: it stands for it.
            next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inside) => Some(inside),
                None => error.source(),
            };
        }
        None
    }

    /// Whether the peer gave up the handshake for our certificate, or for want of one. In TLS 1.3 our side may be through
    /// with the handshake by then, and have written; the peer has read nothing of it.
    pub const fn refuses_us(&self) -> bool {
        use AlertDescription::{
            AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
            CertificateUnknown, UnknownCA, UnsupportedCertificate,
        };
        matches!(
            self.0,
            rustls::Error::AlertReceived(
                AccessDenied
                    | BadCertificate
                    | CertificateExpired
                    | CertificateRequired
                    | CertificateRevoked
                    | CertificateUnknown
                    | UnknownCA
                    | UnsupportedCertificate
            )
        )
    }
}

impl fmt::Display for PeerTlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CertificateError::{
            ApplicationVerificationFailure, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
            NotValidYet, NotValidYetContext, Revoked, UnknownIssuer,
        };
        let words = match &self.0 {
            rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
                "its certificate has expired"
            }
            rustls::Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
                "its certificate is not valid yet; check this machine's clock"
            }
            rustls::Error::InvalidCertificate(UnknownIssuer) => {
                "its certificate is from an unknown issuer; name its CA in tls.ca"
            }
            rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
                "the name does not match its certificate"
            }
            rustls::Error::InvalidCertificate(Revoked) => "its certificate is revoked",
            rustls::Error::InvalidCertificate(ApplicationVerificationFailure) => {
                "its certificate is not the one that is expected"
            }
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why)))
                if matches!(why.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
            {
                "its certificate is an authority's; have one made for the server, with basicConstraints=CA:FALSE (docs/tls.md)"
            }
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why)))
                if matches!(why.downcast_ref(), Some(webpki::Error::UnsupportedCertVersion)) =>
            {
                "its certificate, or its CA's, is not of X.509 version 3; have it issued anew, with subjectAltName (docs/tls.md)"
            }
            rustls::Error::InvalidMessage(_) => "it does not speak TLS there; its URL may be http://",
            rustls::Error::AlertReceived(alert) if self.refuses_us() => {
                return write!(f, "it refuses our client certificate, or asks for one ({alert:?})");
            }
            other => return write!(f, "TLS failed: {other}"),
        };
        f.write_str(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tls_says_is_found_inside_of_errors_and_told_in_words() {
        use CertificateError::{Expired, NotValidForName, UnknownIssuer};
        for (error, words) in [
            (Expired.into(), "its certificate has expired"),
            (UnknownIssuer.into(), "its certificate is from an unknown issuer; name its CA in tls.ca"),
            (NotValidForName.into(), "the name does not match its certificate"),
            (
                CertificateError::Other(OtherError(Arc::new(webpki::Error::CaUsedAsEndEntity))).into(),
                "its certificate is an authority's; have one made for the server, with basicConstraints=CA:FALSE (docs/tls.md)",
            ),
            (
                CertificateError::Other(OtherError(Arc::new(webpki::Error::UnsupportedCertVersion))).into(),
                "its certificate, or its CA's, is not of X.509 version 3; have it issued anew, with subjectAltName (docs/tls.md)",
            ),
            (
                rustls::Error::AlertReceived(AlertDescription::CertificateRequired),
                "it refuses our client certificate, or asks for one (CertificateRequired)",
            ),
        ] {
            let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
            assert_eq!(PeerTlsFailure::find(&outer).unwrap().to_string(), words);
        }
        assert_eq!(PeerTlsFailure::find(&io::Error::other("no TLS")), None);
        assert_eq!(PeerTlsFailure::find(&io::Error::from(io::ErrorKind::BrokenPipe)), None);
    }

    #[test]
    fn only_a_certificate_refused_in_the_handshake_proves_that_nothing_was_read() {
        let refuses = |alert| PeerTlsFailure(rustls::Error::AlertReceived(alert)).refuses_us();
        assert!(refuses(AlertDescription::UnknownCA));
        assert!(!refuses(AlertDescription::InternalError));
        assert!(!refuses(AlertDescription::UserCanceled));
    }
}
