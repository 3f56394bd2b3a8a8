//! Until when the certificates are good that are shown at doors and to peers.

use jiff::Timestamp;
use posthouse_core::{
    account::Account,
    carrier::Carrier,
    expiry::{CertificateEnd, CertificateSide},
    provisioning::Snapshot,
    tls::{Identity, PeerTls},
};

use super::{certificate, pem};
use crate::telemetry::Metrics;

/// Those at the doors, then those towards peers.
pub(crate) fn all(metrics: &Metrics, snapshot: &Snapshot) -> Vec<CertificateEnd> {
    let mut ends = metrics.doors_certificates();
    ends.extend(towards_peers(
        snapshot.carriers().map(|carrier| &**carrier),
        snapshot.accounts().map(|account| &**account),
        snapshot.lookup().tls.as_ref(),
    ));
    ends
}

/// Those of these carriers' connections, of these accounts' callbacks, and of the lookup service. What reads PEM texts: it is done when
/// somebody asks.
fn towards_peers<'a>(
    carriers: impl IntoIterator<Item = &'a Carrier>,
    accounts: impl IntoIterator<Item = &'a Account>,
    lookup: Option<&PeerTls>,
) -> Vec<CertificateEnd> {
    let end = |side, name: String, tls: Option<&PeerTls>| {
        let identity = tls?.identity.as_ref()?;
        Some(CertificateEnd { side, name, expires: expires(identity) })
    };
    let mut ends = Vec::new();
    for carrier in carriers {
        ends.extend(carrier.connections.iter().filter_map(|connection| {
            let name = format!("{}/{}", carrier.id, connection.name);
            end(CertificateSide::Carrier, name, connection.tls.as_ref())
        }));
    }
    for account in accounts {
        ends.extend(end(CertificateSide::Account, account.name.0.clone(), account.callbacks.tls.as_ref()));
    }
    ends.extend(end(CertificateSide::Lookup, "lookup".to_owned(), lookup));
    ends
}

fn expires(identity: &Identity) -> Option<Timestamp> {
    certificate::expires(pem::certificates(identity.cert.as_bytes()).ok()?.first()?)
}
