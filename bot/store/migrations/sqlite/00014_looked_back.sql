-- +goose Up

-- What looks back over a span of months finds its rows without reading all that is kept.
CREATE INDEX threads_opened ON threads (kind, opened_at);
CREATE INDEX threads_closed ON threads (kind, closed_at);
CREATE INDEX threads_made ON threads (made);
CREATE INDEX changes_kind ON changes (kind, at);

-- The few schedules are always read as a whole.
DROP INDEX schedules_due;

-- When nothing could be heard: of the bot itself (source is '') as it was away, of an
-- Alertmanager as it did not answer.
CREATE TABLE gaps (
    source  TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    PRIMARY KEY (source, from_at)
);
CREATE INDEX gaps_to ON gaps (to_at);

-- +goose Down
DROP TABLE gaps;
CREATE INDEX schedules_due ON schedules (next_at);
DROP INDEX changes_kind;
DROP INDEX threads_made;
DROP INDEX threads_closed;
DROP INDEX threads_opened;
