//! Simulated carriers and a simulated VASP: real peers over real HTTP, that do on purpose what real peers do by
//! accident.
//!
//! [`CarrierSim`] is an MMS Relay/Server of a carrier that decides by the recipient's last four digits what becomes
//! of a message. [`VaspSim`] is the VASP's side: it takes reports and messages, and misbehaves when told to.
//! [`Submit`] is the VASP's other half, the client that sends.
//!
//! Both know a gateway only over the wire, as a real peer does, and neither is meant to face strangers: bind them to
//! the loopback.

pub mod carrier;
mod chance;
pub mod config;
pub mod http;
pub mod media;
mod recent;
pub mod submit;
pub mod vasp;
pub mod wire;

pub use carrier::{CarrierOptions, CarrierSim};
pub use http::Credentials;
pub use submit::{Submit, SubmitError, submit};
pub use vasp::{ReceivedCallback, VaspOptions, VaspSim};
pub use wire::Mm7Answer;
