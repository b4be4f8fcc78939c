-- +goose Up

-- What is to be done after incidents. ended_at is 0 while nobody has ended it. A row
-- outlives the incident's thread, which is pruned by its own rule.
CREATE TABLE follow_ups (
    origin   TEXT NOT NULL,
    number   BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (origin, number)
);
CREATE INDEX follow_ups_open ON follow_ups (ended_at, at);

-- +goose Down
DROP TABLE follow_ups;
