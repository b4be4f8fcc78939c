package store

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"watchstander/bot/journal"
)

const journalColumns = `seq, at, kind, host, person, subject, body, prev, hash`

// scanJournal reads an entry from its body, and looks whether the other columns
// say the same: a search must not be led astray by them. The error of a row that
// is not what was written is a *journal.Broken.
func scanJournal(row scanner) (journal.Entry, error) {
	var in journal.Entry
	var at int64
	var body string
	if err := row.Scan(&in.Seq, &at, &in.Kind, &in.Host, &in.By, &in.Subject, &body, &in.Prev, &in.Hash); err != nil {
		return journal.Entry{}, err
	}
	wrong := func(f journal.Fault, detail string) (journal.Entry, error) {
		return journal.Entry{}, &journal.Broken{Seq: in.Seq, Fault: f, Detail: detail}
	}
	e, err := journal.Decode([]byte(body))
	if err != nil {
		return wrong(journal.FaultUnreadable, err.Error())
	}
	if e.Seq != in.Seq || millis(e.At) != at || e.Kind != in.Kind || e.Host != in.Host || e.By != in.By || e.Subject != in.Subject ||
		e.Prev != in.Prev || e.Hash != in.Hash {
		return wrong(journal.FaultChanged, "the row's columns do not say what its entry says")
	}
	if !e.Intact() {
		return wrong(journal.FaultChanged, "its hash is not that of what it says")
	}
	return e, nil
}

// Journal appends an entry, in this transaction: it is there when, and only when,
// all else that the transaction did is. It is redacted by Options.Redact,
// numbered and linked to the entry before it.
func (t *Tx) Journal(e journal.Entry) error {
	head, err := t.JournalHead()
	if err != nil {
		return err
	}
	if e, err = journal.Seal(head, e, t.redact); err != nil {
		return err
	}
	body, err := journal.Encode(e)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO journal (`+journalColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.Seq, millis(e.At), e.Kind, e.Host, e.By, e.Subject, string(body), e.Prev, e.Hash)
}

// JournalHead is where the journal ends.
func (t *Tx) JournalHead() (journal.Head, error) {
	h, _, err := one(t, func(row scanner) (h journal.Head, err error) {
		err = row.Scan(&h.Seq, &h.Hash)
		return h, err
	}, `SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1`)
	return h, err
}

// JournalEntries reads the journal after a number, in order.
func (t *Tx) JournalEntries(after int64, limit int) ([]journal.Entry, error) {
	return all(t, scanJournal, `SELECT `+journalColumns+` FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
}

// BrokenMost is where a search for fewer entries ends: when it has met as many rows that
// are not what was written.
const BrokenMost = 100

// JournalSearch reads what the filter chooses, the newest first. Rows on the way that
// are not what was written are broken, and no reason to tell nothing of the others; but
// when there are limit of them, and BrokenMost, nothing older was looked at.
func (t *Tx) JournalSearch(f journal.Filter, limit int) (out []journal.Entry, broken []*journal.Broken, err error) {
	where, args := []string{`1 = 1`}, []any{}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "?", placeholder(len(args))))
	}
	if len(f.Kinds) > 0 {
		var kinds []string
		for _, k := range f.Kinds {
			args = append(args, k)
			kinds = append(kinds, placeholder(len(args)))
		}
		where = append(where, `kind IN (`+strings.Join(kinds, ", ")+`)`)
	}
	if f.Host != "" {
		add(`host = ?`, f.Host)
	}
	if f.By != "" {
		add(`person = ?`, f.By)
	}
	if f.Subject != "" {
		add(`subject >= ?`, f.Subject)
		add(`subject < ?`, f.Subject+"\U0010FFFF")
	}
	if !f.Since.IsZero() {
		add(`at >= ?`, millis(f.Since))
	}
	if !f.Until.IsZero() {
		add(`at <= ?`, millis(f.Until))
	}
	for _, w := range strings.Fields(strings.ToLower(f.Words)) {
		// The database folds the letters A to Z alone; the rest is left to Match.
		if strings.ContainsFunc(w, func(r rune) bool { return r > '~' || r == '"' || r == '\\' }) {
			continue
		}
		add(`lower(body) LIKE ? ESCAPE '\'`, "%"+likeEscaper.Replace(w)+"%")
	}
	rows, err := t.q.QueryContext(t.ctx, `SELECT `+journalColumns+` FROM journal WHERE `+strings.Join(where, " AND ")+` ORDER BY seq DESC`, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("state: %w", err)
	}
	defer rows.Close()
	for len(out) < limit && len(broken) < max(BrokenMost, limit) && rows.Next() {
		e, err := scanJournal(rows)
		if b, ok := errors.AsType[*journal.Broken](err); ok {
			broken = append(broken, b)
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("state: %w", err)
		}
		if f.Match(e) {
			out = append(out, e)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("state: %w", err)
	}
	return out, broken, nil
}

// JournalAll reads the whole journal in order, as journal.Read does a file's: a
// row that is not what was written is a *journal.Broken, and the reading goes on
// behind it for whoever wants to.
func (t *Tx) JournalAll() iter.Seq2[journal.Entry, error] {
	return func(yield func(journal.Entry, error) bool) {
		rows, err := t.q.QueryContext(t.ctx, `SELECT `+journalColumns+` FROM journal ORDER BY seq`)
		if err != nil {
			yield(journal.Entry{}, fmt.Errorf("state: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			if !yield(scanJournal(rows)) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(journal.Entry{}, fmt.Errorf("state: %w", err))
		}
	}
}
