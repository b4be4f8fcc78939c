-- +goose Up

-- What the state is made of. Times are UTC milliseconds, 0 for "none"; truth
-- values are 0 and 1; JSON is text. Rows are due: there is no job table.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Where each source goes on after a restart.
CREATE TABLE cursors (
    source TEXT PRIMARY KEY,
    cursor TEXT NOT NULL,
    at     BIGINT NOT NULL
);

-- Ids of events already taken, and the bodies of those that could not be read.
CREATE TABLE inbox (
    source   TEXT NOT NULL,
    id       TEXT NOT NULL,
    at       BIGINT NOT NULL,
    rejected TEXT NOT NULL DEFAULT '',
    body     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (source, id)
);
CREATE INDEX inbox_at ON inbox (at);

CREATE TABLE threads (
    id        TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    version   BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL,
    severity  BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL,
    next_at   BIGINT NOT NULL,
    former    TEXT NOT NULL,
    words     TEXT NOT NULL,
    state     TEXT NOT NULL
);
CREATE INDEX threads_subject ON threads (subject, opened_at);
CREATE INDEX threads_open ON threads (closed_at, kind);
CREATE INDEX threads_due ON threads (next_at);

CREATE TABLE entries (
    thread TEXT NOT NULL,
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    person TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (thread, seq)
);

-- A thread as it stands in one room. due is 1 when the room shows less than the
-- thread holds.
CREATE TABLE views (
    thread        TEXT NOT NULL,
    room          TEXT NOT NULL,
    root          TEXT NOT NULL,
    own_root      BIGINT NOT NULL,
    remade        BIGINT NOT NULL,
    shown_version BIGINT NOT NULL,
    said_seq      BIGINT NOT NULL,
    priority      BIGINT NOT NULL,
    due           BIGINT NOT NULL,
    due_since     BIGINT NOT NULL,
    not_before    BIGINT NOT NULL,
    next_try      BIGINT NOT NULL,
    tries         BIGINT NOT NULL,
    bare          BIGINT NOT NULL,
    error         TEXT NOT NULL,
    PRIMARY KEY (thread, room)
);
CREATE INDEX views_due ON views (room, due, not_before);
CREATE INDEX views_root ON views (room, root);

-- What is on its way: bytes that were frozen and committed before they were
-- sent, so that a crash sends the same ones again, or finds them.
CREATE TABLE sends (
    key        TEXT PRIMARY KEY,
    thread     TEXT NOT NULL,
    room       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    version    BIGINT NOT NULL,
    to_seq     BIGINT NOT NULL,
    part       BIGINT NOT NULL,
    parts      BIGINT NOT NULL,
    root       TEXT NOT NULL,
    body       BLOB NOT NULL,
    attachment BLOB,
    state      TEXT NOT NULL,
    remote_id  TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX sends_view ON sends (thread, room, state);
CREATE INDEX sends_remote ON sends (room, remote_id);

CREATE TABLE episodes (
    id            TEXT PRIMARY KEY,
    thread        TEXT NOT NULL,
    number        BIGINT NOT NULL,
    fingerprint   TEXT NOT NULL,
    starts_at     BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    resolved      BIGINT NOT NULL,
    ended         TEXT NOT NULL,
    doubt         BIGINT NOT NULL,
    severity      BIGINT NOT NULL,
    labels        TEXT NOT NULL,
    annotations   TEXT NOT NULL,
    generator_url TEXT NOT NULL,
    silenced_by   TEXT NOT NULL,
    inhibited_by  TEXT NOT NULL,
    muted_by      TEXT NOT NULL,
    absent        BIGINT NOT NULL,
    first_at      BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    mark          BIGINT NOT NULL
);
CREATE INDEX episodes_thread ON episodes (thread, fingerprint, starts_at);
CREATE INDEX episodes_live ON episodes (resolved, thread);

CREATE TABLE heartbeats (
    name    TEXT PRIMARY KEY,
    last_at BIGINT NOT NULL,
    stopped BIGINT NOT NULL
);

CREATE TABLE silences (
    alertmanager TEXT NOT NULL,
    id           TEXT NOT NULL,
    state        TEXT NOT NULL,
    ends_at      BIGINT NOT NULL,
    body         TEXT NOT NULL,
    told         TEXT NOT NULL,
    PRIMARY KEY (alertmanager, id)
);

-- Commands that people gave, until they are answered.
CREATE TABLE requests (
    id       TEXT PRIMARY KEY,
    thread   TEXT NOT NULL,
    room     TEXT NOT NULL,
    person   TEXT NOT NULL,
    line     TEXT NOT NULL,
    said_at  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    state    TEXT NOT NULL,
    tries    BIGINT NOT NULL,
    next_try BIGINT NOT NULL
);
CREATE INDEX requests_due ON requests (state, next_try);

-- Effects on the outside world, idempotent by key.
CREATE TABLE effects (
    key      TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    thread   TEXT NOT NULL,
    request  TEXT NOT NULL,
    person   TEXT NOT NULL,
    body     TEXT NOT NULL,
    state    TEXT NOT NULL,
    tries    BIGINT NOT NULL,
    next_try BIGINT NOT NULL,
    result   TEXT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX effects_due ON effects (state, next_try);

CREATE TABLE changes (
    id   TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    at   BIGINT NOT NULL
);
CREATE INDEX changes_at ON changes (at);

-- +goose Down
DROP TABLE changes;
DROP TABLE effects;
DROP TABLE requests;
DROP TABLE silences;
DROP TABLE heartbeats;
DROP TABLE episodes;
DROP TABLE sends;
DROP TABLE views;
DROP TABLE entries;
DROP TABLE threads;
DROP TABLE inbox;
DROP TABLE cursors;
DROP TABLE meta;
