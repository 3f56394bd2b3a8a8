//! What an account's own people see: their messages, their callbacks, requests judged by what is provisioned of them; and nothing of others.

use posthouse_core::provisioning::tree::ValueSource;
use posthouse_gateway::secrets::Secret;
use posthouse_sim::vasp::VaspAnswer;
use posthouse_testing::{
    provisioning::range,
    request::{RawPart, RawRequest},
    town::{Town, TownPlan, eventually},
};
use serde_json::{Value, json};

use crate::api::{Said, ask};

const BEARER: &str = "Authorization: Bearer hush-hush";
const AS_JSON: &str = "Content-Type: application/json";
const NUMBER: &str = "16175550142";
/// A picture of one pixel.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Two accounts; no callback is tried twice.
pub(crate) async fn town() -> Town {
    let mut plan = TownPlan::default();
    plan.settings.admin.token = Some(Secret::new("hush-hush".to_owned(), ValueSource::Inline));
    let town = Town::planned(plan).await;
    let account = |name: &str| town.account_with(name, "", "max_retries = 0\n", "");
    let accounts = [account("acme"), account("globex")].concat();
    let numbers = "[[blacklist]]\nnumber = \"16175550199\"\n";
    let carrier =
        [town.carrier("31003", "content_types = [\"*/*\"]\n"), range("1617", "31003"), numbers.to_owned()]
            .concat();
    town.provision(&[accounts, carrier].concat()).await;
    town
}

/// A token of this role.
pub(crate) async fn token(town: &Town, name: &str, role: &str) -> String {
    let body = json!({"name": name, "role": role}).to_string();
    let made = ask(&town.app.ready().admin, "POST", "/api/v1/tokens", &[BEARER, AS_JSON], &body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    made.json()["token"].as_str().unwrap().to_owned()
}

/// Who looks at pages, with the cookie of a session.
pub(crate) struct Person<'t> {
    town: &'t Town,
    pub(crate) cookie: String,
}

impl<'t> Person<'t> {
    pub(crate) async fn of(town: &'t Town, role: &str) -> Self {
        let token = token(town, &role.replace(':', "-"), role).await;
        let said =
            ask(&town.app.ready().admin, "POST", "/sign-in", &[], &format!("token={token}&next=%2F")).await;
        assert_eq!(said.status, 303, "{}", said.body);
        let set = said.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        Self { town, cookie: format!("Cookie: __Host-posthouse={}", set.split(['=', ';']).nth(1).unwrap()) }
    }

    pub(crate) async fn sees(&self, path: &str) -> Said {
        ask(&self.town.app.ready().admin, "GET", path, &[&self.cookie], "").await
    }

    pub(crate) async fn posts(&self, path: &str, body: &str) -> Said {
        let headers = [&*self.cookie, "Sec-Fetch-Site: same-origin"];
        ask(&self.town.app.ready().admin, "POST", path, &headers, body).await
    }
}

/// A request with a picture, a text and a presentation of two slides.
fn with_picture(vaspid: &str) -> RawRequest {
    let smil =
        "<smil><body><par><img src=\"cid:pic\"/></par><par><text src=\"cid:text\"/></par></body></smil>";
    let mut request = RawRequest::to(NUMBER);
    request.vaspid = Some(vaspid.to_owned());
    request.element("Subject", "Look &lt;b&gt;here&lt;/b&gt;");
    request.attachments = vec![
        RawPart::new("application/smil", "smil", smil),
        RawPart::new("image/gif", "pic", GIF),
        RawPart::new("text/plain; charset=utf-8", "text", "<script>alert(1)</script> hi"),
        RawPart::new("text/html", "page", "<!doctype html><script>alert(2)</script>"),
    ];
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_its_own_and_nothing_else() {
    let town = town().await;
    let own = town.submit(&with_picture("acme-key")).await;
    let foreign = town.submit(&with_picture("globex-key")).await;
    for id in [own, foreign] {
        town.ended(id).await;
    }
    let acme = Person::of(&town, "vasp:acme").await;
    let home = acme.sees("/").await;
    assert_eq!(home.status, 200, "{}", home.body);
    assert!(home.body.contains("<h1>acme</h1>") && home.body.contains(&own.to_string()), "{}", home.body);
    assert!(!home.body.contains("globex") && !home.body.contains(&foreign.to_string()), "{}", home.body);
    let menu: Vec<_> = home.body.lines().filter(|line| line.contains("data-key=")).collect::<Vec<_>>();
    let menu = menu.concat();
    for href in ["/messages", "/callbacks", "/try", "/lint", "/keys", "/codes"] {
        assert!(menu.contains(&format!("href=\"{href}\"")), "{href}: {menu}");
    }
    for href in ["/queues", "/provisioning", "/audit"] {
        assert!(!menu.contains(&format!("href=\"{href}\"")), "{href}: {menu}");
        let nothing = acme.sees(href).await;
        assert_eq!(nothing.status, 404, "{href}");
        assert!(nothing.body.contains("choose from the menu") && !nothing.body.contains("/api/"), "{href}");
    }
    let list = acme.sees("/messages").await;
    assert!(list.body.contains(&own.to_string()) && !list.body.contains(&foreign.to_string()));
    assert!(list.body.contains("id=\"f-state\"") && !list.body.contains("id=\"f-account\""), "{}", list.body);
    for path in [
        format!("/messages/{foreign}"),
        format!("/messages/{foreign}?reveal=true"),
        format!("/media/{foreign}/2"),
        "/messages?account=globex".to_owned(),
        "/provisioning/1".to_owned(),
    ] {
        assert_eq!(acme.sees(&path).await.status, 404, "{path}");
    }
    for (path, verb) in [("/callbacks/globex/pause", "pause"), ("/callbacks/globex/test", "test")] {
        assert_eq!(acme.posts(path, "").await.status, 404, "{verb}");
    }
    assert_eq!(acme.posts(&format!("/messages/{own}/expire"), "").await.status, 404);
    let admin = &town.app.ready().admin;
    let bearer = format!("Authorization: Bearer {}", token(&town, "portal", "vasp:acme").await);
    let me = ask(admin, "GET", "/api/v1/me", &[&bearer], "").await.json();
    let expected = json!({"name": "portal", "role": "vasp:acme", "account": "acme", "rights": ["look", "reveal", "resend", "submit", "keys"]});
    assert_eq!(me, expected);
    assert_eq!(ask(admin, "GET", "/api/v1/accounts/acme", &[&bearer], "").await.status, 200);
    assert_eq!(ask(admin, "GET", "/api/v1/accounts/globex", &[&bearer], "").await.status, 404);
    let code = ask(admin, "GET", "/api/v1/codes/2513", &[&bearer], "").await.json();
    assert_eq!((&code["text"], &code["kind"]), (&json!("Unable to parse attachment"), &json!("status_code")));
    assert_eq!(ask(admin, "GET", "/api/v1/codes/9999", &[&bearer], "").await.status, 404);
    town.close().await;
}

/// What VASPs ask for most: why a request was refused, and what the carrier said of a message.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_sees_the_byte_and_the_remedy_and_nobody_else_does() {
    let town = town().await;
    let (acme, globex) = (Person::of(&town, "vasp:acme").await, Person::of(&town, "vasp:globex").await);
    let mut broken = RawRequest::to(NUMBER);
    broken.transaction_id("order-2513");
    broken.attachments[1].head.push_str("Content-Transfer-Encoding: base64\r\n");
    broken.attachments[1].body = b"%%%".to_vec();
    assert_eq!(town.post(&broken).await.code(), Some(2513));
    let byte = broken.body().windows(3).position(|bytes| bytes == b"%%%").unwrap();
    let list = eventually("the refusal is there", async || {
        let list = acme.sees("/refusals?transaction_id=order-2513").await;
        list.body.contains("href=\"/refusals/1").then_some(list.body)
    })
    .await;
    let place = list.split("href=\"").find(|part| part.starts_with("/refusals/1")).unwrap();
    let place = place.split('"').next().unwrap();
    let shown = acme.sees(place).await.body;
    for words in [format!("at byte {byte}"), "What to do".to_owned(), "2513".to_owned()] {
        assert!(shown.contains(&words), "{words}: {shown}");
    }
    assert_eq!(globex.sees(place).await.status, 404);
    for path in ["/", "/refusals"] {
        assert!(acme.sees(path).await.body.contains("order-2513"), "{path}");
        assert!(!globex.sees(path).await.body.contains("order-2513"), "{path}");
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_shown_as_on_a_handset_to_who_may_see_it() {
    let town = town().await;
    let id = town.submit(&with_picture("acme-key")).await;
    town.ended(id).await;
    let (acme, viewer) = (Person::of(&town, "vasp:acme").await, Person::of(&town, "viewer").await);
    let support = Person::of(&town, "support").await;
    let page = acme.sees(&format!("/messages/{id}")).await;
    assert!(page.body.contains("Show numbers and content") && !page.body.contains(NUMBER), "{}", page.body);
    for person in [&acme, &support] {
        let page = person.sees(&format!("/messages/{id}?reveal=true")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        for words in [
            NUMBER,
            "Look &#60;b&#62;here&#60;/b&#62;",
            &format!("<img src=\"/media/{id}/2\""),
            "&#60;script&#62;alert(1)&#60;/script&#62; hi",
            "Slide 2",
            "Not on a slide",
        ] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert!(!page.body.contains("<script>"), "{}", page.body);
        let picture = raw(&town, &person.cookie, &format!("/media/{id}/2")).await;
        let (head, body) = picture;
        for header in [
            "content-type: image/gif\r\n",
            "content-security-policy: default-src 'none'; sandbox\r\n",
            "x-content-type-options: nosniff\r\n",
            "cache-control: no-store\r\n",
        ] {
            assert!(head.contains(header), "{header}: {head}");
        }
        assert_eq!(body, GIF);
        let (head, _) = raw(&town, &person.cookie, &format!("/media/{id}/4")).await;
        assert!(head.contains("content-type: application/octet-stream\r\n"), "never text/html: {head}");
        assert!(head.contains("content-disposition: attachment; filename=\"part.html\"\r\n"), "{head}");
    }
    assert!(!viewer.sees(&format!("/messages/{id}")).await.body.contains("Show numbers and content"));
    for path in [format!("/messages/{id}?reveal=true"), format!("/media/{id}/2")] {
        assert_eq!(viewer.sees(&path).await.status, 403, "{path}");
    }
    assert_eq!(acme.sees(&format!("/media/{id}/5")).await.status, 404);
    assert_eq!(acme.sees(&format!("/media/{id}/0")).await.status, 404);
    // What others saw of it is kept; what was its own is nobody's business.
    let kept = ask(&town.app.ready().admin, "GET", "/api/v1/audit?verb=reveal", &[BEARER], "").await.json();
    let rows: Vec<&Value> = kept["items"].as_array().unwrap().iter().collect();
    let of_support =
        rows.iter().filter(|row| row["role"] == "support").map(|row| row["target"].as_str().unwrap());
    let mut of_support: Vec<_> = of_support.collect();
    of_support.sort_unstable();
    let path = |end: &str| format!("/api/v1/messages/{id}{end}");
    assert_eq!(of_support, [path(""), path("/parts/2"), path("/parts/4"), path("/preview")]);
    town.close().await;
}

/// The answer to a GET: its head, in small letters, and its bytes.
async fn raw(town: &Town, cookie: &str, path: &str) -> (String, Vec<u8>) {
    let address = town.app.ready().admin.strip_prefix("http://").unwrap().parse().unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{cookie}\r\n\r\n");
    let answer =
        posthouse_sim::http::exchange(address, request.as_bytes(), posthouse_testing::town::DEADLINE);
    let answer = answer.await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8_lossy(&answer[..end]).to_lowercase(), answer[end..].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_seen_with_what_ones_own_server_said() {
    let town = town().await;
    town.vasp.set_answer(VaspAnswer::Garbage);
    for vaspid in ["acme-key", "globex-key"] {
        let mut request = RawRequest::to(NUMBER);
        request.vaspid = Some(vaspid.to_owned());
        let id = town.submit(&request).await;
        town.ended(id).await;
    }
    let acme = Person::of(&town, "vasp:acme").await;
    let admin = &town.app.ready().admin;
    let failed = async |account: &str| {
        let path = format!("/api/v1/callbacks?state=failed&account={account}");
        eventually("a callback failed", async || {
            let listed = ask(admin, "GET", &path, &[BEARER], "").await.json();
            listed["items"][0]["callback_id"].as_str().map(str::to_owned)
        })
        .await
    };
    let (own, foreign) = (failed("acme").await, failed("globex").await);
    let page = acme.sees("/callbacks").await;
    assert!(page.body.contains(&own) && !page.body.contains(&foreign), "{}", page.body);
    assert!(!page.body.contains("globex") && !page.body.contains("/pause"), "{}", page.body);
    let one = acme.sees(&format!("/callbacks/{own}")).await;
    assert!(one.body.contains("an answer without MM7"), "{}", one.body);
    assert_eq!(acme.sees(&format!("/callbacks/{foreign}")).await.status, 404);
    assert_eq!(acme.posts(&format!("/callbacks/{foreign}/resend"), "").await.status, 404);
    let bearer = format!("Authorization: Bearer {}", token(&town, "portal", "vasp:acme").await);
    for end in ["", "/attempts"] {
        let path = format!("/api/v1/callbacks/{foreign}{end}");
        assert_eq!(ask(admin, "GET", &path, &[&bearer], "").await.status, 404, "{path}");
    }
    assert_eq!(ask(admin, "GET", "/api/v1/endpoints?account=globex", &[&bearer], "").await.status, 404);
    let home = acme.sees("/").await;
    assert!(home.body.contains("Your callbacks have failed since"), "{}", home.body);

    town.vasp.set_answer(VaspAnswer::Code(1000));
    let resent = acme.posts(&format!("/callbacks/{own}/resend"), "").await;
    assert!(resent.head.contains("location: /callbacks?done=resend\r\n"), "{}{}", resent.head, resent.body);
    let tested = acme.posts("/callbacks/acme/test", "").await;
    assert!(tested.body.contains("acknowledged a test report"), "{}", tested.body);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_judged_by_what_is_provisioned_of_its_account() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let acme = format!("Authorization: Bearer {}", token(&town, "acme-dev", "vasp:acme").await);
    let lint = async |bearer: &str, query: &str, request: &RawRequest| {
        let body = String::from_utf8(request.bytes()).unwrap();
        let path = format!("/api/v1/lint{query}");
        ask(admin, "POST", &path, &[bearer, "Content-Type: application/octet-stream"], &body).await
    };
    let good = RawRequest::to(NUMBER);
    let judged = lint(&acme, "", &good).await.json();
    assert_eq!(
        (&judged["accepted"], &judged["code"], &judged["account"]),
        (&json!(true), &json!(1000), &json!("acme")),
        "{judged}"
    );

    let changed = |change: fn(&mut RawRequest)| {
        let mut request = RawRequest::to(NUMBER);
        change(&mut request);
        request
    };
    for (change, code, rule, remedy, place) in [
        (
            (|request| request.sender = Some("<ShortCode>333344</ShortCode>".to_owned()))
                as fn(&mut RawRequest),
            2563,
            "sender_provisioned",
            "send from an address of this service: 111122",
            "<SenderAddress>",
        ),
        (
            |request| request.vasid = Some("99999".to_owned()),
            2562,
            "vasid",
            "write the VASID of a service of this account: 61295",
            "<VASID>",
        ),
        (
            |request| request.vaspid = Some("globex-key".to_owned()),
            2564,
            "vaspid",
            "write the key whole, without blanks, and of this gateway",
            "<VASPID>",
        ),
        (
            |request| {
                request.element("Recipients", "<To><Number>16175550199</Number></To>");
            },
            3001,
            "blacklist",
            "take the number off your lists",
            "<Recipients>",
        ),
        (
            |request| {
                request.element("Recipients", "<To><Number>447700900100</Number></To>");
            },
            2570,
            "lookup",
            "check the country code; if it is right, ask the operator which networks you reach",
            "<Recipients>",
        ),
    ] {
        let request = changed(change);
        let judged = lint(&acme, "", &request).await.json();
        assert_eq!((&judged["accepted"], &judged["code"]), (&json!(false), &json!(code)), "{rule}: {judged}");
        let found =
            judged["findings"].as_array().unwrap().iter().find(|one| one["rule"] == rule).unwrap().clone();
        assert_eq!((&found["remedy"], &found["provisioning"]), (&json!(remedy), &json!(true)), "{found}");
        let text = String::from_utf8(request.bytes()).unwrap();
        let byte = usize::try_from(found["byte"].as_u64().unwrap()).unwrap();
        assert!(text[byte..].starts_with(place), "{rule}: byte {byte} is {:?}", &text[byte..byte + 20]);
    }
    assert_eq!(lint(&acme, "?account=globex", &good).await.status, 404);
    // An operator is told by the account whose key it is; of nobody's by the format alone.
    let judged =
        lint(BEARER, "", &changed(|request| request.sender = Some("<ShortCode>1</ShortCode>".to_owned())))
            .await
            .json();
    assert_eq!((&judged["account"], &judged["code"]), (&json!("acme"), &json!(2563)));
    let judged =
        lint(BEARER, "", &changed(|request| request.vaspid = Some("nobody".to_owned()))).await.json();
    assert_eq!((&judged["account"], &judged["code"]), (&Value::Null, &json!(1000)), "{judged}");
    // Each is answered the same when it is sent.
    let sent = town.post(&changed(|request| request.vasid = Some("99999".to_owned()))).await;
    assert_eq!(sent.code(), Some(2562));

    let person = Person::of(&town, "vasp:acme").await;
    assert_eq!(person.posts("/lint", "text=").await.status, 400);
    let wrong = changed(|request| request.sender = Some("<ShortCode>333344</ShortCode>".to_owned()));
    let form: String = form_urlencoded(&String::from_utf8(wrong.bytes()).unwrap());
    let page = person.posts("/lint", &format!("account=&text={form}")).await;
    assert!(page.body.contains("It would be refused with <a href=\"/codes/2563\">"), "{}", page.body);
    assert!(page.body.contains("What to do: send from an address of this service: 111122."), "{}", page.body);
    town.close().await;
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
