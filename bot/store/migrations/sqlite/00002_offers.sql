-- +goose Up

-- How many of its offered reactions stand under a root.
ALTER TABLE views ADD COLUMN offered BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE views DROP COLUMN offered;
