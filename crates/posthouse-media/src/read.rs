//! Reads pictures, after a look at how large they are.

mod exif;
mod gif;
mod jpeg;
mod png;
mod webp;

use crate::{
    MAX_PIXELS, MAX_SIDE, PictureError, Size, Wish,
    pixels::{Orientation, PIXEL, Pixels},
};

/// How many bytes decoding, scaling and writing take for each pixel at most: a progressive JPEG, or a PNG that is seen through.
const BYTES_PER_PIXEL: u64 = 12;
/// How many bytes a pixel takes in a file at most: none that is compressed is much longer than the pixels are.
const WRITTEN_PER_PIXEL: u64 = 4;
/// How much is taken beside the pixels, in bytes: rows, profiles and texts that are compressed in the file, and what each column and row
/// that is scaled weighs of its neighbours, which [`MAX_SIDE`] bounds.
const BESIDE_PIXELS: usize = 16 << 20;
/// The longest colour profile that is kept, in bytes. Those of telephones have some 500; printers' have megabytes.
const MAX_PROFILE: usize = 4 << 10;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl PictureFormat {
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
pub(crate) struct DecodedPicture {
    /// As the file has it: not turned yet.
    pub(crate) pixels: Pixels,
    /// How it has to be turned to stand upright.
    pub(crate) orientation: Orientation,
    /// Its colour profile, if it is small and one of red, green and blue.
    pub(crate) profile: Option<Vec<u8>>,
}

impl DecodedPicture {
    /// `exif` and `profile` are what the file says beside its pixels.
    fn new(pixels: Pixels, exif: Option<Vec<u8>>, profile: Option<Vec<u8>>) -> Self {
        // A picture whose notes cannot be read is shown as it stands.
        let orientation = exif.and_then(exif::orientation).map_or(Orientation::UPRIGHT, Orientation::of);
        Self { pixels, orientation, profile: profile.filter(|profile| is_kept(profile)) }
    }
}

/// A file whose head is read.
trait File {
    /// How large the picture is, by the head.
    fn size(&self) -> Size;

    /// Decodes all of it.
    fn decode(self: Box<Self>) -> Result<DecodedPicture, PictureError>;
}

/// Reads the head, and refuses what is too large by it.
fn open(bytes: &[u8]) -> Result<Box<dyn File + '_>, PictureError> {
    let file: Box<dyn File + '_> = match PictureFormat::of(bytes).ok_or(PictureError::Unknown)? {
        PictureFormat::Jpeg => Box::new(jpeg::Jpeg::open(bytes)?),
        PictureFormat::Png => Box::new(png::Png::open(bytes)?),
        PictureFormat::Gif => Box::new(gif::Gif::open(bytes)?),
        PictureFormat::Webp => Box::new(webp::Webp::open(bytes)?),
    };
    let size = file.size();
    match size.pixels() {
        0 => Err(PictureError::Broken("it has no pixels".to_owned())),
        1..=MAX_PIXELS if size.longer() <= MAX_SIDE => Ok(file),
        1..=MAX_PIXELS => Err(PictureError::TooLong(size)),
        _ => Err(PictureError::TooManyPixels(size)),
    }
}

/// How many bytes of memory [`fit`](crate::fit) takes for a picture at most, by its head and what it is to become.
///
/// # Errors
/// [`PictureError::Unknown`], [`PictureError::Broken`], [`PictureError::TooManyPixels`], [`PictureError::TooLong`].
pub fn memory(bytes: &[u8], wish: &Wish) -> Result<u64, PictureError> {
    let pixels = open(bytes)?.size().pixels();
    // What is written grows by doubling, and no picture takes more than its pixels do, or hardly.
    let written = 2 * (wish.max_bytes as u64).min(pixels * WRITTEN_PER_PIXEL);
    Ok(pixels * BYTES_PER_PIXEL + BESIDE_PIXELS as u64 + written)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<DecodedPicture, PictureError> {
    open(bytes)?.decode()
}

/// The signature of a profile's colour space (ICC.1 clause 7.2.6).
fn is_kept(profile: &[u8]) -> bool {
    profile.len() <= MAX_PROFILE && profile.get(16..20) == Some(b"RGB ")
}

fn broken(error: impl std::fmt::Display) -> PictureError {
    PictureError::Broken(error.to_string())
}

/// Pixels of fewer bytes than [`PIXEL`] as red, green, blue and alpha; `spread` says how one becomes the other.
fn spread<const N: usize>(bytes: &[u8], spread: impl Fn([u8; N]) -> [u8; PIXEL]) -> Vec<u8> {
    let (pixels, _) = bytes.as_chunks::<N>();
    pixels.iter().flat_map(|pixel| spread(*pixel)).collect()
}
