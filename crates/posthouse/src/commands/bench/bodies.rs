//! The SubmitReq that are sent: encoded once, and made each one's own by writing over a few digits.

use anyhow::Context as _;
use memchr::memmem;
use mm7::{Framing, Message, Namespace, TransactionId, Version};
use posthouse_sim::{Submit, media, wire};

/// The sizes of `--mix`, in bytes, and how many of a hundred have each: what people send are photos first.
const MIX: &[(usize, usize)] = &[
    (2 << 10, 3),
    (10 << 10, 7),
    (20 << 10, 10),
    (40 << 10, 20),
    (80 << 10, 20),
    (120 << 10, 15),
    (200 << 10, 15),
    (300 << 10, 8),
    (600 << 10, 2),
];
/// From this size on a request is a photo with a presentation, below it is a text.
const PHOTO_FROM: usize = 4 << 10;
/// Stands where each request's own number goes, well mixed ([`scattered`]).
const NUMBER: &str = "0000000000000000";
/// Stands where the last digits of the recipient go.
const RECIPIENT: &str = "16175550000";

/// Who sends, and to whom.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Where the gateway takes MM7.
    pub url: String,
    /// VASPID.
    pub vaspid: String,
    /// VASID.
    pub vasid: Option<String>,
    /// SenderAddress.
    pub from: String,
    /// The recipient; without one, several thousand numbers in turn.
    pub to: Option<String>,
}

/// A request, head and body, that is made another one by [`Template::number`].
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    body: usize,
    number: usize,
    recipient: Option<usize>,
}

impl Template {
    /// A request with a body of exactly this many bytes.
    pub fn new(sender: &Sender, run: u32, size: usize) -> anyhow::Result<Self> {
        let least = encode(sender, run, size, 0)?.1;
        let room = size.checked_sub(least).with_context(|| {
            format!("a SubmitReq of {size} bytes has no room for content; take at least {}", least + 1)
        })?;
        let (bytes, body) = encode(sender, run, size, room)?;
        let find = |text: &str| memmem::find(&bytes, text.as_bytes());
        let number = find(&transaction_id(run)).context("the TransactionID is not in the request")?;
        let recipient = find(RECIPIENT).filter(|_| sender.to.is_none());
        let number = number + transaction_id(run).len() - NUMBER.len();
        Ok(Self { bytes, body, number, recipient: recipient.map(|at| at + RECIPIENT.len() - 7) })
    }

    /// Makes it the request of this number: another TransactionID and recipient. As in the field,
    /// neither ascends: keys that do cost a store a third of the bytes that random ones cost. The last four digits of
    /// a recipient mean nothing to a simulated carrier.
    pub fn number(&mut self, number: u64) -> &[u8] {
        let own = scattered(number);
        if let Some(place) = self.bytes.get_mut(self.number..self.number + NUMBER.len()) {
            place.copy_from_slice(format!("{own:016x}").as_bytes());
        }
        if let Some(at) = self.recipient {
            let recipient = own % 400_000;
            write_digits(&mut self.bytes, at, 7, 5_005_000 + recipient / 4000 * 10_000 + recipient % 4000);
        }
        &self.bytes
    }

    /// How long its body is, in bytes.
    pub const fn body_len(&self) -> usize {
        self.body
    }
}

fn write_digits(bytes: &mut [u8], at: usize, digits: usize, mut number: u64) {
    let place = bytes.get_mut(at..at + digits).unwrap_or_default();
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Another number for each number, in no order that is seen (the last step of SplitMix64, which undoes itself: none comes twice).
pub fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn transaction_id(run: u32) -> String {
    format!("bench-{run:08x}-{NUMBER}")
}

/// The request as it goes out, and the length of its body.
fn encode(sender: &Sender, run: u32, size: usize, content: usize) -> anyhow::Result<(Vec<u8>, usize)> {
    let is_photo = size >= PHOTO_FROM;
    let photo = is_photo.then(|| media::part("photo.jpg", noise(content)));
    let submit = Submit {
        vaspid: Some(sender.vaspid.clone()),
        vasid: sender.vasid.clone(),
        media: photo.into_iter().collect(),
        ..Submit::new(&sender.url, &sender.from, sender.to.as_deref().unwrap_or(RECIPIENT))
    };
    let (mut request, mut parts) = submit.message()?;
    if !is_photo {
        parts = vec![media::text(&words(content))];
        let href = mm7::mime::content_href(&parts);
        request.content = Some(mm7::message::Content { href, allow_adaptations: None });
    }
    let transaction_id = TransactionId::new(&transaction_id(run))?;
    let framing = Framing::new(Namespace::LATEST, Version::V6_8_0, Some(transaction_id));
    let request = wire::post(&sender.url, &Message::SubmitReq(request), &framing, &parts)?;
    Ok((wire::raw(&request), request.body().len()))
}

/// A text of this many bytes.
fn words(bytes: usize) -> String {
    "Greetings from the bench. ".chars().cycle().take(bytes).collect()
}

/// Bytes that no compression shortens, like those of a JPEG.
pub fn noise(bytes: usize) -> Vec<u8> {
    let words = (0_u64..).map(scattered).take(bytes.div_ceil(8));
    let mut noise: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    noise.truncate(bytes);
    noise
}

/// What is sent: requests of one size.
pub fn of_one_size(sender: &Sender, run: u32, size: usize) -> anyhow::Result<Vec<Template>> {
    Ok(vec![Template::new(sender, run, size)?])
}

/// What is sent: a hundred requests of the sizes that MMS have, well shuffled.
pub fn of_mixed_sizes(sender: &Sender, run: u32) -> anyhow::Result<Vec<Template>> {
    let mut all = Vec::new();
    for (size, share) in MIX {
        let template = Template::new(sender, run, *size)?;
        all.extend(std::iter::repeat_n(template, *share));
    }
    // A step that shares no divisor with their number visits each once.
    Ok((0..all.len()).filter_map(|turn| all.get(turn * 37 % all.len()).cloned()).collect())
}

/// The mean length of a body, in bytes.
pub fn mean_size(templates: &[Template]) -> usize {
    templates.iter().map(Template::body_len).sum::<usize>() / templates.len().max(1)
}

/// Reads a size as people write it: bytes, or with `k` or `m`.
pub fn parse_size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M']);
    let unit = match text.get(digits.len()..) {
        Some("") => 1,
        Some("k" | "K") => 1 << 10,
        Some("m" | "M") => 1 << 20,
        _ => 0,
    };
    let size = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| (1..=5 << 20).contains(size))
        .ok_or_else(|| format!("{text:?} is no size up to 5m; write it like 2k or 100k"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> Sender {
        Sender {
            url: "http://127.0.0.1:1/mm7/v1".to_owned(),
            vaspid: "bench".to_owned(),
            vasid: None,
            from: "111122".to_owned(),
            to: None,
        }
    }

    #[test]
    fn a_body_has_exactly_the_size_asked_for() {
        for size in [2048, 10_000, 102_400] {
            let template = Template::new(&sender(), 1, size).unwrap();
            let head = memmem::find(&template.bytes, b"\r\n\r\n").unwrap() + 4;
            assert_eq!(template.bytes.len() - head, size);
            assert_eq!(template.body_len(), size);
        }
        let refused = Template::new(&sender(), 1, 100).unwrap_err().to_string();
        assert!(
            refused.starts_with("a SubmitReq of 100 bytes has no room for content; take at least 1"),
            "{refused}"
        );
    }

    #[test]
    fn each_request_is_its_own() {
        let mut template = Template::new(&sender(), 0xab, 2048).unwrap();
        let first = String::from_utf8(template.number(7).to_vec()).unwrap();
        let second = String::from_utf8(template.number(8).to_vec()).unwrap();
        assert!(first.contains(">bench-000000ab-63cbe1e459320dd7<"), "{first}");
        assert!(second.contains(">bench-000000ab-9e5651b0ef953636<"), "{second}");
        assert!(first.contains("<Number>16175937487</Number>"), "{first}");
        assert!(second.contains("<Number>16175396622</Number>"), "{second}");
        assert_eq!(first.len(), second.len());
    }

    #[test]
    fn scattered_numbers_are_each_another_and_do_not_ascend() {
        let numbers: Vec<u64> = (0..10_000).map(scattered).collect();
        let distinct: std::collections::BTreeSet<_> = numbers.iter().collect();
        assert_eq!(distinct.len(), numbers.len());
        let ascents = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((4_500..5_500).contains(&ascents), "{ascents} of 9,999 pairs ascend");
    }

    #[test]
    fn the_mix_is_a_hundred_and_mostly_photos() {
        let mix = of_mixed_sizes(&sender(), 1).unwrap();
        assert_eq!(mix.len(), 100);
        let photos = mix.iter().filter(|template| (20 << 10..=300 << 10).contains(&template.body_len()));
        assert_eq!(photos.count(), 88);
        assert_eq!(mean_size(&mix), 113_418);
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse_size("2k"), Ok(2048));
        assert_eq!(parse_size("100k"), Ok(102_400));
        assert_eq!(parse_size("1M"), Ok(1 << 20));
        assert_eq!(parse_size("777"), Ok(777));
        for text in ["", "k", "0", "6m", "2kb", "-1", "2kk"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
