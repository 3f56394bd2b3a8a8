//! The pages in a real browser, where there is one: at every width, in light and dark, by keyboard alone, and without JavaScript.

mod driver;

use std::{env, fs, path::PathBuf};

use posthouse_core::life::state::State;
use posthouse_testing::{
    request::RawRequest,
    town::{Town, eventually},
};
use serde_json::Value;

use self::driver::Browser;
use crate::api::{town, waits};

const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
/// What axe-core is asked for: WCAG 2.2, A and AA.
const AXE: &str = "return axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})
    .then(found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).slice(0, 3).join(' | ')))";

/// A town with something on every page, and a browser that has signed in.
async fn seen() -> Option<(Town, Browser, String)> {
    let browser = Browser::start().await?;
    let town = town().await;
    for to in ["16175550100", "16175559003"] {
        let id = town.submit(&RawRequest::to(to)).await;
        town.ended(id).await;
    }
    let parked = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, parked, State::Parked, 1).await;
    let admin = town.app.ready().admin.clone();
    browser.look(1440, "light").await;
    browser.open(&format!("{admin}/sign-in?next=%2F")).await;
    browser.run("document.querySelector('#token').value = 'hush-hush'; document.querySelector('main form').requestSubmit()").await;
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

/// The pages, and under which name their pictures are kept.
async fn pages(browser: &Browser, admin: &str) -> Vec<(&'static str, String)> {
    browser.open(&format!("{admin}/messages?state=Rejected")).await;
    let message =
        text(browser, "return document.querySelector('[data-rows] tbody a').getAttribute('href')").await;
    vec![
        ("overview", "/".to_owned()),
        ("messages", "/messages".to_owned()),
        ("messages-none", "/messages?transaction_id=nothing".to_owned()),
        ("messages-mistake", "/messages?state=Lost".to_owned()),
        ("message", message),
        ("queues", "/queues".to_owned()),
        ("callbacks", "/callbacks".to_owned()),
        ("provisioning", "/provisioning".to_owned()),
        ("revision", "/provisioning/1".to_owned()),
        ("audit", "/audit".to_owned()),
        ("codes", "/codes".to_owned()),
        ("code", "/codes/2513".to_owned()),
        ("status", "/codes/Retrieved".to_owned()),
        ("trouble", "/nothing".to_owned()),
    ]
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

/// Where pictures go, if they are wanted.
fn pictures() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("POSTHOUSE_PICTURES")?);
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

#[tokio::test]
async fn every_page_is_whole_at_every_width_in_light_and_dark() {
    let Some((town, browser, admin)) = seen().await else { return };
    let (axe, pictures) = (axe(), pictures());
    let mut wrong = Vec::new();
    for (name, path) in pages(&browser, &admin).await {
        for width in [320, 768, 1440, 3840] {
            for scheme in ["light", "dark"] {
                browser.look(width, scheme).await;
                browser.open(&format!("{admin}{path}")).await;
                let here = format!("{name} at {width}, {scheme}");
                let sideways = browser.run("return document.documentElement.scrollWidth > innerWidth").await;
                if sideways == true {
                    wrong.push(format!("{here}: it scrolls sideways"));
                }
                // A page that is not there, or is refused, is told by the console, too: that is the one line it may have.
                let console = browser.console().await;
                let said =
                    console.iter().filter(|line| !line.contains("the server responded with a status of 40"));
                wrong.extend(said.map(|line| format!("{here}: the console says {line}")));
                if let Some(axe) = &axe {
                    browser.run(axe).await;
                    let found = browser.run(AXE).await;
                    let found = found.as_array().into_iter().flatten();
                    wrong.extend(found.map(|one| format!("{here}: {one}")));
                }
                if let Some(folder) = &pictures
                    && (width == 1440 || width == 320)
                {
                    fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), browser.picture().await)
                        .unwrap();
                }
            }
        }
    }
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
    at(&browser, "/messages?to=%2B1+617+555+0100").await;
    assert_eq!(browser.run("return document.querySelectorAll('[data-rows] tbody tr').length").await, 1);

    browser.press("?").await;
    assert_eq!(browser.run("return document.querySelector('dialog').open").await, true);
    browser.press(ESCAPE).await;
    assert_eq!(browser.run("return document.querySelector('dialog')").await, Value::Null);
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
    town.close().await;
}
