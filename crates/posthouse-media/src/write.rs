//! Writes pictures.

use std::io::{self, Write};

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::{
    PictureError,
    pixels::{Colours, PIXEL, Pixels},
};

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

/// A JPEG. Transparency is not written: the pixels have none.
pub(crate) fn jpeg(
    pixels: &Pixels,
    quality: u8,
    profile: Option<&[u8]>,
    most: usize,
) -> Result<Written, PictureError> {
    let unwritable = |error: jpeg_encoder::EncodingError| PictureError::Unwritable(error.to_string());
    let side = |side: u32| u16::try_from(side).map_err(|_| PictureError::DoesNotFit);
    let (width, height) = (side(pixels.size.width)?, side(pixels.size.height)?);
    let mut written = Written::new(most);
    let mut encoder = Encoder::new(&mut written, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    // Tables of its own would make it smaller, and put each colour into a scan of its own, which not everybody reads.
    if let Some(profile) = profile.filter(|_| pixels.colours != Colours::Gray) {
        encoder.add_icc_profile(profile).map_err(unwritable)?;
    }
    match pixels.colours {
        Colours::Gray => {
            let gray = Pixels::written(&pixels.bytes, Colours::Gray);
            encoder.encode(&gray, width, height, ColorType::Luma)
        }
        // It leaves alpha out.
        Colours::Rgb | Colours::Rgba => encoder.encode(&pixels.bytes, width, height, ColorType::Rgba),
    }
    .map_err(unwritable)?;
    Ok(written)
}

pub(crate) fn png(pixels: &Pixels, profile: Option<&[u8]>, most: usize) -> Result<Written, PictureError> {
    let unwritable = |error: png::EncodingError| PictureError::Unwritable(error.to_string());
    let kept = profile.filter(|_| pixels.colours != Colours::Gray);
    let mut info = png::Info::with_size(pixels.size.width, pixels.size.height);
    info.icc_profile = kept.map(Into::into);
    let mut written = Written::new(most);
    let mut encoder = png::Encoder::with_info(&mut written, info).map_err(unwritable)?;
    encoder.set_color(match pixels.colours {
        Colours::Gray => png::ColorType::Grayscale,
        Colours::Rgb => png::ColorType::Rgb,
        Colours::Rgba => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::Adaptive);
    // Row by row: written at once, it would be compressed in memory first, however long.
    let mut file = encoder.write_header().map_err(unwritable)?;
    let mut rows = file.stream_writer().map_err(unwritable)?;
    for row in pixels.bytes.chunks(PIXEL * pixels.size.width.max(1) as usize) {
        let row = Pixels::written(row, pixels.colours);
        rows.write_all(&row).map_err(|error| PictureError::Unwritable(error.to_string()))?;
    }
    rows.finish().and_then(|()| file.finish()).map_err(unwritable)?;
    Ok(written)
}
