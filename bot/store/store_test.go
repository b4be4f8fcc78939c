package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"go.uber.org/goleak"

	"watchstander/bot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fresh(t testing.TB) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deep", "state.db")
	s, err := Open(context.Background(), path, Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, path
}

func update(t testing.TB, s *Store, f func(*Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyTheOwnerMayRead(t *testing.T) {
	s, path := fresh(t)
	update(t, s, func(tx *Tx) error { return tx.PutMeta("a", "b") })
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

func TestAFileThatOthersCouldReadIsClosedToThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestANewerStateIsRefused(t *testing.T) {
	s, path := fresh(t)
	update(t, s, func(tx *Tx) error {
		return tx.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	})
	if _, err := Open(t.Context(), path, Options{}); err == nil {
		t.Fatal("it was opened")
	} else if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeConflict {
		t.Errorf("the error is %v", err)
	}
	if tables, known, err := Inspect(t.Context(), path); err != nil || tables != 9999 || known != newest(t) {
		t.Errorf("inspected: %d, %d, %v", tables, known, err)
	}
}

// newest is the number of the newest tables.
func newest(t *testing.T) int64 {
	t.Helper()
	files, err := migrations.ReadDir("migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	n, err := goose.NumericComponent(files[len(files)-1].Name()) // they are sorted
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A bot that is gone back to reads no newer tables. What it can begin with lies beside them.
func TestFormerTablesAreKept(t *testing.T) {
	path, last := filepath.Join(t.TempDir(), "state.db"), newest(t)
	if err := os.WriteFile(former(path, 1), nil, 0o600); err != nil { // of an update long ago
		t.Fatal(err)
	}
	// The state as the version before made it.
	before, err := open(path, Options{}, "immediate", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, before, dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.UpTo(t.Context(), last-1)
	if err == nil {
		_, err = before.ExecContext(t.Context(), `INSERT INTO meta (name, value) VALUES ('a', 'kept')`)
	}
	if err = errors.Join(err, before.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := former(path, last-1)
	if got := formers(path); !slices.Equal(got, []string{want}) {
		t.Fatalf("kept are %q", got)
	}
	if info, err := os.Stat(want); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it is open to others: %v, %v", info.Mode(), err)
	}
	if tables, _, err := Inspect(t.Context(), want); err != nil || tables != last-1 {
		t.Errorf("it has the tables %d (%v)", tables, err)
	}
	db, err := open(want, Options{}, "deferred", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var value string
	if err := db.QueryRowContext(t.Context(), `SELECT value FROM meta WHERE name = 'a'`).Scan(&value); err != nil || value != "kept" {
		t.Errorf("it holds %q (%v)", value, err)
	}
	if said := insteadOf(path, last-1); !strings.HasPrefix(said, " Or, with no watchstander running, put "+want+" in its place: the state as it was on ") {
		t.Errorf("the bot before is told %q", said)
	}
	if said := insteadOf(path, last-2); said != "" {
		t.Errorf("one that does not read it either is told %q", said)
	}
}

// Where a copy has no room the bot starts all the same.
func TestNoRoomForFormerTables(t *testing.T) {
	s, path := fresh(t)
	s.free = func(string) (int64, error) { return 0, nil }
	if err := s.keepFormer(t.Context(), 3); err != nil || len(formers(path)) > 0 {
		t.Errorf("%v; kept are %q", err, formers(path))
	}
}

func TestOnlyOneBotHasTheState(t *testing.T) {
	s, path := fresh(t)
	if second, err := Open(t.Context(), path, Options{}); err == nil {
		second.Close()
		t.Fatal("it was opened twice")
	} else if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeConflict {
		t.Errorf("the error is %v", err)
	}
	update(t, s, func(tx *Tx) error { return tx.PutMeta("a", "b") })
	other := filepath.Join(t.TempDir(), "state.db")
	for range 2 { // closed, it can be opened again
		third, err := Open(t.Context(), other, Options{Unsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := third.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInspectMakesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if _, _, err := Inspect(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("there is a file now")
	}
}

func TestAFailureLeavesNothing(t *testing.T) {
	s, _ := fresh(t)
	boom := errors.New("boom")
	err := s.Update(t.Context(), func(tx *Tx) error {
		if err := tx.PutMeta("a", "b"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Error(err)
	}
	// Of two that share a transaction, one fails: the other stays.
	update(t, s, func(tx *Tx) error {
		for _, name := range []string{"one", "two"} {
			err := tx.Nested(func() error {
				if err := tx.PutMeta(name, "x"); err != nil {
					return err
				}
				if name == "one" {
					return boom
				}
				return nil
			})
			if (err != nil) != (name == "one") {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	err = s.View(t.Context(), func(tx *Tx) error {
		for name, want := range map[string]string{"a": "", "one": "", "two": "x"} {
			if got, err := tx.Meta(name); err != nil || got != want {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestNothingWrittenIsNoCommit(t *testing.T) {
	commits := 0
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), Options{Unsafe: true, After: func() { commits++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mark := s.Mark()
	update(t, s, func(tx *Tx) error { _, err := tx.Meta("x"); return err })
	update(t, s, func(tx *Tx) error {
		return tx.Nested(func() error { _, _, err := tx.Thread("none"); return err })
	})
	if commits != 0 || s.Mark() != mark {
		t.Errorf("%d commits, mark %d", commits, s.Mark())
	}
	update(t, s, func(tx *Tx) error { return tx.PutMeta("x", "y") })
	if commits != 1 || s.Mark() != mark+1 {
		t.Errorf("%d commits, mark %d", commits, s.Mark())
	}
}

// thread puts an open alert thread with one episode and one view.
func thread(t testing.TB, s *Store, id string, opened time.Time) bot.Thread {
	t.Helper()
	th := bot.Thread{ID: bot.ThreadID(id), Kind: bot.ThreadAlert, Subject: "s-" + id, Version: 1, OpenedAt: opened,
		State: bot.ThreadState{Alert: &bot.AlertState{GroupLabels: bot.Labels{"alertname": "A"}}}}
	update(t, s, func(tx *Tx) error {
		return errors.Join(
			tx.PutThread(th, "disk Full 100%", opened),
			tx.PutEpisode(bot.Episode{ID: bot.EpisodeID("epi_" + id), Thread: th.ID, Number: 1, Fingerprint: "f", StartsAt: opened, Labels: bot.Labels{"a": "ü"}}),
			tx.PutView(View{Thread: th.ID, Room: "ops", OwnRoot: true}, th, opened))
	})
	return th
}

func TestAViewIsDueWhileItShowsLess(t *testing.T) {
	s, _ := fresh(t)
	now := time.UnixMilli(1_000_000).UTC()
	th := thread(t, s, "thr_A", now)
	due := func() (n int) {
		err := s.View(t.Context(), func(tx *Tx) error {
			vs, err := tx.DueViews("ops", now, 10)
			n = len(vs)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if due() != 1 {
		t.Error("a new view is not due")
	}
	// A receipt for version 1 arrives after version 2 was written: still due.
	th.Version = 2
	update(t, s, func(tx *Tx) error { return tx.PutThread(th, "", now) })
	shown := func(version, seq int64) {
		update(t, s, func(tx *Tx) error {
			v, _, err := tx.View(th.ID, "ops")
			if err != nil {
				return err
			}
			v.Root, v.ShownVersion, v.SaidSeq = "m1", version, seq
			return tx.PutView(v, th, now)
		})
	}
	if shown(1, 0); due() != 1 {
		t.Error("the view that shows version 1 of 2 is not due")
	}
	if shown(2, 0); due() != 0 {
		t.Error("the view that shows everything is due")
	}
	th.LastSeq = 1
	update(t, s, func(tx *Tx) error { return tx.PutThread(th, "", now) })
	if due() != 1 {
		t.Error("the view that lacks an entry is not due")
	}
}

func TestSearch(t *testing.T) {
	s, _ := fresh(t)
	thread(t, s, "thr_A", time.UnixMilli(5000).UTC())
	for words, want := range map[string]int{"disk": 1, "FULL disk": 1, "100%": 1, "1%0": 0, "d_sk": 0, "": 1, "tape": 0} {
		err := s.View(t.Context(), func(tx *Tx) error {
			found, err := tx.FindThreads(words, 10)
			if len(found) != want {
				t.Errorf("%q finds %d", words, len(found))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestPruneKeepsWhatIsOpenOrUnshown(t *testing.T) {
	s, _ := fresh(t)
	now := time.UnixMilli(1 << 40).UTC()
	old := now.AddDate(-2, 0, 0)
	closed := thread(t, s, "thr_CLOSED", old)
	thread(t, s, "thr_OPEN", old)
	unshown := thread(t, s, "thr_UNSHOWN", old)
	update(t, s, func(tx *Tx) error {
		closed.ClosedAt, unshown.ClosedAt = old, old
		return errors.Join(tx.PutThread(closed, "", old), tx.PutThread(unshown, "", old),
			tx.PutView(View{Thread: closed.ID, Room: "ops", OwnRoot: true, Root: "m", ShownVersion: 1}, closed, old))
	})
	update(t, s, func(tx *Tx) error {
		n, err := tx.Prune(now, now.AddDate(-1, 0, 0))
		if n != 1 {
			t.Errorf("%d were pruned", n)
		}
		return err
	})
	err := s.View(t.Context(), func(tx *Tx) error {
		for id, want := range map[bot.ThreadID]bool{"thr_CLOSED": false, "thr_OPEN": true, "thr_UNSHOWN": true} {
			_, there, err := tx.Thread(id)
			es, eerr := tx.Episodes(id)
			if there != want || (len(es) > 0) != want {
				t.Errorf("%s: %v, %d episodes", id, there, len(es))
			}
			if err = errors.Join(err, eerr); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A thread that stays open for long keeps what fires, and what has just ended.
func TestPruneBoundsAnOpenThread(t *testing.T) {
	s, _ := fresh(t)
	now := time.UnixMilli(1 << 40).UTC()
	th := thread(t, s, "thr_OPEN", now.AddDate(0, -3, 0))
	update(t, s, func(tx *Tx) error {
		var errs []error
		for i, end := range []time.Time{now.AddDate(0, 0, -30), now.AddDate(0, 0, -8), now.AddDate(0, 0, -1), {}} {
			errs = append(errs, tx.PutEpisode(bot.Episode{ID: bot.EpisodeID(placeholder(i)), Thread: th.ID, Number: i + 2, Fingerprint: placeholder(i),
				StartsAt: now.AddDate(0, 0, -60), Resolved: !end.IsZero(), EndsAt: end}))
		}
		return errors.Join(errs...)
	})
	count := func() (n int) {
		if err := s.View(t.Context(), func(tx *Tx) error {
			es, err := tx.Episodes(th.ID)
			n = len(es)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	update(t, s, func(tx *Tx) error { _, err := tx.Prune(now, now.AddDate(-1, 0, 0)); return err })
	if after := count(); before-after != 2 {
		t.Errorf("of %d episodes %d are left", before, after)
	}
}

// What ended over a span is read the last end first, with how long it was silenced.
func TestEndedEpisodes(t *testing.T) {
	s, _ := fresh(t)
	now := time.UnixMilli(1 << 40).UTC()
	known := func() (at time.Time) {
		if err := s.View(t.Context(), func(tx *Tx) (err error) {
			at, err = tx.KnownSince()
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := known(); !at.IsZero() {
		t.Errorf("an empty state knows since %v", at)
	}
	th := thread(t, s, "thr_A", now.AddDate(0, 0, -9))
	if at := known(); at.IsZero() {
		t.Error("a state with a thread knows since never")
	}
	update(t, s, func(tx *Tx) error {
		var errs []error
		for i, end := range []time.Time{now.AddDate(0, 0, -8), now.AddDate(0, 0, -7), now.AddDate(0, 0, -1), {}} {
			e := bot.Episode{ID: bot.EpisodeID(placeholder(i)), Thread: th.ID, Fingerprint: placeholder(i), StartsAt: now.AddDate(0, 0, -9),
				Resolved: !end.IsZero(), EndsAt: end, SilencedFor: time.Duration(i) * time.Minute}
			errs = append(errs, tx.PutEpisode(e))
			e.SilencedFor, e.SilencedSince = e.SilencedFor*2, now
			errs = append(errs, tx.PutEpisode(e))
		}
		return errors.Join(errs...)
	})
	for most, want := range map[int]string{9: "$2 4m0s, $1 2m0s, ", 1: "$2 4m0s, "} {
		got := ""
		if err := s.View(t.Context(), func(tx *Tx) error {
			es, err := tx.EndedEpisodes(now.AddDate(0, 0, -7), most)
			for _, e := range es {
				got += string(e.ID) + " " + e.SilencedFor.String() + ", "
				if !e.SilencedSince.Equal(now) {
					t.Errorf("%s is silenced since %v", e.ID, e.SilencedSince)
				}
			}
			return err
		}); err != nil || got != want {
			t.Errorf("at most %d: %q, %v; want %q", most, got, err, want)
		}
	}
}

// BenchmarkEpisodes writes the alerts of one large webhook in one transaction.
func BenchmarkEpisodes(b *testing.B) {
	s, _ := fresh(b)
	for b.Loop() {
		update(b, s, func(tx *Tx) error {
			for i := range 10_000 {
				e := bot.Episode{ID: bot.EpisodeID("epi_" + time.Duration(i).String()), Thread: "thr_A", Number: i, Fingerprint: time.Duration(i).String(),
					StartsAt: time.UnixMilli(int64(i)), Labels: bot.Labels{"alertname": "A", "instance": "x"}}
				if err := tx.PutEpisode(e); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// BenchmarkCommit is one durable commit.
func BenchmarkCommit(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "s.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		update(b, s, func(tx *Tx) error { return tx.PutMeta("a", time.Now().String()) })
	}
}

// What was open within a time is found by its kind, whether it is over or not.
func TestThreadsDuring(t *testing.T) {
	s, _ := fresh(t)
	at := func(h int) time.Time { return time.Date(2026, 1, 10, h, 0, 0, 0, time.UTC) }
	update(t, s, func(tx *Tx) error {
		for _, th := range []bot.Thread{
			{ID: "thr_1", Kind: bot.ThreadMaintenance, Subject: "a", OpenedAt: at(1), ClosedAt: at(3)},
			{ID: "thr_2", Kind: bot.ThreadMaintenance, Subject: "a", OpenedAt: at(4), ClosedAt: at(6)},
			{ID: "thr_3", Kind: bot.ThreadMaintenance, Subject: "b", OpenedAt: at(5)},
			{ID: "thr_4", Kind: bot.ThreadNotice, Subject: "c", OpenedAt: at(1)},
		} {
			if err := tx.PutThread(th, "", at(0)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, x := range []struct {
		from, to int
		want     string
	}{{0, 1, ""}, {0, 2, "thr_1"}, {2, 3, "thr_1"}, {3, 4, ""}, {2, 5, "thr_1thr_2"}, {5, 6, "thr_2thr_3"}, {6, 23, "thr_3"}} {
		got := ""
		err := s.View(t.Context(), func(tx *Tx) error {
			ths, err := tx.ThreadsDuring(bot.ThreadMaintenance, at(x.from), at(x.to))
			for _, th := range ths {
				got += string(th.ID)
			}
			return err
		})
		if err != nil || got != x.want {
			t.Errorf("%d to %d: %s, %v; want %s", x.from, x.to, got, err, x.want)
		}
	}
}
