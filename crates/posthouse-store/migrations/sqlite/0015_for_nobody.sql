-- Messages from handsets that were for nobody, and refused: the newest of each carrier.
CREATE TABLE mo_for_nobody (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at    INTEGER NOT NULL,
    carrier        TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    sender         TEXT,
    recipients     TEXT NOT NULL
) STRICT;

CREATE INDEX mo_for_nobody_carrier ON mo_for_nobody (carrier, id);
