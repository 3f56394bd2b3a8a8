//! The content of a message, whatever door it came in by: gathered from its parts and from URLs, put in order, and named.
//!
//! Nothing here knows a carrier; what goes out to one is [`presentation`](super::presentation).

mod content;
mod fetched;
mod gather;
mod name;
mod order;

pub use content::ContentFacts;
pub use fetched::{Fetched, insert_fetched};
pub(crate) use gather::find_part;
pub use gather::read_content;
pub(super) use name::{called, free_name};
