//! What somebody does in the night, by keys alone: from a page of the menu to what is to be done, and to what came of it.

use posthouse_sim::vasp::VaspAnswer;
use posthouse_testing::{
    canned::{Canned, CannedReply, response},
    provisioning::range,
    request::RawRequest,
    town::{Town, eventually},
};
use serde_json::json;

use super::{Browser, ENTER, at, seen, tab_to, text};
use crate::portal::token;

/// What a carrier says about a refusal, beside its code.
const WORDS: &str = "SMIL region Image is not declared; ref 0xA77";
/// A TransactionID as some VASPs make them.
const LONG: &str = "urn:uuid:6f1c9b0e-58d3-4d8b-9a55-0d7c2a4f3e61:campaign-2026-11-winter:batch-00412:recipient-000913377:try-3";

/// A carrier, `31777`, that refuses whatever it gets with 4003 and words of its own; recipients of it begin with 1212.
pub(super) async fn refusing_carrier(town: &Town) -> Canned {
    let canned = Canned::start(|seen| {
        let answer = response("SubmitRsp", &seen.transaction_id, 4003);
        let details = format!("</m:StatusText><m:Details>{WORDS}</m:Details>");
        CannedReply::http(200, "text/xml; charset=utf-8", &answer.replace("</m:StatusText>", &details))
    })
    .await;
    let carrier = format!(
        "[[carrier]]\nid = \"31777\"\nname = \"Coastal Wireless\"\n[[carrier.connection]]\nname = \"coastal-east\"\nurl = {:?}\n{}",
        canned.url("/mm7"),
        range("1212", "31777")
    );
    town.provision(&carrier).await;
    canned
}

/// What makes pages long: a carrier that refuses, a TransactionID of a hundred letters, and callbacks that fail.
pub(super) async fn is_busy(town: &Town) -> Canned {
    let canned = refusing_carrier(town).await;
    let mut request = RawRequest::to("12125550100");
    request.transaction_id(LONG);
    let id = town.submit(&request).await;
    town.ended(id).await;
    town.vasp.set_answer(VaspAnswer::Http(503));
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    canned
}

/// Waits till the sentence at the top of the page has these words.
async fn says(browser: &Browser, words: &str) {
    eventually(words, async || {
        let says = text(browser, "return document.querySelector('main .says')?.textContent || ''").await;
        says.contains(words).then_some(())
    })
    .await;
}

/// Waits till the page has these words, as it is opened anew.
async fn comes_to_say(browser: &Browser, words: &str) {
    eventually(words, async || {
        browser.command("/refresh", json!({})).await;
        text(browser, "return document.querySelector('main').textContent").await.contains(words).then_some(())
    })
    .await;
}

/// Goes to what this selects, and presses Enter.
async fn enter(browser: &Browser, selector: &str) {
    tab_to(browser, selector).await;
    browser.press(ENTER).await;
}

/// Goes to a field, writes into it, and presses Enter.
async fn write(browser: &Browser, selector: &str, words: &str) {
    tab_to(browser, selector).await;
    browser.press(&format!("{words}{ENTER}")).await;
}

#[tokio::test]
async fn an_operation_is_planned_started_followed_and_another_is_cancelled() {
    let Some((town, browser, _)) = seen().await else { return };
    let planned = async |reason: &str, verb: Option<&str>| {
        browser.press("gm").await;
        at(&browser, "/messages").await;
        write(&browser, "#f-carrier", "31003").await;
        eventually("the list is filtered", async || {
            let chips = text(&browser, "return document.querySelector('.chips')?.textContent || ''").await;
            chips.contains("Carrier: 31003").then_some(())
        })
        .await;
        enter(&browser, "[aria-labelledby=bulk] summary").await;
        if let Some(letter) = verb {
            // It chooses the option that begins with it.
            tab_to(&browser, "#b-verb").await;
            browser.press(letter).await;
        }
        write(&browser, "#b-why", reason).await;
        says(&browser, "It is planned, for 3 messages.").await;
    };
    planned("the carrier is gone", Some("e")).await;
    let would = text(&browser, "return document.querySelector('[aria-labelledby=counts]').textContent").await;
    assert!(would.contains("Would leave alone") && would.contains("2 (ended)"), "{would}");
    write(&browser, "#why", "nobody waits for them").await;
    says(&browser, "It is done, to 1 message; 2 were left alone.").await;
    let looked = text(&browser, "return document.querySelector('label[for=progress]').textContent").await;
    assert_eq!(looked, "Looked at 3 of 3");
    planned("by mistake", None).await;
    enter(&browser, "form[action$='/cancel'] button").await;
    says(&browser, "It is cancelled. Nothing was done.").await;
    browser.press("go").await;
    at(&browser, "/operations").await;
    let list = text(&browser, "return document.querySelector('[data-rows]').textContent").await;
    assert!(list.contains("by mistake") && list.contains("nobody waits for them"), "{list}");
    town.close().await;
}

#[tokio::test]
async fn a_connection_is_limited_suspended_and_used_again() {
    let Some((town, browser, _)) = seen().await else { return };
    let can_be_done = "[aria-labelledby=do] summary";
    browser.press("gk").await;
    at(&browser, "/carriers").await;
    browser.press(&format!("j{ENTER}")).await;
    at(&browser, "/carriers/31003").await;
    enter(&browser, can_be_done).await;
    write(&browser, "#l-window-1", "2").await;
    at(&browser, "/carriers/31003?done=limit").await;
    comes_to_say(&browser, "limited by admin").await;
    enter(&browser, can_be_done).await;
    write(&browser, "#s-why-1", "they asked for it").await;
    at(&browser, "/carriers/31003?done=suspend").await;
    comes_to_say(&browser, "suspended by admin: they asked for it").await;
    // Who opens the overview now is told.
    browser.press("gh").await;
    at(&browser, "/").await;
    says(&browser, "suspended").await;
    browser.press("gk").await;
    at(&browser, "/carriers").await;
    browser.press(&format!("j{ENTER}")).await;
    at(&browser, "/carriers/31003").await;
    enter(&browser, can_be_done).await;
    enter(&browser, "form[action$='/resume'] button").await;
    at(&browser, "/carriers/31003?done=resume").await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    town.close().await;
}

#[tokio::test]
async fn a_key_is_added_with_an_overlap_and_the_one_before_is_removed() {
    let Some((town, browser, _)) = seen().await else { return };
    browser.press("gy").await;
    at(&browser, "/keys").await;
    enter(&browser, "main a[href^='/keys?account=']").await;
    at(&browser, "/keys?account=acme").await;
    write(&browser, "#k-why", "the yearly change").await;
    let told = eventually("the new key is told", async || {
        let told = "return document.querySelector('[aria-labelledby=told] pre')?.textContent || ''";
        Some(text(&browser, told).await).filter(|told| told.len() == 40)
    })
    .await;
    // Both are good.
    let answered = async |vaspid: &str, code: u32| {
        eventually(&format!("{vaspid} is answered {code}"), async || {
            let request = RawRequest { vaspid: Some(vaspid.to_owned()), ..RawRequest::to("16175550100") };
            (town.post(&request).await.code() == Some(code)).then_some(())
        })
        .await;
    };
    answered(&told, 1000).await;
    answered("acme-key", 1000).await;
    enter(&browser, "form[action$='/remove'] button").await;
    at(&browser, "/keys?account=acme&done=remove").await;
    answered("acme-key", 2564).await;
    answered(&told, 1000).await;
    town.close().await;
}

#[tokio::test]
async fn a_node_is_drained_and_takes_messages_again() {
    let Some((town, browser, _)) = seen().await else { return };
    browser.press("gs").await;
    at(&browser, "/nodes").await;
    enter(&browser, "main details summary").await;
    write(&browser, "main input[name=reason]", "an upgrade").await;
    at(&browser, "/nodes?done=drain").await;
    assert_eq!(town.post(&RawRequest::to("16175550100")).await.code(), Some(3510));
    browser.press("gh").await;
    at(&browser, "/").await;
    says(&browser, "This node is drained").await;
    browser.press("gs").await;
    at(&browser, "/nodes").await;
    enter(&browser, "form[action$='/undrain'] button").await;
    at(&browser, "/nodes?done=undrain").await;
    assert_eq!(town.post(&RawRequest::to("16175550100")).await.code(), Some(1000));
    town.close().await;
}

#[tokio::test]
async fn a_revision_is_looked_at_and_rolled_back() {
    let Some((town, browser, _)) = seen().await else { return };
    let blocked = RawRequest::to("16175550199");
    assert_eq!(town.post(&blocked).await.code(), Some(3001));
    browser.press("gp").await;
    at(&browser, "/provisioning").await;
    browser.press(&format!("jj{ENTER}")).await;
    at(&browser, "/provisioning/1").await;
    let would =
        text(&browser, "return document.querySelector('[aria-labelledby=back] pre').textContent").await;
    assert!(would.starts_with("remove blacklist "), "{would}");
    write(&browser, "#why", "it was the wrong number").await;
    at(&browser, "/provisioning").await;
    let newest = text(&browser, "return document.querySelector('[data-rows] tbody tr').textContent").await;
    assert!(newest.contains("rollback to 1: it was the wrong number"), "{newest}");
    eventually("the number is free", async || (town.post(&blocked).await.code() == Some(1000)).then_some(()))
        .await;
    town.close().await;
}

/// Whoever knows neither MM7 nor this program has been told that order-9001 never arrived. It was taken here, and the carrier refused it.
#[tokio::test]
async fn who_knows_nothing_finds_from_the_first_page_why_a_carrier_refused_a_message() {
    let Some((town, browser, admin)) = seen().await else { return };
    let carrier = refusing_carrier(&town).await;
    let mut request = RawRequest::to("12125550100");
    request.transaction_id("order-9001");
    let id = town.submit(&request).await;
    assert_eq!(town.ended(id).await.state.as_str(), "NotSupported");
    let place = format!("/messages/{id}");
    let refused = async || {
        at(&browser, &place).await;
        for words in
            ["It ended as NotSupported: 4003 Unsupported operation.", "In the words of 31777:", WORDS]
        {
            says(&browser, words).await;
        }
        let life = text(&browser, "return document.querySelector('.timeline').textContent").await;
        assert!(life.contains(WORDS), "{life}");
    };
    // By the one box at the top.
    browser.open(&admin).await;
    browser.press(&format!("/order-9001{ENTER}")).await;
    refused().await;
    // By the carrier, for whom nobody has told an id.
    browser.press("gh").await;
    at(&browser, "/").await;
    enter(&browser, "main a[href='/carriers/31777']").await;
    at(&browser, "/carriers/31777").await;
    enter(&browser, "[aria-labelledby=lately] td[data-label=State] a").await;
    eventually("its messages are listed", async || {
        let rows = "return document.querySelectorAll('[aria-label=\"Messages that match\"] tbody tr').length";
        (browser.run(rows).await == 1).then_some(())
    })
    .await;
    browser.press(&format!("j{ENTER}")).await;
    refused().await;
    // What can be done is in the page of the code.
    enter(&browser, ".says a[href='/codes/4003']").await;
    at(&browser, "/codes/4003").await;
    // The account's own people read the same words.
    let token = token(&town, "acme-people", "vasp:acme").await;
    browser.open(&admin).await;
    browser.run("document.querySelector('form[action=\"/sign-out\"]').requestSubmit()").await;
    eventually("one can sign in", async || {
        (browser.run("return Boolean(document.querySelector('#token'))").await == true).then_some(())
    })
    .await;
    write(&browser, "#token", &token).await;
    at(&browser, "/").await;
    browser.press(&format!("/order-9001{ENTER}")).await;
    refused().await;
    drop(carrier);
    town.close().await;
}
