//! The doors: bound before anything starts, opened once all is in place.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{error::StartError, ready::Ready, wiring::Wiring};
use crate::{
    admin::AdminDoor,
    config::Settings,
    http::{limits::ConnectionLimits, proxies::Proxies, server::Door},
    spawn::spawn,
    tls::{door::DoorTls, files::Tls},
};

/// How many connections each door serves at a time, where the process may open enough files.
const CONNECTIONS: usize = 10_000;
/// Files that no door's connections take, however few the process may open: the store's (some 30 at rest), its next media segments, and
/// connections that are being closed. A store that can open none answers 3000.
const OWN_FILES: u64 = 64;
/// Of the others, one in this many may be a connection of this door: half of them of the one where all VASPs submit, a quarter of the
/// carriers', few of operators'. The way to the carriers has the rest.
const FILES_PER_MM7: u64 = 2;
const FILES_PER_CARRIERS: u64 = 4;
const FILES_PER_ADMIN: u64 = 16;
/// How many of a door's connections may be in their TLS handshake at a time: one in this many.
const HANDSHAKES: usize = 4;
/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a request's head may take.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a peer may take nothing of an answer.
const STALLED_TIME: Duration = Duration::from_secs(15);
/// How long a stop waits for requests under way.
const STOP_TIME: Duration = Duration::from_secs(15);

/// The doors, bound.
pub(super) struct Doors {
    mm7: Door,
    carriers: Door,
    admin: Door,
}

impl Doors {
    pub(super) async fn bind(settings: &Settings) -> Result<Self, StartError> {
        Ok(Self {
            mm7: bind("mm7", settings.mm7.listen, settings.mm7.tls.as_ref(), FILES_PER_MM7)
                .await?
                .behind(Proxies(settings.mm7.trusted_proxies.clone())),
            carriers: bind(
                "carriers",
                settings.carriers.listen,
                settings.carriers.tls.as_ref(),
                FILES_PER_CARRIERS,
            )
            .await?
            .behind(Proxies(settings.carriers.trusted_proxies.clone())),
            admin: bind("admin", settings.admin.listen, settings.admin.tls.as_ref(), FILES_PER_ADMIN).await?,
        })
    }

    /// The certificates that are to be followed.
    pub(super) fn certificates(&self) -> Vec<Arc<DoorTls>> {
        [&self.mm7, &self.carriers, &self.admin].into_iter().filter_map(|door| door.tls().cloned()).collect()
    }

    /// Where they are found.
    pub(super) fn ready(&self, settings: &Settings) -> Result<Ready, StartError> {
        let url = |section, door: &Door, address, path: &str| match door.address() {
            Ok(bound) => Ok(format!("{}://{bound}{path}", door.scheme())),
            Err(source) => Err(StartError::Listen { section, address, source }),
        };
        Ok(Ready {
            mm7: url("mm7", &self.mm7, settings.mm7.listen, &settings.mm7.path)?,
            carriers: url("carriers", &self.carriers, settings.carriers.listen, &settings.carriers.path)?,
            admin: url("admin", &self.admin, settings.admin.listen, "")?,
        })
    }

    /// Opens them; they are found there. Each task ends once `stop` came and its door's requests are answered.
    pub(super) async fn open(
        self,
        wiring: &Wiring,
        (settings, ready): (&Settings, &Ready),
        stop: &CancellationToken,
    ) -> Result<Vec<JoinHandle<()>>, StartError> {
        let mm7 = Arc::new(wiring.mm7_door(settings).await?);
        let carriers = Arc::new(wiring.carrier_door(settings));
        let admin = Arc::new(AdminDoor::new(wiring.admin(settings, Arc::clone(&mm7), ready.mm7.clone())));
        Ok(vec![
            spawn(self.mm7.serve(move |request, peer| Arc::clone(&mm7).answer(request, peer), stop.clone())),
            spawn(
                self.carriers
                    .serve(move |request, peer| Arc::clone(&carriers).answer(request, peer), stop.clone()),
            ),
            spawn(
                self.admin.serve(move |request, peer| Arc::clone(&admin).answer(request, peer), stop.clone()),
            ),
        ])
    }
}

/// How many connections a door serves at a time, when it may take one file of the process in this many.
fn connections(files_per_connection: u64) -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    files.map_or(CONNECTIONS, |files| share(files, files_per_connection))
}

/// The same where the process may open so many files.
fn share(files: u64, files_per_connection: u64) -> usize {
    let share = files.saturating_sub(OWN_FILES) / files_per_connection;
    usize::try_from(share).unwrap_or(CONNECTIONS).clamp(1, CONNECTIONS)
}

async fn bind(
    section: &'static str,
    address: SocketAddr,
    tls: Option<&Tls>,
    files_per_connection: u64,
) -> Result<Door, StartError> {
    let connections = connections(files_per_connection);
    let limits = ConnectionLimits {
        connections,
        handshakes: connections.div_ceil(HANDSHAKES),
        handshake: HANDSHAKE_TIME,
        head: HEAD_TIME,
        stalled: STALLED_TIME,
        stop: STOP_TIME,
    };
    let tls = match tls {
        Some(files) => Some(Arc::new(load(section, files).await?)),
        None => None,
    };
    Door::bind(address, limits, tls).map_err(|source| StartError::Listen { section, address, source })
}

async fn load(section: &'static str, files: &Tls) -> Result<DoorTls, StartError> {
    DoorTls::load(section, files.clone()).await.map_err(|source| StartError::Tls { section, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_the_store_its_files() {
        let doors =
            |files| [FILES_PER_MM7, FILES_PER_CARRIERS, FILES_PER_ADMIN].map(|one_in| share(files, one_in));
        for (files, expected) in [
            (0, [1, 1, 1]),
            (256, [96, 48, 12]),
            (1024, [480, 240, 60]),
            (20_064, [10_000, 5000, 1250]),
            (u64::MAX, [CONNECTIONS; 3]),
        ] {
            assert_eq!(doors(files), expected, "{files}");
        }
    }
}
