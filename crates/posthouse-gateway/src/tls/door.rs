//! A door's certificate, key and client CA: in force, and exchanged when the files change.
//!
//! A new connection gets what is in force at that moment; connections that are open stay as they are. What is new in the files
//! and cannot be used changes nothing: it is logged, once, with the remedy.

use std::{fmt, sync::Arc, time::Duration};

use posthouse_core::lock::RwLock;
use rustls::ServerConfig;
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use super::files::{Contents, InForce, Tls, TlsError, load};
use crate::telemetry::Metrics;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What was found at a look.
type Found = Result<Contents, TlsError>;

/// The TLS of one door.
pub struct DoorTls {
    section: &'static str,
    files: Tls,
    first: Contents,
    in_force: RwLock<InForce>,
}

impl fmt::Debug for DoorTls {
    /// Shows no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoorTls")
            .field("section", &self.section)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl DoorTls {
    /// Reads the files of a door, which is called by its section of the configuration.
    ///
    /// # Errors
    /// [`TlsError`].
    pub async fn load(section: &'static str, files: Tls) -> Result<Self, TlsError> {
        let (first, in_force) = off_the_runtime({
            let files = files.clone();
            move || load(&files)
        })
        .await?;
        Ok(Self { section, files, first, in_force: RwLock::new(in_force) })
    }

    /// What is in force for connections that begin now.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.in_force.read().config)
    }

    /// Follows the files till `stop`.
    pub async fn follow(self: Arc<Self>, metrics: Arc<Metrics>, stop: CancellationToken) {
        let mut judge = Judge::new(self.first.clone());
        self.tell(&metrics);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
            let files = self.files.clone();
            let found = off_the_runtime(move || Contents::read(&files)).await;
            let Some(new) = judge.look(found) else { continue };
            match self.take(new).await {
                Ok(()) => self.tell(&metrics),
                Err(error) => tracing::error!(
                    %error,
                    section = self.section,
                    "the new TLS files cannot be used; those before stay in force"
                ),
            }
        }
    }

    async fn take(&self, found: Found) -> Result<(), TlsError> {
        let (contents, files) = (found?, self.files.clone());
        let in_force = off_the_runtime(move || contents.understand(&files)).await?;
        *self.in_force.write() = in_force;
        Ok(())
    }

    /// Tells what is in force now.
    fn tell(&self, metrics: &Metrics) {
        let expires = self.in_force.read().expires;
        let Some(expires) = expires else { return };
        metrics.certificate_expires(self.section, expires);
        tracing::info!(section = self.section, %expires, "TLS certificate in force");
    }
}

/// Runs what reads files, or computes, where it holds nobody up.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TlsError> + Send + 'static,
) -> Result<T, TlsError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(TlsError::BrokeOff(error.to_string())))
}

/// Says when something new is there to be taken.
struct Judge {
    /// What was judged last: is in force, or is not and was told.
    judged: Found,
    /// What the last look found.
    last: Option<Found>,
}

impl Judge {
    const fn new(in_force: Contents) -> Self {
        Self { judged: Ok(in_force), last: None }
    }

    /// Something new counts once it stood still for a look: certificate and key are written one after the other.
    fn look(&mut self, found: Found) -> Option<Found> {
        let stands = self.last.as_ref() == Some(&found);
        self.last = Some(found.clone());
        if !stands || found == self.judged {
            return None;
        }
        self.judged = found.clone();
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Found {
        let bytes = || text.as_bytes().to_vec();
        Ok(Contents { cert: bytes(), key: bytes(), client_ca: None })
    }

    #[test]
    fn something_new_counts_once_it_stands_still_and_only_once() {
        let missing = || Err(TlsError::BrokeOff("missing".to_owned()));
        let mut judge = Judge::new(contents("a").unwrap());
        for (found, counts) in [
            (contents("a"), false),
            (contents("b"), false),
            (contents("c"), false),
            (contents("c"), true),
            (contents("c"), false),
            (missing(), false),
            (contents("c"), false),
            (missing(), false),
            (missing(), true),
            (missing(), false),
            (contents("c"), false),
            (contents("c"), true),
            (contents("a"), false),
            (contents("a"), true),
        ] {
            let expected = counts.then(|| found.clone());
            assert!(judge.look(found) == expected);
        }
    }
}
