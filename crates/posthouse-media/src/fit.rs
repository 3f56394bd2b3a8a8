//! Makes a picture fit: the quality goes down first, then the size.

use std::borrow::Cow;

use crate::{
    PictureError,
    pixels::{Colours, Orientation, Pixels},
    read::{DecodedPicture, PictureFormat, decode},
    size::Size,
    write::{self, Written},
};

/// The qualities of JPEG that are tried: the best, and those after it with what part of its bytes each takes, as photographs go.
const QUALITIES: (u8, [(u8, f64); 3]) = (88, [(80, 0.72), (72, 0.58), (64, 0.49)]);
/// How many bits a pixel of a photograph takes at a good quality of JPEG: with fewer than that, a smaller picture looks better.
const JPEG_BITS: f64 = 1.5;
/// How many bits a pixel of a drawing takes in PNG, at the least.
const PNG_BITS: f64 = 1.0;
/// How many sizes are tried of each format.
const SIZES: usize = 8;
/// A picture whose longer side would be less is not worth sending, in pixels.
const SMALLEST: u32 = 32;
/// A drawing whose longer side would be less is better off as a JPEG without its transparency, in pixels.
const SMALLEST_PNG: u32 = 480;
/// The next size is so much smaller than what should fit, since bytes do not quite follow pixels.
const MARGIN: f64 = 0.9;
/// What part of the pixels of one size the next has at least, and at most.
const LEAST_SHARE: f64 = 0.05;
const MOST_SHARE: f64 = 0.8;

/// What a picture is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// At most so many bytes.
    pub max_bytes: usize,
    /// Whether it may become a JPEG.
    pub jpeg: bool,
    /// Whether it may become a PNG.
    pub png: bool,
}

/// A picture that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// JPEG or PNG.
    pub format: PictureFormat,
    /// The file.
    pub bytes: Vec<u8>,
    /// How large it was, upright.
    pub before: Size,
    /// How large it is.
    pub after: Size,
}

/// Makes a picture fit; of an animation, its first picture. It stands upright then, and is never larger than it was.
///
/// What is seen through stays so where PNG is wished for and the picture does not become too small by that; the rest becomes JPEG
/// where it may. `stop` is asked between steps, none of which takes longer than writing a picture of
/// [`MAX_PIXELS`](crate::MAX_PIXELS) does.
///
/// # Errors
/// [`PictureError`].
pub fn fit(bytes: &[u8], wish: &Wish, stop: &dyn Fn() -> bool) -> Result<Fitted, PictureError> {
    let DecodedPicture { pixels, orientation, profile } = decode(bytes)?;
    let work =
        Work { pixels: &pixels, orientation, profile: profile.as_deref(), max_bytes: wish.max_bytes, stop };
    for way in ways(wish, pixels.colours == Colours::Rgba) {
        if let Some((bytes, after)) = work.fit(*way)? {
            return Ok(Fitted {
                format: way.format(),
                bytes,
                before: orientation.turned(pixels.size),
                after,
            });
        }
    }
    Err(PictureError::DoesNotFit)
}

/// A format to try.
#[derive(Clone, Copy)]
enum Way {
    Jpeg,
    /// As long as it is no smaller than this.
    Png {
        smallest: u32,
    },
}

/// The formats to try, one after the other.
const fn ways(wish: &Wish, is_seen_through: bool) -> &'static [Way] {
    match (wish.jpeg, wish.png) {
        (true, true) if is_seen_through => &[Way::Png { smallest: SMALLEST_PNG }, Way::Jpeg],
        (true, _) => &[Way::Jpeg],
        (false, true) => &[Way::Png { smallest: SMALLEST }],
        (false, false) => &[],
    }
}

impl Way {
    const fn format(self) -> PictureFormat {
        match self {
            Self::Jpeg => PictureFormat::Jpeg,
            Self::Png { .. } => PictureFormat::Png,
        }
    }

    const fn smallest(self) -> u32 {
        match self {
            Self::Jpeg => SMALLEST,
            Self::Png { smallest } => smallest,
        }
    }

    const fn bits(self) -> f64 {
        match self {
            Self::Jpeg => JPEG_BITS,
            Self::Png { .. } => PNG_BITS,
        }
    }
}

/// A picture on its way.
struct Work<'a> {
    pixels: &'a Pixels,
    orientation: Orientation,
    profile: Option<&'a [u8]>,
    max_bytes: usize,
    stop: &'a dyn Fn() -> bool,
}

impl Work<'_> {
    /// Tries sizes, each by what the one before it took. `None`: it became too small.
    fn fit(&self, way: Way) -> Result<Option<(Vec<u8>, Size)>, PictureError> {
        let all = self.pixels.size;
        // However few the bytes: a drawing of few lines may do with them.
        let least = all.area() * (f64::from(way.smallest()) / f64::from(all.longer())).powi(2);
        let mut size = all.with_pixels((as_f64(self.max_bytes) * 8.0 / way.bits()).max(least));
        let mut last = Cow::Borrowed(self.pixels);
        for tried in 0..SIZES {
            if tried > 0 && size.longer() < way.smallest() {
                break;
            }
            if last.size != size {
                last = Cow::Owned(last.scaled(size)?);
            }
            let written = self.write(&last, way)?;
            let length = written.length();
            if let Some(file) = written.whole() {
                return Ok(Some((file, self.orientation.turned(size))));
            }
            let share = as_f64(self.max_bytes) / as_f64(length) * MARGIN;
            size = size.with_pixels(size.area() * share.clamp(LEAST_SHARE, MOST_SHARE));
        }
        Ok(None)
    }

    /// Writes it as well as it fits, or as small as it should become.
    fn write(&self, pixels: &Pixels, way: Way) -> Result<Written, PictureError> {
        self.go_on()?;
        match way {
            Way::Jpeg => self.write_jpeg(&pixels.on_paper()),
            Way::Png { .. } => {
                let finished = pixels.turned(self.orientation);
                let finished = match pixels.colours {
                    Colours::Rgba => Cow::Owned(finished.into_owned().divided()?),
                    _ => finished,
                };
                write::png(&finished, self.profile, self.max_bytes)
            }
        }
    }

    fn write_jpeg(&self, opaque: &Pixels) -> Result<Written, PictureError> {
        let finished = opaque.turned(self.orientation);
        let (first, rest) = QUALITIES;
        let mut written = write::jpeg(&finished, first, self.profile, self.max_bytes)?;
        let best = as_f64(written.length());
        for (quality, share) in rest {
            // The first tells which of the others may fit.
            if written.length() <= self.max_bytes {
                break;
            }
            if best * share <= as_f64(self.max_bytes) {
                self.go_on()?;
                written = write::jpeg(&finished, quality, self.profile, self.max_bytes)?;
            }
        }
        Ok(written)
    }

    fn go_on(&self) -> Result<(), PictureError> {
        if (self.stop)() { Err(PictureError::Stopped) } else { Ok(()) }
    }
}

/// Exact up to 2^53, which no file reaches.
#[expect(clippy::cast_precision_loss, reason = "no file has 2^53 bytes")]
const fn as_f64(bytes: usize) -> f64 {
    bytes as f64
}
