-- What messages are found by beside their ids: 63-bit hashes of recipients, TransactionIDs, carriers' MessageIDs, and of what makes a
-- repetition. The bucket is of six hours, by the time in the id. Messages above 'keyed_to' are not in it yet, or not all of them: they are
-- put in by thousands, in order. A hash says where to look: the message's own row says whether it is meant.
CREATE TABLE message_key (
    bucket  INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (bucket, key, message)
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('keyed_to', -1);

-- Indices on keys that come in no order: each message cost a page in each of them.
DROP INDEX message_recipient;
DROP INDEX message_transaction;
DROP INDEX message_carrier_message_id;
