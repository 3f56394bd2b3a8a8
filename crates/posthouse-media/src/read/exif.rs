//! What a camera noted in the file (EXIF), as far as it is needed.

use exif::{In, Reader, Tag};

/// What comes before the notes in some files that should begin with them.
const IDENTIFIER: &[u8] = b"Exif\0\0";

/// The number of the picture's orientation. `None`: there is none, or the notes cannot be read.
pub(super) fn orientation(mut notes: Vec<u8>) -> Option<u32> {
    if notes.starts_with(IDENTIFIER) {
        notes.drain(..IDENTIFIER.len());
    }
    let mut reader = Reader::new();
    // What can be read of notes that are broken further on counts.
    let notes =
        reader.continue_on_error(true).read_raw(notes).or_else(|error| error.distill_partial_result(|_| {}));
    notes.ok()?.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0)
}
