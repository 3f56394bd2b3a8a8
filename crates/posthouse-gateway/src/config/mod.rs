//! What people write: how this process runs ([`settings`]), and what is provisioned ([`provisioning`], [`mod@apply`]).
//!
//! Both kinds of file are TOML. A file becomes a tree (`config/reader.rs`), which the core's rules understand
//! ([`posthouse_core::provisioning`]); all mistakes are told at once, each with its file, its line and a remedy. Secrets never appear in a
//! message, in `Debug` or in what is printed.

pub mod apply;
pub mod edit;
pub mod numbers;
pub mod provisioning;
mod reader;
pub mod revisions;
pub mod settings;
pub mod verbs;
pub mod writer;

pub use apply::{Applied, ApplyError, ApplyMode, apply, apply_in, prepare};
pub use provisioning::{declared, declared_in, plan};
pub use reader::{ConfigErrors, ConfigFile, ConfigMistake, Environment};
pub use settings::{OIDC_CALLBACK, OidcSection, Settings, is_safe};
