package store

import (
	"context"
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
	if _, err := s.Rehearse(ctx); err == nil {
		t.Error("a rehearsal that was called off counts")
	}
}
