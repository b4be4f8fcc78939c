-- +goose Up

-- The journal (bot/journal). body is an entry's canonical form; the other columns
-- say what it says, for searching.
CREATE TABLE journal (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    kind    TEXT NOT NULL,
    host    TEXT NOT NULL,
    person  TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL,
    prev    TEXT NOT NULL,
    hash    TEXT NOT NULL
);
CREATE INDEX journal_at ON journal (at);
CREATE INDEX journal_subject ON journal (subject, seq);

-- It only grows. Whoever may write the file can do away with these triggers, but
-- no statement of ours can change an entry by mistake; the hashes find the rest.
-- +goose StatementBegin
CREATE TRIGGER journal_follows BEFORE INSERT ON journal
WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM journal)
BEGIN
    SELECT RAISE(ABORT, 'the journal only grows');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_stays BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal only grows');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal only grows');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE journal;
