//! TLS for connections to the server, with rustls.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::{TlsConnector, client::TlsStream as Secured};

/// Whose certificate is accepted; what is verified is so against these certificates (PEM), or the system's.
pub(super) enum ServerTrust {
    /// Anybody's: what is said is protected against listeners, but not against somebody in between.
    Anybody,
    /// Whoever has one of an authority.
    AnyName(Option<Vec<u8>>),
    /// The host that is called.
    Verified(Option<Vec<u8>>),
}

/// How connections are protected.
#[derive(Clone, Debug)]
pub(super) struct ServerTls(Arc<ClientConfig>);

impl ServerTls {
    /// With a certificate and a key (PEM) of our own, if there are such.
    ///
    /// # Errors
    /// Why these cannot be used.
    pub(super) fn new(trust: ServerTrust, own: Option<(Vec<u8>, Vec<u8>)>) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let verifier = verifier(trust, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => {
                let key = PrivateKeyDer::from_pem_slice(&key)
                    .map_err(|error| format!("sslkey holds no key: {error}"))?;
                builder
                    .with_client_auth_cert(pem(&certificates, "sslcert")?, key)
                    .map_err(|error| format!("sslcert and sslkey do not fit: {error}"))?
            }
        };
        Ok(Self(Arc::new(config)))
    }
}

fn verifier(
    trust: ServerTrust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let (roots, any_name) = match trust {
        ServerTrust::Anybody => return Ok(Arc::new(Lenient { provider: Arc::clone(provider), chain: None })),
        ServerTrust::AnyName(roots) => (roots, true),
        ServerTrust::Verified(roots) => (roots, false),
    };
    let mut store = RootCertStore::empty();
    let certificates = match roots {
        Some(roots) => pem(&roots, "sslrootcert")?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    store.add_parsable_certificates(certificates);
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map_err(|error| format!("sslrootcert names no authority: {error}"))?;
    if any_name {
        return Ok(Arc::new(Lenient { provider: Arc::clone(provider), chain: Some(chain) }));
    }
    Ok(chain)
}

fn pem(bytes: &[u8], parameter: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let certificates = certificates.map_err(|error| format!("{parameter} holds no certificate: {error}"))?;
    if certificates.is_empty() { Err(format!("{parameter} holds no certificate")) } else { Ok(certificates) }
}

/// Does not ask for which name a certificate is, as libpq up to `verify-ca`.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is what is verified last.
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl<S> MakeTlsConnect<S> for ServerTls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsSocket<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        // A socket has no name; what comes over it the server does not protect.
        let domain = if domain.is_empty() { "localhost" } else { domain };
        let name = ServerName::try_from(domain.to_owned())
            .map_err(|_| io::Error::other(format!("{domain} is no name of a host")))?;
        Ok(Handshake { config: Arc::clone(&self.0), name })
    }
}

/// A handshake to come.
pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsSocket<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TlsSocket<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let secured = TlsConnector::from(self.config).connect(self.name, stream).await?;
            Ok(TlsSocket(Box::new(secured)))
        })
    }
}

/// A protected connection.
pub(super) struct TlsSocket<S>(Box<Secured<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for TlsSocket<S> {
    /// Which certificate a channel is bound to is left open, as where the server has a password that is no SCRAM secret.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
