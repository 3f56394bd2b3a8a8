//! Reads pictures, after a look at how large they are.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageResult, Limits,
    codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
    metadata::Orientation,
};

use crate::{MAX_PIXELS, PictureError, Size, Wish, webp};

/// How many bytes decoding, scaling and writing take for each pixel at most: a progressive JPEG, or a PNG of 16 bits.
const BYTES_PER_PIXEL: u64 = 12;
/// How many bytes a pixel takes in a file at most: none that is compressed is much longer than the pixels are.
const WRITTEN_PER_PIXEL: u64 = 4;
/// How much a decoder may take beside the pixels, in bytes: rows, and profiles and texts that are compressed in the file.
const BESIDE_PIXELS: u64 = 16 << 20;
/// The longest colour profile that is kept, in bytes. Those of telephones have some 500; printers' have megabytes.
const MAX_PROFILE: usize = 4 << 10;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl Format {
    /// The format by its first bytes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }
}

/// A picture, decoded.
pub(crate) struct Decoded {
    /// As the file has it: not turned yet.
    pub(crate) pixels: DynamicImage,
    /// How it has to be turned to stand upright.
    pub(crate) orientation: Orientation,
    /// Its colour profile, if it is small and one of red, green and blue.
    pub(crate) profile: Option<Vec<u8>>,
}

/// How many bytes of memory [`fit`](crate::fit) takes for a picture at most, by its head and what it is to become.
///
/// # Errors
/// [`PictureError::Unknown`], [`PictureError::Broken`], [`PictureError::TooManyPixels`].
pub fn memory(bytes: &[u8], wish: &Wish) -> Result<u64, PictureError> {
    let (format, decoder) = open(bytes)?;
    // The file is read whole by some.
    let file = if format == Format::Jpeg { bytes.len() as u64 } else { 0 };
    let pixels = size(&*decoder)?.pixels();
    // What is written grows by doubling, and no picture takes more than its pixels do, or hardly.
    let written = 2 * (wish.max_bytes as u64).min(pixels * WRITTEN_PER_PIXEL);
    Ok(pixels * BYTES_PER_PIXEL + BESIDE_PIXELS + file + written)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, PictureError> {
    let (_, mut decoder) = open(bytes)?;
    size(&*decoder)?;
    // A picture whose notes cannot be read is shown as it stands.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| is_kept(profile));
    let pixels = DynamicImage::from_decoder(decoder).map_err(broken)?;
    Ok(Decoded { pixels, orientation, profile })
}

fn open(bytes: &[u8]) -> Result<(Format, Box<dyn ImageDecoder + '_>), PictureError> {
    let format = Format::of(bytes).ok_or(PictureError::Unknown)?;
    if format == Format::Jpeg && has_scans_apart(bytes) == Some(true) {
        return Err(PictureError::Broken("each colour has a scan of its own".to_owned()));
    }
    if format == Format::Webp && !webp::fits_canvas(bytes) {
        return Err(PictureError::Broken("its picture is larger than its canvas".to_owned()));
    }
    let decoder = decoder(format, Cursor::new(bytes)).map_err(broken)?;
    Ok((format, decoder))
}

fn decoder<'a>(format: Format, bytes: Cursor<&'a [u8]>) -> ImageResult<Box<dyn ImageDecoder + 'a>> {
    Ok(match format {
        Format::Jpeg => Box::new(JpegDecoder::new(bytes)?),
        Format::Png => {
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(BESIDE_PIXELS);
            Box::new(PngDecoder::with_limits(bytes, limits)?)
        }
        Format::Gif => {
            let mut decoder = GifDecoder::new(bytes)?;
            // A picture may be larger than what it stands on, which is all that the head tells; one that is no larger fits into this.
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(decoder.total_bytes());
            decoder.set_limits(limits)?;
            Box::new(decoder)
        }
        Format::Webp => Box::new(WebPDecoder::new(bytes)?),
    })
}

fn size(decoder: &dyn ImageDecoder) -> Result<Size, PictureError> {
    let (width, height) = decoder.dimensions();
    let size = Size { width, height };
    match size.pixels() {
        0 => Err(PictureError::Broken("it has no pixels".to_owned())),
        1..=MAX_PIXELS => Ok(size),
        _ => Err(PictureError::TooManyPixels(size)),
    }
}

/// Whether a JPEG that is not progressive has its colours in several scans (ITU-T T.81 clause A.2): the decoder reads the first alone, and
/// the picture would be green. `None`: it breaks off before its first scan.
fn has_scans_apart(bytes: &[u8]) -> Option<bool> {
    let mut at = 2;
    let mut colours = 0;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        // Any number of fill bytes may stand before a marker.
        if marker == 0xff {
            at += 1;
            continue;
        }
        let segment = bytes.get(at + 2..)?;
        match marker {
            0xc0 | 0xc1 => colours = *segment.get(7)?,
            0xc2 => return Some(false),
            0xda => return Some(*segment.get(2)? < colours),
            _ => {}
        }
        at += 2 + usize::from(u16::from_be_bytes(segment.get(..2)?.try_into().ok()?));
    }
}

/// The signature of a profile's colour space (ICC.1 clause 7.2.6).
fn is_kept(profile: &[u8]) -> bool {
    profile.len() <= MAX_PROFILE && profile.get(16..20) == Some(b"RGB ")
}

fn broken(error: image::ImageError) -> PictureError {
    PictureError::Broken(error.to_string())
}
