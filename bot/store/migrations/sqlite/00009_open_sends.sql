-- +goose Up

-- What a room may hold without the bot having its receipt yet.
CREATE INDEX sends_open ON sends (room, kind) WHERE state = 'sending';

-- +goose Down
DROP INDEX sends_open;
