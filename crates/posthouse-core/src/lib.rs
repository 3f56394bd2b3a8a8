//! The rules of the gateway: which answer, which state, which next step.
//!
//! Nothing here does I/O, reads a clock or draws a random number: decisions take facts, the time and randomness as
//! arguments, and [`store::Store`] says what a backend must do without saying how.
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests begin at the time that it is"))]

pub mod actor;
pub mod address;
pub mod audit;
pub mod bounds;
pub mod capture;
pub mod cdr;
pub mod cluster;
pub mod codes;
pub mod counted;
pub mod distribution;
pub mod division;
pub mod divisions;
pub mod duration;
pub mod expiry;
pub mod id;
pub mod idempotency;
pub mod lease;
pub mod life;
pub mod lint;
pub mod lock;
pub mod message;
pub mod mistake;
pub mod moment;
pub mod names;
pub mod operation;
pub mod overrides;
pub mod pace;
pub mod preview;
pub mod provisioning;
pub mod refusal;
pub mod share;
pub mod shown;
pub mod slots;
pub mod steady;
pub mod store;
pub mod store_error;
pub mod submit;
pub mod time;
pub mod token;
pub mod unreadable;
pub mod url;
pub mod user;
pub mod words;

pub use id::Id;
pub use provisioning::{account, carrier, certificate, tls, vocabulary};
