//! How much waits where, and how fast carriers are given it.

use serde::{Deserialize, Serialize};

use crate::{ConnectionLimit, Suspension};

/// The queue of a carrier: an item of `GET /api/v1/queues`. Ages and times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CarrierQueue {
    /// The carrier's id.
    pub carrier: String,
    /// Its name, for people; null where it is not provisioned any more.
    #[serde(default)]
    pub name: Option<String>,
    /// How many messages wait for their next attempt.
    pub waiting: u64,
    /// For how long the one that waits the longest has been; null when none does.
    pub oldest_seconds: Option<f64>,
    /// How many of these are due and not in hand yet; 10,000 means so many or more.
    pub due: u64,
    /// How many are being sent.
    pub sending: u64,
    /// How many may have arrived: a report or an operator decides.
    pub parked: u64,
    /// How many the carrier has; its report is awaited.
    pub at_carrier: u64,
    /// For how many the wait for a report is over, and nobody has ended it yet.
    pub overdue: u64,
    /// How many reports of the carrier wait for a message that they are about.
    pub unmatched_reports: u64,
    /// Its connections as the gateway uses them; empty where no gateway was asked.
    pub connections: Vec<ConnectionPace>,
    /// The accounts whose messages these are.
    pub accounts: Vec<AccountShare>,
    /// What is out of the ordinary, in a sentence; null when nothing is.
    pub says: Option<String>,
}

impl CarrierQueue {
    /// Whether its connections have nothing to do. What is said of their pace is from before then, and stays till messages find out.
    pub fn is_idle(&self) -> bool {
        self.waiting == 0 && self.sending == 0 && self.connections.iter().all(|one| one.in_flight == 0)
    }
}

/// How fast a connection is used, and why not faster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionPace {
    /// Its name, as provisioned.
    pub name: String,
    /// `serving`; `throttled`: it is given much less than is provisioned; `left_alone`: it failed, and is only tried now and then; or
    /// `suspended`: an operator wants nothing to go over it.
    pub state: String,
    /// How many requests are in flight.
    pub in_flight: u32,
    /// How many may be, now.
    pub window: u32,
    /// How many may be, by provisioning, or by an operator's limit below that.
    pub window_limit: u32,
    /// How many requests a second are allowed now; null: as many as the window lets through.
    pub per_second: Option<f64>,
    /// How many are by provisioning, or by an operator's limit below that.
    pub per_second_limit: Option<u32>,
    /// How long an answer takes, smoothed; null before the first.
    pub answer_seconds: Option<f64>,
    /// How long one took before the window gave way; null where it did not.
    pub usual_seconds: Option<f64>,
    /// Why less than is provisioned is asked for: `busy` (the carrier said so), `slow` (its answers take longer than usual) or `silent` (none
    /// came); null when it is not.
    pub why: Option<String>,
    /// What the attempt met since which it is left alone; null while it is not.
    #[serde(default)]
    pub failed: Option<String>,
    /// That an operator suspended it; null: none did.
    #[serde(default)]
    pub suspended: Option<Suspension>,
    /// That an operator limited it; null: none did.
    #[serde(default)]
    pub limited: Option<ConnectionLimit>,
}

/// An account's part of a carrier's queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountShare {
    /// The account.
    pub account: String,
    /// How many messages wait for their next attempt.
    pub waiting: u64,
    /// How many are being sent.
    pub sending: u64,
    /// How many may have arrived.
    pub parked: u64,
    /// How many the carrier has.
    pub at_carrier: u64,
}

/// What an account waits for: an item of `GET /api/v1/queues?by=account`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountQueue {
    /// The account.
    pub account: String,
    /// How many of its messages wait for their next attempt.
    pub waiting: u64,
    /// How many are being sent.
    pub sending: u64,
    /// How many may have arrived.
    pub parked: u64,
    /// How many the carriers have.
    pub at_carrier: u64,
    /// How many callbacks are owed to it; 10,000 means so many or more.
    pub callbacks_owed: u64,
    /// How many were given up, and are kept; 10,000 means so many or more.
    pub callbacks_failed: u64,
    /// For how long the oldest of those owed has been, of the thousand that are due first; null when none is.
    pub callback_oldest_seconds: Option<f64>,
}
