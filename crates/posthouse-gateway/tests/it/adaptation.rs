//! Pictures at the limits of what is adapted at a time, and a codec that breaks, over real HTTP.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use image::ImageFormat;
use posthouse_gateway::intake::adapt::{AdaptLimits, Adapter, Fitted, PictureError, Wish, fit, memory};
use posthouse_testing::{
    picture::{photo, shown},
    provisioning::range,
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};

const LIMIT: usize = 30_000;

/// What a codec does at its first picture. Those after it are made to fit.
#[derive(Clone, Copy, Debug)]
enum First {
    /// It takes until the test says so, whatever it is told.
    Stays,
    /// It takes until it is told to stop.
    TakesForEver,
    /// It breaks.
    Panics,
}

/// A codec that does not do well at first.
struct Odd {
    first: First,
    pictures: AtomicUsize,
    may_go_on: Mutex<bool>,
    told: Condvar,
}

impl Odd {
    fn new(first: First) -> Arc<Self> {
        Arc::new(Self {
            first,
            pictures: AtomicUsize::new(0),
            may_go_on: Mutex::default(),
            told: Condvar::new(),
        })
    }

    fn fit(&self, bytes: &[u8], wish: &Wish, stop: &dyn Fn() -> bool) -> Result<Fitted, PictureError> {
        if self.pictures.fetch_add(1, Ordering::SeqCst) > 0 {
            return fit(bytes, wish, stop);
        }
        match self.first {
            First::Stays => {
                let may_go_on = self.may_go_on.lock().unwrap();
                drop(self.told.wait_timeout_while(may_go_on, DEADLINE, |may| !*may).unwrap());
                fit(bytes, wish, &|| false)
            }
            First::TakesForEver => {
                while !stop() {
                    std::thread::yield_now();
                }
                Err(PictureError::Stopped)
            }
            First::Panics => panic!("on purpose"),
        }
    }

    /// Waits till the first picture is in work.
    async fn begun(&self) {
        let has_begun = async || (self.pictures.load(Ordering::SeqCst) > 0).then_some(());
        eventually("the first picture is in work", has_begun).await;
    }

    fn go_on(&self) {
        *self.may_go_on.lock().unwrap() = true;
        self.told.notify_all();
    }
}

/// A town that adapts within these limits by this codec, for a carrier that takes little.
async fn town(limits: AdaptLimits, codec: &Arc<Odd>, account: &str) -> Town {
    let mut plan = TownPlan::default();
    let codec = Arc::clone(codec);
    plan.parts.adapter =
        Adapter::new(limits, Arc::new(move |bytes, wish, stop| codec.fit(bytes, wish, stop)));
    let town = Town::planned(plan).await;
    let carrier = town.carrier("31003", &format!("max_message_bytes = {LIMIT}\n"));
    town.provision(&[town.account("acme", account), carrier, range("1617", "31003")].concat()).await;
    town
}

fn picture(transaction_id: &str) -> RawRequest {
    let mut request = shown("image/jpeg", photo(ImageFormat::Jpeg));
    request.transaction_id(transaction_id);
    request
}

/// Limits with room for one picture at a time in every respect.
fn for_one() -> AdaptLimits {
    let wish = Wish { max_bytes: LIMIT, jpeg: true, png: true };
    let memory = memory(&photo(ImageFormat::Jpeg), &wish).unwrap();
    let memory_kib = u32::try_from(memory / 1024 + 1).unwrap();
    AdaptLimits { messages: 1, at_a_time: 1, memory_kib, ..AdaptLimits::default() }
}

/// While the first picture is in work, another is sent away, to come again; then there is room as before.
async fn another_is_sent_away(limits: AdaptLimits) {
    let codec = Odd::new(First::Stays);
    let town = town(limits, &codec, "").await;
    let first = picture("first");
    let first = town.post(&first);
    let another = async {
        codec.begun().await;
        let answer = town.post(&picture("another")).await;
        codec.go_on();
        answer
    };
    let (first, another) = tokio::join!(first, another);
    assert_eq!(another.code(), Some(3510), "{limits:?}");
    assert!(another.headers.contains_key("retry-after"));
    assert_eq!(first.code(), Some(1000), "{limits:?}");
    assert_eq!(town.post(&picture("another")).await.code(), Some(1000), "{limits:?}");
    let carrier = &town.carriers["31003"];
    eventually("both go out", async || (carrier.messages().len() == 2).then_some(())).await;
    town.close().await;
}

#[tokio::test]
async fn where_there_is_no_room_one_comes_again() {
    Box::pin(another_is_sent_away(for_one())).await;
}

#[tokio::test]
async fn who_gets_no_turn_in_time_comes_again() {
    let wait = Duration::from_millis(1);
    Box::pin(another_is_sent_away(AdaptLimits { messages: 2, wait, ..for_one() })).await;
}

#[tokio::test]
async fn who_gets_no_memory_in_time_comes_again() {
    // The first is past the deadline as well by then, and does not ask for it.
    let work = Duration::from_secs(2);
    Box::pin(another_is_sent_away(AdaptLimits { messages: 2, at_a_time: 2, work, ..for_one() })).await;
}

/// What fails at its picture is refused, and takes nothing with it: the next goes on within the same limits.
async fn the_first_is_refused(first: First, limits: AdaptLimits) {
    let codec = Odd::new(first);
    let town = town(limits, &codec, "").await;
    assert_eq!(town.post(&picture("first")).await.code(), Some(2004), "{first:?}");
    assert_eq!(codec.pictures.load(Ordering::SeqCst), 1, "{first:?}");
    codec.go_on();
    for next in ["second", "third"] {
        town.ended(town.submit(&picture(next)).await).await;
    }
    assert_eq!(town.carriers["31003"].messages().len(), 2, "{first:?}");
    town.close().await;
}

#[tokio::test]
async fn a_picture_that_takes_too_long_is_refused() {
    // The others must do within it as well, on a machine that is busy.
    let work = Duration::from_secs(3);
    the_first_is_refused(First::TakesForEver, AdaptLimits { work, ..for_one() }).await;
}

#[tokio::test]
async fn a_codec_that_breaks_costs_one_message() {
    the_first_is_refused(First::Panics, for_one()).await;
}

#[tokio::test]
async fn a_picture_that_failed_is_not_tried_again() {
    let tried = Arc::new(AtomicUsize::new(0));
    let mut plan = TownPlan::default();
    let counted = Arc::clone(&tried);
    let codec = move |bytes: &[u8], wish: &Wish, stop: &dyn Fn() -> bool| {
        counted.fetch_add(1, Ordering::SeqCst);
        if bytes.len() % 2 == 1 { Err(PictureError::DoesNotFit) } else { fit(bytes, wish, stop) }
    };
    plan.parts.adapter = Adapter::new(AdaptLimits::default(), Arc::new(codec));
    let town = Town::planned(plan).await;
    let carrier = town.carrier("31003", &format!("max_message_bytes = {LIMIT}\n"));
    town.provision(&[town.account("acme", ""), carrier, range("1617", "31003")].concat()).await;
    let mut bad = photo(ImageFormat::Jpeg);
    bad.resize((bad.len() + 1) | 1, 0);
    for _ in 0..5 {
        assert_eq!(town.post(&shown("image/jpeg", bad.clone())).await.code(), Some(2004));
    }
    assert_eq!(tried.load(Ordering::SeqCst), 1);
    // Another one is tried.
    bad.resize(bad.len() + 2, 0);
    assert_eq!(town.post(&shown("image/jpeg", bad)).await.code(), Some(2004));
    assert_eq!(tried.load(Ordering::SeqCst), 2);
    town.close().await;
}

#[tokio::test]
async fn pictures_of_one_account_hold_up_nobody_elses() {
    // Pictures of an odd length stay in the codec till the test says so.
    let codec = Odd::new(First::Stays);
    let mut plan = TownPlan::default();
    let staying = Arc::clone(&codec);
    let limits = AdaptLimits { messages: 4, at_a_time: 2, ..AdaptLimits::default() };
    plan.parts.adapter = Adapter::new(
        limits,
        Arc::new(move |bytes: &[u8], wish: &Wish, stop: &dyn Fn() -> bool| {
            if bytes.len() % 2 == 1 {
                staying.pictures.fetch_add(1, Ordering::SeqCst);
                let may_go_on = staying.may_go_on.lock().unwrap();
                drop(staying.told.wait_timeout_while(may_go_on, DEADLINE, |may| !*may).unwrap());
            }
            fit(bytes, wish, stop)
        }),
    );
    let town = Town::planned(plan).await;
    let carrier = town.carrier("31003", &format!("max_message_bytes = {LIMIT}\n"));
    let accounts = town.account("acme", "") + &town.account("other", "");
    town.provision(&[accounts, carrier, range("1617", "31003")].concat()).await;
    let of = |account: &str, odd: usize| {
        let mut bytes = photo(ImageFormat::Jpeg);
        bytes.resize(((bytes.len() + 1) | 1) + 1 - odd, 0);
        RawRequest { vaspid: Some(format!("{account}-key")), ..shown("image/jpeg", bytes) }
    };
    let requests = [of("acme", 1), of("acme", 1), of("acme", 1), of("acme", 1), of("other", 0)];
    let [one, two, three, four, other] = &requests;
    let other = async {
        codec.begun().await;
        let answer = town.post(other).await;
        codec.go_on();
        answer
    };
    let posts = tokio::join!(town.post(one), town.post(two), town.post(three), town.post(four), other);
    assert_eq!(posts.4.code(), Some(1000), "{}", posts.4.xml());
    let mut codes = [posts.0, posts.1, posts.2, posts.3].map(|answer| answer.code().unwrap());
    codes.sort_unstable();
    // Half of the places are one account's, and there it goes on once it may.
    assert_eq!(codes, [1000, 1000, 3510, 3510]);
    town.close().await;
}

/// A chunk of RIFF.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    [&name[..], &length, data, &[0][..data.len() % 2]].concat()
}

/// A WebP at which the real codec breaks: a frame of 2 × 2 that holds a picture of 16 × 16, and longer than the carrier takes.
fn breaking_webp() -> Vec<u8> {
    let key_frame = b"\x90\x0c\0\x9d\x01\x2a\x10\0\x10\0";
    let picture = chunk(b"VP8 ", &[&key_frame[..], &[0; 300]].concat());
    let place = [0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let frame = [&place[..], &chunk(b"ALPH", &[0, 9, 9, 9, 9]), &picture].concat();
    let chunks = [
        chunk(b"VP8X", &[0x12, 0, 0, 0, 15, 0, 0, 15, 0, 0]),
        chunk(b"ANIM", &[0; 6]),
        chunk(b"ANMF", &frame),
        chunk(b"note", &vec![0; 2 * LIMIT]),
    ];
    chunk(b"RIFF", &[&b"WEBP"[..], &chunks.concat()].concat())
}

#[tokio::test]
async fn a_picture_that_breaks_the_real_codec_is_refused() {
    let town = Town::planned(TownPlan::default()).await;
    let carrier = town.carrier("31003", &format!("max_message_bytes = {LIMIT}\n"));
    town.provision(&[town.account("acme", ""), carrier, range("1617", "31003")].concat()).await;
    for _ in 0..3 {
        let answer = town.post(&shown("image/webp", breaking_webp())).await;
        assert_eq!(answer.code(), Some(2004));
    }
    town.ended(town.submit(&picture("good")).await).await;
    town.close().await;
}

#[tokio::test]
async fn in_relay_mode_the_answer_is_about_the_adapted_picture() {
    let codec = Odd::new(First::Panics);
    let town = town(AdaptLimits::default(), &codec, "submit_mode = \"relay\"\n").await;
    assert_eq!(town.post(&picture("first")).await.code(), Some(2004));
    assert_eq!(town.carriers["31003"].received(), 0);
    let answer = town.post(&picture("second")).await;
    assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
    // It was there before the answer.
    let messages = town.carriers["31003"].messages();
    let sizes: Vec<_> = messages[0].media.iter().map(|part| part.bytes.len()).collect();
    assert!(sizes.len() == 3 && sizes.iter().sum::<usize>() <= LIMIT, "{sizes:?}");
    town.close().await;
}
