//! Signing in by OpenID Connect, with an issuer on loopback that signs whatever the test has it claim.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use posthouse_core::{actor::Role, provisioning::tree::ValueSource};
use posthouse_gateway::{config::OidcSection, secrets::Secret};
use posthouse_testing::town::{Town, TownPlan, eventually};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::api::{Said, ask};

/// What the issuer has in mind.
struct Mind {
    key: EcdsaKeyPair,
    kid: String,
    /// What it claims beside, or instead of, what is right.
    claims: Value,
    nonce: String,
    challenge: String,
    /// What the next answers are instead.
    broken: Option<&'static str>,
    /// What was posted for tokens.
    posted: Vec<String>,
}

/// An issuer of a test's own.
#[derive(Clone)]
struct Issuer {
    address: SocketAddr,
    mind: Arc<Mutex<Mind>>,
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap()
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mind = Mind {
            key: key(),
            kid: "first".to_owned(),
            claims: json!({}),
            nonce: String::new(),
            challenge: String::new(),
            broken: None,
            posted: Vec::new(),
        };
        let issuer = Self { address: listener.local_addr().unwrap(), mind: Arc::new(Mutex::new(mind)) };
        let serving = issuer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        issuer
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut read = Vec::new();
        loop {
            let mut more = [0; 4096];
            let count = stream.read(&mut more).await.unwrap_or_default();
            read.extend_from_slice(&more[..count]);
            let text = String::from_utf8_lossy(&read).into_owned();
            let whole = text.split_once("\r\n\r\n").filter(|(head, body)| {
                let length = head
                    .to_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
                body.len() >= length
            });
            if let Some((head, body)) = whole {
                let (status, answer) = self.answer(head, body);
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{answer}",
                    answer.len()
                );
                stream.write_all(answer.as_bytes()).await.ok();
                return;
            }
            if count == 0 {
                return;
            }
        }
    }

    fn answer(&self, head: &str, body: &str) -> (u16, String) {
        let mut mind = self.mind.lock().unwrap();
        let path = head.split(' ').nth(1).unwrap();
        match (path, mind.broken) {
            (_, Some("down")) => (500, String::new()),
            ("/.well-known/openid-configuration", broken) => {
                let name =
                    if broken == Some("name") { "https://other.example".to_owned() } else { self.url() };
                let at = |path: &str| format!("{}{path}", self.url());
                let document = json!({"issuer": name, "authorization_endpoint": at("/authorize"),
                    "token_endpoint": at("/token"), "jwks_uri": at("/keys")});
                (200, document.to_string())
            }
            ("/keys", _) => {
                let (x, y) = mind.key.public_key().as_ref()[1..].split_at(32);
                let [x, y] = [x, y].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half));
                let key = json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": mind.kid, "x": x, "y": y});
                (200, json!({"keys": [key]}).to_string())
            }
            ("/token", broken) => {
                mind.posted.push(format!("{head}\r\n\r\n{body}"));
                let field = |name: &str| {
                    body.split('&')
                        .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
                        .unwrap_or_default()
                };
                let verifier = field("code_verifier");
                let proof = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
                if field("code") != "good" || proof != mind.challenge || broken == Some("code") {
                    return (400, json!({"error": "invalid_grant"}).to_string());
                }
                (
                    200,
                    json!({"access_token": "a", "token_type": "Bearer", "id_token": self.token(&mind)})
                        .to_string(),
                )
            }
            _ => (404, String::new()),
        }
    }

    fn token(&self, mind: &Mind) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({"iss": self.url(), "aud": "posthouse", "sub": "7", "exp": now + 300, "iat": now,
            "nonce": mind.nonce, "preferred_username": "ann b", "groups": ["staff", "readers"]});
        for (name, value) in mind.claims.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let head = json!({"alg": "ES256", "kid": mind.kid});
        let [head, claims] = [head, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{head}.{claims}");
        let signature = mind.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

async fn town(issuer: &Issuer) -> Town {
    let mut plan = TownPlan::default();
    let secret = |text: &str| Secret::new(text.to_owned(), ValueSource::Inline);
    plan.settings.admin.token = Some(secret("hush-hush"));
    plan.settings.admin.oidc = Some(OidcSection {
        issuer: issuer.url(),
        client_id: "posthouse".to_owned(),
        client_secret: Some(secret("of our own")),
        redirect_url: "https://gw.example/oidc/callback".to_owned(),
        name: "Example".to_owned(),
        scopes: "openid profile".to_owned(),
        name_claim: "preferred_username".to_owned(),
        groups_claim: "groups".to_owned(),
        roles: vec![("readers".to_owned(), Role::Viewer), ("mms".to_owned(), Role::Operator)],
        ca: None,
    });
    let town = Town::planned(plan).await;
    town.provision(&[town.account_with("acme", "", "", ""), town.usual_carriers()].concat()).await;
    town
}

/// Goes to the issuer: what it is asked, and the cookie.
async fn begun(town: &Town, issuer: &Issuer, next: &str) -> (String, String) {
    let admin = &town.app.ready().admin;
    let said = ask(admin, "GET", &format!("/oidc/sign-in?next={next}"), &[], "").await;
    assert_eq!(said.status, 303, "{}", said.body);
    let place = said.place();
    let asked =
        place.strip_prefix(&format!("{}/authorize?", issuer.url())).unwrap_or_else(|| panic!("{place}"));
    let field = |name: &str| {
        let found = asked.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap_or_else(|| panic!("{name}: {asked}")).to_owned()
    };
    assert_eq!((field("response_type").as_str(), field("code_challenge_method").as_str()), ("code", "S256"));
    assert_eq!(field("redirect_uri"), "https%3A%2F%2Fgw.example%2Foidc%2Fcallback");
    let mut mind = issuer.mind.lock().unwrap();
    (mind.nonce, mind.challenge) = (field("nonce"), field("code_challenge"));
    (field("state"), said.cookies().remove(0))
}

async fn back(town: &Town, state: &str, cookie: &str, rest: &str) -> Said {
    let path = format!("/oidc/callback?state={state}&{rest}");
    ask(&town.app.ready().admin, "GET", &path, &[&format!("Cookie: {cookie}")], "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_the_issuer_knows_is_signed_in_with_the_role_of_its_group() {
    let issuer = Issuer::start().await;
    let town = town(&issuer).await;
    let admin = &town.app.ready().admin;
    let form = ask(admin, "GET", "/sign-in?next=%2Fqueues", &[], "").await;
    assert!(
        form.body.contains("href=\"/oidc/sign-in?next=%2Fqueues\">Sign in with Example</a>"),
        "{}",
        form.body
    );
    let (state, cookie) = begun(&town, &issuer, "%2Fqueues").await;
    let said = back(&town, &state, &cookie, "code=good").await;
    assert_eq!((said.status, said.place().as_str()), (303, "/queues"), "{}", said.body);
    let cookies = said.cookies();
    assert_eq!(cookies.len(), 2, "the session, and the end of the sign-in");
    assert_eq!(cookies[1], "__Host-posthouse-oidc=");
    let shown = ask(admin, "GET", "/queues", &[&format!("Cookie: {}", cookies[0])], "").await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("ann_b (viewer)"), "{}", shown.body);
    let posted = issuer.mind.lock().unwrap().posted.pop().unwrap();
    let basic = BASE64_STANDARD.encode("posthouse:of+our+own");
    assert!(
        posted.to_lowercase().contains(&format!("authorization: basic {basic}").to_lowercase()),
        "{posted}"
    );
    assert!(
        posted.contains("grant_type=authorization_code") && !posted.contains("client_secret"),
        "{posted}"
    );
    let sessions =
        ask(admin, "GET", "/api/v1/sessions", &["Authorization: Bearer hush-hush"], "").await.json();
    assert_eq!(
        (&sessions["items"][0]["begun_with"], &sessions["items"][0]["role"]),
        (&json!("oidc"), &json!("viewer"))
    );

    // The same code does not sign in another browser, and the highest of two groups counts.
    issuer.mind.lock().unwrap().claims = json!({"groups": ["mms", "readers"]});
    let (state, cookie) = begun(&town, &issuer, "%2F%2Fevil.example").await;
    let said = back(&town, &state, &cookie, "code=good").await;
    assert_eq!((said.status, said.place().as_str()), (303, "/"), "{}", said.body);
    let shown = ask(admin, "GET", "/", &[&format!("Cookie: {}", said.cookies()[0])], "").await;
    assert!(shown.body.contains("(operator)"), "{}", shown.body);
    // A new key of the issuer is fetched once its tokens name it.
    {
        let mut mind = issuer.mind.lock().unwrap();
        (mind.key, mind.kid, mind.claims) = (key(), "second".to_owned(), json!({}));
    }
    eventually("the new key counts", async || {
        let (state, cookie) = begun(&town, &issuer, "%2F").await;
        let said = back(&town, &state, &cookie, "code=good").await;
        assert!(
            said.status == 303 || said.body.contains("keys is the one that the id_token names"),
            "{}",
            said.body
        );
        (said.status == 303).then_some(())
    })
    .await;
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_right_signs_nobody_in_and_says_what_to_do() {
    let issuer = Issuer::start().await;
    let town = town(&issuer).await;
    let now = jiff::Timestamp::now().as_second();
    for (claims, status, words) in [
        (json!({"nonce": "another"}), 401, "the claim nonce of the id_token"),
        (json!({"aud": "other"}), 401, "the claim aud of the id_token"),
        (json!({"iss": "https://other.example"}), 401, "the claim iss of the id_token"),
        (json!({"exp": now - 120}), 401, "the claim exp of the id_token"),
        (json!({"groups": ["strangers"]}), 403, "ann_b is in no group that may sign in here"),
        (json!({"groups": null}), 403, "ann_b is in no group that may sign in here"),
    ] {
        issuer.mind.lock().unwrap().claims = claims.clone();
        let (state, cookie) = begun(&town, &issuer, "%2F").await;
        let said = back(&town, &state, &cookie, "code=good").await;
        assert_eq!(said.status, status, "{claims}: {}", said.body);
        assert!(said.body.contains(words), "{claims}: {}", said.body);
        assert!(said.body.contains("posthouse.toml"), "the remedy: {}", said.body);
        assert_eq!(said.cookies(), ["__Host-posthouse-oidc="], "{claims}");
    }
    issuer.mind.lock().unwrap().claims = json!({});
    let (state, cookie) = begun(&town, &issuer, "%2F").await;
    let foreign = "This sign-in was begun in another browser";
    for said in [
        back(&town, "guess", &cookie, "code=good").await,
        back(&town, &state, "other=1", "code=good").await,
        back(&town, &state, &cookie, "nothing=1").await,
    ] {
        assert_eq!(said.status, 400);
        assert!(said.body.contains(foreign), "{}", said.body);
    }
    let denied = back(&town, &state, &cookie, "error=access_denied%3Cscript%3E").await;
    assert_eq!(denied.status, 401);
    assert!(denied.body.contains("The issuer refuses: access_denied&#60;script&#62;"), "{}", denied.body);
    let wrong = back(&town, &state, &cookie, "code=bad").await;
    assert_eq!(wrong.status, 502);
    assert!(wrong.body.contains("it refused the code with HTTP 400"), "{}", wrong.body);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_fails_leaves_the_other_ways_in() {
    let issuer = Issuer::start().await;
    let town = town(&issuer).await;
    let admin = &town.app.ready().admin;
    for (broken, words) in [("down", "answers HTTP 500"), ("name", "it calls itself")] {
        issuer.mind.lock().unwrap().broken = Some(broken);
        let said = ask(admin, "GET", "/oidc/sign-in?next=%2Fqueues", &[], "").await;
        assert_eq!(said.status, 502, "{}", said.body);
        assert!(said.body.contains(words) && said.body.contains("Sign in with a password"), "{}", said.body);
        assert!(said.body.contains("name=\"password\"") && said.body.contains("value=\"/queues\""));
    }
    let said = ask(admin, "POST", "/sign-in", &[], "token=hush-hush&next=%2Fqueues").await;
    assert_eq!((said.status, said.place().as_str()), (303, "/queues"));
    town.close().await;
}
