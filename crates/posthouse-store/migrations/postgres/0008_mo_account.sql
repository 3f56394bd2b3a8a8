-- An account's messages from handsets, newest first, beside a million of others'.
CREATE INDEX mo_account ON mo (account, id);
