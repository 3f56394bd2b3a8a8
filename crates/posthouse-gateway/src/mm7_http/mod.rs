//! MM7 in HTTP, for every room that speaks it: envelopes out of bodies, and what a peer said in words.

pub mod envelope;
pub mod peer_words;
