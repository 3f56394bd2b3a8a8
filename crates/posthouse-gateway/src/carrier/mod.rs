//! The carriers' side: connections and their health, and under `mm7` what speaks MM7 on them: the client that submits, and the
//! door where carriers post reports.

pub mod board;
pub mod connector;
pub mod links;
pub mod mm7;
pub mod open;
pub mod overrides;
pub mod sandbox;
