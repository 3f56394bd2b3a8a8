//! GIF: of an animation, its first picture.

use gif::{ColorOutput, DecodeOptions, Decoder, MemoryLimit};

use super::{DecodedPicture, File, broken};
use crate::{
    PictureError, Size,
    pixels::{PIXEL, Pixels},
};

pub(super) struct Gif<'a>(Decoder<&'a [u8]>);

impl<'a> Gif<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        // The first picture's memory is taken here, after its size was looked at.
        options.set_memory_limit(MemoryLimit::Unlimited);
        options.read_info(bytes).map_err(broken).map(Self)
    }
}

impl File for Gif<'_> {
    fn size(&self) -> Size {
        Size { width: self.0.width().into(), height: self.0.height().into() }
    }

    fn decode(mut self: Box<Self>) -> Result<DecodedPicture, PictureError> {
        let canvas = self.size();
        let frame = self.0.next_frame_info().map_err(broken)?;
        let frame = frame.ok_or_else(|| PictureError::Broken("it has no picture".to_owned()))?;
        let size = Size { width: frame.width.into(), height: frame.height.into() };
        let (left, top) = (usize::from(frame.left), usize::from(frame.top));
        // The head tells of the canvas alone, and memory is budgeted by that.
        if size.pixels() > canvas.pixels() {
            return Err(PictureError::Broken("its picture is larger than its canvas".to_owned()));
        }
        let mut bytes = vec![0; size.length()];
        self.0.read_into_buffer(&mut bytes).map_err(broken)?;
        if size != canvas || (left, top) != (0, 0) {
            bytes = placed(&bytes, size, canvas, left, top);
        }
        let profile = self.0.icc_profile().map(<[u8]>::to_vec);
        Ok(DecodedPicture::new(Pixels::new(canvas, bytes, false), None, profile))
    }
}

/// A picture on its canvas, which is seen through around it. What stands beyond the canvas is cut off.
fn placed(picture: &[u8], size: Size, canvas: Size, left: usize, top: usize) -> Vec<u8> {
    let mut placed = vec![0; canvas.length()];
    let row = |size: Size| PIXEL * size.width.max(1) as usize;
    let rows = placed.chunks_exact_mut(row(canvas)).skip(top);
    for (into, from) in rows.zip(picture.chunks_exact(row(size))) {
        let into = into.get_mut(left * PIXEL..).unwrap_or_default();
        into.iter_mut().zip(from).for_each(|(into, from)| *into = *from);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_beyond_its_canvas_is_cut_off() {
        let picture: Vec<u8> = (0..16).collect();
        let canvas = Size { width: 2, height: 3 };
        let placed = placed(&picture, Size { width: 2, height: 2 }, canvas, 1, 2);
        let mut expected = [0; 24];
        expected[20..24].copy_from_slice(&[0, 1, 2, 3]);
        assert_eq!(placed, expected);
    }
}
