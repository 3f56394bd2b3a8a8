//! The doors where VASPs submit, one for each protocol: each reads requests of its own, and writes its own answers to them.

pub mod mm7;
