-- Who this store is, in what lies beside the database: the media folder and the lock file bear the same words.
INSERT INTO meta (name, value) VALUES ('identity', lower(hex(randomblob(16))));
