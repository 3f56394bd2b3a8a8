//! The files of a door: what they hold, read whole and understood together.

use std::{
    error::Error,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use posthouse_core::mistake::Mistake;
use rustls::{
    ServerConfig,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{HTTP_1_1, certificate, pem, provider};

/// The longest file that is read, in bytes: a bundle of every public CA is a quarter of it.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// `tls` of a door: files in PEM form, which are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The door's certificate, followed by those that signed it.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The CAs that client certificates come from; `None`: none are asked for.
    pub client_ca: Option<PathBuf>,
}

/// Why the files of a door cannot be used, each with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// A file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A file does not hold what it should.
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        why: pem::PemError,
    },
    /// Certificate and key are no pair, or cannot be used.
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        why: String,
    },
    /// The look at them did not come to its end.
    BrokeOff(String),
}

impl TlsError {
    /// What is wrong, and what to do about it.
    pub fn mistake(&self) -> Mistake {
        match self {
            Self::Unreadable { path, why } => {
                (format!("{} cannot be read: {why}", path.display()), "check the path and who may read it")
                    .into()
            }
            Self::Pem { path, why } => why.mistake().at(path.display()),
            Self::Pair { cert, key, why } => {
                let (cert, key) = (cert.display(), key.display());
                let problem = format!("{cert} and {key} are no pair that can be used: {why}");
                (problem, "put the certificate of this key there, before those that signed it").into()
            }
            Self::BrokeOff(why) => {
                (format!("the TLS files could not be looked at: {why}"), "start the gateway again").into()
            }
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mistake().fmt(f)
    }
}

impl Error for TlsError {}

/// What the files hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents {
    pub(super) cert: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_ca: Option<Vec<u8>>,
}

/// What a door works with.
#[derive(Clone, Debug)]
pub struct InForce {
    /// For rustls.
    pub config: Arc<ServerConfig>,
    /// Until when the door's own certificate is good; `None` where that cannot be read.
    pub expires: Option<Timestamp>,
}

impl Contents {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError::Unreadable`].
    pub fn read(files: &Tls) -> Result<Self, TlsError> {
        Ok(Self {
            cert: read(&files.cert)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// Understands them. `files` are named in errors.
    ///
    /// # Errors
    /// [`TlsError`], but for [`TlsError::Unreadable`].
    pub fn understand(&self, files: &Tls) -> Result<InForce, TlsError> {
        let pair = |error: rustls::Error| TlsError::Pair {
            cert: files.cert.clone(),
            key: files.key.clone(),
            why: error.to_string(),
        };
        let chain = pem::chain(&self.cert).map_err(|why| at(&files.cert, why))?;
        let key = pem::private_key(&self.key).map_err(|why| at(&files.key, why))?;
        let expires = chain.first().and_then(certificate::expires);
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(pair)?
            .with_client_cert_verifier(self.client_verifier(files)?);
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(InForce { config: Arc::new(config), expires })
    }

    /// Who is asked for a certificate need not have one: whether it is needed depends on the account, which a handshake does
    /// not know. One that is shown has to be good.
    fn client_verifier(&self, files: &Tls) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let (Some(text), Some(path)) = (&self.client_ca, &files.client_ca) else {
            return Ok(WebPkiClientVerifier::no_client_auth());
        };
        let roots = pem::roots(text).map_err(|why| at(path, why))?;
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        builder
            .allow_unauthenticated()
            .build()
            .map_err(|error| at(path, pem::PemError::BadCa(error.to_string())))
    }
}

/// The files that a door needs, read and understood.
///
/// # Errors
/// [`TlsError`].
pub fn load(files: &Tls) -> Result<(Contents, InForce), TlsError> {
    let contents = Contents::read(files)?;
    let in_force = contents.understand(files)?;
    Ok((contents, in_force))
}

fn at(path: &Path, why: pem::PemError) -> TlsError {
    TlsError::Pem { path: path.to_owned(), why }
}

/// Reads a file whole, up to a limit.
///
/// # Errors
/// [`TlsError::Unreadable`].
pub fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |why: String| TlsError::Unreadable { path: path.to_owned(), why };
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    let bytes = read().map_err(|error| unreadable(error.to_string().to_lowercase()))?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_FILE_BYTES => Ok(bytes),
        _ => Err(unreadable("it is longer than 1 MiB".to_owned())),
    }
}
