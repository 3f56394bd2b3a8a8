-- Set where the message is sent again though an attempt had no answer: when a terminal report is overdue, should one say that
-- it arrived.
ALTER TABLE message ADD COLUMN report_until INTEGER;

-- Waiting to be sent again: what a report with a MessageID that was never learned may be about, too.
CREATE INDEX message_resent ON message (recipient)
    WHERE state = 0 AND report_until IS NOT NULL AND carrier_message_id IS NULL;
