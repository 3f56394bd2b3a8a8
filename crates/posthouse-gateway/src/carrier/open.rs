//! Open doors are told: a door for carriers that the world can reach, and a carrier in whose name anybody may post there.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use posthouse_core::carrier::{CarrierId, open_carriers};
use tokio_util::sync::CancellationToken;

use crate::snapshot::SnapshotCell;

/// How many carriers are told one by one.
const TOLD: usize = 20;

/// What an operator should know, a sentence each, of a door that listens here.
pub fn warnings(listen: SocketAddr, open: &BTreeSet<CarrierId>) -> Vec<String> {
    if listen.ip().to_canonical().is_loopback() {
        return Vec::new();
    }
    let remedy = "add basic_auth, allowed_ips or client_certs to [carrier.callbacks]";
    let each = open.iter().take(TOLD).map(|id| {
        format!("carrier {id}: whoever reaches {listen} may post reports and messages in its name; {remedy}")
    });
    let others = open.len().saturating_sub(TOLD);
    let others = (others > 0).then(|| format!("so it is with {others} more carriers; {remedy}"));
    each.chain(others).collect()
}

/// Logs which doors are open: at the start, and what was opened whenever provisioning changes.
pub async fn watch(listen: SocketAddr, snapshot: Arc<SnapshotCell>, stop: CancellationToken) {
    let mut changes = snapshot.changes();
    let mut told = BTreeSet::new();
    loop {
        let open = open_carriers(snapshot.get().carriers().map(|carrier| &**carrier));
        for warning in warnings(listen, &open.difference(&told).cloned().collect()) {
            tracing::warn!(warning, "a door is open");
        }
        told = open;
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(listen: &str, ids: usize) -> Vec<String> {
        let ids = (0..ids).map(|number| CarrierId(format!("{number:03}"))).collect();
        warnings(listen.parse().unwrap(), &ids)
    }

    #[test]
    fn only_a_door_beyond_loopback_is_open() {
        for listen in ["127.0.0.1:8008", "127.9.9.9:8008", "[::1]:8008", "[::ffff:127.0.0.1]:8008"] {
            assert_eq!(told(listen, 1), [""; 0], "{listen}");
        }
        for listen in ["0.0.0.0:8008", "[::]:8008", "192.0.2.1:8008", "10.0.0.1:8008"] {
            let expected = format!(
                "carrier 000: whoever reaches {listen} may post reports and messages in its name; \
                 add basic_auth, allowed_ips or client_certs to [carrier.callbacks]"
            );
            assert_eq!(told(listen, 1), [expected]);
        }
        assert_eq!(told("0.0.0.0:8008", 0), [""; 0]);
    }

    #[test]
    fn of_many_the_first_are_told_and_the_others_counted() {
        let told = told("0.0.0.0:8008", 120);
        assert_eq!(told.len(), 21);
        assert!(told[20].starts_with("so it is with 100 more carriers; "), "{told:?}");
    }
}
