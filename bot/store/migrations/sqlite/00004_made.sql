-- +goose Up

-- When a thread was made. It opens as early as its oldest alert, which may be
-- before its predecessor: only this tells which is the newer one.
ALTER TABLE threads ADD COLUMN made BIGINT NOT NULL DEFAULT 0;
UPDATE threads SET made = opened_at;

-- Which effect made a silence is asked for each silence of each poll.
CREATE INDEX effects_result ON effects (result);

-- +goose Down
DROP INDEX effects_result;
ALTER TABLE threads DROP COLUMN made;
