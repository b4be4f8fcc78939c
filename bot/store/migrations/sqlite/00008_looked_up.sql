-- +goose Up

-- The reaction by which a thread was acked: whoever takes it back takes the ack back.
ALTER TABLE threads ADD COLUMN pressed TEXT NOT NULL DEFAULT '';
UPDATE threads SET pressed = COALESCE(json_extract(state, '$.Alert.Ack.Press'), '') WHERE closed_at = 0 AND kind = 'alert';
CREATE INDEX threads_pressed ON threads (pressed) WHERE pressed <> '';

-- What began to fire a moment ago is looked for among all that fires.
CREATE INDEX episodes_young ON episodes (resolved, first_at);

-- +goose Down
DROP INDEX episodes_young;
DROP INDEX threads_pressed;
ALTER TABLE threads DROP COLUMN pressed;
