-- +goose Up

-- When a root is edited once more, since an older edit may have landed after the newest.
ALTER TABLE views ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
CREATE INDEX views_again ON views (room, again) WHERE again > 0;

-- +goose Down
DROP INDEX views_again;
ALTER TABLE views DROP COLUMN again;
