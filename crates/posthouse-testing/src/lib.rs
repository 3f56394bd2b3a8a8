//! A town with a post house to test in: a gateway in this process on a temporary folder, simulated carriers and a VASP, and
//! peers that send it anything at all over real HTTP.
//!
//! ```no_run
//! # use posthouse_testing::{request::RawRequest, town::Town};
//! # async fn test() {
//! let town = Town::found().await;                                  // account acme, carriers 31002 (1508…) and 31003 (1617…)
//! let id = town.submit(&RawRequest::to("16175550100")).await;         // refused: the test fails
//! let message = town.ended(id).await;                              // ended, and its last report is out
//! let answer = town.post(&RawRequest { soap_header: None, ..RawRequest::to("16175550100") }).await;
//! assert_eq!(answer.code(), Some(2510));
//! town.close().await;                                              // validates what went to carriers and VASP
//! # }
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be made, or is not there, fails the test"
)]

pub mod answer;
pub mod away;
pub mod canned;
pub mod clock;
pub mod filled;
pub mod fragile;
pub mod hostile;
pub mod nodes;
pub mod noise;
pub mod picture;
pub mod provisioning;
pub mod request;
pub mod schema;
pub mod settings;
pub mod store;
pub mod town;
pub mod wide;
