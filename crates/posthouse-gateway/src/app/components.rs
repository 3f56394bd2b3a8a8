//! What a gateway is made of besides its configuration: what tests, and the demo, exchange.

use std::sync::Arc;

use posthouse_core::{life::retry::Backoff, time::Clock};

use crate::{clock::SystemClock, intake::adapt::Adapter, telemetry::levels::LogLevels};

/// What a gateway is made of besides its configuration.
#[derive(Clone)]
pub struct Components {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long messages wait between attempts.
    pub backoff: Backoff,
    /// Makes pictures fit carriers.
    pub adapter: Adapter,
    /// What is logged, where operators may change that.
    pub log_levels: Option<Arc<LogLevels>>,
}

impl Default for Components {
    /// The real clock, the backoff of contract 4.4, and the limits of docs/adaptation.md.
    fn default() -> Self {
        let clock = Arc::new(SystemClock::default());
        Self { clock, backoff: Backoff::CARRIER, adapter: Adapter::default(), log_levels: None }
    }
}
