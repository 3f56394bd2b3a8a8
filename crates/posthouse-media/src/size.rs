//! Sizes of pictures.

use std::fmt;

use crate::pixels::PIXEL;

/// How much more a side would have to shrink for a whole step, at the most, for that step to be taken.
const NEAR: f64 = 1.15;

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

    /// How many bytes its pixels take.
    pub(crate) const fn length(self) -> usize {
        self.width as usize * self.height as usize * PIXEL
    }

    pub(crate) fn area(self) -> f64 {
        f64::from(self.width) * f64::from(self.height)
    }

    pub(crate) const fn longer(self) -> u32 {
        if self.width > self.height { self.width } else { self.height }
    }

    /// The same shape with so many pixels or a little less; never more than there are. A whole step smaller where that is near, since that is
    /// quick to scale and loses the least.
    pub(crate) fn with_pixels(self, pixels: f64) -> Self {
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
