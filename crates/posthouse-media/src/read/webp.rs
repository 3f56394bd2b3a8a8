//! WebP (RFC 9649).

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::{BESIDE_PIXELS, DecodedPicture, File, broken, spread};
use crate::{PictureError, Size, pixels::Pixels};

pub(super) struct Webp<'a>(WebPDecoder<Cursor<&'a [u8]>>);

impl<'a> Webp<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PictureError> {
        if !fits_canvas(bytes) {
            return Err(PictureError::Broken("its picture is larger than its canvas".to_owned()));
        }
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
        // Counts for what stands beside the pixels.
        decoder.set_memory_limit(BESIDE_PIXELS);
        Ok(Self(decoder))
    }
}

impl File for Webp<'_> {
    fn size(&self) -> Size {
        let (width, height) = self.0.dimensions();
        Size { width, height }
    }

    fn decode(mut self: Box<Self>) -> Result<DecodedPicture, PictureError> {
        let mut bytes = vec![0; self.0.output_buffer_size().unwrap_or_default()];
        self.0.read_image(&mut bytes).map_err(broken)?;
        if !self.0.has_alpha() {
            bytes = spread(&bytes, |[red, green, blue]| [red, green, blue, u8::MAX]);
        }
        let pixels = Pixels::new(self.size(), bytes, false);
        let exif = self.0.exif_metadata().ok().flatten();
        let profile = self.0.icc_profile().ok().flatten();
        Ok(DecodedPicture::new(pixels, exif, profile))
    }
}

/// Whether no lossy picture of an extended WebP is larger than the canvas. The decoder finds that out only after it has made room for
/// all of the picture's pixels, and decoded them.
fn fits_canvas(file: &[u8]) -> bool {
    let mut chunks = Chunks(file.get(12..).unwrap_or_default());
    let Some((b"VP8X", head)) = chunks.next() else { return true };
    let (Some(width), Some(height)) = (side(head, 4), side(head, 7)) else { return true };
    chunks.all(|chunk| chunk_fits(chunk, width, height))
}

fn chunk_fits((name, data): (&[u8; 4], &[u8]), width: u32, height: u32) -> bool {
    match name {
        b"VP8 " => lossy_size(data).is_none_or(|(wide, high)| wide <= width && high <= height),
        // A frame of an animation: its place, and then chunks of its own.
        b"ANMF" => Chunks(data.get(16..).unwrap_or_default()).all(|chunk| match chunk {
            (b"ANMF", _) => true,
            chunk => chunk_fits(chunk, width, height),
        }),
        _ => true,
    }
}

/// A side of the canvas: one less in three bytes.
fn side(head: &[u8], at: usize) -> Option<u32> {
    let bytes: [u8; 3] = head.get(at..at + 3)?.try_into().ok()?;
    let [low, middle, high] = bytes.map(u32::from);
    Some(1 + (high << 16 | middle << 8 | low))
}

/// Width and height in the head of a key frame (RFC 6386 clause 9.1).
fn lossy_size(frame: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| {
        let bytes: [u8; 2] = frame.get(at..at + 2)?.try_into().ok()?;
        Some(u32::from(u16::from_le_bytes(bytes) & 0x3fff))
    };
    Some((side(6)?, side(8)?))
}

/// Names and data of chunks; of one that is longer than the file, what there is.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let data = rest.get(..length).unwrap_or(rest);
        self.0 = rest.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some((name, data))
    }
}
