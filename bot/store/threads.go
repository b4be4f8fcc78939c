package store

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

const threadColumns = `id, kind, subject, version, last_seq, severity, opened_at, closed_at, next_at, former, state`

func scanThread(row scanner) (t bot.Thread, err error) {
	var opened, closed, next int64
	var state []byte
	err = row.Scan(&t.ID, &t.Kind, &t.Subject, &t.Version, &t.LastSeq, &t.Severity, &opened, &closed, &next, &t.Former, &state)
	if err != nil {
		return t, err
	}
	t.OpenedAt, t.ClosedAt, t.NextAt = moment(opened), moment(closed), moment(next)
	return t, json.Unmarshal(state, &t.State)
}

// Thread reads one thread.
func (t *Tx) Thread(id bot.ThreadID) (bot.Thread, bool, error) {
	return one(t, scanThread, `SELECT `+threadColumns+` FROM threads WHERE id = $1`, id)
}

// threadsAtOnce bounds the arguments of one query.
const threadsAtOnce = 500

func threadsNamed(n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = placeholder(i + 1)
	}
	return `SELECT ` + threadColumns + ` FROM threads WHERE id IN (` + strings.Join(marks, ", ") + `)`
}

// Threads reads many by their ids; those that are not there are left out.
func (t *Tx) Threads(ids []bot.ThreadID) (map[bot.ThreadID]bot.Thread, error) {
	out := map[bot.ThreadID]bot.Thread{}
	for some := range slices.Chunk(ids, threadsAtOnce) {
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = id
		}
		found, err := all(t, scanThread, threadsNamed(len(some)), args...)
		if err != nil {
			return nil, err
		}
		for _, th := range found {
			out[th.ID] = th
		}
	}
	return out, nil
}

// LatestThread is the thread of a subject that is open, or else the one that was
// made last.
func (t *Tx) LatestThread(subject string) (bot.Thread, bool, error) {
	return one(t, scanThread, `SELECT `+threadColumns+` FROM threads WHERE subject = $1
		ORDER BY CASE WHEN closed_at = 0 THEN 0 ELSE 1 END, made DESC, id DESC LIMIT 1`, subject)
}

// OpenThreads lists the open threads of the kinds, the worst first, then the
// oldest.
func (t *Tx) OpenThreads(kinds ...bot.ThreadKind) ([]bot.Thread, error) {
	args := make([]any, len(kinds))
	marks := make([]string, len(kinds))
	for i, k := range kinds {
		args[i], marks[i] = k, placeholder(i+1)
	}
	return all(t, scanThread, `SELECT `+threadColumns+` FROM threads
		WHERE closed_at = 0 AND kind IN (`+strings.Join(marks, ", ")+`)
		ORDER BY `+rank("severity")+` DESC, opened_at, id`, args...)
}

const threadsAckedBy = `SELECT ` + threadColumns + ` FROM threads WHERE pressed = $1 AND pressed <> '' AND closed_at = 0 ORDER BY id`

// ThreadsAckedBy lists the open threads that a reaction has acked.
func (t *Tx) ThreadsAckedBy(press bot.MessageID) ([]bot.Thread, error) {
	return all(t, scanThread, threadsAckedBy, press)
}

// rank orders severities as bot.Severity's Rank does: none counts as a warning.
func rank(column string) string {
	return `CASE WHEN ` + column + ` = 0 THEN 2 ELSE ` + column + ` END`
}

const closedThreads = `SELECT ` + threadColumns + ` FROM threads
		WHERE kind = $1 AND closed_at >= $2 AND closed_at < $3 ORDER BY closed_at, id`

// ClosedThreads lists the threads of a kind that closed in [from, to), the
// oldest end first.
func (t *Tx) ClosedThreads(kind bot.ThreadKind, from, to time.Time) ([]bot.Thread, error) {
	return all(t, scanThread, closedThreads, kind, millis(from), millis(to))
}

// ThreadsDuring lists the threads of a kind that were open within [from, to), those that
// still are among them, the oldest first.
func (t *Tx) ThreadsDuring(kind bot.ThreadKind, from, to time.Time) ([]bot.Thread, error) {
	return all(t, scanThread, `SELECT `+threadColumns+` FROM threads
		WHERE kind = $1 AND (closed_at = 0 OR closed_at > $2) AND opened_at < $3 ORDER BY opened_at, id`, kind, millis(from), millis(to))
}

const threadsOpened = `SELECT ` + threadColumns + ` FROM threads
		WHERE kind = $1 AND opened_at >= $2 AND opened_at < $3 ORDER BY opened_at, id`

// ThreadsOpened lists the threads of a kind that were opened in [from, to), the oldest
// first.
func (t *Tx) ThreadsOpened(kind bot.ThreadKind, from, to time.Time) ([]bot.Thread, error) {
	return all(t, scanThread, threadsOpened, kind, millis(from), millis(to))
}

// DueThreads lists the threads whose own time has come.
func (t *Tx) DueThreads(now time.Time) ([]bot.Thread, error) {
	return all(t, scanThread, `SELECT `+threadColumns+` FROM threads WHERE next_at > 0 AND next_at <= $1 ORDER BY next_at, id`, millis(now))
}

// NextThread is when the next thread is due, zero when none waits.
func (t *Tx) NextThread() (time.Time, error) {
	n, _, err := one(t, number, `SELECT COALESCE(MIN(next_at), 0) FROM threads WHERE next_at > 0`)
	return moment(n), err
}

// FindThreads searches alert threads, closed ones too, for all the words; the
// newest come first.
func (t *Tx) FindThreads(words string, limit int) ([]bot.Thread, error) {
	where, args := []string{`kind = 'alert'`}, []any{}
	for _, w := range strings.Fields(strings.ToLower(words)) {
		args = append(args, "%"+likeEscaper.Replace(w)+"%")
		where = append(where, `words LIKE `+placeholder(len(args))+` ESCAPE '\'`)
	}
	args = append(args, limit)
	return all(t, scanThread, `SELECT `+threadColumns+` FROM threads WHERE `+strings.Join(where, " AND ")+
		` ORDER BY opened_at DESC, id LIMIT `+placeholder(len(args)), args...)
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// PutThread writes a thread, and makes due every view that shows less than it
// holds. words is what a search looks through.
func (t *Tx) PutThread(th bot.Thread, words string, now time.Time) error {
	state, err := json.Marshal(th.State)
	if err != nil {
		return err
	}
	var pressed bot.MessageID
	if a := th.State.Alert; a != nil && a.Ack != nil {
		pressed = a.Ack.Press
	}
	err = t.exec(`INSERT INTO threads (`+threadColumns+`, words, made, pressed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, last_seq = excluded.last_seq, severity = excluded.severity,
			closed_at = excluded.closed_at, next_at = excluded.next_at, state = excluded.state, pressed = excluded.pressed,
			words = CASE WHEN excluded.words = '' THEN threads.words ELSE excluded.words END`,
		th.ID, th.Kind, th.Subject, th.Version, th.LastSeq, th.Severity, millis(th.OpenedAt), millis(th.ClosedAt),
		millis(th.NextAt), th.Former, string(state), strings.ToLower(words), millis(now), pressed)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE views SET due = 1, due_since = CASE WHEN due = 1 THEN due_since ELSE $1 END
		WHERE thread = $2 AND (shown_version < $3 OR said_seq < $4)`, millis(now), th.ID, th.Version, th.LastSeq)
}

// AddEntry appends to a thread's log; the caller has raised LastSeq to its Seq
// and puts the thread afterwards.
func (t *Tx) AddEntry(e bot.Entry) error {
	body, err := json.Marshal(e.Message)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO entries (thread, seq, at, person, body) VALUES ($1, $2, $3, $4, $5)`,
		e.Thread, e.Seq, millis(e.At), e.By, string(body))
}

// Entries reads a thread's log after a number, in order.
func (t *Tx) Entries(id bot.ThreadID, after int64, limit int) ([]bot.Entry, error) {
	return all(t, func(row scanner) (e bot.Entry, err error) {
		var at int64
		var body []byte
		if err = row.Scan(&e.Thread, &e.Seq, &at, &e.By, &body); err != nil {
			return e, err
		}
		e.At = moment(at)
		return e, json.Unmarshal(body, &e.Message)
	}, `SELECT thread, seq, at, person, body FROM entries WHERE thread = $1 AND seq > $2 ORDER BY seq LIMIT $3`, id, after, limit)
}

// ThreadsByPrefix lists threads, conversations left out, whose id begins so.
func (t *Tx) ThreadsByPrefix(prefix string, limit int) ([]bot.Thread, error) {
	return all(t, scanThread, `SELECT `+threadColumns+` FROM threads WHERE id >= $1 AND id < $2 AND kind <> 'conversation' ORDER BY id LIMIT $3`,
		prefix, prefix+"\x7f", limit)
}

// ThreadsBySubject lists threads whose subject begins so, the newest first.
func (t *Tx) ThreadsBySubject(prefix string, limit int) ([]bot.Thread, error) {
	return all(t, scanThread, `SELECT `+threadColumns+` FROM threads WHERE subject >= $1 AND subject < $2 ORDER BY made DESC, id LIMIT $3`,
		prefix, prefix+"\x7f", limit)
}
