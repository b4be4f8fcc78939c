package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
)

var morning = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// journaling is a store that hides "hunter2", with some entries.
func journaling(t testing.TB, entries ...journal.Entry) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(context.Background(), path, Options{Unsafe: true, Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[hidden]") }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, e := range entries {
		update(t, s, func(tx *Tx) error { return tx.Journal(e) })
	}
	return s, path
}

// some are entries of two plans, a minute apart.
func some() []journal.Entry {
	out := []journal.Entry{
		{Kind: journal.KindRequest, By: "bob", Host: "vulcan", Subject: "pln_AA", Text: "Bob asked for a rollback."},
		{Kind: journal.KindPlan, Host: "vulcan", Subject: "pln_AA", Text: `It says "100 %" and C:\x_y.`},
		{Kind: journal.KindDecision, By: "alice", Host: "vulcan", Subject: "pln_AA", Text: "Alice agreed.", Fields: map[string]string{"door": "ops", "note": "hunter2"}},
		{Kind: journal.KindRequest, By: "bob", Host: "lugh", Subject: "pln_AB", Text: "Bob fragte: Größe?"},
		{Kind: journal.KindNote, Text: "Nothing else."},
	}
	for i := range out {
		out[i].At = morning.Add(time.Duration(i) * time.Minute)
	}
	return out
}

func view(t testing.TB, s *Store, f func(*Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), f); err != nil {
		t.Error(err)
	}
}

func verified(t testing.TB, s *Store) (head journal.Head, err error) {
	t.Helper()
	view(t, s, func(tx *Tx) error {
		head, err = journal.Verify(tx.JournalAll(), journal.Head{})
		return nil
	})
	return head, err
}

func TestTheJournalIsAChain(t *testing.T) {
	s, _ := journaling(t)
	if head, err := verified(t, s); err != nil || head != (journal.Head{}) {
		t.Errorf("empty: %v, %v", head, err)
	}
	// Two in one transaction follow each other; what is rolled back leaves no gap.
	boom := errors.New("boom")
	update(t, s, func(tx *Tx) error {
		if err := tx.Nested(func() error { return errors.Join(tx.Journal(some()[0]), boom) }); !errors.Is(err, boom) {
			t.Error(err)
		}
		return errors.Join(tx.Journal(some()[1]), tx.Journal(some()[2]))
	})
	if err := s.Update(t.Context(), func(tx *Tx) error { return errors.Join(tx.Journal(some()[3]), boom) }); !errors.Is(err, boom) {
		t.Error(err)
	}
	update(t, s, func(tx *Tx) error { return tx.Journal(some()[4]) })
	head, err := verified(t, s)
	if err != nil || head.Seq != 3 {
		t.Fatalf("%v, %v", head, err)
	}
	view(t, s, func(tx *Tx) error {
		if got, err := tx.JournalHead(); err != nil || got != head {
			t.Errorf("the head is %v, %v", got, err)
		}
		all, err := tx.JournalEntries(0, 10)
		if len(all) != 3 || all[1].Fields["note"] != "[hidden]" || all[2].Prev != all[1].Hash || !all[0].At.Equal(some()[1].At) {
			t.Errorf("%+v", all)
		}
		rest, rerr := tx.JournalEntries(1, 1)
		if len(rest) != 1 || !reflect.DeepEqual(rest[0], all[1]) {
			t.Errorf("after the first: %+v", rest)
		}
		return errors.Join(err, rerr)
	})
}

func TestNothingIsJournaledUnredacted(t *testing.T) {
	s, _ := fresh(t)
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.Journal(some()[0]) }); err == nil {
		t.Error("an entry was taken without a redactor")
	}
	if head, err := verified(t, s); err != nil || head.Seq != 0 {
		t.Errorf("%v, %v", head, err)
	}
}

func TestTheJournalOnlyGrows(t *testing.T) {
	s, _ := journaling(t, some()...)
	head, _ := verified(t, s)
	for _, statement := range []string{
		`DELETE FROM journal WHERE seq = 5`,
		`DELETE FROM journal`,
		`UPDATE journal SET person = 'mallory' WHERE seq = 3`,
		`UPDATE journal SET body = body`,
		`INSERT OR REPLACE INTO journal SELECT seq, at, kind, host, 'mallory', subject, body, prev, hash FROM journal WHERE seq = 3`,
		`INSERT INTO journal SELECT seq + 9, at, kind, host, person, subject, body, prev, hash FROM journal WHERE seq = 3`,
		`INSERT INTO journal SELECT 0, at, kind, host, person, subject, body, prev, hash FROM journal WHERE seq = 3`,
	} {
		err := s.Update(t.Context(), func(tx *Tx) error { return tx.exec(statement) })
		if err == nil || !strings.Contains(err.Error(), "the journal only grows") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if now, err := verified(t, s); err != nil || now != head {
		t.Errorf("%v, %v", now, err)
	}
	// Pruning leaves it alone, however old it is.
	update(t, s, func(tx *Tx) error { _, err := tx.Prune(morning.AddDate(9, 0, 0), morning.AddDate(8, 0, 0)); return err })
	if now, err := verified(t, s); err != nil || now != head {
		t.Errorf("after pruning: %v, %v", now, err)
	}
}

// Whoever has the file can drop the triggers; each change is found all the same.
func TestAChangedRowIsFound(t *testing.T) {
	for statement, want := range map[string]journal.Fault{
		`UPDATE journal SET person = 'mallory' WHERE seq = 3`:                              journal.FaultChanged,
		`UPDATE journal SET at = at + 1 WHERE seq = 3`:                                     journal.FaultChanged,
		`UPDATE journal SET kind = 'note' WHERE seq = 3`:                                   journal.FaultChanged,
		`UPDATE journal SET host = '' WHERE seq = 3`:                                       journal.FaultChanged,
		`UPDATE journal SET subject = 'pln_AB' WHERE seq = 3`:                              journal.FaultChanged,
		`UPDATE journal SET hash = prev WHERE seq = 3`:                                     journal.FaultChanged,
		`UPDATE journal SET prev = '' WHERE seq = 3`:                                       journal.FaultChanged,
		`UPDATE journal SET body = replace(body, 'Alice', 'Mallory') WHERE seq = 3`:        journal.FaultChanged,
		`UPDATE journal SET body = replace(body, '{', '{ ') WHERE seq = 3`:                 journal.FaultUnreadable,
		`UPDATE journal SET body = '' WHERE seq = 3`:                                       journal.FaultUnreadable,
		`UPDATE journal SET seq = 30 WHERE seq = 3`:                                        journal.FaultMissing,
		`DELETE FROM journal WHERE seq = 3`:                                                journal.FaultMissing,
		`DELETE FROM journal WHERE seq < 3`:                                                journal.FaultMissing,
		`UPDATE journal SET body = (SELECT body FROM journal WHERE seq = 2) WHERE 3 = seq`: journal.FaultChanged,
	} {
		s, _ := journaling(t, some()...)
		update(t, s, func(tx *Tx) error {
			return errors.Join(tx.exec(`DROP TRIGGER journal_stays`), tx.exec(`DROP TRIGGER journal_is_kept`), tx.exec(statement))
		})
		_, err := verified(t, s)
		b, ok := errors.AsType[*journal.Broken](err)
		if !ok || b.Fault != want || b.Fault == journal.FaultChanged && b.Seq != 3 {
			t.Errorf("%s: %v", statement, err)
		}
		// Who reads on gets the others.
		n := 0
		view(t, s, func(tx *Tx) error {
			for _, err := range tx.JournalAll() {
				if err == nil {
					n++
				}
			}
			return nil
		})
		if n < 3 {
			t.Errorf("%s: %d entries can be read", statement, n)
		}
	}
}

func TestJournalSearch(t *testing.T) {
	s, _ := journaling(t, some()...)
	for name, c := range map[string]struct {
		filter journal.Filter
		limit  int
		want   string
	}{
		"all":             {journal.Filter{}, 10, "5 4 3 2 1"},
		"the newest":      {journal.Filter{}, 2, "5 4"},
		"kinds":           {journal.Filter{Kinds: []journal.Kind{journal.KindRequest, journal.KindNote}}, 10, "5 4 1"},
		"no such kind":    {journal.Filter{Kinds: []journal.Kind{"x"}}, 10, ""},
		"a person":        {journal.Filter{By: "bob"}, 10, "4 1"},
		"part of a name":  {journal.Filter{By: "bo"}, 10, ""},
		"a host":          {journal.Filter{Host: "lugh"}, 10, "4"},
		"a plan":          {journal.Filter{Subject: "pln_AA"}, 10, "3 2 1"},
		"its beginning":   {journal.Filter{Subject: "pln_A"}, 10, "4 3 2 1"},
		"a pattern":       {journal.Filter{Subject: "pln%"}, 10, ""},
		"since":           {journal.Filter{Since: morning.Add(3 * time.Minute)}, 10, "5 4"},
		"until":           {journal.Filter{Until: morning.Add(time.Minute)}, 10, "1"},
		"until a moment":  {journal.Filter{Until: morning.Add(time.Minute + 1)}, 10, "2 1"},
		"words":           {journal.Filter{Words: "BOB asked"}, 10, "1"},
		"a field":         {journal.Filter{Words: "ops"}, 10, "3"},
		"a member's name": {journal.Filter{Words: "subject"}, 10, ""},
		"signs":           {journal.Filter{Words: `"100 c:\x_y`}, 10, "2"},
		"a wildcard":      {journal.Filter{Words: `1_0`}, 10, ""},
		"other letters":   {journal.Filter{Words: "GRÖSSE"}, 10, ""}, // ß has no capital of its own
		"an umlaut":       {journal.Filter{Words: "größe"}, 10, "4"},
		"all at once": {journal.Filter{Kinds: []journal.Kind{journal.KindDecision}, By: "alice", Host: "vulcan", Subject: "pln_", Since: morning,
			Until: morning.Add(time.Hour), Words: "agreed"}, 10, "3"},
	} {
		view(t, s, func(tx *Tx) error {
			found, _, err := tx.JournalSearch(c.filter, c.limit)
			var seqs []string
			for _, e := range found {
				seqs = append(seqs, fmt.Sprint(e.Seq))
			}
			if got := strings.Join(seqs, " "); got != c.want {
				t.Errorf("%s: found %q, want %q", name, got, c.want)
			}
			// The filter says of itself what it chooses.
			for _, e := range some() {
				if c.limit == 10 && c.filter.Match(e) != slices.ContainsFunc(found, func(x journal.Entry) bool { return x.At.Equal(e.At) }) {
					t.Errorf("%s: Match(%s) is otherwise", name, e.Text)
				}
			}
			return err
		})
	}
}

// Somebody may look while the bot writes, without being in its way.
func TestOpenReadOnly(t *testing.T) {
	s, path := journaling(t, some()[:2]...)
	other, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if head, err := verified(t, other); err != nil || head.Seq != 2 {
		t.Errorf("%v, %v", head, err)
	}
	update(t, s, func(tx *Tx) error { return tx.Journal(some()[2]) })
	if head, err := verified(t, other); err != nil || head.Seq != 3 {
		t.Errorf("%v, %v", head, err)
	}
	if err := other.Update(t.Context(), func(tx *Tx) error { return tx.Journal(some()[3]) }); err == nil {
		t.Error("it can be written")
	}
	if err := other.View(t.Context(), func(tx *Tx) error { return tx.exec(`DELETE FROM meta`) }); err == nil {
		t.Error("it can be written while it is read")
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if _, err := OpenReadOnly(t.Context(), path+"2"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	update(t, s, func(tx *Tx) error {
		return tx.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	})
	_, err = OpenReadOnly(t.Context(), path)
	if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeConflict {
		t.Error(err)
	}
}
