//! What a running gateway does when the machine gives out: its disk, its memory while nobody takes what it has, its sockets.
//!
//! The gateway is a process of its own. Linux only: file systems of their own, limits of other processes, /proc.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what was measured, and what was not run")]

mod clock;
mod disk;
pub mod file_system;
mod idle;
mod peers_down;
mod status;
mod stopped;
pub mod town;
