//! A picture in memory, eight bits a colour, and what is done to it: turned, scaled, put on paper.

use std::borrow::Cow;

use fast_image_resize::{
    FilterType, MulDiv, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U8x4,
};

use crate::{PictureError, Size};

/// What a pixel that is seen through becomes where the format has no transparency.
const PAPER: u8 = u8::MAX;

/// How many bytes a pixel takes: red, green, blue, and how much is seen of them (alpha).
pub(crate) const PIXEL: usize = 4;

/// What of a picture's pixels has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// Red, green and blue are the same everywhere, and alpha is 255.
    Gray,
    /// Alpha is 255 everywhere.
    Rgb,
    /// Everything. Red, green and blue are multiplied by alpha, so that those of pixels that are not seen do not bleed into others when
    /// the picture is scaled.
    Rgba,
}

/// A picture in memory, row by row from the upper left. All have [`PIXEL`] bytes a pixel, whatever their colours: what scales them is
/// compiled once then, and not for each kind.
#[derive(Clone, Debug)]
pub(crate) struct Pixels {
    pub(crate) size: Size,
    pub(crate) colours: Colours,
    pub(crate) bytes: Vec<u8>,
}

impl Pixels {
    /// Takes decoded pixels. `is_gray` says that red, green and blue are the same everywhere.
    pub(crate) fn new(size: Size, mut bytes: Vec<u8>, is_gray: bool) -> Self {
        let (pixels, _) = bytes.as_chunks::<PIXEL>();
        let is_opaque = pixels.iter().all(|[.., alpha]| *alpha == u8::MAX);
        let colours = match (is_opaque, is_gray) {
            (true, true) => Colours::Gray,
            (true, false) => Colours::Rgb,
            (false, _) => Colours::Rgba,
        };
        if !is_opaque {
            multiply(&mut bytes);
        }
        Self { size, colours, bytes }
    }

    /// Its colours as they are seen, no longer multiplied by alpha.
    pub(crate) fn divided(mut self) -> Result<Self, PictureError> {
        if self.colours == Colours::Rgba {
            let Size { width, height } = self.size;
            let mut view = TypedImage::<U8x4>::from_buffer(width, height, &mut self.bytes).map_err(broken)?;
            MulDiv::new().divide_alpha_inplace_typed(&mut view).map_err(broken)?;
        }
        Ok(self)
    }

    /// On white paper: nothing is seen through any more.
    pub(crate) fn on_paper(&self) -> Cow<'_, Self> {
        if self.colours != Colours::Rgba {
            return Cow::Borrowed(self);
        }
        let mut paper = self.clone();
        paper.colours = Colours::Rgb;
        let (pixels, _) = paper.bytes.as_chunks_mut::<PIXEL>();
        for pixel in pixels {
            let [red, green, blue, alpha] = *pixel;
            let [red, green, blue] = [red, green, blue].map(|value| value.saturating_add(PAPER - alpha));
            *pixel = [red, green, blue, u8::MAX];
        }
        Cow::Owned(paper)
    }

    /// The picture in another size.
    pub(crate) fn scaled(&self, size: Size) -> Result<Self, PictureError> {
        let Size { width, height } = self.size;
        let from = TypedImageRef::<U8x4>::from_buffer(width, height, &self.bytes).map_err(broken)?;
        let mut bytes = vec![0; size.length()];
        let mut into =
            TypedImage::<U8x4>::from_buffer(size.width, size.height, &mut bytes).map_err(broken)?;
        // Colours are multiplied by alpha already.
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false);
        Resizer::new().resize_typed(&from, &mut into, &options).map_err(broken)?;
        Ok(Self { size, colours: self.colours, bytes })
    }

    /// The picture turned so that it stands upright.
    pub(crate) fn turned(&self, orientation: Orientation) -> Cow<'_, Self> {
        if orientation == Orientation::UPRIGHT {
            return Cow::Borrowed(self);
        }
        let size = orientation.turned(self.size);
        let (pixels, _) = self.bytes.as_chunks::<PIXEL>();
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for y in 0..size.height as usize {
            for x in 0..size.width as usize {
                let from = orientation.source(x, y, self.size);
                bytes.extend_from_slice(pixels.get(from).unwrap_or(&[0; PIXEL]));
            }
        }
        Cow::Owned(Self { size, colours: self.colours, bytes })
    }

    /// The bytes that are written of each pixel of a piece of [`Pixels::bytes`].
    pub(crate) fn written(piece: &[u8], colours: Colours) -> Vec<u8> {
        let kept = match colours {
            Colours::Gray => 1,
            Colours::Rgb => 3,
            Colours::Rgba => PIXEL,
        };
        let mut written = Vec::with_capacity(piece.len() / PIXEL * kept);
        let pixels = piece.chunks_exact(PIXEL).filter_map(|pixel| pixel.get(..kept));
        pixels.for_each(|pixel| written.extend_from_slice(pixel));
        written
    }
}

fn multiply(bytes: &mut [u8]) {
    let (pixels, _) = bytes.as_chunks_mut::<4>();
    for [red, green, blue, alpha] in pixels {
        let factor = u16::from(*alpha);
        for value in [red, green, blue] {
            *value = u8::try_from((u16::from(*value) * factor + 127) / 255).unwrap_or(u8::MAX);
        }
    }
}

/// Sizes that do not fit their bytes: a mistake of ours, told and not panicked over.
fn broken(error: impl std::fmt::Display) -> PictureError {
    PictureError::Broken(error.to_string())
}

/// How a picture lies in its file: Orientation of TIFF 6.0, 1 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    /// As it is seen.
    pub(crate) const UPRIGHT: Self = Self(1);

    /// The orientation of a number; upright for one that does not exist.
    pub(crate) fn of(number: u32) -> Self {
        u8::try_from(number).ok().filter(|number| (1..=8).contains(number)).map_or(Self::UPRIGHT, Self)
    }

    /// The size of the picture once it stands upright.
    pub(crate) const fn turned(self, size: Size) -> Size {
        match self.0 {
            5..=8 => Size { width: size.height, height: size.width },
            _ => size,
        }
    }

    /// Which pixel of the file, counted from its first, stands at `x` and `y` of the upright picture.
    const fn source(self, x: usize, y: usize, size: Size) -> usize {
        let (width, right, bottom) = (size.width as usize, size.width as usize - 1, size.height as usize - 1);
        let (column, row) = match self.0 {
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (y, bottom - x),
            7 => (right - y, bottom - x),
            8 => (right - y, x),
            _ => (x, y),
        };
        row * width + column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_turned_as_tiff_says() {
        let bytes = |letters: &str| letters.bytes().flat_map(|letter| [letter; PIXEL]).collect::<Vec<_>>();
        // Two wide, three high: ab cd ef.
        let size = Size { width: 2, height: 3 };
        let picture = Pixels { size, colours: Colours::Gray, bytes: bytes("abcdef") };
        for (number, turned) in [
            (1, "abcdef"),
            (2, "badcfe"),
            (3, "fedcba"),
            (4, "efcdab"),
            (5, "acebdf"),
            (6, "ecafdb"),
            (7, "fdbeca"),
            (8, "bdface"),
            (0, "abcdef"),
            (9, "abcdef"),
        ] {
            let shown = picture.turned(Orientation::of(number));
            assert_eq!(shown.bytes, bytes(turned), "{number}");
            let wide = (5..=8).contains(&number);
            assert_eq!(shown.size.width, if wide { 3 } else { 2 }, "{number}");
        }
    }

    #[test]
    fn what_is_not_seen_does_not_bleed() {
        let size = Size { width: 2, height: 1 };
        let picture = Pixels::new(size, vec![200, 100, 0, 255, 0, 255, 255, 0], false);
        let one = picture.scaled(Size { width: 1, height: 1 }).unwrap();
        let paper = one.on_paper();
        assert!(paper.bytes[0].abs_diff(227) < 3 && paper.bytes[2].abs_diff(128) < 3, "{:?}", paper.bytes);
        let seen = one.divided().unwrap().bytes;
        assert!(seen[0].abs_diff(200) < 3 && seen[1].abs_diff(100) < 3 && seen[2] < 3, "{seen:?}");
    }

    #[test]
    fn what_is_opaque_is_written_without_alpha() {
        let size = Size { width: 1, height: 1 };
        for (is_gray, alpha, written) in
            [(true, 255, &[7][..]), (false, 255, &[7, 7, 7]), (true, 254, &[7, 7, 7, 254])]
        {
            let picture = Pixels::new(size, vec![7, 7, 7, alpha], is_gray);
            assert_eq!(Pixels::written(&picture.bytes, picture.colours), written);
        }
    }
}
