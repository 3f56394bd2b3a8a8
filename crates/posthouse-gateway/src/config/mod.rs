//! What people write: how this process runs ([`settings`]), and what is provisioned ([`provisioning`], [`mod@plan`], [`mod@apply`]).
//!
//! Both kinds of file are TOML, read by one reader: the whole file is read, then all mistakes are told at once, each with
//! its file, its line and a remedy. Secrets never appear in a message, in `Debug` or in what is printed.

pub mod apply;
mod check;
pub mod duration;
mod fields;
mod peer_tls;
pub mod plan;
pub mod provisioning;
mod reader;
pub mod secrets;
pub mod settings;

pub use apply::{Applied, ApplyError, apply, prepare};
pub use plan::{Plan, plan};
pub use provisioning::{Declared, Ground};
pub use reader::{ConfigErrors, ConfigFile, ConfigMistake, Environment};
pub use settings::Settings;
