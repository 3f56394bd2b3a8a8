//! The pages of an account's own people: whole at every width, and without JavaScript from a wrong request to what is wrong with it.

use posthouse_testing::{request::RawRequest, town::eventually};
use serde_json::json;

use super::{ENTER, at, driver::Browser, look_at, tab_to, text};
use crate::{portal::token, sandbox};

/// A browser in which this account's people signed in.
async fn signed_in(town: &posthouse_testing::town::Town, browser: &Browser, account: &str) {
    let token = token(town, &format!("{account}-people"), &format!("vasp:{account}")).await;
    browser.open(&format!("{}/sign-in?next=%2F", town.app.ready().admin)).await;
    let fill = format!(
        "document.querySelector('#token').value = {}; document.querySelector('#token').form.requestSubmit()",
        json!(token)
    );
    browser.run(&fill).await;
    at(browser, "/").await;
}

#[tokio::test]
async fn every_page_of_an_account_is_whole_at_every_width() {
    let Some(browser) = Browser::start().await else { return };
    let town = sandbox::town().await;
    let mut first = None;
    for number in ["16175550100", "16175559003"] {
        let id = town.submit(&sandbox::to(number)).await;
        town.ended(id).await;
        first.get_or_insert(id);
    }
    let admin = town.app.ready().admin.clone();
    browser.look(1440, "light").await;
    signed_in(&town, &browser, "dev").await;
    let message = format!("/messages/{}?reveal=true", first.unwrap());
    let mut wrong = Vec::new();
    for (name, path) in [
        ("portal-home", "/"),
        ("portal-messages", "/messages"),
        ("portal-message", &message),
        ("portal-callbacks", "/callbacks"),
        ("portal-lint", "/lint"),
        ("portal-try", "/try"),
        ("portal-keys", "/keys"),
        ("portal-sandbox", "/sandbox?done=clear"),
        ("portal-nothing", "/queues"),
    ] {
        browser.open(&format!("{admin}{path}")).await;
        wrong.extend(look_at(&browser, name).await);
    }
    browser.open(&format!("{admin}/lint")).await;
    let mut request = sandbox::to("16175550100");
    request.sender = Some("<ShortCode>333344</ShortCode>".to_owned());
    judge(&browser, &request).await;
    wrong.extend(look_at(&browser, "portal-lint-wrong").await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    town.close().await;
}

/// From a form to a message whose life is watched, by keys alone; and the same without JavaScript.
#[tokio::test]
async fn a_message_is_tried_and_its_life_is_watched() {
    let Some(browser) = Browser::start().await else { return };
    let town = sandbox::town().await;
    let admin = town.app.ready().admin.clone();
    browser.look(1440, "light").await;
    signed_in(&town, &browser, "dev").await;
    let mut wrong = Vec::new();
    browser.press("gt").await;
    at(&browser, "/try").await;
    tab_to(&browser, "button[value=show]").await;
    browser.press(ENTER).await;
    let says = async |words: &str| {
        eventually(words, async || {
            let says = text(&browser, "return document.querySelector('.says')?.textContent || ''").await;
            says.contains(words).then_some(())
        })
        .await;
    };
    says("It would be taken").await;
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })").await;
    wrong.extend(look_at(&browser, "portal-try-shown").await);
    browser.look(1440, "light").await;
    tab_to(&browser, "button[value=send]").await;
    browser.press(ENTER).await;
    says("It ended as Retrieved").await;
    let heading = text(&browser, "return document.querySelector('h1').textContent").await;
    assert!(heading.starts_with("Message 1"), "{heading}");
    wrong.extend(look_at(&browser, "portal-message-live").await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    browser.scripts(false).await;
    browser.open(&format!("{admin}/try")).await;
    let send = "document.querySelector('#t-from').value = '333344'; document.querySelector('button[value=send]').click()";
    browser.run(send).await;
    eventually("it is refused", async || {
        let told = text(&browser, "return document.querySelector('#answer')?.textContent || ''").await;
        told.starts_with("It was refused with 2563").then_some(())
    })
    .await;
    let wrong =
        text(&browser, "return document.querySelector('[aria-labelledby=findings]').textContent").await;
    assert!(wrong.contains("What to do: send from an address of this service: 111122."), "{wrong}");
    browser.run("document.querySelector('#t-from').value = '111122'; document.querySelector('button[value=send]').click()").await;
    eventually("it was taken", async || {
        let told = text(&browser, "return document.querySelector('[role=status]')?.textContent || ''").await;
        told.starts_with("It was taken with 1000").then_some(())
    })
    .await;
    browser.open(&format!("{admin}/keys")).await;
    browser.run("document.querySelector('form[action=\"/keys/add\"] button').click()").await;
    eventually("a key is told", async || {
        let told =
            text(&browser, "return document.querySelector('[aria-labelledby=told] pre')?.textContent || ''")
                .await;
        (told.len() == 40).then_some(())
    })
    .await;
    town.close().await;
}

/// Pastes a request and has it judged.
async fn judge(browser: &Browser, request: &RawRequest) {
    let file = String::from_utf8(request.bytes()).unwrap();
    let fill = format!(
        "document.querySelector('#text').value = {}; document.querySelector('#text').form.requestSubmit()",
        json!(file)
    );
    browser.run(&fill).await;
    eventually("the request is judged", async || {
        let heading = text(browser, "return document.querySelector('#findings')?.textContent || ''").await;
        (heading == "What is wrong").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_is_judged_and_the_sandbox_is_used_without_javascript() {
    let Some(browser) = Browser::start().await else { return };
    let town = sandbox::town().await;
    let admin = town.app.ready().admin.clone();
    signed_in(&town, &browser, "dev").await;
    browser.scripts(false).await;
    browser.open(&format!("{admin}/lint")).await;
    let mut request = sandbox::to("16175550100");
    request.sender = Some("<ShortCode>333344</ShortCode>".to_owned());
    judge(&browser, &request).await;
    let says = text(&browser, "return document.querySelector('.says').textContent").await;
    assert!(says.contains("It would be refused with 2563 Invalid source address"), "{says}");
    let wrong =
        text(&browser, "return document.querySelector('[aria-labelledby=findings]').textContent").await;
    assert!(wrong.contains("What to do: send from an address of this service: 111122."), "{wrong}");

    let id = town.submit(&sandbox::to("16175550100")).await;
    town.ended(id).await;
    browser.open(&format!("{admin}/sandbox")).await;
    let inbox = text(&browser, "return document.querySelector('[aria-labelledby=inbox]').textContent").await;
    assert!(inbox.contains(&id.to_string()) && inbox.contains("Hello"), "{inbox}");
    browser.run("document.querySelector('#d-text').value = 'STOP'; document.querySelector('#d-text').form.requestSubmit()").await;
    let status = "return document.querySelector('[role=status]')?.textContent || ''";
    eventually("the handset has written", async || {
        text(&browser, status).await.starts_with("The handset has written").then_some(())
    })
    .await;
    browser.run("document.querySelector('form[action=\"/sandbox/clear\"]').requestSubmit()").await;
    eventually("the inbox begins anew", async || {
        (text(&browser, status).await == "The inbox begins anew.").then_some(())
    })
    .await;
    let inbox = text(&browser, "return document.querySelector('[aria-labelledby=inbox]').textContent").await;
    assert!(!inbox.contains(&id.to_string()), "{inbox}");
    town.close().await;
}
