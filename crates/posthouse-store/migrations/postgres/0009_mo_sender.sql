-- What a handset sent, found by its number: among a million of others' it was each document read.
CREATE INDEX mo_sender ON mo ((document::json -> 'sender' ->> 'text'), id);
