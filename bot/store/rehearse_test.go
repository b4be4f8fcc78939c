package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func TestRehearse(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), filepath.Join(dir, "state.db"), Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Update(t.Context(), func(tx *Tx) error {
		return tx.PutThread(bot.Thread{ID: "thr_1", Kind: bot.ThreadNotice, OpenedAt: time.Now()}, "", time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Rehearse(t.Context())
	if err != nil || r.Threads != 1 || r.Journal != 0 || r.Bytes < 4096 {
		t.Errorf("%+v, %v", r, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "rehearsal-") {
			t.Errorf("%s is left over", e.Name())
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Rehearse(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a rehearsal that was called off: %v", err)
	}
}

// A copy that would fill the disk is not made.
func TestNoRoomToRehearse(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), filepath.Join(dir, "state.db"), Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	free := int64(rehearsalMargin)
	s.free = func(of string) (int64, error) {
		if of != dir {
			t.Errorf("asked of %s", of)
		}
		return free, nil
	}
	if _, err := s.Rehearse(t.Context()); !errors.Is(err, ErrNoRoom) {
		t.Errorf("%v", err)
	}
	free += 64 << 20
	if _, err := s.Rehearse(t.Context()); err != nil {
		t.Error(err)
	}
	if n, err := freeSpace(dir); err != nil || n <= 0 {
		t.Errorf("%d, %v", n, err)
	}
}

// What a rehearsal left that was killed goes when the state is opened, and not before its
// lock is held; another state's copy stays.
func TestCopiesOfKilledRehearsalsGo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	left, others := filepath.Join(dir, rehearsalPrefix(path)+"123"), filepath.Join(dir, rehearsalPrefix(filepath.Join(dir, "other.db"))+"123")
	leave := func() {
		for _, d := range []string{left, others} {
			if err := os.MkdirAll(d, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(d, "state.db"), []byte("a copy"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	there := func(p string) bool { _, err := os.Stat(p); return err == nil }
	leave()
	s, err := Open(t.Context(), path, Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if there(left) || !there(others) {
		t.Errorf("its own is there: %v, another's: %v", there(left), there(others))
	}
	leave() // by the one that runs
	if _, err := Open(t.Context(), path, Options{Unsafe: true}); err == nil || !there(left) {
		t.Errorf("a second one: %v, the copy is there: %v", err, there(left))
	}
}
