//! The little HTTP/1.1 that the simulators need: a server and a client whose every read has a limit and whose every
//! wait has a deadline.

mod body;
mod client;
mod credentials;
mod server;

pub use body::Payload;
pub use client::{Client, ClientError, exchange};
pub use credentials::Credentials;
pub use server::{Reply, Request, Server, ServerLimits, reply};
