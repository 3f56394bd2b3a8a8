-- What the carrier said beside the code that it refused the message with: it goes on to the VASP with the reason.
ALTER TABLE message ADD COLUMN details TEXT;
