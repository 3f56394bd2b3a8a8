//! Bodies outside the database: for SQLite segment files, the records in them, and the files kept ready; for stores that
//! several nodes share [`objects`].

pub(crate) mod direct;
pub(crate) mod erase;
pub(crate) mod folder;
pub(crate) mod location;
pub(crate) mod marker;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for backends whose rows lie in another machine's database")
)]
pub(crate) mod objects;
pub(crate) mod record;
pub(crate) mod segments;
mod spare;
