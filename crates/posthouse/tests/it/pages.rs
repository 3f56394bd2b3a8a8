//! The web UI over real HTTP: who gets in, what pages show and hide, and that other sites cannot use them.

use posthouse_core::life::state::State;
use posthouse_testing::{request::RawRequest, town::Town};

use crate::api::{Said, ask, town, waits};

/// The cookie of whoever signs in with the admin token.
async fn signed_in(admin: &str) -> String {
    let said = ask(admin, "POST", "/sign-in", &[], "token=hush-hush&next=%2Fcodes").await;
    assert_eq!(said.status, 303, "{}", said.body);
    assert!(said.head.contains("location: /codes\r\n"), "{}", said.head);
    let set = said.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(set.ends_with("; path=/; secure; httponly; samesite=lax; max-age=28800"), "{set}");
    assert!(set.starts_with("__host-posthouse="), "{set}");
    // The heads of answers are in small letters here; browsers keep the name as it was sent.
    format!("Cookie: __Host-posthouse={}", set.split(['=', ';']).nth(1).unwrap())
}

#[track_caller]
fn is_guarded(page: &Said) {
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';",
        "x-frame-options: deny\r\n",
        "x-content-type-options: nosniff\r\n",
        "referrer-policy: no-referrer\r\n",
    ] {
        assert!(page.head.contains(header), "{header} is missing: {}", page.head);
    }
    assert!(!page.body.contains("<script>") && !page.body.contains(" style="), "nothing inline");
}

#[tokio::test]
async fn pages_are_for_those_who_signed_in_and_codes_for_everybody() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    for (path, to) in [
        ("/messages?state=Parked", "/sign-in?next=%2fmessages%3fstate%3dparked"),
        ("/messages/17", "/sign-in?next=%2fmessages%2f17"),
        ("/find?q=1", "/sign-in?next=%2ffind%3fq%3d1"),
        ("/", "/sign-in?next=%2f"),
        ("/queues", "/sign-in?next=%2fqueues"),
        ("/callbacks", "/sign-in?next=%2fcallbacks"),
        ("/provisioning", "/sign-in?next=%2fprovisioning"),
        ("/audit", "/sign-in?next=%2faudit"),
    ] {
        let said = ask(admin, "GET", path, &[], "").await;
        assert_eq!(said.status, 303, "{path}");
        assert!(said.head.contains(&format!("location: {to}\r\n")), "{}", said.head);
    }
    for (path, words) in [
        ("/codes", "Unable to parse attachment"),
        ("/codes/2513", "A request that raises it"),
        ("/codes/retrieved", "Comes when"),
        ("/sign-in", "<h1>Sign in</h1>"),
    ] {
        let page = ask(admin, "GET", path, &[], "").await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(words), "{path}: {}", page.body);
        is_guarded(&page);
    }
    let missing = ask(admin, "GET", "/codes/9999", &[], "").await;
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("9999 is no status code or delivery status of the table"));
    is_guarded(&missing);
    let wrong = ask(admin, "POST", "/sign-in", &[], "token=guess").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("This token is wrong, or it is over.") && !wrong.head.contains("set-cookie"));

    let cookie = signed_in(admin).await;
    assert_eq!(ask(admin, "GET", "/messages", &[&cookie], "").await.status, 200);
    assert_eq!(ask(admin, "POST", "/sign-out", &[&cookie], "").await.status, 303);
    assert_eq!(ask(admin, "GET", "/messages", &[&cookie], "").await.status, 303, "the session is over");
    town.close().await;
}

#[tokio::test]
async fn a_message_is_found_read_and_mended() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let id = town.submit(&RawRequest::to("16175559012")).await;
    waits(&town, id, State::Accepted, 1).await;

    let list = ask(admin, "GET", "/messages?to=%2B1+617-555-9012", &[&cookie], "").await;
    assert!(list.body.contains(&format!("href=\"/messages/{id}\"")), "{}", list.body);
    assert!(list.body.contains("+1617•••9012") && !list.body.contains("16175559012"), "masked");
    let wrong = ask(admin, "GET", "/messages?state=Lost", &[&cookie], "").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("aria-invalid=\"true\"") && wrong.body.contains("there is no state"));
    let none =
        ask(admin, "GET", "/messages?transaction_id=%3Cscript%3Ealert(1)%3C/script%3E", &[&cookie], "").await;
    assert!(none.body.contains("No message matches all of these filters."), "{}", none.body);
    is_guarded(&none);

    let found = ask(admin, "GET", &format!("/find?q={id}"), &[&cookie], "").await;
    assert!(found.head.contains(&format!("location: /messages/{id}\r\n")), "{}", found.head);
    let shown = ask(admin, "GET", &format!("/messages/{id}"), &[&cookie], "").await;
    assert!(shown.body.contains("It is accepted and waits to be sent to 31003. The next attempt is due at"));
    assert!(!shown.body.contains("16175559012"), "masked");

    let expire = format!("/messages/{id}/expire");
    for elsewhere in [&["Sec-Fetch-Site: cross-site"][..], &["Origin: https://evil.example"]] {
        let refused = ask(admin, "POST", &expire, &[&[cookie.as_str()], elsewhere].concat(), "").await;
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains("another site sent this request"));
    }
    waits(&town, id, State::Accepted, 1).await;
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let done = ask(admin, "POST", &expire, &own, "reason=the+handset+is+gone").await;
    assert!(done.head.contains(&format!("location: /messages/{id}?done=expire\r\n")), "{}", done.head);
    let shown = ask(admin, "GET", &format!("/messages/{id}?done=expire"), &[&cookie], "").await;
    assert!(
        shown.body.contains("It has expired.") && shown.body.contains("It ended as Expired"),
        "{}",
        shown.body
    );
    let again = ask(admin, "POST", &expire, &own, "").await;
    assert_eq!(again.status, 409);
    let kept = ask(admin, "GET", "/api/v1/audit", &["Authorization: Bearer hush-hush"], "").await.json();
    assert_eq!(kept["items"][0]["reason"], "the handset is gone", "{kept}");
    town.close().await;
}

#[tokio::test]
async fn what_is_out_of_the_ordinary_is_said_on_the_first_page() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let page = async |path: &str| {
        let page = ask(admin, "GET", path, &[&cookie], "").await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        is_guarded(&page);
        page.body
    };
    let calm = page("/").await;
    assert!(calm.contains("Nothing is out of the ordinary.") && calm.contains("31003"), "{calm}");
    let id = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, id, State::Parked, 1).await;
    let odd = page("/").await;
    assert!(
        odd.contains("Parked at 31003: 1 message that may have arrived; a report or an operator decides."),
        "{odd}"
    );
    assert!(page("/queues").await.contains("31003-1"));

    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let paused = ask(admin, "POST", "/callbacks/acme/pause", &own, "reason=their+wish").await;
    assert!(paused.head.contains("location: /callbacks?done=pause\r\n"), "{}{}", paused.head, paused.body);
    let callbacks = page("/callbacks?done=pause").await;
    assert!(callbacks.contains("They are paused. What is owed stays.") && callbacks.contains("their wish"));
    assert!(page("/").await.contains("Callbacks of acme are paused by admin;"));
    assert!(page("/audit").await.contains("their wish"));

    assert!(page("/provisioning").await.contains("href=\"/provisioning/1\""));
    assert!(page("/provisioning/1").await.contains("create account acme"));
    town.close().await;
}

#[tokio::test]
async fn pages_can_be_turned_off() {
    let mut plan = posthouse_testing::town::TownPlan::default();
    plan.settings.admin.ui = false;
    let town = Town::planned(plan).await;
    assert_eq!(ask(&town.app.ready().admin, "GET", "/codes", &[], "").await.status, 404);
    town.close().await;
}
