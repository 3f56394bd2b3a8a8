-- When keys of accounts were last used, to the minute.
CREATE TABLE key_use (
    id      text COLLATE "C" PRIMARY KEY,
    used_at int8 NOT NULL
);
