-- +goose Up

-- How the firings of each checklist stand; the row is due at next_at.
CREATE TABLE schedules (
    name    TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL,
    body    TEXT NOT NULL
);
CREATE INDEX schedules_due ON schedules (next_at);

-- What probes measured for checklists, so that a figure can be compared with the one
-- before. unit is '' where there is no figure.
CREATE TABLE readings (
    checklist TEXT NOT NULL,
    thread    TEXT NOT NULL,
    host      TEXT NOT NULL,
    what      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    value     TEXT NOT NULL,
    figure    REAL NOT NULL,
    unit      TEXT NOT NULL,
    state     TEXT NOT NULL,
    PRIMARY KEY (checklist, thread, host, what)
);
CREATE INDEX readings_what ON readings (checklist, host, what, at);
CREATE INDEX readings_at ON readings (at);

-- +goose Down
DROP TABLE readings;
DROP TABLE schedules;
