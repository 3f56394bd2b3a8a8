//! Pictures made to fit: read within bounds, turned upright, scaled down and written anew.
//!
//! Bytes in, bytes out: no I/O, no threads, no clock. How large a picture is, is known from its head before anything of it is
//! decoded, and what would take more than [`MAX_PIXELS`] never is; so time and memory are bounded whatever the bytes hold. Of what
//! a picture carries beside its pixels only a small colour profile goes on: where and with what it was taken does not.

mod fit;
mod pixels;
mod read;
mod size;
mod write;

pub use fit::{Fitted, Wish, fit};
pub use read::{PictureFormat, memory};
pub use size::Size;

/// The most pixels that a picture may have to be decoded.
pub const MAX_PIXELS: u64 = 40_000_000;
/// The longest side that a picture may have to be decoded, in pixels: JPEG and GIF know no longer one, and no camera or screen does.
pub const MAX_SIDE: u32 = 65_535;

/// Why a picture cannot be made to fit.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is no JPEG, PNG, GIF or WebP.
    #[error("it is no picture that can be read")]
    Unknown,
    /// It cannot be decoded; what the decoder says.
    #[error("it cannot be decoded: {0}")]
    Broken(String),
    /// It has more than [`MAX_PIXELS`].
    #[error("{0} are more than {MAX_PIXELS} pixels")]
    TooManyPixels(Size),
    /// It has a side of more than [`MAX_SIDE`].
    #[error("{0} is longer than {MAX_SIDE} pixels")]
    TooLong(Size),
    /// It cannot be written as small as it should be, or not in a format that is taken.
    #[error("it cannot be made small enough")]
    DoesNotFit,
    /// It was to stop.
    #[error("there was no time left")]
    Stopped,
    /// It cannot be written; what the encoder says.
    #[error("it cannot be written: {0}")]
    Unwritable(String),
}
