//! The conformance suite on SQLite.

mod common;

use self::common::Place;

posthouse_store::conformance!(Place::new());
