//! How fast messages are read and written, in bytes a second, at three sizes.

use divan::Bencher;
use divan::counter::BytesCount;
use mm7::mime::{Inner, pack};
use mm7::{Framing, encode};
use mm7_benches::{SIZES, decode, request};

fn main() {
    divan::main();
}

/// A SubmitReq from the bytes of its HTTP body: parts, envelope and media.
#[divan::bench(args = SIZES)]
fn decode_submit(bencher: Bencher<'_, '_>, size: usize) {
    let request = request(size);
    bencher.counter(BytesCount::new(size)).bench(|| decode(divan::black_box(&request)));
}

/// The same SubmitReq into the pieces of an HTTP body; media are not copied.
#[divan::bench(args = SIZES)]
fn encode_submit(bencher: Bencher<'_, '_>, size: usize) {
    let (decoded, media) = decode(&request(size));
    let framing = Framing::answering(&decoded);
    let message = decoded.message.expect("our own");
    bencher.counter(BytesCount::new(size)).bench(|| {
        let (message, media) = divan::black_box((&message, &media));
        pack(encode(message, &framing), media, Inner::Related)
    });
}

/// The same with the body in one piece, which copies the media.
#[divan::bench(args = SIZES)]
fn encode_submit_in_one_piece(bencher: Bencher<'_, '_>, size: usize) {
    let (decoded, media) = decode(&request(size));
    let framing = Framing::answering(&decoded);
    let message = decoded.message.expect("our own");
    bencher.counter(BytesCount::new(size)).bench(|| {
        let (message, media) = divan::black_box((&message, &media));
        pack(encode(message, &framing), media, Inner::Related).into_bytes()
    });
}
