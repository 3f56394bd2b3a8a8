//! XML as peers write it: one scanner of tokens for envelopes and presentations, and the tree of an envelope.

pub(crate) mod characters;
pub(crate) mod charset;
mod doctype;
pub(crate) mod mend;
pub(crate) mod scan;
mod tree;

pub(crate) use tree::{Attribute, Element, NamespaceId, XmlDocument};
