//! TLS over loopback, with certificates that are made here.

pub mod certs;
mod clients;
mod doors;
mod listeners;
mod outgoing;
mod programs;
