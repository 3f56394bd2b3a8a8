//! Bodies outside the database: segment files, the records in them, and the files kept ready.

pub(crate) mod direct;
pub(crate) mod erase;
pub(crate) mod folder;
pub(crate) mod marker;
pub(crate) mod record;
pub(crate) mod segments;
mod spare;
