//! The web UI over real HTTP: who gets in, what pages show and hide, and that other sites cannot use them.

use posthouse_core::life::state::State;
use posthouse_testing::{
    request::RawRequest,
    town::{DEADLINE, Town, eventually},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::api::{Said, ask, town, waits};

/// The cookie of whoever signs in with the admin token.
pub(crate) async fn signed_in(admin: &str) -> String {
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
        ("/refusals", "/sign-in?next=%2frefusals"),
        ("/refusals/1", "/sign-in?next=%2frefusals%2f1"),
        ("/mo", "/sign-in?next=%2fmo"),
        ("/mo/1", "/sign-in?next=%2fmo%2f1"),
        ("/mo/for-nobody", "/sign-in?next=%2fmo%2ffor-nobody"),
        ("/unmatched-reports", "/sign-in?next=%2funmatched-reports"),
        ("/accounts", "/sign-in?next=%2faccounts"),
        ("/accounts/acme", "/sign-in?next=%2faccounts%2facme"),
        ("/carriers", "/sign-in?next=%2fcarriers"),
        ("/carriers/31003", "/sign-in?next=%2fcarriers%2f31003"),
        ("/numbers", "/sign-in?next=%2fnumbers"),
        ("/nodes", "/sign-in?next=%2fnodes"),
        ("/operations", "/sign-in?next=%2foperations"),
        ("/operations/1", "/sign-in?next=%2foperations%2f1"),
        ("/callbacks", "/sign-in?next=%2fcallbacks"),
        ("/provisioning", "/sign-in?next=%2fprovisioning"),
        ("/audit", "/sign-in?next=%2faudit"),
        ("/users", "/sign-in?next=%2fusers"),
        ("/try", "/sign-in?next=%2ftry"),
        ("/keys?account=acme", "/sign-in?next=%2fkeys%3faccount%3dacme"),
        ("/captures", "/sign-in?next=%2fcaptures"),
        ("/captures/1", "/sign-in?next=%2fcaptures%2f1"),
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
        ("/sign-in", "autocomplete=\"username\""),
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
    assert!(none.body.contains("Nothing matches all of these filters."), "{}", none.body);
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
    town.provision(&town.carrier("31003", "name = \"Example Wireless\"\n")).await;
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
    assert!(calm.contains("<br><span class=\"small soft break\">Example Wireless</span>"), "{calm}");
    // What has no other name than its id is not said twice.
    assert_eq!(calm.matches("<span class=\"small soft break\">").count(), 1, "{calm}");
    let queues = page("/queues").await;
    assert!(
        queues.contains(">31003</a> <span class=\"small soft break\">Example Wireless</span></h2>"),
        "{queues}"
    );
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
    let audit = page("/audit").await;
    assert!(audit.contains("their wish"), "{audit}");
    let verb =
        "<td data-label=\"What\">Paused callbacks<br><span class=\"small mono\">pause-callbacks</span>";
    assert!(audit.contains(verb), "{audit}");
    assert!(audit.contains("<option value=\"pause-callbacks\">Paused callbacks</option>"), "{audit}");

    assert!(page("/provisioning").await.contains("href=\"/provisioning/1\""));
    assert!(page("/provisioning/1").await.contains("create account acme"));
    town.close().await;
}

#[tokio::test]
async fn what_was_refused_is_found_and_explained_byte_by_byte() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let mut broken = RawRequest::to("16175550100");
    broken.transaction_id("of-broken");
    broken.attachments[1].head.push_str("Content-Transfer-Encoding: base64\r\n");
    broken.attachments[1].body = b"%%% private words %%%".to_vec();
    assert_eq!(town.post(&broken).await.code(), Some(2513));
    let place = eventually("the refusal is kept", async || {
        let found = ask(admin, "GET", "/find?q=of-broken", &[&cookie], "").await;
        let place = found.head.lines().find_map(|line| line.strip_prefix("location: "))?.to_owned();
        Some(place)
    })
    .await;
    assert!(place.starts_with("/refusals/"), "{place}");
    let at = broken.body().windows(3).position(|bytes| bytes == b"%%%").unwrap();
    let shown = ask(admin, "GET", &place, &[&cookie], "").await;
    is_guarded(&shown);
    for words in [
        "A request of acme was refused with 2513 Unable to parse attachment.",
        "What 2513 means",
        &format!("in part 1, at byte {at} of the body"),
        "What to do",
        "href=\"/refusals?transaction_id=of-broken\"",
    ] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    for hidden in ["6175550100", "acme-key", "private words"] {
        assert!(!shown.body.contains(hidden), "{hidden}");
    }
    for path in ["/", "/refusals?code=2513&account=acme", "/find?q=%2B1+617+555+0100"] {
        let page = ask(admin, "GET", path, &[&cookie], "").await;
        assert!(page.body.contains(&format!("href=\"{place}\"")), "{path}: {}", page.body);
    }
    let wrong = ask(admin, "GET", "/refusals?code=17&account=acme", &[&cookie], "").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("there is no code 17") && wrong.body.contains("aria-invalid=\"true\""));
    let unknown = ask(admin, "GET", "/refusals?account=acmee", &[&cookie], "").await;
    assert!(unknown.body.contains("no account acmee is provisioned"), "{}", unknown.body);
    town.close().await;
}

#[tokio::test]
async fn the_find_box_tells_what_never_was_from_what_is_no_more() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    for (q, status, words) in [
        ("11264000000000000", 200, "which is longer ago than messages are kept"),
        ("6175550100", 200, "Nothing has 6175550100"),
        ("nothing-of-ours", 200, "Nothing has nothing-of-ours: no MessageID"),
        ("%3Cscript%3Ealert(1)%3C%2Fscript%3E", 200, "Nothing has &#60;script&#62;alert(1)"),
        ("", 200, "Write an id or a number into the box."),
        ("%2B1617%E2%80%A2%E2%80%A2%E2%80%A20100", 400, "write an id, or a whole number"),
    ] {
        let page = ask(admin, "GET", &format!("/find?q={q}"), &[&cookie], "").await;
        assert_eq!(page.status, status, "{q}");
        assert!(page.body.contains(words), "{q}: {}", page.body);
        is_guarded(&page);
    }
    town.close().await;
}

#[tokio::test]
async fn an_operation_is_planned_from_the_filters_started_and_followed() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let id = town.submit(&RawRequest::to("16175559012")).await;
    waits(&town, id, State::Accepted, 1).await;
    let list = ask(admin, "GET", "/messages?state=Accepted&carrier=31003", &[&cookie], "").await;
    let selection = "name=\"filter\" value=\"state=Accepted&#38;carrier=31003\"";
    assert!(list.body.contains(selection), "{}", list.body);

    let form = "verb=expire&filter=state%3DAccepted%26carrier%3D31003&reason=their+wish";
    let planned = ask(admin, "POST", "/operations", &own, form).await;
    let place = planned.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned();
    assert!(place.starts_with("/operations/"), "{place}");
    let plan = ask(admin, "GET", &place, &[&cookie], "").await;
    is_guarded(&plan);
    for words in ["It is planned, for 1 message.", "Expire 1 message", &id.to_string(), "their wish"] {
        assert!(plan.body.contains(words), "{words}: {}", plan.body);
    }
    waits(&town, id, State::Accepted, 1).await;
    let unseen = ask(admin, "POST", &format!("{place}/start"), &own, "expect_count=2").await;
    assert_eq!(unseen.status, 409);
    assert!(unseen.body.contains("it is about 1 message"), "{}", unseen.body);
    assert_eq!(ask(admin, "POST", &format!("{place}/start"), &own, "expect_count=1").await.status, 303);
    eventually("it is done", async || {
        let page = ask(admin, "GET", &place, &[&cookie], "").await;
        page.body.contains("It is done, to 1 message; 0 were left alone.").then_some(())
    })
    .await;
    let shown = ask(admin, "GET", &place, &[&cookie], "").await;
    assert!(shown.body.contains(&format!("href=\"/messages/{id}\"")), "message by message");
    assert!(ask(admin, "GET", "/operations", &[&cookie], "").await.body.contains(&place));
    let nothing = ask(admin, "POST", "/operations", &own, "verb=explode&filter=carrier%3D31003").await;
    assert_eq!(nothing.status, 400);
    assert!(nothing.body.contains("there is no operation"), "{}", nothing.body);
    town.close().await;
}

#[tokio::test]
async fn an_account_is_looked_at_disabled_and_given_a_sender() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let page = async |path: &str| ask(admin, "GET", path, &[&cookie], "").await.body;
    assert!(page("/accounts").await.contains("href=\"/accounts/acme\""));
    let shown = page("/accounts/acme").await;
    for words in [
        "61295",
        "111122",
        "The last hour",
        "href=\"/messages?account=acme&amp;state=Retrieved\"",
        "Disable acme",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("acme-key"), "no secret");
    let added = ask(admin, "POST", "/accounts/acme/senders", &own, "vasid=61295&sender=111133&do=add").await;
    assert_eq!(added.status, 303, "{}", added.body);
    assert!(page("/accounts/acme?done=senders").await.contains("111122, 111133"));
    let removed =
        ask(admin, "POST", "/accounts/acme/senders", &own, "vasid=61295&sender=111133&do=remove").await;
    assert_eq!(removed.status, 303, "{}", removed.body);
    let disabled = ask(admin, "POST", "/accounts/acme/disable", &own, "reason=unpaid").await;
    assert!(disabled.head.contains("location: /accounts/acme?done=disable\r\n"), "{}", disabled.body);
    let shown = page("/accounts/acme?done=disable").await;
    assert!(shown.contains("It is disabled") && shown.contains("Enable acme"), "{shown}");
    assert!(page("/audit").await.contains("unpaid"));
    let missing = ask(admin, "GET", "/accounts/%3Cscript%3E", &[&cookie], "").await;
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("no account &#60;script&#62; is provisioned"), "{}", missing.body);
    is_guarded(&missing);
    town.close().await;
}

#[tokio::test]
async fn a_number_is_explained_blocked_and_unblocked() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let page = async |query: &str| ask(admin, "GET", &format!("/numbers{query}"), &[&cookie], "").await;
    let free = page("?number=%2B1+617+555+0100&account=acme").await.body;
    for words in ["A message to +1617•••0100 would go to 31003.", "the ranges that are provisioned", "1617"]
    {
        assert!(free.contains(words), "{words}: {free}");
    }
    assert!(
        page("?number=4912345").await.body.contains("would be refused with 2570: no carrier has the number.")
    );
    let wrong = page("?number=%3Cb%3E").await;
    assert!(wrong.status == 400 && wrong.body.contains("role=\"alert\""), "{}", wrong.body);
    let number = "number=%2B1+617+555+0100&account=";
    for (verb, done, words) in [
        ("block", "It is blocked", "would be refused with 3001: the number is blocked."),
        ("unblock", "It is not blocked any more.", "would go to 31003."),
    ] {
        let said =
            ask(admin, "POST", "/numbers", &own, &format!("{number}&do={verb}&reason=their+wish")).await;
        assert_eq!(said.status, 303, "{verb}: {}", said.body);
        eventually(words, async || {
            let page = page(&format!("?{number}&done={verb}")).await.body;
            (page.contains(done) && page.contains(words)).then_some(())
        })
        .await;
    }
    town.close().await;
}

#[tokio::test]
async fn carriers_nodes_and_what_came_from_handsets_have_their_pages() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let id = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, id, State::Parked, 1).await;
    let page = async |path: &str| {
        let page = ask(admin, "GET", path, &[&cookie], "").await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        is_guarded(&page);
        page.body
    };
    assert!(page("/carriers").await.contains("href=\"/carriers/31003\""));
    let carrier = page("/carriers/31003").await;
    for words in ["31003-1", "data-stream=\"/live/carrier?id=31003\"", "Parked", "By account"] {
        assert!(carrier.contains(words), "{words}: {carrier}");
    }
    let of_connection = "/carriers/31003/connections/31003-1";
    let probed = ask(admin, "POST", &format!("{of_connection}/probe"), &own, "").await;
    assert!(probed.body.contains("31003-1: somebody is there, at http://"), "{}", probed.body);
    let suspended =
        ask(admin, "POST", &format!("{of_connection}/suspend"), &own, "minutes=15&reason=their+wish").await;
    assert!(suspended.head.contains("location: /carriers/31003?done=suspend\r\n"), "{}", suspended.body);
    eventually("it is suspended", async || {
        let carrier = page("/carriers/31003").await;
        (carrier.contains("suspended by admin till ") && carrier.contains("Use it again")).then_some(())
    })
    .await;
    assert_eq!(ask(admin, "POST", &format!("{of_connection}/resume"), &own, "").await.status, 303);
    let limited = ask(admin, "POST", &format!("{of_connection}/limit"), &own, "window=2&minutes=").await;
    assert!(limited.head.contains("location: /carriers/31003?done=limit\r\n"), "{}", limited.body);
    eventually("it is limited", async || {
        page("/carriers/31003").await.contains("limited by admin").then_some(())
    })
    .await;
    assert_eq!(ask(admin, "POST", &format!("{of_connection}/limit"), &own, "lift=yes").await.status, 303);
    assert!(page("/mo").await.contains("No message has come from a handset yet."));
    assert!(page("/mo/for-nobody").await.contains("was for a service that is provisioned"));
    assert!(page("/unmatched-reports").await.contains("belongs to a known message"));
    let nodes = page("/nodes").await;
    assert!(nodes.contains("serving") && nodes.contains("Free for the database"), "{nodes}");
    let counted = page("/messages?carrier=31003&counted=yes").await;
    assert!(counted.contains("<b>1 message since "), "{counted}");
    assert_eq!(ask(admin, "POST", "/nodes/self/drain", &own, "reason=an+upgrade").await.status, 303);
    assert!(page("/nodes?done=drain").await.contains("drained"));
    assert_eq!(town.post(&RawRequest::to("16175550100")).await.code(), Some(3510));
    assert_eq!(ask(admin, "POST", "/nodes/self/undrain", &own, "").await.status, 303);
    assert!(page("/audit").await.contains("an upgrade"));
    let series = "/api/v1/stats/series?name=accepted&step=10";
    let bearer = ["Authorization: Bearer hush-hush"];
    let kept = ask(admin, "GET", series, &bearer, "").await.json();
    assert_eq!(kept["next"], serde_json::Value::Null, "{kept}");
    for (query, words) in [
        ("", "which series"),
        ("?name=odd", "write one of accepted"),
        ("?name=window&step=7", "no multiple of 10"),
    ] {
        let refused = ask(admin, "GET", &format!("/api/v1/stats/series{query}"), &bearer, "").await;
        assert!(refused.status == 400 && refused.body.contains(words), "{query}: {}", refused.body);
    }
    town.close().await;
}

/// A stream of a live page, open, and what came of it till `till` was there.
pub(crate) async fn streamed(admin: &str, path: &str, cookie: &str, till: &str) -> (String, TcpStream) {
    let address = admin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{cookie}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut came = Vec::new();
    timeout(DEADLINE, async {
        while !String::from_utf8_lossy(&came).contains(till) {
            assert!(stream.read_buf(&mut came).await.unwrap() > 0, "{}", String::from_utf8_lossy(&came));
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{till} did not come: {}", String::from_utf8_lossy(&came)));
    (String::from_utf8_lossy(&came).into_owned(), stream)
}

#[tokio::test]
async fn a_live_page_is_one_stream_for_those_who_signed_in_till_the_gateway_stops() {
    let town = town().await;
    let admin = town.app.ready().admin.clone();
    let cookie = signed_in(&admin).await;
    let (came, _) = streamed(&admin, "/live/overview", &cookie, "event: beat\ndata: ").await;
    assert!(came.starts_with("HTTP/1.1 200 OK\r\n"), "{came}");
    let head = came.to_lowercase();
    assert!(
        head.contains("content-type: text/event-stream\r\n") && head.contains("x-frame-options: deny\r\n")
    );
    assert!(came.contains("event: part\ndata: <ul class=\"says\">"), "{came}");
    assert!(came.contains("Nothing is out of the ordinary."), "{came}");
    for path in ["/live/overview", "/live/messages", "/live/carrier"] {
        let who: &[&str] = if path == "/live/overview" { &[] } else { &[&cookie] };
        let refused = ask(&admin, "GET", path, who, "").await;
        assert!(refused.status >= 400 && !refused.body.contains("event:"), "{path}: {}", refused.status);
    }
    // One that is open does not hold the gateway up.
    let (came, mut open) = streamed(&admin, "/live/queues", &cookie, "31003").await;
    assert!(came.contains("event: part"), "{came}");
    town.close().await;
    let mut left = Vec::new();
    timeout(DEADLINE, open.read_to_end(&mut left)).await.unwrap().unwrap();
}

/// A page with all that it loads is small enough for a bad line at three in the morning.
#[tokio::test]
async fn the_first_page_is_at_most_60_kb_with_all_that_it_loads() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let page = ask(admin, "GET", "/", &[&cookie], "").await.body;
    let mut bytes = page.len();
    let loaded: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(loaded.len(), 3, "{loaded:?}");
    for path in loaded {
        let asset = ask(admin, "GET", path, &[], "").await;
        assert_eq!(asset.status, 200, "{path}");
        assert!(
            asset.head.contains("cache-control: public, max-age=31536000, immutable\r\n"),
            "{}",
            asset.head
        );
        bytes += asset.body.len();
    }
    assert!(bytes <= 60 << 10, "{bytes} bytes");
    town.close().await;
}

/// What a viewer sees has nothing to press, and what a viewer presses all the same is refused.
#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let id = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, id, State::Parked, 1).await;
    let headers = ["Authorization: Bearer hush-hush", "Content-Type: application/json"];
    let made =
        ask(admin, "POST", "/api/v1/tokens", &headers, r#"{"name":"vic","role":"viewer"}"#).await.json();
    let form = format!("token={}", made["token"].as_str().unwrap());
    let said = ask(admin, "POST", "/sign-in", &[], &form).await;
    let set = said.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("Cookie: __Host-posthouse={}", set.split(['=', ';']).nth(1).unwrap());
    for path in [
        "/",
        "/find?q=16175559015",
        "/messages",
        &format!("/messages/{id}"),
        "/refusals",
        "/mo",
        "/mo/for-nobody",
        "/unmatched-reports",
        "/callbacks",
        "/operations",
        "/queues",
        "/carriers",
        "/carriers/31003",
        "/accounts",
        "/accounts/acme",
        "/numbers?number=16175559015",
        "/provisioning",
        "/provisioning/1",
        "/audit",
        "/nodes",
    ] {
        let page = ask(admin, "GET", path, &[&cookie], "").await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        let forms: Vec<_> = page.body.split("method=\"post\" action=\"").skip(1).collect();
        assert!(forms.iter().all(|form| form.starts_with("/sign-out\"")), "{path}: {}", forms.len());
        // What one has written oneself stands in the box.
        assert!(path.contains('=') || !page.body.contains("16175559015"), "{path}: masked");
    }
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    for (path, form) in [
        (&*format!("/messages/{id}/expire"), ""),
        ("/operations", "verb=expire&filter=carrier%3D31003"),
        ("/operations/1/start", "expect_count=1"),
        ("/accounts/acme/disable", ""),
        ("/accounts/acme/senders", "vasid=61295&sender=1&do=add"),
        ("/numbers", "number=16175550100&do=block"),
        ("/nodes/self/drain", ""),
        ("/callbacks/acme/pause", ""),
        ("/provisioning/1/rollback", "expect=1"),
    ] {
        let refused = ask(admin, "POST", path, &own, form).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.body);
        assert!(refused.body.contains("this needs the right"), "{path}: {}", refused.body);
    }
    waits(&town, id, State::Parked, 1).await;
    town.close().await;
}

/// A rollback's plan names blocked numbers masked, to administrators too; whole ones are asked for, and the audit says so.
#[tokio::test]
async fn numbers_of_a_revision_are_masked_till_they_are_revealed() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let blocked = ask(admin, "POST", "/numbers", &own, "number=16175550177&do=block").await;
    assert_eq!(blocked.status, 303, "{}", blocked.body);
    for path in ["/provisioning/1", "/provisioning/2"] {
        let page = ask(admin, "GET", path, &[&cookie], "").await;
        assert!(page.body.contains("blacklist +1617•••0177"), "{path}: {}", page.body);
        assert!(!page.body.contains("16175550177"), "{path}: {}", page.body);
        let reveal = format!("href=\"{path}?reveal=true\"");
        assert!(page.body.contains(&reveal), "{path}: {}", page.body);
    }
    let whole = ask(admin, "GET", "/provisioning/1?reveal=true", &[&cookie], "").await;
    assert!(whole.body.contains("remove blacklist 16175550177"), "{}", whole.body);
    assert!(!whole.body.contains("?reveal=true"), "{}", whole.body);
    let audit = ask(admin, "GET", "/audit?verb=reveal&since=1h", &[&cookie], "").await;
    for target in ["/api/v1/provisioning/revisions/1/diff", "/api/v1/provisioning/rollback"] {
        assert!(audit.body.contains(target), "{target}: {}", audit.body);
    }
    assert!(audit.body.contains("<span class=\"small mono\">reveal</span>"), "{}", audit.body);
    assert!(!audit.body.contains("<span class=\"small mono\">apply</span>"), "{}", audit.body);
    // By the API as well: whoever may look sees no whole number.
    let bearer = ["Authorization: Bearer hush-hush", "Content-Type: application/json"];
    let diff = ask(admin, "GET", "/api/v1/provisioning/revisions/2/diff", &bearer, "").await.json();
    assert_eq!(diff["steps"][0]["name"], "+1617•••0177");
    let rollback = r#"{"to":1,"dry_run":true}"#;
    let back = ask(admin, "POST", "/api/v1/provisioning/rollback", &bearer, rollback).await.json();
    assert_eq!(back["steps"][0]["name"], "+1617•••0177");
    let revealed = "/api/v1/provisioning/rollback?reveal=true";
    let back = ask(admin, "POST", revealed, &bearer, rollback).await.json();
    assert_eq!(back["steps"][0]["name"], "16175550177");
    town.close().await;
}

/// All that failed is a choice, and so are usual times; what is listed, counted and done to all is the same.
#[tokio::test]
async fn all_that_failed_in_the_last_hour_is_two_choices() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let retrieved = town.submit(&RawRequest::to("16175550100")).await;
    let rejected = town.submit(&RawRequest::to("16175559003")).await;
    let expired = town.submit(&RawRequest::to("16175559002")).await;
    for id in [retrieved, rejected, expired] {
        town.ended(id).await;
    }
    let page = ask(admin, "GET", "/messages?state=failed&since=1h&counted=yes", &[&cookie], "").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let lists = |id| page.body.contains(&format!("href=\"/messages/{id}\""));
    assert!(lists(rejected) && lists(expired) && !lists(retrieved), "{}", page.body);
    for shown in [
        "<option value=\"failed\" selected>failed: all that ended, but not as Retrieved</option>",
        "State: failed",
        "<b>2 messages",
        "href=\"/messages?failed=true&#38;since=1h\" aria-current=\"true\">last hour</a>",
        "href=\"/messages?failed=true&#38;since=0%3A00\">today</a>",
        "href=\"/messages?failed=true&#38;since=7d\">last 7 days</a>",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    // What is planned from here is about the same: the time is written out.
    let filter = page.body.split("name=\"filter\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(filter.starts_with("failed=true&#38;since=20"), "{filter}");
    let form = format!("verb=resubmit&filter={}", filter.replace("&#38;", "%26").replace('=', "%3D"));
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let planned = ask(admin, "POST", "/operations", &own, &form).await;
    assert_eq!(planned.status, 303, "{}", planned.body);
    let at = planned.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let operation = ask(admin, "GET", at, &[&cookie], "").await;
    assert!(operation.body.contains("It is planned, for 2 messages"), "{}", operation.body);
    // And the way back from it has the filters again.
    let back = operation.body.split("href=\"/messages?").nth(1).unwrap().split('"').next().unwrap();
    let list = ask(admin, "GET", &format!("/messages?{}", back.replace("&#38;", "&")), &[&cookie], "").await;
    assert!(list.body.contains("State: failed"), "{}", list.body);
    town.close().await;
}

/// What goes over the wire is looked at from a page, and is gone when it is removed.
#[tokio::test]
async fn a_capture_is_begun_looked_at_and_removed() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let own = [cookie.as_str(), "Sec-Fetch-Site: same-origin"];
    let page = ask(admin, "GET", "/captures?carrier=31003", &[&cookie], "").await;
    for shown in
        ["There is none.", "<option value=\"account acme\">", "<option value=\"carrier 31003\" selected>"]
    {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    for (form, fault) in [
        ("of=account+nobody", "no account nobody is provisioned"),
        ("of=account+acme&max=0", "It is not from 1 to 1000; write a number from 1 to 1000."),
        (
            "of=account+acme&max=many",
            "Choose an account or a carrier, and a number of requests from 1 to 1000.",
        ),
    ] {
        let refused = ask(admin, "POST", "/captures", &own, form).await;
        assert_eq!(refused.status, 400, "{form}: {}", refused.body);
        assert!(refused.body.contains(fault), "{form}: {}", refused.body);
    }
    let begun = ask(admin, "POST", "/captures", &own, "of=account+acme&minutes=1&max=50&reason=a+test").await;
    assert!(begun.head.contains("location: /captures/1?done=begin\r\n"), "{}", begun.head);
    let page = ask(admin, "GET", "/captures/1?done=begin", &[&cookie], "").await;
    for shown in ["It has begun", "Nothing has come or gone since it began.", "data-poll=\"2\"", "0 of 50"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let page = ask(admin, "GET", "/captures/1", &[&cookie], "").await;
    let link = format!("href=\"/messages/{id}\"");
    for shown in ["from the VASP", "SubmitReq", "+1617•••0100", &link] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert!(!page.body.contains("acme-key") && !page.body.contains("16175550100"), "{}", page.body);
    let removed = ask(admin, "POST", "/captures/1/remove", &own, "").await;
    assert!(removed.head.contains("location: /captures?done=remove\r\n"), "{}", removed.head);
    assert_eq!(ask(admin, "GET", "/captures/1", &[&cookie], "").await.status, 404);
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
