//! Records of what ended (CDR), in files: each once, whatever happens to this process. docs/operations.md is the operator's side.
//!
//! The store notes what ends, in the transaction by which it does. `writer.rs` takes a batch of that, has it on disk (`folder.rs`), and then
//! tells the store in one transaction that the records are written and how long the file is. After a crash a file is cut to that length, so
//! what was appended and not told is appended again.

mod folder;
mod writer;

pub(crate) use self::{folder::CdrFolder, writer::CdrWriter};
