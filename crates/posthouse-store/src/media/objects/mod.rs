//! Bodies of media for stores that several nodes share: packed into objects, in a place that all of them reach.
//!
//! | file | what it does |
//! |---|---|
//! | `place.rs` | what a place for objects must do, and the names of objects |
//! | `s3.rs` `s3_http.rs` | a bucket of S3, as a place |
//! | `shared_folder.rs` | a folder that all nodes mount, as a place |
//! | `pack.rs` | how bodies lie in an object |
//! | `packer.rs` | gathers bodies into objects and uploads them |
//! | `bodies.rs` | what a backend sees: write, read, throw away |
//! | `marker.rs` | whose the place is, and whether it can be written |
//!
//! # The order of things
//!
//! 1. A body is *written*: when [`MediaBodies::write`] returns, it is durable, and nothing refers to it yet.
//! 2. A row of `media` *refers* to it (checksum, object, position, length), in the transaction that stores the message, beside a row of
//!    `object` for the object. That has to commit within ten minutes after the write.
//! 3. An object without a row is an *orphan*: its transaction never came. [`MediaBodies::sweep_orphans`] throws away those that are old
//!    enough for nobody to refer to them any more.
//! 4. Retention throws away whole [days](MediaBodies::drop_day), which are the beginnings of the objects' names.
//!
//! Bodies of up to [`INLINE_MAX`] bytes lie in the row itself.

pub(crate) mod bodies;
pub(crate) mod marker;
pub(crate) mod pack;
pub(crate) mod packer;
pub(crate) mod place;
pub(crate) mod s3;
mod s3_http;
pub(crate) mod shared_folder;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

/// Bodies of up to so many bytes lie in their rows: a round trip more would cost more than the bytes do.
pub(crate) const INLINE_MAX: usize = 8 << 10;

/// How old an object without a row has to be for it to be thrown away: far more than the minutes within which a row refers to it, for
/// clocks differ, and processes are stopped and go on.
pub(crate) const ORPHAN_AGE: Duration = Duration::from_secs(24 * 3600);
