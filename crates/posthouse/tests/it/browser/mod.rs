//! The pages in a real browser, where there is one: at every width, in light and dark, by keyboard alone, and without JavaScript.

mod driver;
mod journeys;
mod portal;

use std::{env, fs, path::PathBuf};

use posthouse_core::life::state::State;
use posthouse_sim::carrier::{HandsetMessage, MoPart};
use posthouse_testing::{
    request::RawRequest,
    town::{Town, eventually},
};
use serde_json::Value;

use self::driver::Browser;
use crate::api::{ask, town_with, waits};

const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
const TAB: &str = "\u{E004}";
/// What axe-core is asked for: WCAG 2.2, A and AA.
const AXE: &str = "return axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})
    .then(found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).slice(0, 3).join(' | ')))";

/// A town with something on every page, and a browser that has signed in.
async fn seen() -> Option<(Town, Browser, String)> {
    let browser = Browser::start().await?;
    let town = town_with(|town| format!("deliver_url = \"{}/deliver\"\n", town.vasp.url())).await;
    for to in ["16175550100", "16175559003"] {
        let id = town.submit(&RawRequest::to(to)).await;
        town.ended(id).await;
    }
    // What of its content is no base64 is refused: 2513.
    let mut broken = RawRequest::to("16175550100");
    broken.transaction_id("order-7781");
    broken.attachments[1].head.push_str("Content-Transfer-Encoding: base64\r\n");
    broken.attachments[1].body = b"%%%".to_vec();
    assert_eq!(town.post(&broken).await.code(), Some(2513));
    // Handsets sent one to a service, and one to nobody.
    let hello = |to: &str| HandsetMessage {
        from: "16175550100".to_owned(),
        to: to.to_owned(),
        subject: None,
        parts: vec![MoPart {
            content_type: "text/plain; charset=utf-8".to_owned(),
            text: Some("hello".to_owned()),
            base64: None,
            id: None,
            name: None,
        }],
    };
    for (to, code) in [("111122", 1000), ("999888", 2002)] {
        assert_eq!(town.carriers["31003"].deliver(&hello(to)).await.unwrap().code(), Some(code), "{to}");
    }
    // A number is blocked.
    let admin_token = &["Authorization: Bearer hush-hush"][..];
    let blocked = ask(&town.app.ready().admin, "PUT", "/api/v1/blacklist/16175550199", admin_token, "").await;
    assert_eq!(blocked.status, 200, "{}", blocked.body);
    let parked = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, parked, State::Parked, 1).await;
    let admin = town.app.ready().admin.clone();
    browser.look(1440, "light").await;
    browser.open(&format!("{admin}/sign-in?next=%2F")).await;
    browser.run("document.querySelector('#token').value = 'hush-hush'; document.querySelector('#token').form.requestSubmit()").await;
    at(&browser, "/").await;
    Some((town, browser, admin))
}

/// Waits till the browser is at this path.
async fn at(browser: &Browser, path: &str) {
    eventually(&format!("the browser is at {path}"), async || {
        let here = browser
            .run("return document.readyState === 'complete' ? location.pathname + location.search : ''")
            .await;
        (here == path).then_some(())
    })
    .await;
}

async fn text(browser: &Browser, script: &str) -> String {
    browser.run(script).await.as_str().unwrap_or_default().to_owned()
}

/// Tabs on till the focus is there.
async fn tab_to(browser: &Browser, selector: &str) {
    for _ in 0..80 {
        let is_there = format!("return document.activeElement.matches({selector:?})");
        if browser.run(&is_there).await == true {
            return;
        }
        browser.press(TAB).await;
    }
    panic!("{selector} is not reached by Tab");
}

/// The pages, and under which name their pictures are kept.
async fn pages(browser: &Browser, admin: &str) -> Vec<(&'static str, String)> {
    let first = "return document.querySelector('[data-rows] tbody a')?.getAttribute('href') || ''";
    browser.open(&format!("{admin}/messages?state=Rejected")).await;
    let message = text(browser, first).await;
    let refusal = eventually("the refusal is kept", async || {
        browser.open(&format!("{admin}/refusals")).await;
        Some(text(browser, first).await).filter(|place| !place.is_empty())
    })
    .await;
    browser.open(&format!("{admin}/mo")).await;
    let mo = text(browser, first).await;
    browser.open(&format!("{admin}/callbacks")).await;
    let of_callback = "return document.querySelector('[data-rows] a[href^=\"/callbacks/\"]')?.getAttribute('href') || '/callbacks'";
    let callback = text(browser, of_callback).await;
    browser.open(&format!("{admin}/messages?carrier=31777&unprovisioned=true")).await;
    let refused = Some(text(browser, first).await).filter(|place| !place.is_empty());
    browser.open(&format!("{admin}/messages?carrier=31003")).await;
    browser.run("document.querySelector('form[action=\"/operations\"]').requestSubmit()").await;
    let operation = eventually("an operation is planned", async || {
        let here = text(browser, "return location.pathname").await;
        here.starts_with("/operations/").then_some(here)
    })
    .await;
    let (capture, captured) = capture(browser, admin).await;
    vec![
        ("overview", "/".to_owned()),
        ("messages", "/messages".to_owned()),
        ("messages-none", "/messages?transaction_id=nothing".to_owned()),
        ("messages-mistake", "/messages?state=Lost".to_owned()),
        ("message", message),
        ("message-captured", captured),
        ("find", "/find?q=16175550100".to_owned()),
        ("find-nothing", "/find?q=nothing-of-ours".to_owned()),
        ("refusals", "/refusals".to_owned()),
        ("refusal", refusal),
        ("operations", "/operations".to_owned()),
        ("operation", operation),
        ("mo", "/mo".to_owned()),
        ("mo-one", mo),
        ("mo-for-nobody", "/mo/for-nobody".to_owned()),
        ("unmatched-reports", "/unmatched-reports".to_owned()),
        ("accounts", "/accounts".to_owned()),
        ("account", "/accounts/acme".to_owned()),
        ("carriers", "/carriers".to_owned()),
        ("carrier", "/carriers/31003".to_owned()),
        ("numbers", "/numbers".to_owned()),
        ("number", "/numbers?number=%2B1+617+555+0100&account=acme".to_owned()),
        ("number-blocked", "/numbers?number=16175550199".to_owned()),
        ("number-of-nobody", "/numbers?number=4912345".to_owned()),
        ("nodes", "/nodes".to_owned()),
        ("lint", "/lint".to_owned()),
        ("try", "/try".to_owned()),
        ("try-acme", "/try?account=acme".to_owned()),
        ("keys", "/keys".to_owned()),
        ("keys-acme", "/keys?account=acme".to_owned()),
        ("queues", "/queues".to_owned()),
        ("callbacks", "/callbacks".to_owned()),
        ("callback", callback),
        ("message-refused", refused.unwrap_or_else(|| "/messages".to_owned())),
        ("sandbox", "/sandbox".to_owned()),
        ("provisioning", "/provisioning".to_owned()),
        ("revision", "/provisioning/1".to_owned()),
        ("audit", "/audit".to_owned()),
        ("captures", "/captures".to_owned()),
        ("capture", capture),
        ("users", "/users".to_owned()),
        ("codes", "/codes".to_owned()),
        ("code", "/codes/2513".to_owned()),
        ("status", "/codes/Retrieved".to_owned()),
        ("trouble", "/nothing".to_owned()),
    ]
}

/// A capture that has something, and the message that it has it of.
async fn capture(browser: &Browser, admin: &str) -> (String, String) {
    browser.open(&format!("{admin}/captures?account=acme")).await;
    browser.run("document.querySelector('form[action=\"/captures\"]').requestSubmit()").await;
    let place = eventually("a capture is begun", async || {
        let here = text(browser, "return location.pathname").await;
        here.starts_with("/captures/").then_some(here)
    })
    .await;
    browser.open(&format!("{admin}/try?account=acme")).await;
    browser.run("document.querySelector('#t-to').value = '16175550100'; document.querySelector('button[value=send]').click()").await;
    let message = eventually("a message is sent", async || {
        let here = text(browser, "return location.pathname").await;
        here.starts_with("/messages/").then_some(here)
    })
    .await;
    eventually("the message's page shows what was captured", async || {
        browser.open(&format!("{admin}{message}")).await;
        let legs = "return document.querySelectorAll('[aria-labelledby=exchanges] details').length";
        (browser.run(legs).await.as_u64() >= Some(2)).then_some(())
    })
    .await;
    (place, message)
}

/// axe-core, where `POSTHOUSE_AXE` says that it lies.
#[expect(clippy::print_stderr, reason = "who runs the tests is told what was left out")]
fn axe() -> Option<String> {
    let path = env::var_os("POSTHOUSE_AXE");
    if path.is_none() {
        eprintln!("POSTHOUSE_AXE names no axe-core: accessibility is not checked");
    }
    path.map(|path| fs::read_to_string(path).unwrap())
}

/// The widths, from a small phone to a wall, each in light and dark.
fn looks() -> impl Iterator<Item = (u32, &'static str)> {
    [320, 390, 768, 1440, 3840].into_iter().flat_map(|width| ["light", "dark"].map(|scheme| (width, scheme)))
}

/// Where pictures go, if they are wanted.
fn pictures() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("POSTHOUSE_PICTURES")?);
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

/// Whether the times of a chart's axis are written over what is drawn.
const TIMES_ON_A_PLOT: &str = "return [...document.querySelectorAll('.plot')].some(plot => \
    plot.querySelector('.times').getBoundingClientRect().top \
    < plot.querySelector('svg').getBoundingClientRect().bottom)";

/// Looks at the page that is open, at every width, in light and dark: what is wrong with it.
async fn look_at(browser: &Browser, name: &str) -> Vec<String> {
    let (axe, pictures) = (axe(), pictures());
    let mut wrong = Vec::new();
    if let Some(axe) = &axe {
        browser.run(axe).await;
    }
    for (width, scheme) in looks() {
        browser.look(width, scheme).await;
        let here = format!("{name} at {width}, {scheme}");
        if let Some(folder) = &pictures
            && (width == 1440 || width == 390)
        {
            let picture = browser.picture().await;
            fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), picture).unwrap();
        }
        let sideways = browser.run("return document.documentElement.scrollWidth > innerWidth").await;
        if sideways == true {
            wrong.push(format!("{here}: it scrolls sideways"));
        }
        if browser.run(TIMES_ON_A_PLOT).await == true {
            wrong.push(format!("{here}: the times below a chart stand on its lines"));
        }
        if axe.is_some() {
            let found = browser.run(AXE).await;
            let found = found.as_array().into_iter().flatten();
            wrong.extend(found.map(|one| format!("{here}: {one}")));
        }
    }
    // A page that is not there, or is refused, is told by the console, too: that is the one line it may have.
    let console = browser.console().await;
    let said = console.iter().filter(|line| !line.contains("the server responded with a status of 40"));
    wrong.extend(said.map(|line| format!("{name}: the console says {line}")));
    wrong
}

#[tokio::test]
async fn every_page_is_whole_at_every_width_in_light_and_dark() {
    let Some((town, browser, admin)) = seen().await else { return };
    let carrier = journeys::is_busy(&town).await;
    let mut wrong = Vec::new();
    for (name, path) in pages(&browser, &admin).await {
        browser.open(&format!("{admin}{path}")).await;
        wrong.extend(look_at(&browser, name).await);
    }
    // Whoever is not signed in sees two pages more.
    browser.run("document.querySelector('form[action=\"/sign-out\"]').requestSubmit()").await;
    eventually("one can sign in", async || {
        (browser.run("return Boolean(document.querySelector('#token'))").await == true).then_some(())
    })
    .await;
    for (name, path) in [("sign-in", "/sign-in?next=%2Fmessages"), ("codes-of-anybody", "/codes/4003")] {
        browser.open(&format!("{admin}{path}")).await;
        wrong.extend(look_at(&browser, name).await);
    }
    drop(carrier);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    town.close().await;
}

#[tokio::test]
async fn keys_alone_lead_from_the_first_page_to_why_a_message_was_refused() {
    let Some((town, browser, _)) = seen().await else { return };
    browser.press("gm").await;
    at(&browser, "/messages").await;
    browser.press("j").await;
    browser.press("j").await;
    let focused = "return document.activeElement.getAttribute('href') || ''";
    let second = text(&browser, focused).await;
    let first =
        text(&browser, "return document.querySelector('[data-rows] tbody a').getAttribute('href')").await;
    assert!(second.starts_with("/messages/") && second != first, "{second}");
    browser.press(ENTER).await;
    at(&browser, &second).await;
    let says = text(&browser, "return document.querySelector('.says').textContent").await;
    assert!(says.contains("It ended as Rejected"), "{says}");

    browser.press("/").await;
    assert_eq!(text(&browser, "return document.activeElement.id").await, "q");
    browser.press(&format!("+1 617 555 0100{ENTER}")).await;
    at(&browser, "/find?q=%2B1+617+555+0100").await;
    let of_messages = "return document.querySelectorAll('[aria-labelledby=messages] tbody tr').length";
    assert_eq!(browser.run(of_messages).await, 1);

    browser.press("?").await;
    assert_eq!(browser.run("return document.querySelector('dialog').open").await, true);
    browser.press(ESCAPE).await;
    // A dialog that is closed goes once its browser has said so.
    eventually("the keys are gone", async || {
        (browser.run("return document.querySelector('dialog')").await == Value::Null).then_some(())
    })
    .await;
    town.close().await;
}

/// Whoever knows neither MM7 nor this program has been told that an order was refused, and nothing else. No mouse is needed.
#[tokio::test]
async fn who_knows_nothing_finds_from_the_first_page_why_a_request_was_refused() {
    let Some((town, browser, admin)) = seen().await else { return };
    // It stands on the first page, with the reason in words.
    let row =
        "[...document.querySelectorAll('main tbody tr')].find(row => row.textContent.includes('order-7781'))";
    eventually("the first page shows the refusal", async || {
        browser.open(&admin).await;
        (browser.run(&format!("return Boolean({row})")).await == true).then_some(())
    })
    .await;
    let told = text(&browser, &format!("return {row}.textContent")).await;
    assert!(told.contains("2513") && told.contains("Unable to parse attachment"), "{told}");
    // One step on: what is wrong, where, and what to do.
    for _ in 0..20 {
        browser.press("j").await;
        if browser.run(&format!("return {row}.contains(document.activeElement)")).await == true {
            break;
        }
    }
    browser.press(ENTER).await;
    eventually("the refusal is shown", async || {
        let heading = text(&browser, "return document.querySelector('h1').textContent").await;
        heading.starts_with("Refusal ").then_some(())
    })
    .await;
    let here = text(&browser, "return location.pathname").await;
    let wrong =
        text(&browser, "return document.querySelector('[aria-labelledby=findings]').textContent").await;
    for words in ["in part 1, at byte ", "What to do"] {
        assert!(wrong.contains(words), "{words}: {wrong}");
    }
    // The same by the one box at the top, by keys alone.
    browser.press(&format!("/order-7781{ENTER}")).await;
    at(&browser, &here).await;
    // And what the code means, for a reader who wants to know more.
    tab_to(&browser, ".says a").await;
    browser.press(ENTER).await;
    at(&browser, "/codes/2513").await;
    town.close().await;
}

#[tokio::test]
async fn a_live_page_follows_what_happens_and_can_be_paused() {
    let Some((town, browser, admin)) = seen().await else { return };
    browser.open(&admin).await;
    let says = async || text(&browser, "return document.querySelector('[data-says]').textContent").await;
    eventually("the page is live", async || says().await.starts_with("Live, as of ").then_some(())).await;
    let parked = "return [...document.querySelectorAll('.tile')].find(one => one.textContent.includes('Parked')).querySelector('b').textContent";
    assert_eq!(text(&browser, parked).await, "1");
    // What is open, and where the focus is, stays so.
    let id = town.submit(&RawRequest::to("16175559015")).await;
    browser.run("document.querySelector('#live-part tbody a').focus()").await;
    waits(&town, id, State::Parked, 1).await;
    eventually("the page tells", async || (text(&browser, parked).await == "2").then_some(())).await;
    assert_eq!(browser.run("return document.activeElement.closest('#live-part') !== null").await, true);
    browser.run("document.querySelector('[data-pause]').focus()").await;
    browser.press(ENTER).await;
    assert!(says().await.starts_with("Paused at "), "{}", says().await);
    let id = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, id, State::Parked, 1).await;
    browser.press(ENTER).await;
    eventually("it goes on", async || (text(&browser, parked).await == "3").then_some(())).await;
    assert!(browser.console().await.is_empty());
    // When nobody answers any more, the page says since when.
    town.close().await;
    eventually("the page is not live", async || says().await.starts_with("Not live since ").then_some(()))
        .await;
}

/// All that the first page loads, as a browser that has none of it yet counts what comes over the wire.
#[tokio::test]
async fn the_first_page_is_small() {
    let Some((town, browser, admin)) = seen().await else { return };
    browser.open(&admin).await;
    // What it holds already is counted as if it came anew; 300 bytes stand for a head, as in `transferSize` (Resource Timing, 4.3).
    let loaded = browser
        .run(
            "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
                .filter((one) => !one.name.includes('/live/'))
                .map((one) => [new URL(one.name).pathname, Math.max(one.transferSize, one.encodedBodySize + 300)])",
        )
        .await;
    let loaded: Vec<(String, u64)> = serde_json::from_value(loaded).unwrap();
    for (what, end) in [("the page", "/"), ("its style", ".css"), ("its script", ".js")] {
        assert!(
            loaded.iter().any(|(path, bytes)| path.ends_with(end) && *bytes > 1_000),
            "{what}: {loaded:?}"
        );
    }
    let bytes: u64 = loaded.iter().map(|(_, bytes)| bytes).sum();
    assert!(bytes <= 60_000, "{bytes}: {loaded:?}");
    town.close().await;
}

/// What can be done follows the message, and what is typed meanwhile stays.
#[tokio::test]
async fn what_can_be_done_about_a_message_follows_its_state() {
    let Some((town, browser, admin)) = seen().await else { return };
    let verbs = async || {
        let names = "return [...document.querySelectorAll('#live-part [aria-labelledby=verbs] summary')].map((one) => one.textContent).join(', ')";
        text(&browser, names).await
    };
    let says = async || text(&browser, "return document.querySelector('[data-says]').textContent").await;
    let id = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, id, State::Parked, 1).await;
    browser.open(&format!("{admin}/messages/{id}")).await;
    eventually("the page is live", async || says().await.starts_with("Live, as of ").then_some(())).await;
    assert_eq!(verbs().await, "Send again now, Expire");
    let seen = text(&browser, "return document.querySelector('.timeline').textContent").await;
    tab_to(&browser, "#open-requeue").await;
    browser.press(ENTER).await;
    tab_to(&browser, "#why-requeue").await;
    browser.press("it was").await;
    // Somebody else sends it again: the part changes while the user types.
    let again = format!("/api/v1/messages/{id}/requeue");
    let token = &["Authorization: Bearer hush-hush", "Content-Type: application/json"][..];
    let answer = ask(&town.app.ready().admin, "POST", &again, token, r#"{"parked": true}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    eventually("the page tells", async || {
        let now = text(&browser, "return document.querySelector('.timeline').textContent").await;
        (now != seen).then_some(())
    })
    .await;
    waits(&town, id, State::Parked, 2).await;
    browser.press(" asked").await;
    eventually("the words stay", async || {
        let typed = text(&browser, "return document.querySelector('#why-requeue')?.value || ''").await;
        (typed == "it was asked").then_some(())
    })
    .await;
    assert_eq!(text(&browser, "return document.activeElement.id").await, "why-requeue");
    // It ends elsewhere: what is not possible any more is not offered.
    let expire = format!("/api/v1/messages/{id}/expire");
    let answer = ask(&town.app.ready().admin, "POST", &expire, token, "{}").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    eventually("the offer follows", async || (verbs().await == "Send its reports again").then_some(())).await;
    assert_eq!(browser.run("return document.querySelector('#do-resend-reports').open").await, false);
    assert_ne!(text(&browser, "return document.activeElement.id").await, "open-resend-reports");
    town.close().await;
}

/// What VASPs, carriers and addresses say is shown, and never obeyed.
#[tokio::test]
async fn hostile_words_are_text() {
    let Some((town, browser, admin)) = seen().await else { return };
    let hostile = "\"'><script>hit()</script><img src=x onerror=hit()>\u{202E}";
    let escaped = hostile.replace('<', "&lt;").replace('>', "&gt;");
    let mut taken = RawRequest::to("16175550100");
    taken.transaction_id(&escaped);
    let id = town.submit(&taken).await;
    town.ended(id).await;
    let mut refused = RawRequest::to("16175550100");
    refused.transaction_id(&escaped);
    refused.vasid = Some(escaped.clone());
    assert_ne!(town.post(&refused).await.code(), Some(1000));
    let q: String = hostile.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut pages = vec![format!("/messages/{id}"), "/messages".to_owned(), "/".to_owned()];
    for path in [
        "/find?q=",
        "/messages?transaction_id=",
        "/messages?account=",
        "/refusals?transaction_id=",
        "/refusals?code=",
        "/mo?carrier=",
        "/unmatched-reports?carrier_message_id=",
        "/numbers?number=",
        "/numbers?number=16175550100&account=",
        "/audit?cursor=",
        "/accounts/",
        "/carriers/",
        "/refusals/",
        "/operations/",
        "/mo/",
        "/codes/",
        "/",
    ] {
        pages.push(format!("{path}{q}"));
    }
    eventually("the refusal is shown", async || {
        browser.open(&format!("{admin}/refusals")).await;
        let shown = text(&browser, "return document.querySelector('[data-rows]').textContent").await;
        shown.contains("<script>hit()</script>").then_some(())
    })
    .await;
    browser.run("window.hit = () => { document.title = 'hit'; }").await;
    for path in pages {
        browser.open(&format!("{admin}{path}")).await;
        let made =
            "return document.querySelectorAll('main script, main img, main [onerror], body > script').length";
        assert_eq!(browser.run(made).await, 0, "{path}");
        assert!(browser.run("return Boolean(document.querySelector('h1'))").await == true, "{path}");
        let console = browser.console().await;
        let said: Vec<_> =
            console.iter().filter(|line| !line.contains("responded with a status of 40")).collect();
        assert!(said.is_empty(), "{path}: {said:?}");
    }
    browser.open(&format!("{admin}/messages/{id}")).await;
    let facts = text(&browser, "return document.querySelector('dl.facts').textContent").await;
    assert!(facts.contains("<img src=x onerror=hit()>"), "{facts}");
    town.close().await;
}

/// Every field of every form of every page, filled with what would be obeyed if it were not escaped. What comes back is a page in which it
/// stands as text, or stands not at all.
#[tokio::test]
async fn hostile_words_through_every_field_of_every_form_are_text() {
    let Some((town, browser, admin)) = seen().await else { return };
    const FILL: &str = r#"return (async () => {
        const hostile = "\"'><script>hit()</script><img src=x onerror=hit()>\u202E\u0000" + "x".repeat(10000);
        const found = [];
        let fields = 0;
        for (const form of document.forms) {
            // What ends this session would end the test.
            if (/\/(sign-out|sign-in|end|revoke)$/.test(form.action)) continue;
            const data = new URLSearchParams(new FormData(form));
            for (const field of form.querySelectorAll("input:not([type=file]):not([type=hidden]), textarea")) {
                data.set(field.name, hostile);
                fields += 1;
            }
            const isPost = form.method === "post";
            const to = isPost ? form.action : form.action + "?" + data.toString().slice(0, 4000);
            const answer = await fetch(to, isPost ? {method: "POST", body: data} : {});
            const text = await answer.text();
            if (text.includes("<script>hit") || text.includes("<img src=x")) found.push(form.action);
            if (answer.status >= 500) found.push(form.action + ": " + answer.status);
            const csp = answer.headers.get("content-security-policy") || "";
            if (!csp.includes("script-src 'self'") || csp.includes("unsafe")) found.push(form.action + ": " + csp);
        }
        return {found, fields};
    })()"#;
    let mut fields = 0;
    for (_, path) in pages(&browser, &admin).await {
        browser.open(&format!("{admin}{path}")).await;
        let filled = browser.run(FILL).await;
        assert_eq!(filled["found"], serde_json::json!([]), "{path}");
        fields += filled["fields"].as_u64().unwrap();
    }
    assert!(fields > 50, "{fields}");
    town.close().await;
}

/// A number is blocked, and an account's callbacks are paused, without a mouse.
#[tokio::test]
async fn keys_alone_block_a_number_and_pause_callbacks() {
    let Some((town, browser, _)) = seen().await else { return };
    let tab_to = async |selector: &str| tab_to(&browser, selector).await;
    browser.press("gn").await;
    at(&browser, "/numbers").await;
    tab_to("#n-number").await;
    browser.press(&format!("16175550177{ENTER}")).await;
    at(&browser, "/numbers?number=16175550177&account=").await;
    tab_to("#b-why").await;
    browser.press(&format!("their wish{ENTER}")).await;
    at(&browser, "/numbers?number=16175550177&account=&done=block").await;
    eventually("it is blocked", async || {
        browser.command("/refresh", serde_json::json!({})).await;
        let says = text(&browser, "return document.querySelector('.says').textContent").await;
        says.contains("refused with 3001").then_some(())
    })
    .await;
    browser.press("gc").await;
    at(&browser, "/callbacks").await;
    tab_to("details summary").await;
    browser.press(ENTER).await;
    tab_to("input[name=reason]").await;
    browser.press(&format!("an upgrade of theirs{ENTER}")).await;
    at(&browser, "/callbacks?done=pause").await;
    town.close().await;
}

#[tokio::test]
async fn forms_work_without_javascript() {
    let Some((town, browser, admin)) = seen().await else { return };
    browser.scripts(false).await;
    browser.open(&format!("{admin}/messages?state=Parked")).await;
    // Scripts of the driver still run, and press what a person would.
    browser.run("document.querySelector('[data-rows] tbody a').click()").await;
    eventually("a message is shown", async || {
        let heading = text(&browser, "return document.querySelector('h1').textContent").await;
        heading.starts_with("Message 1").then_some(())
    })
    .await;
    browser.run("document.querySelector('form[action$=\"/expire\"] button').click()").await;
    eventually("it has expired", async || {
        let status =
            text(&browser, "return document.querySelector('[role=status]')?.textContent || ''").await;
        (status == "It has expired.").then_some(())
    })
    .await;
    // An operation is planned and started.
    browser.open(&format!("{admin}/messages?state=Expired")).await;
    browser.run("document.querySelector('form[action=\"/operations\"] button').click()").await;
    let shows = async |words: &str| {
        eventually(words, async || {
            let says = text(&browser, "return document.querySelector('.says')?.textContent || ''").await;
            says.contains(words).then_some(())
        })
        .await;
    };
    shows("It is planned, for 1 message.").await;
    browser.run("document.querySelector('form[action$=\"/start\"] button').click()").await;
    eventually("it is done", async || {
        browser.command("/refresh", serde_json::json!({})).await;
        let says = text(&browser, "return document.querySelector('.says')?.textContent || ''").await;
        says.contains("It is done").then_some(())
    })
    .await;
    town.close().await;
}
