//! A town with a post house to test in: a gateway in this process on a temporary folder, simulated carriers and a VASP, and
//! peers that send it anything at all over real HTTP.
//!
//! ```ignore
//! let town = Town::found().await;                                  // account acme, carriers 31002 (1508…) and 31003 (1617…)
//! let id = town.submit(&Request::to("16175550100")).await;         // refused: the test fails
//! let message = town.ended(id).await;                              // ended, and its last report is out
//! let answer = town.post(&Request { soap_header: None, ..Request::to("16175550100") }).await;
//! assert_eq!(answer.code(), Some(2510));
//! town.close().await;                                              // validates what went to carriers and VASP
//! ```

pub mod answer;
pub mod canned;
pub mod clock;
pub mod fragile;
pub mod hostile;
pub mod picture;
pub mod request;
pub mod schema;
pub mod town;
