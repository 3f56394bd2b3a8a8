//! Writes pictures.

use image::{
    DynamicImage, ImageEncoder, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::PictureError;

/// What a pixel that is seen through becomes where the format has no transparency.
const PAPER: u32 = 255;

pub(crate) fn jpeg(
    pixels: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, PictureError> {
    let unwritable = |error: jpeg_encoder::EncodingError| PictureError::Unwritable(error.to_string());
    let side = |side: u32| u16::try_from(side).map_err(|_| PictureError::DoesNotFit);
    let (width, height) = (side(pixels.width())?, side(pixels.height())?);
    let mut written = Vec::new();
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
        other => encoder.encode(&on_paper(other), width, height, ColorType::Rgb),
    }
    .map_err(unwritable)?;
    Ok(written)
}

pub(crate) fn png(pixels: &DynamicImage, profile: Option<&[u8]>) -> Result<Vec<u8>, PictureError> {
    let unwritable = |error: image::ImageError| PictureError::Unwritable(error.to_string());
    let mut written = Vec::new();
    let mut encoder =
        PngEncoder::new_with_quality(&mut written, CompressionType::Default, FilterType::Adaptive);
    if let Some(profile) = profile.filter(|_| pixels.color().has_color()) {
        // Only what the encoder does not know how to write fails.
        encoder
            .set_icc_profile(profile.to_vec())
            .map_err(|error| PictureError::Unwritable(error.to_string()))?;
    }
    encoder
        .write_image(pixels.as_bytes(), pixels.width(), pixels.height(), pixels.color().into())
        .map_err(unwritable)?;
    Ok(written)
}

/// The picture on white paper.
fn on_paper(pixels: &DynamicImage) -> RgbImage {
    let seen = pixels.to_rgba8();
    let mut paper = RgbImage::new(seen.width(), seen.height());
    for (pixel, on) in seen.pixels().zip(paper.pixels_mut()) {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        let blend =
            |value: u32| u8::try_from((value * alpha + PAPER * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        on.0 = [red, green, blue].map(blend);
    }
    paper
}
