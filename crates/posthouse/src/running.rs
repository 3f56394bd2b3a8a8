//! The gateway that runs on a store, as other commands find it: by the file that it keeps beside the database.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use posthouse_api::{ApiClient, ApiError, ProblemCode};
use posthouse_core::{
    cluster::ALIVE_FOR,
    store::{Node, NodeKind},
};
use posthouse_gateway::{
    admin::run_token,
    config::Settings,
    tls::{
        client::{PeerTlsFailure, pinned},
        files::{self, Tls},
    },
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    complaints::unreadable,
    target::{GatewayAddress, visit},
    who::user,
};

/// How often the gateway is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How long a gateway may take to say that its API can be used.
const GREETING: Duration = Duration::from_secs(2);
/// How long one answer of its API may take.
const ANSWER: Duration = Duration::from_secs(300);

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
    let Some(RunFile { admin, .. }) = RunFile::read(&file)? else { return Ok(Reached::NotRunning) };
    Ok(match reach_at(admin, settings.admin.tls.as_ref(), revision, wait).await {
        Some(reached) => reached,
        None => Reached::Gone { file },
    })
}

/// Waits until every gateway that serves a store for several works with this revision of provisioning; at most this long. `None` once all
/// do, or where the store is for one: else which do not, and how far they are.
///
/// # Errors
/// The store cannot be read.
pub async fn reach_others(
    settings: &Settings,
    revision: u64,
    wait: Duration,
) -> anyhow::Result<Option<Reached>> {
    if settings.store.postgres.is_none() {
        return Ok(None);
    }
    let (store, begun) = (visit(settings, false).await?, Instant::now());
    let first = store.nodes().await?;
    let late = loop {
        let nodes = store.nodes().await?;
        // This machine's clock need not agree with the store's: which nodes are alive is told by what is heard of them meanwhile.
        let is_dead = |node: &Node| {
            let before = first.iter().find(|before| before.owner == node.owner);
            begun.elapsed() >= ALIVE_FOR && before.is_some_and(|before| before.beat_at == node.beat_at)
        };
        let is_late =
            |node: &&Node| node.kind == NodeKind::Gateway && node.revision < revision && !is_dead(node);
        let late: Vec<&Node> = nodes.iter().filter(is_late).collect();
        let Some(first) = late.first() else { break None };
        if begun.elapsed() >= wait {
            let admin = late.iter().map(|node| node.address.as_str()).collect::<Vec<_>>().join(", ");
            break Some(Reached::Late { admin, said: format!("it is at revision {}", first.revision) });
        }
        sleep(ASK_EVERY).await;
    };
    store.close().await?;
    Ok(late)
}

/// The same for the gateway at this URL; `None` when nothing listens there.
pub async fn reach_at(admin: String, tls: Option<&Tls>, revision: u64, wait: Duration) -> Option<Reached> {
    let deadline = Instant::now() + wait;
    loop {
        let said = match revision_at(&admin, tls, wait).await {
            Ok(there) if there >= revision => return Some(Reached::Taken { admin }),
            Ok(there) => format!("it is at revision {there}"),
            Err(error) => match (PeerTlsFailure::find(&*error), error.downcast_ref()) {
                (Some(broken), _) => broken.to_string(),
                (None, Some(ApiError::Connect { .. })) => return None,
                (None, _) => format!("{error:#}"),
            },
        };
        if Instant::now() >= deadline {
            return Some(Reached::Late { admin, said });
        }
        sleep(ASK_EVERY).await;
    }
}

/// The API of the gateway that runs on the store of these settings. `None` where no gateway runs there, or its API cannot be used: it
/// is of an older version, its admin door cannot be reached, or we do not know its token. Commands then go to the store itself.
///
/// # Errors
/// The token that was given with `--token` is refused: whoever gives one wants to act as its owner, and as nobody else.
pub async fn api(settings: &Settings, gateway: &GatewayAddress) -> anyhow::Result<Option<ApiClient>> {
    let file = posthouse_gateway::app::run_file(&settings.store.path);
    let Ok(Some(RunFile { admin, pid })) = RunFile::read(&file) else { return Ok(None) };
    // Where there is a token of the run, it is the one: none is configured.
    let of_run = || run_token::read(&run_token::token_file(&settings.store.path));
    let token = gateway.token.clone().or_else(of_run).or_else(|| known_token(settings, gateway));
    let client = client(&admin, settings.admin.tls.as_ref(), GREETING).ok();
    let Some((client, token)) = client.zip(token) else { return Ok(None) };
    let api = client.with_token(&token).saying(gateway.reason.as_deref(), Some(&user()));
    match api.version().await {
        // The file may be left over, and another gateway may have taken the port since.
        Ok(version) => Ok((Some(version.pid) == pid).then(|| api.with_timeout(ANSWER))),
        Err(ApiError::Refused(problem))
            if gateway.token.is_some() && problem.is(ProblemCode::Unauthorized) =>
        {
            Err((*problem).into())
        }
        Err(_) => Ok(None),
    }
}

/// The API of the gateway that is meant: at the URL that was given, or the one that runs on the store.
///
/// # Errors
/// No gateway runs there, or its API cannot be used.
pub async fn required(settings: &Settings, gateway: &GatewayAddress) -> anyhow::Result<ApiClient> {
    if let Some(url) = &gateway.url {
        return api_at(url, settings, gateway);
    }
    let found = api(settings, gateway).await?;
    found.with_context(|| {
        format!(
            "no gateway runs on {}, or its API cannot be used; -c or --url says which is meant",
            settings.store.shown()
        )
    })
}

/// The API of the gateway at this URL. The token beside the store is never sent there: the URL may be another gateway's.
///
/// # Errors
/// TLS cannot be set up.
pub fn api_at(url: &str, settings: &Settings, gateway: &GatewayAddress) -> anyhow::Result<ApiClient> {
    let client = client(url, settings.admin.tls.as_ref(), ANSWER)?.saying(gateway.reason.as_deref(), None);
    Ok(match known_token(settings, gateway) {
        Some(token) => client.with_token(&token),
        None => client,
    })
}

/// The token that was given, is in the environment, or is configured.
fn known_token(settings: &Settings, gateway: &GatewayAddress) -> Option<String> {
    let configured = || settings.admin.token.as_ref().map(|token| token.expose().to_owned());
    gateway.token().or_else(configured)
}

fn client(admin: &str, tls: Option<&Tls>, wait: Duration) -> anyhow::Result<ApiClient> {
    let client = ApiClient::new(admin, wait);
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

/// What a running gateway writes beside its store.
struct RunFile {
    /// Where it is administered.
    admin: String,
    /// Its process.
    pid: Option<u32>,
}

impl RunFile {
    /// Reads it; `None` where there is none.
    fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(file.display(), error)),
        };
        let line: Value = serde_json::from_str(&text).unwrap_or_default();
        let admin = line.get("admin").and_then(Value::as_str);
        let admin = admin
            .with_context(|| format!("{} does not say where the gateway is; remove it", file.display()))?;
        let pid = line.get("pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok());
        Ok(Some(Self { admin: admin.to_owned(), pid }))
    }
}

/// How many log lines a gateway dropped because its stderr was not read; `None` when it does not tell us.
pub async fn dropped_log_lines(settings: &Settings, admin: &str, wait: Duration) -> Option<u64> {
    let client = client(admin, settings.admin.tls.as_ref(), wait).ok()?;
    let client = match &settings.admin.token {
        Some(token) => client.with_token(token.expose()),
        None => client,
    };
    let answer = client.get_raw("/metrics").await.ok()?;
    let text = std::str::from_utf8(answer.body()).ok()?;
    text.lines().find_map(|line| line.strip_prefix("posthouse_log_lines_dropped_total ")?.parse().ok())
}

/// The revision that a gateway works with, ready or not.
async fn revision_at(admin: &str, tls: Option<&Tls>, wait: Duration) -> anyhow::Result<u64> {
    // Made anew each time: the certificate's file may just have changed, and the gateway soon follows.
    let answer = client(admin, tls, wait)?.get_raw("/readyz").await?;
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
