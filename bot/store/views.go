package store

import (
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
)

// View is a thread as it stands in one room.
type View struct {
	Thread bot.ThreadID
	Room   bot.RoomID
	// Root is the platform's id of the thread's first message, "" before it has
	// one. In a conversation it is the message that is answered, or the thread
	// that it was said in, and not our own.
	Root    bot.MessageID
	OwnRoot bool
	// Remade counts the roots that were deleted in the room.
	Remade int
	// ShownVersion is the version that the room is known to show.
	ShownVersion int64
	// SaidSeq is the newest log entry that the room is known to have.
	SaidSeq  int64
	Priority Priority
	Due      bool
	DueSince time.Time
	// NotBefore holds a view back: the end of quiet hours, the next edit of a
	// storm message.
	NotBefore time.Time
	NextTry   time.Time
	Tries     int
	// Bare: the platform rejected the message as it was; 1 asks for plain text,
	// 2 for a marker.
	Bare int
	// Error is the last failure, for operators.
	Error string
	// Offered counts the reactions of our own that stand under the root.
	Offered int
	// Again is when the root is edited once more though nothing changed, zero for never.
	Again time.Time
}

// Priority says which of a room's due views goes first; larger is first.
type Priority int

const (
	PriorityDigest   Priority = 0
	PriorityOver     Priority = 1 // a thread that is over
	PriorityInfo     Priority = 2
	PriorityWarning  Priority = 3
	PriorityCritical Priority = 4
	PriorityStorm    Priority = 8
	PriorityAnswer   Priority = 9 // somebody waits for it
)

const viewColumns = `thread, room, root, own_root, remade, shown_version, said_seq, priority, due, due_since, not_before, next_try, tries, bare, error, offered, again`

func scanView(row scanner) (v View, err error) {
	var own, due, since, before, next, again int64
	err = row.Scan(&v.Thread, &v.Room, &v.Root, &own, &v.Remade, &v.ShownVersion, &v.SaidSeq, &v.Priority, &due, &since, &before, &next, &v.Tries, &v.Bare, &v.Error, &v.Offered, &again)
	v.OwnRoot, v.Due = own == 1, due == 1
	v.DueSince, v.NotBefore, v.NextTry, v.Again = moment(since), moment(before), moment(next), moment(again)
	return v, err
}

// View reads one view.
func (t *Tx) View(thread bot.ThreadID, room bot.RoomID) (View, bool, error) {
	return one(t, scanView, `SELECT `+viewColumns+` FROM views WHERE thread = $1 AND room = $2`, thread, room)
}

// Views lists a thread's views.
func (t *Tx) Views(thread bot.ThreadID) ([]View, error) {
	return all(t, scanView, `SELECT `+viewColumns+` FROM views WHERE thread = $1 ORDER BY room`, thread)
}

// ViewByRoot finds the thread whose root a message is.
func (t *Tx) ViewByRoot(room bot.RoomID, root bot.MessageID) (View, bool, error) {
	return one(t, scanView, `SELECT `+viewColumns+` FROM views WHERE room = $1 AND root = $2 ORDER BY own_root DESC LIMIT 1`, room, root)
}

// ViewByMessage finds the view that one of our messages belongs to: a root, an
// edit or a reply.
func (t *Tx) ViewByMessage(room bot.RoomID, id bot.MessageID) (View, bool, error) {
	v, ok, err := t.ViewByRoot(room, id)
	if ok || err != nil {
		return v, ok, err
	}
	return one(t, scanView, `SELECT `+viewColumns+` FROM views WHERE room = $1 AND thread =
		(SELECT thread FROM sends WHERE room = $1 AND remote_id = $2 LIMIT 1)`, room, id)
}

// DueViews lists a room's views that may be worked on now, in the order in
// which they go.
func (t *Tx) DueViews(room bot.RoomID, now time.Time, limit int) ([]View, error) {
	return all(t, scanView, `SELECT `+viewColumns+` FROM views
		WHERE room = $1 AND due = 1 AND not_before <= $2 AND next_try <= $2
		ORDER BY priority DESC, CASE WHEN root = '' THEN 0 ELSE 1 END, due_since, thread LIMIT $3`, room, millis(now), limit)
}

// OldestDueView is the room's due view that waited longest.
func (t *Tx) OldestDueView(room bot.RoomID, now time.Time) (View, bool, error) {
	return one(t, scanView, `SELECT `+viewColumns+` FROM views
		WHERE room = $1 AND due = 1 AND not_before <= $2 AND next_try <= $2
		ORDER BY due_since, priority DESC, thread LIMIT 1`, room, millis(now))
}

// OfferViews lists a room's views of open alerts that lack nothing but some of
// the most reactions that are offered under a root, the worst and newest first.
func (t *Tx) OfferViews(room bot.RoomID, most int, now time.Time, limit int) ([]View, error) {
	return all(t, scanView, `SELECT `+prefixed("v", viewColumns)+` FROM threads t JOIN views v ON v.thread = t.id AND v.room = $1
		WHERE t.closed_at = 0 AND t.kind = 'alert' AND v.own_root = 1 AND v.root <> '' AND v.due = 0 AND v.offered < $2 AND v.next_try <= $3
		ORDER BY `+rank("t.severity")+` DESC, t.opened_at DESC, t.id LIMIT $4`, room, most, millis(now), limit)
}

// NextOffer is when a view that OfferViews would list, but for its next try, may be
// worked on; zero when none waits.
func (t *Tx) NextOffer(room bot.RoomID, most int, now time.Time) (time.Time, error) {
	n, _, err := one(t, number, `SELECT COALESCE(MIN(v.next_try), 0) FROM threads t JOIN views v ON v.thread = t.id AND v.room = $1
		WHERE t.closed_at = 0 AND t.kind = 'alert' AND v.own_root = 1 AND v.root <> '' AND v.due = 0 AND v.offered < $2 AND v.next_try > $3`,
		room, most, millis(now))
	return moment(n), err
}

// NextView is when a view of the room that is held back may be worked on, zero
// when none waits.
func (t *Tx) NextView(room bot.RoomID, now time.Time) (time.Time, error) {
	n, _, err := one(t, number, `SELECT COALESCE(MIN(CASE WHEN not_before > next_try THEN not_before ELSE next_try END), 0) FROM views
		WHERE room = $1 AND due = 1 AND (not_before > $2 OR next_try > $2)`, room, millis(now))
	return moment(n), err
}

// NextAgain is when the next root of the room is edited once more, zero when none is.
func (t *Tx) NextAgain(room bot.RoomID) (time.Time, error) {
	n, _, err := one(t, number, `SELECT COALESCE(MIN(again), 0) FROM views WHERE room = $1 AND again > 0`, room)
	return moment(n), err
}

// AgainViews lists the room's views whose root is to be edited once more by now.
func (t *Tx) AgainViews(room bot.RoomID, now time.Time) ([]View, error) {
	return all(t, scanView, `SELECT `+viewColumns+` FROM views WHERE room = $1 AND again > 0 AND again <= $2`, room, millis(now))
}

// Backlog counts a room's due views that are not answers or storm messages, by
// the oldest wait.
func (t *Tx) Backlog(room bot.RoomID, now time.Time) (n int, oldest time.Time, err error) {
	type pair struct{ n, oldest int64 }
	p, _, err := one(t, func(row scanner) (p pair, err error) {
		err = row.Scan(&p.n, &p.oldest)
		return p, err
	}, `SELECT COUNT(*), COALESCE(MIN(due_since), 0) FROM views
		WHERE room = $1 AND due = 1 AND not_before <= $2 AND priority < $3`, room, millis(now), PriorityStorm)
	return int(p.n), moment(p.oldest), err
}

// WaitingThreads lists the threads whose views in a room are due, answers and
// storm messages left out.
func (t *Tx) WaitingThreads(room bot.RoomID, now time.Time) ([]bot.Thread, error) {
	return all(t, scanThread, `SELECT `+prefixed("t", threadColumns)+` FROM threads t JOIN views v ON v.thread = t.id
		WHERE v.room = $1 AND v.due = 1 AND v.not_before <= $2 AND v.priority < $3
		ORDER BY t.closed_at > 0, `+rank("t.severity")+` DESC, t.opened_at, t.id`, room, millis(now), PriorityStorm)
}

// PutView writes a view. Whether it is due is worked out from its thread.
func (t *Tx) PutView(v View, th bot.Thread, now time.Time) error {
	due := v.ShownVersion < th.Version || v.SaidSeq < th.LastSeq
	if !v.OwnRoot {
		due = v.SaidSeq < th.LastSeq
	}
	if due && !v.Due || v.DueSince.IsZero() {
		v.DueSince = now
	}
	return t.exec(`INSERT INTO views (`+viewColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		ON CONFLICT (thread, room) DO UPDATE SET root = excluded.root, own_root = excluded.own_root, remade = excluded.remade,
			shown_version = excluded.shown_version, said_seq = excluded.said_seq, priority = excluded.priority,
			due = excluded.due, due_since = excluded.due_since, not_before = excluded.not_before, next_try = excluded.next_try,
			tries = excluded.tries, bare = excluded.bare, error = excluded.error, offered = excluded.offered, again = excluded.again`,
		v.Thread, v.Room, v.Root, flag(v.OwnRoot), v.Remade, v.ShownVersion, v.SaidSeq, v.Priority, flag(due), millis(v.DueSince),
		millis(v.NotBefore), millis(v.NextTry), v.Tries, v.Bare, v.Error, v.Offered, millis(v.Again))
}

// DueByPriority counts the rooms' due views, and tells since when the oldest
// waits; what is held back on purpose does not count.
func (t *Tx) DueByPriority(rooms []bot.RoomID, now time.Time) (map[Priority]int, time.Time, error) {
	args, marks := []any{millis(now)}, []string{"''"}
	for _, r := range rooms {
		args = append(args, r)
		marks = append(marks, placeholder(len(args)))
	}
	type row struct {
		p         Priority
		n, oldest int64
	}
	rows, err := all(t, func(s scanner) (r row, err error) {
		err = s.Scan(&r.p, &r.n, &r.oldest)
		return r, err
	}, `SELECT priority, COUNT(*), MIN(CASE WHEN due_since > not_before THEN due_since ELSE not_before END)
		FROM views WHERE due = 1 AND not_before <= $1 AND room IN (`+strings.Join(marks, ", ")+`) GROUP BY priority`, args...)
	counts, oldest := map[Priority]int{}, int64(0)
	for _, r := range rows {
		counts[r.p] = int(r.n)
		if oldest == 0 || r.oldest < oldest {
			oldest = r.oldest
		}
	}
	return counts, moment(oldest), err
}

// RetryViews lets a room's views be tried at once whose last error is one of these.
func (t *Tx) RetryViews(room bot.RoomID, errors []string) error {
	args, marks := []any{room}, make([]string, len(errors))
	for i, e := range errors {
		args = append(args, e)
		marks[i] = placeholder(len(args))
	}
	return t.exec(`UPDATE views SET next_try = 0 WHERE room = $1 AND due = 1 AND next_try > 0 AND error IN (`+strings.Join(marks, ", ")+`)`, args...)
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// DropView takes a thread out of a room in which nothing of it has been shown.
func (t *Tx) DropView(thread bot.ThreadID, room bot.RoomID) error {
	return t.exec(`DELETE FROM views WHERE thread = $1 AND room = $2`, thread, room)
}
