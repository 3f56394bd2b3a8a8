//! Sessions: who is signed in at the pages.

pub mod end;
pub mod list;
