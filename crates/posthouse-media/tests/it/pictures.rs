//! Pictures of every format made to fit, and files that are made to hurt.

use std::{cell::Cell, io::Cursor, iter::repeat_n};

use image::{
    Delay, DynamicImage, Frame, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::gif::GifEncoder,
};
use posthouse_media::{Fitted, MAX_PIXELS, PictureError, PictureFormat, Size, Wish, fit, memory};

const ANY: Wish = Wish { max_bytes: 60_000, jpeg: true, png: true };
const GREEN: [u8; 3] = [0, 200, 40];

/// A picture that does not compress well, green at its upper left.
fn photo(width: u32, height: u32) -> RgbImage {
    let mut state = 0x9e37_79b9_u32;
    RgbImage::from_fn(width, height, |x, y| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let grain = state.to_le_bytes()[0] / 8;
        if x < width / 4 && y < height / 4 {
            return Rgb(GREEN);
        }
        let wave = |at: u32| u8::try_from((at / 3) % 200).unwrap();
        Rgb([wave(x) + grain, wave(y) + grain, wave(x + y) + grain])
    })
}

fn file(pixels: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pixels.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A GIF, with no great care for its colours.
fn gif(pixels: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let picture = DynamicImage::from(pixels.clone()).to_rgba8();
    GifEncoder::new_with_speed(&mut file, 30).encode_frame(Frame::new(picture)).unwrap();
    file
}

fn fitted(bytes: &[u8], wish: Wish) -> Fitted {
    let fitted = fit(bytes, &wish, &|| false).unwrap();
    assert!(fitted.bytes.len() <= wish.max_bytes);
    assert_eq!(PictureFormat::of(&fitted.bytes), Some(fitted.format));
    fitted
}

fn pixels(fitted: &Fitted) -> DynamicImage {
    let pixels = image::load_from_memory(&fitted.bytes).unwrap();
    assert_eq!(Size { width: pixels.width(), height: pixels.height() }, fitted.after);
    pixels
}

fn near(left: [u8; 3], right: [u8; 3]) -> bool {
    left.iter().zip(right).all(|(left, right)| left.abs_diff(right) < 12)
}

#[test]
fn every_format_becomes_a_jpeg_of_the_same_shape() {
    let photo = photo(1200, 800);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let file = if format == ImageFormat::Gif { gif(&photo) } else { file(photo.clone(), format) };
        assert!(file.len() > ANY.max_bytes, "{format:?}: {}", file.len());
        let fitted = fitted(&file, ANY);
        assert_eq!((fitted.format, fitted.before), (PictureFormat::Jpeg, Size { width: 1200, height: 800 }));
        assert!(fitted.bytes.len() > ANY.max_bytes / 4, "{format:?}: {} could be better", fitted.bytes.len());
        let shape = f64::from(fitted.after.width) / f64::from(fitted.after.height);
        assert!((shape - 1.5).abs() < 0.02, "{}", fitted.after);
        let corner = pixels(&fitted).to_rgb8().get_pixel(8, 8).0;
        assert!(near(corner, GREEN), "{format:?}: {corner:?}");
    }
}

#[test]
fn what_fits_keeps_its_size_and_nothing_grows() {
    let small = photo(100, 50);
    let size = Size { width: 100, height: 50 };
    let file = file(small, ImageFormat::WebP);
    assert_eq!(fitted(&file, ANY).after, size);
    assert_eq!(fitted(&file, Wish { max_bytes: 5_000_000, ..ANY }).after, size);
}

#[test]
fn what_is_seen_through_stays_so_while_it_is_not_too_small() {
    let noise = photo(900, 900);
    // The left half is seen; the other is not, and stands on black that must not show.
    let half = |noisy: bool| {
        let left = |x, y| if noisy { noise.get_pixel(x, y).0 } else { [200, 0, 0] };
        let picture = RgbaImage::from_fn(900, 900, |x, y| match (x < 450, left(x, y)) {
            (true, [red, green, blue]) => Rgba([red, green, blue, 255]),
            (false, _) => Rgba([0, 0, 0, 0]),
        });
        file(picture, ImageFormat::WebP)
    };
    for max_bytes in [ANY.max_bytes, 3000] {
        let clear = fitted(&half(false), Wish { max_bytes, ..ANY });
        assert_eq!(clear.format, PictureFormat::Png);
        let seen = pixels(&clear).to_rgba8();
        assert_eq!(seen.get_pixel(clear.after.width - 1, 1).0[3], 0);
        assert!(near([200, 0, 0], seen.get_pixel(clear.after.width / 2 - 2, 9).0[..3].try_into().unwrap()));
    }
    // On white paper where there is no PNG, or it would become a stamp.
    for (noisy, wish) in [(false, Wish { png: false, ..ANY }), (true, ANY)] {
        let flat = fitted(&half(noisy), wish);
        assert_eq!(flat.format, PictureFormat::Jpeg);
        let corner = pixels(&flat).to_rgb8().get_pixel(flat.after.width - 1, 1).0;
        assert!(near(corner, [255; 3]), "{corner:?}");
    }
    let opaque = fitted(&self::file(photo(300, 300), ImageFormat::Png), Wish { jpeg: false, ..ANY });
    assert_eq!(opaque.format, PictureFormat::Png);
}

#[test]
fn gray_stays_gray() {
    let gray = GrayImage::from_fn(600, 600, |x, y| Luma([u8::try_from((x * y) % 251).unwrap()]));
    let fitted = fitted(&file(gray, ImageFormat::Png), ANY);
    assert!(!pixels(&fitted).color().has_color());
}

/// A JPEG with this orientation and a place in its EXIF.
fn turned(orientation: u8) -> Vec<u8> {
    let mut exif = b"\xff\xe1\0\x4aExif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
    exif.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    exif.extend_from_slice(b"\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0");
    // The GPS directory: GPSLatitudeRef and a text.
    exif.extend_from_slice(b"\0\x01\0\x01\0\x02\0\0\0\x10\0\0\0\x38\0\0\0\0N42.3601W71.0589");
    let size = u16::try_from(exif.len() - 2).unwrap().to_be_bytes();
    exif[2..4].copy_from_slice(&size);
    let file = file(photo(800, 400), ImageFormat::Jpeg);
    [&file[..2], &exif, &file[2..]].concat()
}

#[test]
fn pictures_stand_upright_and_their_place_is_gone() {
    // Where the upper left goes: right, down (TIFF 6.0, Orientation).
    for (orientation, is_wide, right, down) in [
        (1, true, false, false),
        (3, true, true, true),
        (6, false, true, false),
        (8, false, false, true),
        (2, true, true, false),
        (5, false, false, false),
    ] {
        let file = turned(orientation);
        assert!(file.windows(8).any(|bytes| bytes == b"W71.0589"));
        let fitted = fitted(&file, ANY);
        let before = Size { width: 800, height: 400 };
        let upright = if is_wide { before } else { Size { width: 400, height: 800 } };
        assert_eq!(fitted.before, upright, "{orientation}");
        assert_eq!(fitted.after.width > fitted.after.height, is_wide, "{orientation}");
        let at = |far: bool, side: u32| if far { side - 9 } else { 8 };
        let place = (at(right, fitted.after.width), at(down, fitted.after.height));
        let corner = pixels(&fitted).to_rgb8().get_pixel(place.0, place.1).0;
        assert!(near(corner, GREEN), "{orientation}: {corner:?}");
        for gone in [&b"Exif"[..], b"W71.0589"] {
            assert!(!fitted.bytes.windows(gone.len()).any(|bytes| bytes == gone));
        }
    }
}

#[test]
fn a_small_profile_goes_on_and_a_large_one_does_not() {
    let with_profile = |length: usize| {
        let mut profile = vec![7; length];
        profile[16..20].copy_from_slice(b"RGB ");
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
        encoder.add_icc_profile(&profile).unwrap();
        encoder.encode(&photo(600, 600), 600, 600, jpeg_encoder::ColorType::Rgb).unwrap();
        fitted(&file, ANY).bytes.windows(11).any(|bytes| bytes == b"ICC_PROFILE")
    };
    assert!(with_profile(548));
    assert!(!with_profile(20_000));
}

#[test]
fn a_jpeg_that_would_be_read_in_part_is_refused() {
    let write = |scans_apart| {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
        encoder.set_optimized_huffman_tables(scans_apart);
        encoder.encode(&photo(64, 64), 64, 64, jpeg_encoder::ColorType::Rgb).unwrap();
        fit(&file, &ANY, &|| false).map(drop)
    };
    assert!(write(false).is_ok());
    assert!(matches!(write(true), Err(PictureError::Broken(_))));
}

#[test]
fn of_an_animation_there_is_the_first_picture() {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut file, 30);
    for colour in [[250, 0, 0, 255], [0, 0, 250, 255]].into_iter().chain(repeat_n([0, 250, 0, 255], 10_000)) {
        let picture = RgbaImage::from_pixel(8, 8, Rgba(colour));
        encoder.encode_frame(Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(100, 1))).unwrap();
    }
    drop(encoder);
    let first = pixels(&fitted(&file, ANY)).to_rgb8().get_pixel(4, 4).0;
    assert!(near(first, [250, 0, 0]), "{first:?}");
}

#[test]
fn what_cannot_fit_says_so() {
    let file = file(photo(1000, 1000), ImageFormat::Jpeg);
    let outcome = |wish| fit(&file, &wish, &|| false);
    assert!(matches!(outcome(Wish { max_bytes: 300, ..ANY }), Err(PictureError::DoesNotFit)));
    assert!(matches!(outcome(Wish { max_bytes: 0, ..ANY }), Err(PictureError::DoesNotFit)));
    assert!(matches!(outcome(Wish { jpeg: false, png: false, ..ANY }), Err(PictureError::DoesNotFit)));
    let strip = self::file(photo(1, 65_535), ImageFormat::Png);
    assert!(matches!(fit(&strip, &Wish { max_bytes: 400, ..ANY }, &|| false), Err(PictureError::DoesNotFit)));
}

#[test]
fn it_stops_when_it_is_told() {
    let file = file(photo(1000, 1000), ImageFormat::Jpeg);
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 1
    };
    let wish = Wish { max_bytes: 2000, ..ANY };
    assert!(matches!(fit(&file, &wish, &stop), Err(PictureError::Stopped)));
    assert_eq!(asked.get(), 2);
}

/// A PNG whose head says this size and that is compressed to nearly nothing.
fn png_bomb(width: u32, height: u32, chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let all = [(b"IHDR", head)].into_iter().chain(chunks.iter().cloned());
    for (kind, data) in all.chain([(b"IDAT", deflated(1 << 20)), (b"IEND", Vec::new())]) {
        file.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        let kind_and_data = [&kind[..], &data].concat();
        file.extend_from_slice(&kind_and_data);
        file.extend_from_slice(&crc32(&kind_and_data).to_be_bytes());
    }
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// So many zero bytes in the format of zlib.
fn deflated(zeros: usize) -> Vec<u8> {
    // A picture of one row of gray has them as they are: what the encoder makes of it is cut out again.
    let width = u32::try_from(zeros).unwrap();
    let file = file(GrayImage::new(width, 1), ImageFormat::Png);
    let at = file.windows(4).position(|bytes| bytes == b"IDAT").unwrap();
    let length = u32::from_be_bytes(file[at - 4..at].try_into().unwrap());
    file[at + 4..at + 4 + usize::try_from(length).unwrap()].to_vec()
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    let mut jpeg = file(photo(16, 16), ImageFormat::Jpeg);
    let head = jpeg.windows(2).position(|bytes| bytes == b"\xff\xc0").unwrap();
    jpeg[head + 5..head + 9].copy_from_slice(&[0xff; 4]);
    let mut gif = file(photo(16, 16), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    for (what, bomb) in [
        ("jpeg", jpeg),
        ("gif", gif),
        ("png", png_bomb(65_535, 65_535, &[])),
        ("png", png_bomb(u32::MAX >> 1, 9, &[])),
    ] {
        for outcome in [memory(&bomb, &ANY).map(drop), fit(&bomb, &ANY, &|| false).map(drop)] {
            let error = outcome.expect_err(what);
            assert!(
                matches!(error, PictureError::TooManyPixels(_) | PictureError::Broken(_)),
                "{what}: {error}"
            );
        }
    }
    let most = file(photo(100, 100), ImageFormat::Jpeg);
    assert!(memory(&most, &ANY).unwrap() < 10_000 * 12 + (17 << 20));
    const { assert!(MAX_PIXELS * 12 < 500_000_000) };
}

#[test]
fn long_strips_are_refused_by_their_head() {
    // Few pixels, but a table of what each weighs of its neighbours when it is scaled would take a gigabyte.
    for (width, height) in [(1, 39_999_999), (65_536, 600)] {
        let strip = png_bomb(width, height, &[]);
        for outcome in [memory(&strip, &ANY).map(drop), fit(&strip, &ANY, &|| false).map(drop)] {
            assert!(matches!(outcome, Err(PictureError::TooLong(_))), "{outcome:?}");
        }
    }
    // The decoder itself does not hold a row of this length.
    let wide = memory(&png_bomb(39_999_999, 1, &[]), &ANY);
    assert!(matches!(wide, Err(PictureError::Broken(_))), "{wide:?}");
}

#[test]
fn what_is_compressed_beside_the_pixels_takes_no_memory() {
    // Each becomes a gigabyte: a hundred megabytes of it would show as a test that does not end.
    let huge = deflated(64 << 20);
    let profile = [b"x\0\0", &huge[..]].concat();
    let bomb = png_bomb(10, 10, &[(b"iCCP", profile.clone()), (b"zTXt", profile)]);
    if let Ok(fitted) = fit(&bomb, &ANY, &|| false) {
        assert_eq!(fitted.before, Size { width: 10, height: 10 });
    }
}

#[test]
fn broken_files_end_in_an_error_or_a_picture() {
    let photo = photo(200, 150);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = file(photo.clone(), format);
        let mut state = 1_u32;
        let mut next = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            usize::try_from(state >> 8).unwrap() % below
        };
        for _ in 0..60 {
            let mut broken = whole[..next(whole.len())].to_vec();
            drop(fit(&broken, &ANY, &|| false));
            broken.clone_from(&whole);
            for _ in 0..=next(8) {
                let at = next(broken.len());
                broken[at] = u8::try_from(next(256)).unwrap();
            }
            drop(fit(&broken, &ANY, &|| false));
        }
    }
    for bytes in [&b""[..], b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"hello"] {
        assert!(fit(bytes, &ANY, &|| false).is_err());
    }
}
