//! The conformance suite on SQLite.

use crate::place::Place;

posthouse_store::conformance!(Place::new());
