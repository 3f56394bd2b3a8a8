//! Where messages are kept: SQLite rows, segment files for bodies.
