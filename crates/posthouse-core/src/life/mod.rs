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
//! | [`reroute`] | where a message that waits may go instead |
//! | [`resubmission`] | how what has ended is sent again, as a new message |
//! | [`retention`] | when a message is over, and since when |
//! | [`retry`] | how long to wait for the next try |
//! | [`counts`] | how many messages stand where, and how they ended |
//! | [`scope`] | which steps must not pass each other unseen |
//! | [`words`] | every line of a timeline |
//!
//! # What a store sees to
//!
//! **Order of steps.** Two steps that are [in one scope](scope) must not both load before the other has written: a report would wait for a
//! message that has just become known by its id, and nobody would look again. Where transactions run one after the other, as with one
//! writer, that is so by itself. Elsewhere a step writes itself down before it looks, or takes its scopes before it loads, in the order in
//! which [`Scope`](scope::Scope) sorts; then the rows of messages in the order of their ids, so that no two wait for each other.
//!
//! **Order of writing.** Of what is [decided](effects::Decided), first what is forgotten, then the effects on each message in the order in
//! which they stand, and within one: the message, its work, its timeline line by line, read replies, callbacks withdrawn, freed, and owed.
//! Ids of callbacks ascend as they are written, and those of one message are delivered in their order.
//!
//! **Rows that are there.** A message that has not [ended](state::State::is_terminal) has work, and one that has ended has none, but for an
//! attempt that is still under way. What effects name is there: the message, its work where that changes, each callback that is withdrawn or
//! freed, each number that is forgotten. A change that finds another number of rows than one is
//! [`Corrupt`](crate::store::StoreError::Corrupt), and the step is undone.

pub mod attempt;
pub mod callback;
pub mod callback_outcome;
pub mod callback_says;
pub mod classify;
pub mod counts;
mod draft;
pub mod effects;
pub mod intervention;
pub mod load;
pub mod operator;
pub mod read_reply;
pub mod report;
pub mod reroute;
pub mod resubmission;
pub mod retention;
pub mod retry;
#[cfg(test)]
mod sample;
pub mod scope;
pub mod settlement;
pub mod space;
pub mod state;
mod waiting;
pub mod words;
pub mod work;
