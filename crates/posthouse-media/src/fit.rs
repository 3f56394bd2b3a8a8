//! Makes a picture fit: the quality goes down first, then the size.

use std::{borrow::Cow, fmt};

use image::{DynamicImage, imageops::FilterType, metadata::Orientation};

use crate::{
    PictureError,
    read::{Decoded, Format, decode},
    write,
};

/// The qualities of JPEG that are tried, best first, and what part of the bytes of the best each takes, as photographs go.
const QUALITIES: [(u8, f64); 4] = [(88, 1.0), (80, 0.72), (72, 0.58), (64, 0.49)];
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
/// How much more a side would have to shrink for a whole step, at the most, for that step to be taken.
const NEAR: f64 = 1.15;
/// What part of the pixels of one size the next has at least, and at most.
const LEAST_SHARE: f64 = 0.05;
const MOST_SHARE: f64 = 0.8;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The width.
    pub width: u32,
    /// The height.
    pub height: u32,
}

impl Size {
    pub(crate) const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    fn of(pixels: &DynamicImage) -> Self {
        Self { width: pixels.width(), height: pixels.height() }
    }

    fn area(self) -> f64 {
        f64::from(self.width) * f64::from(self.height)
    }

    fn longer(self) -> u32 {
        self.width.max(self.height)
    }

    /// The same shape with so many pixels or a little less; never more than there are. A whole step smaller where that is near, since that is
    /// quick to scale and loses the least.
    fn with_pixels(self, pixels: f64) -> Self {
        let factor = (pixels / self.area()).sqrt();
        if factor >= 1.0 {
            return self;
        }
        let step = (1.0 / factor).ceil();
        let factor = if step * factor <= NEAR { 1.0 / step } else { factor };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and what it was, and so is what is rounded"
        )]
        let scaled = |side: u32| ((f64::from(side) * factor).round() as u32).clamp(1, side);
        Self { width: scaled(self.width), height: scaled(self.height) }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

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
    pub format: Format,
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
    let Decoded { pixels, orientation, profile } = decode(bytes)?;
    let pixels = plain(pixels);
    let work =
        Work { pixels: &pixels, orientation, profile: profile.as_deref(), max_bytes: wish.max_bytes, stop };
    for way in ways(wish, pixels.color().has_alpha()) {
        if let Some((bytes, after)) = work.fit(*way)? {
            let before = upright(Size::of(&pixels), orientation);
            return Ok(Fitted { format: way.format(), bytes, before, after });
        }
    }
    Err(PictureError::DoesNotFit)
}

/// The picture in eight bits a colour: gray, coloured, or coloured and seen through somewhere.
fn plain(pixels: DynamicImage) -> DynamicImage {
    let is_gray = !pixels.color().has_color();
    if pixels.color().has_alpha() {
        let seen = pixels.into_rgba8();
        let is_opaque = seen.pixels().all(|pixel| pixel.0[3] == u8::MAX);
        let seen = DynamicImage::ImageRgba8(seen);
        return match (is_opaque, is_gray) {
            (false, _) => seen,
            (true, true) => DynamicImage::ImageLuma8(seen.into_luma8()),
            (true, false) => DynamicImage::ImageRgb8(seen.into_rgb8()),
        };
    }
    if is_gray {
        DynamicImage::ImageLuma8(pixels.into_luma8())
    } else {
        DynamicImage::ImageRgb8(pixels.into_rgb8())
    }
}

fn upright(size: Size, orientation: Orientation) -> Size {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    match orientation {
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => {
            Size { width: size.height, height: size.width }
        }
        _ => size,
    }
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
    const fn format(self) -> Format {
        match self {
            Self::Jpeg => Format::Jpeg,
            Self::Png { .. } => Format::Png,
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
    pixels: &'a DynamicImage,
    orientation: Orientation,
    profile: Option<&'a [u8]>,
    max_bytes: usize,
    stop: &'a dyn Fn() -> bool,
}

impl Work<'_> {
    /// Tries sizes, each by what the one before it took. `None`: it became too small.
    fn fit(&self, way: Way) -> Result<Option<(Vec<u8>, Size)>, PictureError> {
        let all = Size::of(self.pixels);
        // However few the bytes: a drawing of few lines may do with them.
        let least = all.area() * (f64::from(way.smallest()) / f64::from(all.longer())).powi(2);
        let mut size = all.with_pixels((as_f64(self.max_bytes) * 8.0 / way.bits()).max(least));
        let mut last: Option<DynamicImage> = None;
        for tried in 0..SIZES {
            if tried > 0 && size.longer() < way.smallest() {
                break;
            }
            let pixels = scaled(last.as_ref().unwrap_or(self.pixels), size);
            let written = self.write(&pixels, way)?;
            if written.len() <= self.max_bytes {
                return Ok(Some((written, upright(size, self.orientation))));
            }
            let share = as_f64(self.max_bytes) / as_f64(written.len()) * MARGIN;
            size = size.with_pixels(size.area() * share.clamp(LEAST_SHARE, MOST_SHARE));
            last = Some(pixels);
        }
        Ok(None)
    }

    /// Writes it as well as it fits, or as small as it should become.
    fn write(&self, pixels: &DynamicImage, way: Way) -> Result<Vec<u8>, PictureError> {
        let turned = self.turned(pixels);
        let Way::Jpeg = way else {
            self.go_on()?;
            return write::png(&turned, self.profile);
        };
        let (mut best, mut written) = (0, Vec::new());
        for (quality, share) in QUALITIES {
            // The first tells which of the others may fit.
            if best > 0 && as_f64(best) * share > as_f64(self.max_bytes) {
                continue;
            }
            self.go_on()?;
            written = write::jpeg(&turned, quality, self.profile)?;
            if written.len() <= self.max_bytes {
                break;
            }
            best = best.max(written.len());
        }
        Ok(written)
    }

    fn turned<'p>(&self, pixels: &'p DynamicImage) -> Cow<'p, DynamicImage> {
        let mut turned = Cow::Borrowed(pixels);
        if self.orientation != Orientation::NoTransforms {
            turned.to_mut().apply_orientation(self.orientation);
        }
        turned
    }

    fn go_on(&self) -> Result<(), PictureError> {
        if (self.stop)() { Err(PictureError::Stopped) } else { Ok(()) }
    }
}

/// The picture in another size: by whole steps first, which is quick and even, and then what is left.
fn scaled(pixels: &DynamicImage, size: Size) -> DynamicImage {
    let step = (pixels.width() / size.width).min(pixels.height() / size.height).max(1);
    let clear = pixels.color().has_alpha();
    let mut scaled = if clear { weighed(pixels) } else { Cow::Borrowed(pixels) };
    if step > 1 {
        let whole = |side: u32| (side / step).max(1);
        scaled = Cow::Owned(scaled.thumbnail_exact(whole(pixels.width()), whole(pixels.height())));
    }
    if Size::of(&scaled) != size {
        scaled = Cow::Owned(scaled.resize_exact(size.width, size.height, FilterType::CatmullRom));
    }
    if clear { unweighed(&scaled) } else { scaled.into_owned() }
}

/// The picture with its colours weighed by how much is seen of them, so that those of pixels that are not seen do not bleed into others.
fn weighed(pixels: &DynamicImage) -> Cow<'_, DynamicImage> {
    let weigh = |value: u8, alpha: u8| u16::from(value) * u16::from(alpha) / 255;
    Cow::Owned(with_colours(pixels, weigh))
}

fn unweighed(pixels: &DynamicImage) -> DynamicImage {
    with_colours(pixels, |value, alpha| u16::from(value) * 255 / u16::from(alpha.max(1)))
}

fn with_colours(pixels: &DynamicImage, colour: impl Fn(u8, u8) -> u16) -> DynamicImage {
    let mut pixels = pixels.to_rgba8();
    for pixel in pixels.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let [red, green, blue] =
            [red, green, blue].map(|value| u8::try_from(colour(value, alpha)).unwrap_or(u8::MAX));
        pixel.0 = [red, green, blue, alpha];
    }
    DynamicImage::ImageRgba8(pixels)
}

/// Exact up to 2^53, which no file reaches.
#[expect(clippy::cast_precision_loss, reason = "no file has 2^53 bytes")]
const fn as_f64(bytes: usize) -> f64 {
    bytes as f64
}
