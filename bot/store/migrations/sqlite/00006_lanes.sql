-- +goose Up

-- What an effect shares its places with: only those of one lane wait for each other.
ALTER TABLE effects ADD COLUMN lane TEXT NOT NULL DEFAULT '';
UPDATE effects SET lane = kind WHERE state = 'due';
CREATE INDEX effects_lane ON effects (state, lane, next_try);

-- +goose Down
DROP INDEX effects_lane;
ALTER TABLE effects DROP COLUMN lane;
