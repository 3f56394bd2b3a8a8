//! The gateway that runs on a store, as other commands find it: by the file that it keeps beside the database.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use posthouse_gateway::{
    config::{Settings, settings::Tls},
    tls::{
        client::{PeerTlsFailure, pinned},
        files,
    },
};
use posthouse_sim::http::{Client, ClientError};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// How often the gateway is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Whether a change has reached the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// No gateway runs on this store.
    NotRunning,
    /// A gateway left its file and is not there any more.
    Gone {
        /// The file.
        file: PathBuf,
    },
    /// The gateway has it.
    Taken {
        /// Where the gateway's operators look.
        admin: String,
    },
    /// The gateway runs, and has not taken it in time.
    Late {
        /// Where the gateway's operators look.
        admin: String,
        /// What it said instead.
        said: String,
    },
}

/// Waits until the gateway that runs on the store of these settings, if any, works with this revision of provisioning; at most
/// this long. Where it speaks TLS, it has to show the certificate that is in the file of `[admin]` `tls`.
///
/// # Errors
/// The gateway's file cannot be read.
pub async fn reach(settings: &Settings, revision: u64, wait: Duration) -> anyhow::Result<Reached> {
    let file = posthouse_gateway::app::run_file(&settings.store.path);
    let Some(admin) = admin_of(&file)? else { return Ok(Reached::NotRunning) };
    let deadline = Instant::now() + wait;
    loop {
        let said = match revision_at(&admin, settings.admin.tls.as_ref(), wait).await {
            Ok(there) if there >= revision => return Ok(Reached::Taken { admin }),
            Ok(there) => format!("it is at revision {there}"),
            Err(error) => match (PeerTlsFailure::find(&*error), error.downcast_ref()) {
                (Some(broken), _) => broken.to_string(),
                (None, Some(ClientError::Connect { .. })) => return Ok(Reached::Gone { file }),
                (None, _) => format!("{error:#}"),
            },
        };
        if Instant::now() >= deadline {
            return Ok(Reached::Late { admin, said });
        }
        sleep(ASK_EVERY).await;
    }
}

fn client(admin: &str, tls: Option<&Tls>, wait: Duration) -> anyhow::Result<Client> {
    let client = Client::new(wait);
    if !admin.starts_with("https://") {
        return Ok(client);
    }
    let tls = tls.with_context(|| {
        format!("the gateway at {admin} speaks TLS, and [admin] has no tls; name the configuration that it runs with by -c")
    })?;
    let path = tls.cert.display();
    let config = pinned(&files::read(&tls.cert)?).with_context(|| format!("{path} cannot be used"))?;
    Ok(client.with_tls(config))
}

/// Where the gateway of a file is administered; `None` without a file.
fn admin_of(file: &Path) -> anyhow::Result<Option<String>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    let line: Value = serde_json::from_str(&text).unwrap_or_default();
    let admin = line.get("admin").and_then(Value::as_str);
    let admin =
        admin.with_context(|| format!("{} does not say where the gateway is; remove it", file.display()))?;
    Ok(Some(admin.to_owned()))
}

/// How many lines of its log a gateway dropped since nobody read them; `None` where it does not say, or not to us.
pub async fn dropped_log_lines(settings: &Settings, admin: &str, wait: Duration) -> Option<u64> {
    let client = client(admin, settings.admin.tls.as_ref(), wait).ok()?;
    let mut request = http::Request::get(format!("{admin}/metrics"));
    if let Some(token) = &settings.admin.token {
        request = request.header(http::header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    let answer = client.send(request.body(Default::default()).ok()?).await.ok()?;
    let text = std::str::from_utf8(answer.body()).ok()?;
    text.lines().find_map(|line| line.strip_prefix("posthouse_log_lines_dropped_total ")?.parse().ok())
}

/// The revision that a gateway works with, ready or not.
async fn revision_at(admin: &str, tls: Option<&Tls>, wait: Duration) -> anyhow::Result<u64> {
    // Made anew each time: the certificate's file may just have changed, and the gateway soon follows.
    let client = client(admin, tls, wait)?;
    let request = http::Request::get(format!("{admin}/readyz")).body(Default::default())?;
    let answer = client.send(request).await?;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let revision = body.get("revision").and_then(Value::as_u64);
    revision.with_context(|| format!("HTTP {} without a revision", answer.status().as_u16()))
}

#[cfg(test)]
mod tests {
    use posthouse_gateway::app::run_file;
    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// Settings of a gateway on this store.
    fn on(store: &Path) -> Settings {
        let mut settings = Settings::default();
        settings.store.path = store.to_owned();
        settings
    }

    /// A gateway that tells one revision after the other, the last one again and again.
    async fn gateway(store: &Path, revisions: &'static [u64]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}", listener.local_addr().unwrap());
        fs::write(run_file(store), json!({"event": "ready", "admin": admin, "pid": 1}).to_string()).unwrap();
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut peer, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let length = peer.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /readyz HTTP/1.1\r\n"));
                let revision = revisions.get(turn).or(revisions.last()).unwrap();
                let body = json!({"ready": true, "revision": revision}).to_string();
                let head =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                peer.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        admin
    }

    #[tokio::test]
    async fn without_a_file_no_gateway_runs() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(reach(&on(&folder.path().join("a.db")), 1, LONG).await.unwrap(), Reached::NotRunning);
    }

    #[tokio::test]
    async fn a_gateway_is_asked_until_it_has_the_revision() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.db");
        let admin = gateway(&store, &[3, 3, 4]).await;
        assert_eq!(reach(&on(&store), 4, LONG).await.unwrap(), Reached::Taken { admin });
    }

    #[tokio::test]
    async fn a_gateway_that_stays_behind_is_late() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.db");
        let admin = gateway(&store, &[3]).await;
        let said = "it is at revision 3".to_owned();
        assert_eq!(
            reach(&on(&store), 4, Duration::from_millis(100)).await.unwrap(),
            Reached::Late { admin, said }
        );
    }

    #[tokio::test]
    async fn a_file_whose_gateway_does_not_answer_is_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.db");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        fs::write(run_file(&store), json!({"admin": admin}).to_string()).unwrap();
        assert_eq!(reach(&on(&store), 4, LONG).await.unwrap(), Reached::Gone { file: run_file(&store) });
    }

    #[tokio::test]
    async fn a_file_that_says_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.db");
        fs::write(run_file(&store), "{").unwrap();
        let told = reach(&on(&store), 4, LONG).await.unwrap_err().to_string();
        assert!(told.ends_with("a.db.gateway.json does not say where the gateway is; remove it"), "{told}");
    }
}
