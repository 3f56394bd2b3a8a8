//! The life of a message, from its acceptance to its last callback: the rules that every store asks.
//!
//! Each operation of a store that changes a message has three steps, in one transaction:
//!
//! 1. **load**: the [message](load::Subject) with its work and, only where something depends on it, the callbacks that are owed about
//!    it, and the reports that [wait](load::Waiting). All of it is bounded. Each step says what it [needs](load::Needs), and
//!    [`Loaded::load`](load::Loaded::load) asks the store for that.
//! 2. **decide**: a function of this module, without I/O: (what was loaded, what happened, the time) → what follows.
//! 3. **write** what follows: [`effects::Effects`], [`callback::AfterTry`] and the like.
//!
//! | module | what it decides |
//! |---|---|
//! | [`state`] | the state machine, which all of them ask |
//! | [`classify`] | what a carrier's answer means |
//! | [`attempt`] | how attempts and waits begin and end |
//! | [`report`], [`read_reply`] | which message something is about that a carrier sent, and what it changes |
//! | [`callback`] | the order in which callbacks are delivered, and when one is not owed any more |
//! | [`intervention`], [`operator`] | what operators may do by hand, and what comes of it |
//! | [`retention`] | when a message is over, and since when |
//! | [`retry`] | how long to wait for the next try |
//! | [`counts`] | how many messages stand where, and how they ended |
//! | [`words`] | every line of a timeline |

pub mod attempt;
pub mod callback;
pub mod classify;
pub mod counts;
mod draft;
pub mod effects;
pub mod intervention;
pub mod load;
pub mod operator;
pub mod read_reply;
pub mod report;
pub mod retention;
pub mod retry;
#[cfg(test)]
mod sample;
pub mod state;
mod waiting;
pub mod words;
