-- +goose Up

-- Of a post that says a whole plan: the hash of the words that it was made of.
ALTER TABLE sends ADD COLUMN whole TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sends DROP COLUMN whole;
