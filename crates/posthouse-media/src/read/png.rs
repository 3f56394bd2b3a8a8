//! PNG.

use std::{borrow::Cow, io::Cursor};

use png::{ColorType, Decoder, Limits, Reader, Transformations};

use super::{BESIDE_PIXELS, DecodedPicture, File, broken, spread};
use crate::{PictureError, Size, pixels::Pixels};

pub(super) struct Png<'a>(Reader<Cursor<&'a [u8]>>);

impl<'a> Png<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: BESIDE_PIXELS });
        // Red, green, blue and alpha, or gray and alpha, of eight bits each.
        decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
        decoder.set_ignore_text_chunk(true);
        decoder.read_info().map_err(broken).map(Self)
    }
}

impl File for Png<'_> {
    fn size(&self) -> Size {
        let (width, height) = self.0.info().size();
        Size { width, height }
    }

    fn decode(mut self: Box<Self>) -> Result<DecodedPicture, PictureError> {
        let size = self.size();
        let is_gray = self.0.output_color_type().0 == ColorType::GrayscaleAlpha;
        let mut bytes = vec![0; self.0.output_buffer_size().unwrap_or_default()];
        self.0.next_frame(&mut bytes).map_err(broken)?;
        if is_gray {
            bytes = spread(&bytes, |[gray, alpha]| [gray, gray, gray, alpha]);
        }
        if bytes.len() != size.length() {
            return Err(broken("its pixels are not as many as its head says"));
        }
        let info = self.0.info();
        let owned = |bytes: &Option<Cow<'_, [u8]>>| bytes.as_deref().map(<[u8]>::to_vec);
        let (exif, profile) = (owned(&info.exif_metadata), owned(&info.icc_profile));
        Ok(DecodedPicture::new(Pixels::new(size, bytes, is_gray), exif, profile))
    }
}
