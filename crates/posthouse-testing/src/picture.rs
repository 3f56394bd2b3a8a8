//! Messages with pictures.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use crate::request::{RawPart, RawRequest};

/// A picture that does not compress well.
pub fn photo(format: ImageFormat) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let pixels = RgbImage::from_fn(500, 400, |x, y| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let wave = |at: u32| u8::try_from(at / 2).unwrap();
        Rgb([wave(x), wave(y), state.to_le_bytes()[0]])
    });
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A message to 16175550100: a picture of this type and a text, as its SMIL shows them.
pub fn shown(label: &str, picture: Vec<u8>) -> RawRequest {
    let smil = "<smil><img src='cid:photo'/><text src='cid:text'/></smil>";
    let mut request = RawRequest::to("16175550100");
    request.attachments = vec![
        RawPart::new("application/smil", "smil", smil),
        RawPart::new(label, "photo", picture),
        RawPart::new("text/plain", "text", "Hello"),
    ];
    request
}
