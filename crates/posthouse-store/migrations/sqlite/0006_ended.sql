-- Retention counts from the end: of a message that is `changed_at`, of one from a handset when its callback was delivered, or failed for
-- good. Messages of before are taken to have media, till a sweep has looked.
ALTER TABLE message ADD COLUMN has_media INTEGER NOT NULL DEFAULT 1;

CREATE INDEX message_ended ON message (has_media, changed_at) WHERE state >= 10;

ALTER TABLE mo ADD COLUMN has_media INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mo ADD COLUMN ended_at INTEGER;

UPDATE mo SET ended_at = received_at
WHERE NOT EXISTS (SELECT 1 FROM callback WHERE callback.message = mo.id AND callback.failed = 0);

CREATE INDEX mo_ended ON mo (has_media, ended_at) WHERE ended_at IS NOT NULL;

-- Media in segments that are over, and still to be erased there. Till then their segment is needed.
CREATE TABLE erasing (
    id       INTEGER PRIMARY KEY,
    segment  INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT;

CREATE INDEX erasing_segment ON erasing (segment);
