//! JPEG.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{DecodedPicture, File, broken, spread};
use crate::{PictureError, Size, pixels::Pixels};

pub(super) struct Jpeg<'a> {
    decoder: JpegDecoder<ZCursor<&'a [u8]>>,
    size: Size,
    is_gray: bool,
}

impl<'a> Jpeg<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PictureError> {
        if has_scans_apart(bytes) == Some(true) {
            return Err(PictureError::Broken("each colour has a scan of its own".to_owned()));
        }
        let options = DecoderOptions::default()
            .set_strict_mode(false)
            .set_max_width(usize::MAX)
            .set_max_height(usize::MAX);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(broken)?;
        let is_gray = decoder.input_colorspace() == Some(ColorSpace::Luma);
        let output = if is_gray { ColorSpace::Luma } else { ColorSpace::RGB };
        decoder.set_options(options.jpeg_set_out_colorspace(output));
        let (width, height) = decoder.dimensions().unwrap_or_default();
        let side = |side: usize| u32::try_from(side).map_err(broken);
        Ok(Self { size: Size { width: side(width)?, height: side(height)? }, is_gray, decoder })
    }
}

impl File for Jpeg<'_> {
    fn size(&self) -> Size {
        self.size
    }

    fn decode(mut self: Box<Self>) -> Result<DecodedPicture, PictureError> {
        let mut bytes = vec![0; self.decoder.output_buffer_size().unwrap_or_default()];
        self.decoder.decode_into(&mut bytes).map_err(broken)?;
        bytes = if self.is_gray {
            spread(&bytes, |[gray]| [gray, gray, gray, u8::MAX])
        } else {
            spread(&bytes, |[red, green, blue]| [red, green, blue, u8::MAX])
        };
        if bytes.len() != self.size.length() {
            return Err(broken("its pixels are not as many as its head says"));
        }
        let pixels = Pixels::new(self.size, bytes, self.is_gray);
        Ok(DecodedPicture::new(pixels, self.decoder.exif().cloned(), self.decoder.icc_profile()))
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
