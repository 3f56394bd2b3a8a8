//! Writes pictures.

use std::io::{self, Write};

use image::{DynamicImage, RgbImage, RgbaImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::PictureError;

/// What a pixel that is seen through becomes where the format has no transparency.
const PAPER: u32 = 255;

/// A file as far as it is wanted: of what is longer than that, only the length goes on being counted.
#[derive(Debug)]
pub(crate) struct Written {
    bytes: Vec<u8>,
    most: usize,
    length: usize,
}

impl Written {
    const fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most, length: 0 }
    }

    /// How long it is, kept or not, in bytes.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// The file, if it was kept.
    pub(crate) fn whole(self) -> Option<Vec<u8>> {
        (self.length <= self.most).then_some(self.bytes)
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length = self.length.saturating_add(bytes.len());
        if self.length <= self.most {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn jpeg(
    pixels: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
    most: usize,
) -> Result<Written, PictureError> {
    let unwritable = |error: jpeg_encoder::EncodingError| PictureError::Unwritable(error.to_string());
    let side = |side: u32| u16::try_from(side).map_err(|_| PictureError::DoesNotFit);
    let (width, height) = (side(pixels.width())?, side(pixels.height())?);
    let mut written = Written::new(most);
    let mut encoder = Encoder::new(&mut written, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    // Tables of its own would make it smaller, and put each colour into a scan of its own, which not everybody reads.
    if let Some(profile) = profile.filter(|_| pixels.color().has_color()) {
        encoder.add_icc_profile(profile).map_err(unwritable)?;
    }
    match pixels {
        DynamicImage::ImageLuma8(gray) => encoder.encode(gray, width, height, ColorType::Luma),
        DynamicImage::ImageRgb8(colours) => encoder.encode(colours, width, height, ColorType::Rgb),
        DynamicImage::ImageRgba8(seen) => encoder.encode(&on_paper(seen), width, height, ColorType::Rgb),
        other => encoder.encode(&on_paper(&other.to_rgba8()), width, height, ColorType::Rgb),
    }
    .map_err(unwritable)?;
    Ok(written)
}

pub(crate) fn png(
    pixels: &DynamicImage,
    profile: Option<&[u8]>,
    most: usize,
) -> Result<Written, PictureError> {
    let unwritable = |error: png::EncodingError| PictureError::Unwritable(error.to_string());
    let kept = profile.filter(|_| pixels.color().has_color());
    let mut info = png::Info::with_size(pixels.width(), pixels.height());
    info.icc_profile = kept.map(Into::into);
    let mut written = Written::new(most);
    let mut encoder = png::Encoder::with_info(&mut written, info).map_err(unwritable)?;
    encoder.set_color(match pixels {
        DynamicImage::ImageLuma8(_) => png::ColorType::Grayscale,
        DynamicImage::ImageRgb8(_) => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::Adaptive);
    // Row by row: written at once, it would be compressed in memory first, however long.
    let mut file = encoder.write_header().map_err(unwritable)?;
    let mut rows = file.stream_writer().map_err(unwritable)?;
    rows.write_all(pixels.as_bytes()).map_err(|error| PictureError::Unwritable(error.to_string()))?;
    rows.finish().and_then(|()| file.finish()).map_err(unwritable)?;
    Ok(written)
}

/// The picture on white paper.
fn on_paper(seen: &RgbaImage) -> RgbImage {
    let mut paper = RgbImage::new(seen.width(), seen.height());
    for (pixel, on) in seen.pixels().zip(paper.pixels_mut()) {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        let blend =
            |value: u32| u8::try_from((value * alpha + PAPER * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        on.0 = [red, green, blue].map(blend);
    }
    paper
}
