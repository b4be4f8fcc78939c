package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Somebody else holds SQLite's lock for a moment, as a reader may that met a writer: two
// writers wait for it, and time goes on meanwhile. Who is called off waits no longer.
func TestWritersWaitForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), path, Options{Unsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		other, err := open(path, Options{Unsafe: true}, "immediate", 1)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := other.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ctx, callOff := context.WithCancel(t.Context())
		ended := make(chan error, 3)
		for range 2 {
			go func() { ended <- s.Update(t.Context(), func(tx *Tx) error { return tx.PutMeta("a", "b") }) }()
		}
		time.Sleep(time.Millisecond)
		go func() { ended <- s.Update(ctx, func(*Tx) error { return nil }) }()
		time.Sleep(time.Millisecond)
		callOff()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("called off: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
		if len(ended) > 0 {
			t.Error("somebody wrote beside the lock")
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("it took %s", d)
		}
		if err := errors.Join(other.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
}
