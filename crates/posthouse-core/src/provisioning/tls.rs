//! TLS towards a peer that we call: the CAs that we trust, and the certificate that we show.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How TLS is spoken to a peer whose URL is https. Texts in PEM form are kept, not paths: all nodes share them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PeerTls {
    /// The CAs that the peer's certificate may come from; `None`: those that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// What we show when the peer asks for a client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// A certificate of ours and its key.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The certificate, followed by those that signed it.
    pub cert: String,
    /// The private key: a secret.
    pub key: String,
}

impl fmt::Debug for Identity {
    /// Never shows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("cert", &self.cert).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_kept_and_not_shown() {
        let identity = Identity { cert: "the certificate".to_owned(), key: "hush".to_owned() };
        let tls = PeerTls { ca: None, identity: Some(identity) };
        let shown = format!("{tls:?}");
        assert!(shown.contains("the certificate") && !shown.contains("hush"), "{shown}");
        let kept = serde_json::to_string(&tls).unwrap();
        assert_eq!(serde_json::from_str::<PeerTls>(&kept).unwrap(), tls);
        assert_eq!(serde_json::from_str::<PeerTls>("{}").unwrap(), PeerTls::default());
    }
}
