//! Every list with each of its filters, every search and every page, at any number of messages: each is answered, with what is there.

use std::time::{Duration, Instant};

use posthouse_testing::filled::{CONNECTION, Fate, Filling, RARE_ACCOUNT, WAITING_CARRIER};
use serde_json::Value;

use super::{BEARER, TOKEN, Volume};
use crate::api::ask;

/// Something to look at, and how many there are: of a list at most a page.
pub(super) struct Look {
    pub(super) path: String,
    there: usize,
}

/// How many are on a page that nobody asks to be longer.
const PAGE: u64 = 50;

/// How long a page of the UI is at most.
const PAGE_BYTES: usize = 60_000;

/// The pages of the UI that list something, or begin the day.
const PAGES: [&str; 20] = [
    "/",
    "/messages",
    "/messages?state=Parked",
    "/messages?account=omega",
    "/messages?code=4006&carrier=31003",
    "/queues",
    "/callbacks",
    "/callbacks?account=omega",
    "/refusals",
    "/operations",
    "/mo",
    "/unmatched-reports",
    "/carriers",
    "/carriers/31003",
    "/accounts",
    "/accounts/omega",
    "/mo?account=omega",
    "/find?q=order-7",
    "/find?q=15081000000",
    "/audit",
];

/// Asks for everything, and tells what took longest; what was not as it should be, a line each.
pub(super) async fn ask_for_all(volume: &Volume) -> Vec<String> {
    let admin = &volume.gateway().admin;
    let (mut took, mut wrong) = (Vec::new(), Vec::new());
    for Look { path, there } in lists(volume.filling) {
        let began = Instant::now();
        let said = ask(admin, "GET", &format!("/api/v1{path}"), &[BEARER], "").await;
        took.push((began.elapsed(), path.clone()));
        let is_right = said.status == 200 && found(&said.json()) == there;
        wrong.extend((!is_right).then(|| format!("{path}: {there} in {} {}", said.status, said.body)));
    }
    let form = format!("token={TOKEN}&next=%2Fcodes");
    let cookie = &ask(admin, "POST", "/sign-in", &[], &form).await.cookies()[0];
    let one = format!("/messages/{}", volume.filling.id(85));
    for path in PAGES.into_iter().chain([&*one]) {
        let began = Instant::now();
        let said = ask(admin, "GET", path, &[&format!("Cookie: {cookie}")], "").await;
        let bytes = said.body.len();
        took.push((began.elapsed(), format!("page {path}, {bytes} bytes")));
        // A message that alone is found is not listed: the browser is sent to it.
        let is_sent = said.status == 303 && said.place().starts_with("/messages/");
        let is_right = (said.status == 200 || is_sent) && bytes <= PAGE_BYTES;
        wrong.extend((!is_right).then(|| format!("{path}: {} {bytes} bytes {}", said.status, said.body)));
    }
    if volume.filling.messages >= super::MEASURED_FROM {
        took.sort_unstable_by(|one, other| other.cmp(one));
        for (time, path) in took {
            println!("{:8.1} ms  {path}", time.as_secs_f64() * 1e3);
        }
    }
    wrong
}

/// How many things an answer has.
fn found(answer: &Value) -> usize {
    let members = ["items", "messages", "refusals", "mo", "unmatched_reports"];
    let lists = members.iter().filter_map(|member| answer[member].as_array());
    lists.map(Vec::len).sum()
}

/// What is looked for, in each way in which it can be.
pub(super) fn lists(filling: Filling) -> Vec<Look> {
    let all = filling.messages;
    let of = |fate| filling.of_fate(fate);
    let page = |there: u64| usize::try_from(there.min(PAGE)).unwrap();
    let look = |path: String, there: u64| Look { path, there: page(there) };
    let (busy, middle) = (85, all / 2);
    // The first of a hundred: it was retrieved.
    let middle = middle - middle % 100;
    let day = format!("since={}&until={}", filling.accepted_at(0), filling.until + Duration::from_secs(1));
    let minute = format!("since={}&until={}", filling.until - Duration::from_secs(60), filling.until);
    let mut looks = vec![
        look(format!("/messages?{day}"), all),
        look(format!("/messages?{day}&account={RARE_ACCOUNT}"), all / 1000),
        look(format!("/messages?{day}&carrier={WAITING_CARRIER}"), of(Fate::Waiting)),
        look(format!("/messages?{day}&state=Parked"), of(Fate::Parked)),
        look(format!("/messages?{day}&state=Deferred"), 0),
        look(format!("/messages?{day}&connection={CONNECTION}&unprovisioned=true"), all),
        look(format!("/messages?{day}&code=4006&carrier=31003"), of(Fate::Busy)),
        look(format!("/messages?{day}&code=4006&carrier=31002"), 0),
        look(format!("/messages?{day}&code=4004&account={RARE_ACCOUNT}"), 0),
        look(format!("/messages?{day}&to={}", Filling::recipient(middle)), 1),
        look(format!("/messages?{day}&transaction_id={}", Filling::transaction_id(middle)), 1),
        look(format!("/find?q={}", Filling::recipient(busy)), 1),
        look(format!("/find?q={}", filling.id(middle)), 1),
        look(format!("/find?q={}", Filling::transaction_id(middle)), 1),
        look(format!("/find?q={}", Filling::carrier_message_id(middle)), 1),
        look("/find?q=nothing-of-the-kind".to_owned(), 0),
        look("/find?q=refused-7".to_owned(), 1),
        look("/find?q=unknown-7".to_owned(), 1),
        look("/find?q=mo-150".to_owned(), 1),
    ];
    looks.extend(others(filling, &minute).into_iter().map(|(path, there)| look(path, there)));
    looks
}

/// What is beside messages.
fn others(filling: Filling, minute: &str) -> Vec<(String, u64)> {
    let all = filling.messages;
    let of = |fate| filling.of_fate(fate);
    let refusals = (all / 10).min(20_000);
    let mos = all / 100;
    let owed = of(Fate::Owed) + mos / 10;
    let failed = of(Fate::Unreported) + mos / 10;
    let paths: [(&str, u64); 17] = [
        ("/refusals?account=acme", refusals / 4),
        ("/refusals?code=2513", refusals),
        ("/refusals?code=2002", 0),
        ("/refusals?peer=192.0.2.7", refusals / 200),
        ("/callbacks", owed + failed),
        ("/callbacks?account=omega", 0),
        ("/callbacks?state=failed&account=acme", failed / 4),
        ("/callbacks?state=owed&account=acme", owed / 4),
        ("/callbacks?carrier=31004", 0),
        ("/callbacks?only=mo", mos / 5),
        ("/mo?account=acme", mos / 4),
        ("/mo?account=omega", 0),
        ("/mo?carrier=31003", 0),
        ("/unmatched-reports?carrier=31003", (all / 100).min(5_000)),
        ("/unmatched-reports?carrier=31002", 0),
        ("/audit?verb=requeue", all / 1000),
        ("/audit?actor=nobody", 0),
    ];
    let mut all: Vec<(String, u64)> =
        paths.into_iter().map(|(path, there)| (path.to_owned(), there)).collect();
    all.extend(
        ["/callbacks?account=omega&", "/mo?account=omega&", "/mo?carrier=31003&"]
            .map(|path| (format!("{path}{minute}"), 0)),
    );
    all
}
