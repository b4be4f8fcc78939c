package store

import (
	"time"

	"watchstander/bot"
)

// Cursor is where a source goes on, "" when it has never been heard.
func (t *Tx) Cursor(source string) (string, error) {
	c, _, err := one(t, func(row scanner) (s string, err error) {
		err = row.Scan(&s)
		return s, err
	}, `SELECT cursor FROM cursors WHERE source = $1`, source)
	return c, err
}

// PutCursor stores where a source goes on.
func (t *Tx) PutCursor(source, cursor string, now time.Time) error {
	return t.exec(`INSERT INTO cursors (source, cursor, at) VALUES ($1, $2, $3)
		ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, at = excluded.at`, source, cursor, millis(now))
}

// FirstSeen notes an event's id, and tells whether it is new.
func (t *Tx) FirstSeen(source, id string, now time.Time) (bool, error) {
	n, err := t.count(`INSERT INTO inbox (source, id, at) VALUES ($1, $2, $3) ON CONFLICT (source, id) DO NOTHING`, source, id, millis(now))
	return n == 1, err
}

// Seen tells whether FirstSeen has noted an id.
func (t *Tx) Seen(source, id string) (bool, error) {
	n, _, err := one(t, number, `SELECT COUNT(*) FROM inbox WHERE source = $1 AND id = $2`, source, id)
	return n > 0, err
}

// KeepRejected keeps an event that could not be read, for whoever looks into it.
func (t *Tx) KeepRejected(source, id, reason string, body []byte, now time.Time) error {
	return t.exec(`INSERT INTO inbox (source, id, at, rejected, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (source, id) DO NOTHING`,
		source, id, millis(now), reason, string(body))
}

// Reject notes why an event that was seen could not be applied.
func (t *Tx) Reject(source, id, reason string) error {
	return t.exec(`UPDATE inbox SET rejected = $1 WHERE source = $2 AND id = $3`, reason, source, id)
}

// AddChange notes a change on a host, and tells whether it is new.
func (t *Tx) AddChange(c bot.Change) (bool, error) {
	n, err := t.count(`INSERT INTO changes (id, host, kind, text, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
		c.ID, c.Host, c.Kind, c.Text, millis(c.At))
	return n == 1, err
}

// Changes lists what changed on a host, and of the bot itself, in [from, to].
func (t *Tx) Changes(host string, from, to time.Time) ([]bot.Change, error) {
	return all(t, scanChange, `SELECT id, host, kind, text, at FROM changes WHERE (host = $1 OR host = '') AND at >= $2 AND at <= $3 ORDER BY at, id`,
		host, millis(from), millis(to))
}

// AllChanges lists the changes on every host in [from, to], the oldest first.
func (t *Tx) AllChanges(from, to time.Time) ([]bot.Change, error) {
	return all(t, scanChange, `SELECT id, host, kind, text, at FROM changes WHERE at >= $1 AND at <= $2 ORDER BY at, id`, millis(from), millis(to))
}

func scanChange(row scanner) (c bot.Change, err error) {
	var at int64
	err = row.Scan(&c.ID, &c.Host, &c.Kind, &c.Text, &at)
	c.At = moment(at)
	return c, err
}

// Meta reads a single value, "" when there is none.
func (t *Tx) Meta(name string) (string, error) {
	v, _, err := one(t, func(row scanner) (s string, err error) {
		err = row.Scan(&s)
		return s, err
	}, `SELECT value FROM meta WHERE name = $1`, name)
	return v, err
}

// PutMeta writes a single value.
func (t *Tx) PutMeta(name, value string) error {
	return t.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}

// KeptOver is for how long a thread that stays open keeps alerts that are over (Prune).
const KeptOver = 7 * 24 * time.Hour

const (
	pruneChanges    = `DELETE FROM changes WHERE at < $1 AND kind = $2`
	pruneOldChanges = `DELETE FROM changes WHERE at < $1`
)

// Prune lets go of what nobody will ask for again: event ids and restarts of units older
// than a month (other changes are counted by the month, told of in reviews, and kept like
// readings), work that was finished a week ago, alerts of open threads that have been over
// for KeptOver, and threads closed before keep, with all that hangs on them. It removes at most a bounded
// number of threads at once, so that no transaction is long; the answer says how many.
func (t *Tx) Prune(now, keep time.Time) (int64, error) {
	month, week := millis(now.AddDate(0, -1, 0)), millis(now.AddDate(0, 0, -7))
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{`DELETE FROM inbox WHERE at < $1`, []any{month}},
		{pruneChanges, []any{month, bot.ChangeRestart}},
		{pruneOldChanges, []any{millis(now.Add(-readingsKept))}},
		{`DELETE FROM requests WHERE state = 'done' AND at < $1`, []any{week}},
		{`DELETE FROM effects WHERE state <> 'due' AND at < $1`, []any{month}},
		{`DELETE FROM silences WHERE state = 'expired' AND ends_at < $1`, []any{month}},
		{`DELETE FROM sends WHERE state = 'dropped' AND at < $1`, []any{week}},
		{`DELETE FROM gaps WHERE to_at < $1`, []any{millis(now.Add(-readingsKept))}},
		{`DELETE FROM readings WHERE at < $1`, []any{millis(now.Add(-readingsKept))}},
		// A group that is never empty keeps its thread, and must not keep all that
		// ever fired in it: what has been over for so long is no longer counted there.
		{`DELETE FROM episodes WHERE resolved <> 0 AND ends_at < $1 AND thread IN (SELECT id FROM threads WHERE closed_at = 0)`, []any{millis(now.Add(-KeptOver))}},
	} {
		if err := t.exec(q.sql, q.args...); err != nil {
			return 0, err
		}
	}
	if err := t.pruneFollowUps(now); err != nil {
		return 0, err
	}
	if keep.IsZero() {
		return 0, nil
	}
	// What still waits to be shown is not closed for its readers.
	const old = `SELECT id FROM threads WHERE closed_at > 0 AND closed_at < $1
		AND NOT EXISTS (SELECT 1 FROM views WHERE views.thread = threads.id AND views.due = 1)
		ORDER BY closed_at, id LIMIT 200`
	for _, table := range []string{"entries", "sends", "views", "episodes"} {
		if err := t.exec(`DELETE FROM `+table+` WHERE thread IN (`+old+`)`, millis(keep)); err != nil {
			return 0, err
		}
	}
	// The views are gone, so the last statement's condition holds for the same
	// threads and for no others: its order and limit are the same.
	return t.count(`DELETE FROM threads WHERE id IN (`+old+`)`, millis(keep))
}
