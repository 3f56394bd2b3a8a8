//! What people write: how this process runs ([`settings`]), and what is provisioned ([`provisioning`], [`plan`]).
//!
//! Both kinds of file are TOML, read by one reader: the whole file is read, then all mistakes are told at once, each with
//! its file, its line and a remedy. Secrets never appear in a message, in `Debug` or in what is printed.

mod check;
pub mod duration;
mod reader;
pub mod secrets;
pub mod settings;

pub use reader::{ConfigErrors, Environment, Mistake};
pub use settings::Settings;
