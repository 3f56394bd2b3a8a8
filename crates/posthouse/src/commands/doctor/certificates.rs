//! Certificates of our own, at the doors and towards peers: such that can be used, are still good for a while, and are asked for where
//! they can be shown.

use jiff::Timestamp;
use posthouse_core::{
    carrier::Connection,
    expiry::{CertificateState, judged},
    provisioning::Provisioning,
    tls::Identity,
};
use posthouse_gateway::{
    config::Settings,
    tls::{
        certificate,
        files::{self, Tls},
        pem,
    },
};

use super::finding::DoctorFinding;

/// The TLS files of each door that has some.
pub(super) fn of_doors(settings: &Settings, now: Timestamp) -> Vec<DoctorFinding> {
    let doors =
        [("mm7", &settings.mm7.tls), ("carriers", &settings.carriers.tls), ("admin", &settings.admin.tls)];
    doors.into_iter().filter_map(|(section, tls)| Some(of_door(section, tls.as_ref()?, now))).collect()
}

fn of_door(section: &str, tls: &Tls, now: Timestamp) -> DoctorFinding {
    match files::load(tls) {
        Ok((_, in_force)) => judge(&format!("{section}.tls.cert"), in_force.expires, now),
        Err(error) => DoctorFinding::mend("tls", format!("{section}.tls: {error}")),
    }
}

/// What is shown to peers that ask for a client certificate.
pub(super) fn towards_peers(provisioning: &Provisioning, now: Timestamp) -> Vec<DoctorFinding> {
    let connections = provisioning.carriers.iter().flat_map(|carrier| {
        let name = |connection: &Connection| format!("{} {} tls.cert", carrier.id, connection.name);
        carrier.connections.iter().map(move |connection| (name(connection), connection.tls.as_ref()))
    });
    let vasps = provisioning
        .accounts
        .iter()
        .map(|account| (format!("{} callbacks.tls.cert", account.name), account.callbacks.tls.as_ref()));
    let lookup = provisioning.lookup.iter().map(|lookup| ("lookup.tls.cert".to_owned(), lookup.tls.as_ref()));
    let all = connections.chain(vasps).chain(lookup);
    let shown = all.filter_map(|(name, tls)| Some((name, tls?.identity.as_ref()?)));
    shown.map(|(name, identity)| judge(&name, expires(identity), now)).collect()
}

fn expires(identity: &Identity) -> Option<Timestamp> {
    certificate::expires(pem::certificates(identity.cert.as_bytes()).ok()?.first()?)
}

/// Client certificates that are required at a door that cannot ask for them.
pub(super) fn never_shown(provisioning: &Provisioning, settings: &Settings) -> Vec<DoctorFinding> {
    let accounts = provisioning.accounts.iter().map(|account| {
        (account.name.to_string(), !account.client_certs.is_empty(), "mm7", &settings.mm7.tls, "2568")
    });
    let carriers = provisioning.carriers.iter().map(|carrier| {
        let asked_for = !carrier.inbound.client_certs.is_empty();
        (format!("{} callbacks", carrier.id), asked_for, "carriers", &settings.carriers.tls, "HTTP 403")
    });
    let all = accounts.chain(carriers);
    let in_vain = all.filter(|(_, asked_for, _, tls, _)| {
        *asked_for && tls.as_ref().is_none_or(|tls| tls.client_ca.is_none())
    });
    let told = |(name, _, section, _, refused)| {
        format!(
            "{name}: client_certs asks for a certificate that nobody can show, and all is refused by {refused}; \
             name the CA in [{section}] tls.client_ca"
        )
    };
    in_vain.map(|found| DoctorFinding::mend("tls", told(found))).collect()
}

/// Judges a certificate by its end. `None`: it does not say when that is.
pub(super) fn judge(name: &str, expires: Option<Timestamp>, now: Timestamp) -> DoctorFinding {
    let (state, said) = judged(name, expires, now);
    match state {
        CertificateState::Good => DoctorFinding::fine("tls", said),
        CertificateState::Soon => DoctorFinding::note("tls", said),
        CertificateState::Now | CertificateState::Over => DoctorFinding::mend("tls", said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_judged_by_the_days_that_it_has_left() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let found = |expires: &str| judge("mm7.tls.cert", Some(expires.parse().unwrap()), now);
        assert_eq!(
            found("2026-03-31T12:00:00Z"),
            DoctorFinding::fine("tls", "mm7.tls.cert is good until 2026-03-31T12:00:00Z, 30 days")
        );
        assert_eq!(
            found("2026-03-31T11:59:59Z"),
            DoctorFinding::note(
                "tls",
                "mm7.tls.cert expires at 2026-03-31T11:59:59Z, in 29 days; have a new one made"
            )
        );
        let soon = "mm7.tls.cert expires at 2026-03-08T12:00:00Z, in 7 days; have a new one made";
        assert_eq!(found("2026-03-08T12:00:00Z"), DoctorFinding::note("tls", soon));
        let now = "mm7.tls.cert expires at 2026-03-08T11:59:59Z, in 6 days; have a new one made";
        assert_eq!(found("2026-03-08T11:59:59Z"), DoctorFinding::mend("tls", now));
        assert_eq!(
            found("2026-03-01T12:00:00Z"),
            DoctorFinding::mend("tls", "mm7.tls.cert expired at 2026-03-01T12:00:00Z; put a new one there")
        );
    }
}
