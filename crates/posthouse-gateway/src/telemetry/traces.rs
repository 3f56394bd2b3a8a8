//! Traces: what happened to one message, over all its legs, for a collector (OpenTelemetry). docs/operations.md is the operator's
//! side; `otlp` sends what is recorded here.
//!
//! The trace of a message follows from its MessageID, and so does the span of its submission, below which all other legs are. So a report that
//! comes days later, at another node, belongs to the same trace, and nothing is stored for that. A peer's own `traceparent` becomes a link of
//! the span that it called for: its trace and ours stay apart, and no peer can write into a trace that is not its own, or have everything sampled.
//!
//! Spans name accounts, carriers, connections, codes and ids; never numbers, keys or content.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use posthouse_core::Id;
use tokio::sync::mpsc;

/// How many spans may wait to be sent. What is beyond is dropped, and counted.
const WAITING: usize = 8192;
/// The header by which peers tell each other of traces (W3C Trace Context).
const HEADER: &str = "traceparent";

/// The id of a trace, and of a span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanContext {
    /// The trace.
    pub(crate) trace: [u8; 16],
    /// The span.
    pub(crate) span: [u8; 8],
}

impl SpanContext {
    /// The span of a message's submission, from which its trace begins.
    pub(crate) fn of_message(id: Id) -> Self {
        Self::derived(&[b"message", &id.number().to_be_bytes()])
    }

    /// As far as hashes tell apart what they are made of; never all zeros, which stands for nothing.
    fn derived(parts: &[&[u8]]) -> Self {
        let mut hash = blake3::Hasher::new_derive_key("posthouse 2026 trace of a message");
        parts.iter().for_each(|part| {
            hash.update(part);
        });
        let (mut trace, mut span, mut output) = ([0; 16], [0; 8], hash.finalize_xof());
        output.fill(&mut trace);
        output.fill(&mut span);
        Self { trace, span }
    }

    /// What a peer says of its own trace; `None`: nothing, or nothing that can be read.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?;
        let mut fields = text.trim().split('-');
        let (version, trace, span) = (fields.next()?, fields.next()?, fields.next()?);
        let is_version =
            version.len() == 2 && version != "ff" && version.bytes().all(|b| b.is_ascii_hexdigit());
        fields.next().filter(|flags| is_version && flags.len() == 2)?;
        let context = Self { trace: bytes(trace)?, span: bytes(span)? };
        (context.trace != [0; 16] && context.span != [0; 8]).then_some(context)
    }

    /// What a peer is told of it.
    fn header(&self, is_sampled: bool) -> Option<HeaderValue> {
        let text = format!("00-{}-{}-0{}", hex(&self.trace), hex(&self.span), u8::from(is_sampled));
        HeaderValue::from_str(&text).ok()
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let is_lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() != 2 * N || !digits.bytes().all(is_lower) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// On which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanSide {
    /// Inside of the gateway.
    Internal,
    /// A peer called.
    Server,
    /// A peer was called.
    Client,
}

/// Something that took a while.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    /// What it was.
    pub(crate) name: &'static str,
    /// On which side.
    pub(crate) side: SpanSide,
    /// Its own ids.
    pub(crate) context: SpanContext,
    /// The span that it belongs to.
    pub(crate) parent: Option<[u8; 8]>,
    /// The span of a peer that called for it.
    pub(crate) link: Option<SpanContext>,
    /// When it began.
    pub(crate) began: Timestamp,
    /// When it ended.
    pub(crate) ended: Timestamp,
    /// Why it failed, if it did.
    pub(crate) failed: Option<String>,
    /// What is known of it.
    pub(crate) attributes: Vec<(&'static str, Cow<'static, str>)>,
}

impl Span {
    /// One that ended then, after so long.
    pub(crate) fn new(name: &'static str, side: SpanSide, ended: Timestamp, took: Duration) -> Self {
        let nothing = SpanContext { trace: [0; 16], span: [0; 8] };
        let began = ended.checked_sub(took).unwrap_or(ended);
        let (parent, link, failed, attributes) = (None, None, None, Vec::new());
        Self { name, side, context: nothing, parent, link, began, ended, failed, attributes }
    }

    /// It has this context, below the message's submission.
    #[must_use]
    pub(crate) fn of(self, context: SpanContext, message: Id) -> Self {
        let root = SpanContext::of_message(message);
        self.below(context, root).with("posthouse.message_id", message.to_string())
    }

    fn below(mut self, context: SpanContext, root: SpanContext) -> Self {
        self.parent = (context.span != root.span).then_some(root.span);
        self.context = context;
        self
    }

    /// A peer called for it, which says this of its own trace.
    #[must_use]
    pub(crate) fn called_by(mut self, peer: Option<SpanContext>) -> Self {
        self.link = peer;
        self
    }

    /// It failed.
    #[must_use]
    pub(crate) fn failed(mut self, why: Option<impl Into<String>>) -> Self {
        self.failed = why.map(Into::into);
        self
    }

    /// What is known of it.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }
}

/// Takes spans, as many as are sent.
#[derive(Debug)]
pub(crate) struct Traces {
    /// Traces whose last bytes are below this are sent whole.
    below: u64,
    waiting: mpsc::Sender<Span>,
    made: AtomicU64,
    dropped: AtomicU64,
    sent: AtomicU64,
}

impl Traces {
    /// Of so large a part of all traces all spans are taken, of others what failed. What is taken comes out of the receiver.
    #[cfg_attr(not(any(feature = "otlp", test)), expect(dead_code, reason = "nothing sends spans"))]
    pub(crate) fn new(ratio: f64) -> (Self, mpsc::Receiver<Span>) {
        let (waiting, taken) = mpsc::channel(WAITING);
        // 2^53 steps are as fine as an f64 is; `as` stops at the ends.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and 2^53 and stops at the ends"
        )]
        let steps = (ratio.clamp(0.0, 1.0) * 9_007_199_254_740_992.0) as u64;
        let counts = || AtomicU64::new(0);
        (Self { below: steps, waiting, made: counts(), dropped: counts(), sent: counts() }, taken)
    }

    /// Whether a trace is sent whole.
    fn takes(&self, trace: &[u8; 16]) -> bool {
        let [.., a, b, c, d, e, f, g, h] = *trace;
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 11 < self.below
    }

    /// A new span in the trace of a message, and what the peer is told of it that is called.
    pub(crate) fn call(&self, message: Id) -> (SpanContext, Option<HeaderValue>) {
        let context = self.inside(message);
        (context, context.header(self.takes(&context.trace)))
    }

    /// A new span in the trace of a message.
    pub(crate) fn inside(&self, message: Id) -> SpanContext {
        let trace = SpanContext::of_message(message).trace;
        SpanContext { trace, ..self.fresh(&trace) }
    }

    /// A trace of its own, for what became no message.
    pub(crate) fn fresh(&self, of: &[u8]) -> SpanContext {
        let number = self.made.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // Addresses differ from run to run, and so what is made of them.
        let run = std::ptr::from_ref(self).addr().to_be_bytes();
        SpanContext::derived(&[b"fresh", &run, &number, of])
    }

    /// Takes a span, where its trace is taken or it failed. It never waits.
    pub(crate) fn record(&self, span: Span) {
        if span.failed.is_none() && !self.takes(&span.context.trace) {
            return;
        }
        if self.waiting.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many were sent, or could not be.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "nothing sends them"))]
    pub(crate) fn told(&self, spans: usize, arrived: bool) {
        let count = if arrived { &self.sent } else { &self.dropped };
        count.fetch_add(spans as u64, Ordering::Relaxed);
    }

    /// How many were sent, and how many dropped.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 2] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [("sent", read(&self.sent)), ("dropped", read(&self.dropped))]
    }
}

/// The header that tells a peer of a trace.
pub(crate) fn tell(headers: &mut HeaderMap, told: Option<HeaderValue>) {
    if let Some(told) = told {
        headers.insert(HEADER, told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: i64) -> Id {
        Id::from_number(number).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn span(context: SpanContext) -> Span {
        Span { context, ..Span::new("accept", SpanSide::Internal, at(9), Duration::from_secs(2)) }
    }

    fn read(text: &str) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(text).unwrap());
        SpanContext::read(&headers)
    }

    #[test]
    fn the_trace_of_a_message_follows_from_its_id() {
        let (one, other) = (SpanContext::of_message(id(7)), SpanContext::of_message(id(8)));
        assert_eq!(one, SpanContext::of_message(id(7)));
        assert!(one.trace != other.trace && one.span != other.span);
        let (traces, _taken) = Traces::new(1.0);
        let (first, second) = (traces.inside(id(7)), traces.inside(id(7)));
        assert_eq!([first.trace, second.trace], [one.trace; 2]);
        assert!(first.span != second.span && first.span != one.span);
    }

    #[test]
    fn a_peers_header_is_read_by_its_form() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = read(good).unwrap();
        assert_eq!(hex(&context.trace), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(hex(&context.span), "00f067aa0ba902b7");
        assert_eq!(context.header(true).unwrap(), good);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_part_of_all_traces_is_taken_and_every_failure() {
        let (traces, mut taken) = Traces::new(0.25);
        for number in 0..1000 {
            traces.record(span(SpanContext::of_message(id(number))));
        }
        let mut many = 0;
        while taken.try_recv().is_ok() {
            many += 1;
        }
        assert!((200..300).contains(&many), "{many}");
        let (none, mut taken) = Traces::new(0.0);
        let failed = span(SpanContext::of_message(id(1))).failed(Some("4007"));
        none.record(span(SpanContext::of_message(id(1))));
        none.record(failed.clone());
        assert_eq!((taken.try_recv().unwrap(), taken.try_recv().is_err()), (failed, true));
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let (traces, taken) = Traces::new(1.0);
        for _ in 0..WAITING + 5 {
            traces.record(span(SpanContext::of_message(id(1))));
        }
        assert_eq!(traces.counts(), [("sent", 0), ("dropped", 5)]);
        drop(taken);
    }
}
