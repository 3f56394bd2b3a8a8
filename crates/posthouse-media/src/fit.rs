//! Makes a picture fit: the quality goes down first, then the size.

use std::{borrow::Cow, fmt};

use image::{
    DynamicImage, GenericImageView as _, ImageBuffer, Pixel, RgbaImage,
    imageops::{FilterType, crop_imm, resize, rotate90, rotate270},
    metadata::Orientation,
};

use crate::{
    PictureError,
    read::{Decoded, Format, decode},
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
/// How much more a side would have to shrink for a whole step, at the most, for that step to be taken.
const NEAR: f64 = 1.15;
/// How many pixels are resampled at a time: between, each takes 16 bytes.
const RESAMPLED_AT_A_TIME: u32 = 1 << 18;
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

/// The picture in eight bits a colour: gray, coloured, or coloured and seen through somewhere, with its colours weighed then.
fn plain(pixels: DynamicImage) -> DynamicImage {
    let is_gray = !pixels.color().has_color();
    if pixels.color().has_alpha() {
        let mut seen = pixels.into_rgba8();
        let is_opaque = seen.pixels().all(|pixel| pixel.0[3] == u8::MAX);
        if !is_opaque {
            weigh(&mut seen);
        }
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

/// The picture turned. There is never a third of it.
fn turned(pixels: &DynamicImage, orientation: Orientation) -> Cow<'_, DynamicImage> {
    use Orientation::{FlipHorizontal, NoTransforms, Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let (mut turned, rest) = match orientation {
        NoTransforms => return Cow::Borrowed(pixels),
        Rotate90 => (pixels.rotate90(), NoTransforms),
        Rotate90FlipH => (pixels.rotate90(), FlipHorizontal),
        Rotate270 => (pixels.rotate270(), NoTransforms),
        Rotate270FlipH => (pixels.rotate270(), FlipHorizontal),
        in_place => (pixels.clone(), in_place),
    };
    turned.apply_orientation(rest);
    Cow::Owned(turned)
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

type Pixels<P> = ImageBuffer<P, Vec<u8>>;

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
        let mut last = Cow::Borrowed(self.pixels);
        for tried in 0..SIZES {
            if tried > 0 && size.longer() < way.smallest() {
                break;
            }
            if Size::of(&last) != size {
                last = Cow::Owned(scaled(&last, size));
            }
            let written = self.write(&last, way)?;
            let length = written.length();
            if let Some(file) = written.whole() {
                return Ok(Some((file, upright(size, self.orientation))));
            }
            let share = as_f64(self.max_bytes) / as_f64(length) * MARGIN;
            size = size.with_pixels(size.area() * share.clamp(LEAST_SHARE, MOST_SHARE));
        }
        Ok(None)
    }

    /// Writes it as well as it fits, or as small as it should become.
    fn write(&self, pixels: &DynamicImage, way: Way) -> Result<Written, PictureError> {
        let finished = self.finished(pixels);
        self.go_on()?;
        let Way::Jpeg = way else {
            return write::png(&finished, self.profile, self.max_bytes);
        };
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

    /// The picture as it is written: upright, and its colours as they are seen.
    fn finished<'p>(&self, pixels: &'p DynamicImage) -> Cow<'p, DynamicImage> {
        let mut finished = turned(pixels, self.orientation);
        if finished.color().has_alpha()
            && let DynamicImage::ImageRgba8(seen) = finished.to_mut()
        {
            unweigh(seen);
        }
        finished
    }

    fn go_on(&self) -> Result<(), PictureError> {
        if (self.stop)() { Err(PictureError::Stopped) } else { Ok(()) }
    }
}

/// The picture in another size: by whole steps first, which is quick and even, and then what is left.
fn scaled(pixels: &DynamicImage, size: Size) -> DynamicImage {
    let step = (pixels.width() / size.width).min(pixels.height() / size.height).max(1);
    let whole = |side: u32| (side / step).max(1);
    let even = match step {
        1 => Cow::Borrowed(pixels),
        _ => Cow::Owned(pixels.thumbnail_exact(whole(pixels.width()), whole(pixels.height()))),
    };
    if Size::of(&even) == size { even.into_owned() } else { resampled(&even, size) }
}

/// The picture in another size.
fn resampled(pixels: &DynamicImage, size: Size) -> DynamicImage {
    use DynamicImage::{ImageLuma8, ImageRgb8, ImageRgba8};
    match pixels {
        ImageLuma8(pixels) => ImageLuma8(resampled_as(pixels, size)),
        ImageRgb8(pixels) => ImageRgb8(resampled_as(pixels, size)),
        ImageRgba8(pixels) => ImageRgba8(resampled_as(pixels, size)),
        // `plain` makes no others.
        others => others.resize_exact(size.width, size.height, FilterType::CatmullRom),
    }
}

/// One direction after the other.
fn resampled_as<P: Pixel<Subpixel = u8> + 'static>(pixels: &Pixels<P>, size: Size) -> Pixels<P> {
    let narrow = narrowed(pixels, size.width);
    let lying = rotate90(&narrow);
    drop(narrow);
    let small = narrowed(&lying, size.height);
    drop(lying);
    rotate270(&small)
}

/// The picture with another width: some rows at a time, each of which stands for itself.
fn narrowed<P: Pixel<Subpixel = u8> + 'static>(pixels: &Pixels<P>, width: u32) -> Pixels<P> {
    let mut narrow = Pixels::new(width, pixels.height());
    let mut rows = narrow.rows_mut();
    let at_a_time = (RESAMPLED_AT_A_TIME / pixels.width()).max(1);
    for top in (0..pixels.height()).step_by(at_a_time as usize) {
        let some = crop_imm(pixels, 0, top, pixels.width(), at_a_time);
        let some = resize(&*some, width, some.height(), FilterType::CatmullRom);
        for (from, into) in some.rows().zip(rows.by_ref()) {
            into.zip(from).for_each(|(into, from)| *into = *from);
        }
    }
    narrow
}

/// Weighs colours by how much is seen of them, so that those of pixels that are not seen do not bleed into others.
fn weigh(pixels: &mut RgbaImage) {
    with_colours(pixels, |value, alpha| u16::from(value) * u16::from(alpha) / 255);
}

fn unweigh(pixels: &mut RgbaImage) {
    with_colours(pixels, |value, alpha| u16::from(value) * 255 / u16::from(alpha.max(1)));
}

fn with_colours(pixels: &mut RgbaImage, colour: impl Fn(u8, u8) -> u16) {
    for pixel in pixels.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let [red, green, blue] =
            [red, green, blue].map(|value| u8::try_from(colour(value, alpha)).unwrap_or(u8::MAX));
        pixel.0 = [red, green, blue, alpha];
    }
}

/// Exact up to 2^53, which no file reaches.
#[expect(clippy::cast_precision_loss, reason = "no file has 2^53 bytes")]
const fn as_f64(bytes: usize) -> f64 {
    bytes as f64
}
