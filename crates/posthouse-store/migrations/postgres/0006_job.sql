-- What one of several nodes does at a time, such as throwing away what is old: who has it, and till when. Each of its transactions locks
-- the row and finds itself there.
CREATE TABLE job (
    name  text COLLATE "C" PRIMARY KEY,
    owner int8 NOT NULL,
    until int8 NOT NULL
);
