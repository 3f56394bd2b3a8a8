//! Why a gateway does not start.

use std::net::SocketAddr;

use posthouse_core::store::StoreError;
use posthouse_store::OpenError;

use crate::tls::files::TlsError;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Open(#[from] OpenError),
    /// The store does not work.
    #[error("the store does not work")]
    Store(#[from] StoreError),
    /// An address cannot be listened at.
    #[error(
        "cannot listen at {address}; stop what listens there, or put another address into [{section}] listen"
    )]
    Listen {
        /// The section of the configuration.
        section: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder of CDR files cannot be used.
    #[error("[cdr] folder {} cannot be used; make it writable for this user, or name another", path.display())]
    Cdr {
        /// The folder.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The TLS files of a door cannot be used.
    #[error("the files of [{section}] tls cannot be used")]
    Tls {
        /// The section of the configuration.
        section: &'static str,
        /// Which file, and why; the remedy with it.
        source: TlsError,
    },
    /// The clock is off: what it would say of messages is wrong.
    #[error("{0}")]
    Clock(String),
    /// A header name in the configuration is none.
    #[error("{0:?} is no name of an HTTP header; put another into [mm7] carrier_id_header")]
    HeaderName(String),
    /// The system has no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}
