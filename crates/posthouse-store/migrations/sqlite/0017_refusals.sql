-- Requests of VASPs that were refused. An empty account stands for those of which it is not known.
CREATE TABLE refusal (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at             INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    times          INTEGER NOT NULL,
    account        TEXT NOT NULL,
    code           INTEGER NOT NULL,
    row            INTEGER NOT NULL,
    rule           TEXT NOT NULL,
    peer           TEXT NOT NULL,
    transaction_id TEXT,
    recipient_hash TEXT,
    document       TEXT NOT NULL
) STRICT;

CREATE INDEX refusal_account ON refusal (account);
CREATE INDEX refusal_peer ON refusal (peer, account, code, row, rule);
CREATE INDEX refusal_last ON refusal (last_at);
CREATE INDEX refusal_transaction ON refusal (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX refusal_recipient ON refusal (recipient_hash) WHERE recipient_hash IS NOT NULL;

-- How many there are of each account: there is a bound.
CREATE TABLE refusals_kept (
    account TEXT PRIMARY KEY,
    kept    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER refusal_came AFTER INSERT ON refusal BEGIN
    INSERT INTO refusals_kept (account, kept) VALUES (new.account, 1)
    ON CONFLICT (account) DO UPDATE SET kept = kept + 1;
END;

CREATE TRIGGER refusal_went AFTER DELETE ON refusal BEGIN
    UPDATE refusals_kept SET kept = kept - 1 WHERE account = old.account;
END;
