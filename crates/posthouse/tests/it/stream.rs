//! What changes, followed as Server-Sent Events: with the rights of a list, and no longer than the follower may.

use posthouse_testing::{
    request::RawRequest,
    town::{DEADLINE, Town, eventually},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::{
    api::ask,
    portal::{self, Person, token},
};

const BEARER: &str = "Authorization: Bearer hush-hush";

/// A stream that is open.
struct Following(BufReader<TcpStream>);

impl Following {
    /// Opens one, and reads its head.
    async fn open(town: &Town, header: &str, path: &str) -> Self {
        let address = town.app.ready().admin.trim_start_matches("http://").to_owned();
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let request = format!("GET {path} HTTP/1.1\r\nHost: gateway\r\n{header}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            timeout(DEADLINE, stream.read_line(&mut head)).await.unwrap().unwrap();
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.to_lowercase().contains("content-type: text/event-stream"), "{head}");
        Self(stream)
    }

    /// The next event of this name; `None` where the stream ends before it.
    async fn next(&mut self, name: &str) -> Option<String> {
        let wanted = format!("event: {name}");
        let mut is_it = false;
        loop {
            let mut line = String::new();
            let read = timeout(DEADLINE, self.0.read_line(&mut line)).await.expect("an event comes").unwrap();
            match line.trim_end() {
                _ if read == 0 => return None,
                line if line.starts_with("event: ") => is_it = line == wanted,
                line if is_it && line.starts_with("data: ") => {
                    return Some(line["data: ".len()..].to_owned());
                }
                _ => {}
            }
        }
    }

    async fn json(&mut self, name: &str) -> Value {
        serde_json::from_str(&self.next(name).await.unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_told_to_who_may_see_it() {
    let town = portal::town().await;
    let mut all = Following::open(&town, BEARER, "/api/v1/stream?topics=messages,refusals").await;
    let theirs = format!("Authorization: Bearer {}", token(&town, "globex", "vasp:globex").await);
    let mut globex = Following::open(&town, &theirs, "/api/v1/stream?topics=messages").await;
    all.next("beat").await.unwrap();
    let id = town.submit(&RawRequest::to("16175550142")).await.to_string();
    let told = all.json("messages").await;
    assert_eq!(told["message_id"], *id);
    assert_eq!(told["recipient"], "+1617•••0142", "masked as in a list");
    let mut state = told["state"].clone();
    while state != "Retrieved" {
        state = all.json("messages").await["state"].clone();
    }
    let mut wrong = RawRequest::to("16175550142");
    wrong.vasid = Some("99".to_owned());
    assert_eq!(town.post(&wrong).await.code(), Some(2562));
    assert_eq!(all.json("refusals").await["code"], 2562);
    // The other account hears of its own alone.
    let mut own = RawRequest::to("16175550143");
    own.vaspid = Some("globex-key".to_owned());
    let own = town.submit(&own).await.to_string();
    assert_eq!(globex.json("messages").await["message_id"], *own);
    for (path, status) in [
        ("/api/v1/stream?topics=weather", 400),
        ("/api/v1/stream?account=acmee", 400),
        ("/api/v1/stream?topics=queues&lines=1", 400),
    ] {
        assert_eq!(ask(&town.app.ready().admin, "GET", path, &[BEARER], "").await.status, status, "{path}");
    }
    for path in ["/api/v1/stream?topics=queues", "/api/v1/stream?account=acme"] {
        assert_eq!(ask(&town.app.ready().admin, "GET", path, &[&theirs], "").await.status, 404, "{path}");
    }
    assert_eq!(ask(&town.app.ready().admin, "GET", "/api/v1/stream", &[], "").await.status, 401);
    // There are so many places, and whoever leaves gives one back.
    let mut others = Vec::new();
    for _ in 0..30 {
        others.push(Following::open(&town, BEARER, "/api/v1/stream").await);
    }
    let full = ask(&town.app.ready().admin, "GET", "/api/v1/stream", &[BEARER], "").await;
    assert_eq!((full.status, full.json()["code"].as_str()), (503, Some("unavailable")), "{}", full.body);
    drop((all, globex, others));
    eventually("there is room again", async || {
        let address = town.app.ready().admin.trim_start_matches("http://").to_owned();
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let request = format!("GET /api/v1/stream HTTP/1.1\r\nHost: gateway\r\n{BEARER}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut line = String::new();
        timeout(DEADLINE, stream.read_line(&mut line)).await.unwrap().unwrap();
        line.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_token_and_a_live_page_with_its_session() {
    let town = portal::town().await;
    let admin = &town.app.ready().admin;
    let theirs = format!("Authorization: Bearer {}", token(&town, "bob", "viewer").await);
    let mut followed = Following::open(&town, &theirs, "/api/v1/stream?topics=queues").await;
    let ann = Person::of(&town, "viewer").await;
    let mut page = Following::open(&town, &ann.cookie, "/live/overview").await;
    let acme = Person::of(&town, "vasp:acme").await;
    let id = town.submit(&RawRequest::to("16175550142")).await;
    let mut message = Following::open(&town, &acme.cookie, &format!("/live/message?id={id}")).await;
    followed.next("beat").await.unwrap();
    assert!(page.next("beat").await.is_some());
    assert!(message.next("part").await.is_some());
    let tokens = ask(admin, "GET", "/api/v1/tokens", &[BEARER], "").await.json();
    let id = |name: &str| {
        let found = tokens["items"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    let revoked = ask(admin, "DELETE", &format!("/api/v1/tokens/{}", id("bob")), &[BEARER], "").await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    let end = followed.json("end").await;
    assert_eq!(
        (&end["status"], end["detail"].as_str().unwrap().contains("revoked")),
        (&401.into(), true),
        "{end}"
    );
    assert_eq!(followed.next("beat").await, None, "and then it is over");
    assert_eq!(ann.posts("/sign-out", "").await.status, 303);
    assert_eq!(page.next("over").await.as_deref(), Some("signed out"));
    assert_eq!(page.next("beat").await, None);
    // What a session was begun with ends it, too.
    ask(admin, "DELETE", &format!("/api/v1/tokens/{}", id("vasp-acme")), &[BEARER], "").await;
    assert_eq!(message.next("over").await.as_deref(), Some("signed out"));
    town.close().await;
}
