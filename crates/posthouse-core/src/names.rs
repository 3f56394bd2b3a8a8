//! What accounts and carriers are called.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of an account: how operators call a VASP. It never travels over MM7.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountName(pub String);

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a carrier: opaque text in which leading zeros count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CarrierId(pub String);

/// The id of the carrier inside of the gateway, to which accounts of the status `sandbox` send. No other may have it.
pub const SANDBOX: &str = "sandbox";

impl CarrierId {
    /// Whether it means the carrier inside of the gateway.
    pub fn is_sandbox(&self) -> bool {
        self.0 == SANDBOX
    }

    /// The id as it travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CarrierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
