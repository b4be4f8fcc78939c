-- +goose Up

-- The threads that a silence was made in, or whose alerts it has held back, as
-- JSON: their roots tell of it for as long as it goes on.
ALTER TABLE silences ADD COLUMN held TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE silences DROP COLUMN held;
