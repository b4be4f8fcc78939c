package nixos_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

func TestBuildLock(t *testing.T) {
	t.Run("it is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newVulcan()
			r := v.integration(t, nil).Rollback()
			p, _ := plan(t, r, "")
			v.files.holder = "process 4711 (nixos-rebuild)"
			time.AfterFunc(2*time.Minute, func() { v.files.mu.Lock(); v.files.holder = ""; v.files.mu.Unlock() })
			w := &fakeWork{notes: map[string]string{}}
			if err := r.Apply(t.Context(), p, w); err != nil {
				t.Fatal(err)
			}
			if want := "Waiting for the build lock: /var/lock/build.lock is held by process 4711 (nixos-rebuild)."; w.lines[0] != want {
				t.Errorf("said %q", w.lines[0])
			}
			if v.files.holder != "watchstander pln_TEST" {
				t.Errorf("held by %q", v.files.holder)
			}
		})
	})
	t.Run("but not for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newVulcan()
			r := v.integration(t, nil).Rollback()
			p, _ := plan(t, r, "")
			v.files.holder = "process 4711 (nixos-rebuild)"
			state, _, _, err := run(t, r, p)
			if want := "The build lock is still taken after 5 min: /var/lock/build.lock is held by process 4711 (nixos-rebuild). Nothing was changed."; bot.ForPeople(err) != want {
				t.Errorf("got %v", err)
			}
			if state != bot.Undone || len(v.ran()) > 0 || v.files.holder != "process 4711 (nixos-rebuild)" {
				t.Errorf("%s; ran %v; the lock is with %q", state, v.ran(), v.files.holder)
			}
		})
	})
	t.Run("nor beyond the time in which it may begin", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newVulcan()
			r := v.integration(t, nil).Rollback()
			p, _ := plan(t, r, "")
			v.files.holder = "process 4711 (nixos-rebuild)"
			began := time.Now()
			time.AfterFunc(3*time.Minute, func() { v.files.mu.Lock(); v.files.holder = ""; v.files.mu.Unlock() })
			w := &fakeWork{notes: map[string]string{}, by: began.Add(2 * time.Minute)}
			err := r.Apply(t.Context(), p, w)
			if want := "The time in which it may begin was over before the build lock was free: /var/lock/build.lock is held by process 4711 (nixos-rebuild). Nothing was changed; ask again."; err == nil || bot.ForPeople(err) != want {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 2*time.Minute+time.Second || len(v.ran()) > 0 || v.files.held {
				t.Errorf("after %s it ran %v, and has the lock: %v", took, v.ran(), v.files.held)
			}
		})
	})
	t.Run("it is free when that time is over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newVulcan()
			r := v.integration(t, nil).Rollback()
			p, _ := plan(t, r, "")
			w := &fakeWork{notes: map[string]string{}, by: time.Now()}
			if err := r.Apply(t.Context(), p, w); err == nil || !strings.HasPrefix(bot.ForPeople(err), "The time in which it may begin was over when the build lock was free.") {
				t.Errorf("got %v", err)
			}
			if _, err := r.Undo(t.Context(), p, w); err != nil || len(v.ran()) > 0 || v.files.held {
				t.Errorf("%v; it ran %v, and has the lock: %v", err, v.ran(), v.files.held)
			}
		})
	})
	t.Run("the run's time is over first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newVulcan()
			r := v.integration(t, nil).Rollback()
			p, _ := plan(t, r, "")
			v.files.holder = "somebody"
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := r.Apply(ctx, p, &fakeWork{notes: map[string]string{}})
			if !errors.Is(err, context.DeadlineExceeded) || len(v.ran()) > 0 {
				t.Errorf("got %v; ran %v", err, v.ran())
			}
		})
	})
}
