//! TLS over loopback, with certificates that are made here.

mod certs;
mod clients;
mod doors;
mod listeners;
mod outgoing;
mod programs;
