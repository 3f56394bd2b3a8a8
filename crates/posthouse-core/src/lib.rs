//! The rules of the gateway: which answer, which state, which next step. No I/O.
