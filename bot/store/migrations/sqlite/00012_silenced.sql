-- +goose Up

-- How long an episode has been silenced or muted in milliseconds, and since when it is,
-- 0 while it is not. Of what was silenced before these columns came, nothing is known.
ALTER TABLE episodes ADD COLUMN silenced_for BIGINT NOT NULL DEFAULT 0;
ALTER TABLE episodes ADD COLUMN silenced_since BIGINT NOT NULL DEFAULT 0;

-- What ended over a span is looked for by its end.
CREATE INDEX episodes_ended ON episodes (resolved, ends_at);

-- +goose Down
DROP INDEX episodes_ended;
ALTER TABLE episodes DROP COLUMN silenced_since;
ALTER TABLE episodes DROP COLUMN silenced_for;
