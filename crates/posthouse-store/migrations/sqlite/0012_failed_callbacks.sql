-- What failed for good, of each account: counted, and listed newest first.
CREATE INDEX callback_failed ON callback (account, id) WHERE failed = 1;
