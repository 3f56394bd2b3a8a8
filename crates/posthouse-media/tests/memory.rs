//! What a picture takes at the most is what [`memory`] says of it: measured in this process, which has this one test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage, Rgba, RgbaImage};
use peak_alloc::PeakAlloc;
use posthouse_media::{Wish, fit, memory};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const SIDE: u32 = 1200;
/// Of what a decoder may take beside the pixels, none of these files needs so much, in bytes.
const NOT_TAKEN: u64 = 10 << 20;

/// Bytes that nobody can compress.
fn grain() -> impl FnMut() -> [u8; 4] {
    let mut state = 0x9e37_79b9_u32;
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    }
}

fn seen_through() -> DynamicImage {
    let mut grain = grain();
    RgbaImage::from_fn(SIDE, SIDE, |_, _| Rgba(grain())).into()
}

fn coloured() -> DynamicImage {
    let mut bytes = vec![0; (SIDE * SIDE * 3) as usize];
    let mut grain = grain();
    bytes.chunks_mut(3).for_each(|pixel| pixel.copy_from_slice(&grain()[..3]));
    RgbImage::from_raw(SIDE, SIDE, bytes).unwrap().into()
}

fn file(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn progressive(pixels: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.set_progressive(true);
    let side = u16::try_from(SIDE).unwrap();
    encoder.encode(pixels.as_bytes(), side, side, jpeg_encoder::ColorType::Rgb).unwrap();
    file
}

/// How much more memory there was in use meanwhile than before.
fn peak_of(work: impl FnOnce()) -> u64 {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    work();
    u64::try_from(ALLOCATED.peak_usage() - before).unwrap()
}

fn pictures_take_no_more_than_their_heads_say() {
    let deep = DynamicImage::ImageRgba16(seen_through().to_rgba16());
    let files = [
        ("png", file(&seen_through(), ImageFormat::Png)),
        ("png of 16 bits", file(&deep, ImageFormat::Png)),
        ("webp", file(&seen_through(), ImageFormat::WebP)),
        ("jpeg", file(&coloured(), ImageFormat::Jpeg)),
        ("progressive jpeg", progressive(&coloured())),
    ];
    for (what, file) in &files {
        for (max_bytes, jpeg) in [(200_000, true), (900_000, true), (6_000_000, false)] {
            let wish = Wish { max_bytes, jpeg, png: true };
            let most = memory(file, &wish).unwrap() - NOT_TAKEN;
            let took = peak_of(|| drop(fit(file, &wish, &|| false)));
            assert!(took <= most, "{what} to {max_bytes}: {took} of {most}");
        }
    }
}

/// A strip that is as long as a picture may be takes a table of weights for each of its pixels beside them.
fn strips_take_no_more_than_their_heads_say() {
    for (width, height) in [(12, 65_535), (65_535, 12)] {
        let mut grain = grain();
        let strip = RgbaImage::from_fn(width, height, |_, _| Rgba(grain()));
        let file = file(&strip.into(), ImageFormat::Png);
        let wish = Wish { max_bytes: 900_000, jpeg: true, png: true };
        let most = memory(&file, &wish).unwrap();
        let took = peak_of(|| drop(fit(&file, &wish, &|| false)));
        assert!(took <= most, "{width}×{height}: {took} of {most}");
    }
}

/// A GIF whose picture is larger than what it stands on.
fn large_on_small_gif() -> Vec<u8> {
    let mut file = file(&DynamicImage::new_rgb8(9, 9), ImageFormat::Gif);
    let picture = file.windows(10).position(|bytes| bytes.starts_with(b",\0\0\0\0\x09\0\x09\0")).unwrap();
    file[picture + 5..picture + 9].copy_from_slice(&[0x00, 0x40, 0x00, 0x40]);
    file
}

/// An extended WebP whose canvas is small and whose picture says that it is large.
fn large_on_small_webp(is_animated: bool) -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&name[..], &length, data, &[0][..data.len() % 2]].concat()
    };
    let flags = if is_animated { 0x02 } else { 0 };
    let canvas = chunk(b"VP8X", &[flags, 0, 0, 0, 8, 0, 0, 8, 0, 0]);
    // A key frame of 16,383 × 16,383 (RFC 6386 clause 9.1), and a first partition of some bytes.
    let frame = [&[0x10, 0x02, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f][..], &[0; 64]].concat();
    let picture = chunk(b"VP8 ", &frame);
    let shown = if is_animated {
        let place = [0, 0, 0, 0, 0, 0, 8, 0, 0, 8, 0, 0, 0, 0, 0, 0];
        [chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &[&place[..], &picture].concat())].concat()
    } else {
        picture
    };
    chunk(b"RIFF", &[&b"WEBP"[..], &canvas, &shown].concat())
}

fn pictures_are_no_larger_than_what_they_stand_on() {
    let wish = Wish { max_bytes: 60_000, jpeg: true, png: true };
    for (what, file) in [
        ("gif", large_on_small_gif()),
        ("webp", large_on_small_webp(false)),
        ("animated webp", large_on_small_webp(true)),
    ] {
        let most = memory(&file, &wish).unwrap_or(16 << 20) - NOT_TAKEN;
        let took = peak_of(|| assert!(fit(&file, &wish, &|| false).is_err(), "{what}"));
        assert!(took <= most, "{what}: {took} of {most}");
    }
}

#[test]
fn memory_is_bounded_by_heads() {
    pictures_are_no_larger_than_what_they_stand_on();
    pictures_take_no_more_than_their_heads_say();
    strips_take_no_more_than_their_heads_say();
}
