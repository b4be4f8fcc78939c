package agent

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

// onErrands plays on a simulated host whose unit executes do.
func onErrands(t *testing.T, do func(context.Context, sys.Transient) int, play func(*testing.T, *simulated.Host, *Systemd, Spawn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, err := simulated.New(simulated.Options{Dir: t.TempDir(), Exec: func(ctx context.Context, _ sys.Host, x sys.Transient) int { return do(ctx, x) }})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		s := &Systemd{Units: h.Sys().Units, Log: quiet(), Network: func(Spawn) bool { return true }, Devices: func(Spawn) bool { return false },
			Argv: func(own string, x Spawn) []string { return []string{own, string(x.Operation)} }, own: func() (string, error) { return "/usr/local/bin/watchstander", nil }}
		play(t, h, s, Spawn{Operation: "backup.ask", Unit: "watchstander-backup-ask.service", Description: "asks", Limit: 2 * time.Minute, Writable: []string{"/var/lib/x"},
			Exits: map[int]string{4: "It found another file. Restart the agent."}})
	})
}

// An errand is over when its unit is; how it ended is told; nothing of it is left,
// and the next one can be sent.
func TestErrandEnds(t *testing.T) {
	for _, x := range []struct {
		name string
		code int
		time time.Duration
		want string // "" for no error
		took time.Duration
	}{
		{"well", 0, 5 * time.Second, "", 5 * time.Second},
		{"with an exit code", 3, 5 * time.Second, "watchstander-backup-ask.service failed with exit code 3; its log has the cause.", 5 * time.Second},
		{"with an exit code that says more", 4, 5 * time.Second, "It found another file. Restart the agent.", 5 * time.Second},
		{"at its limit", 0, time.Hour, "watchstander-backup-ask.service was ended after 2 min.", 2 * time.Minute},
	} {
		t.Run(x.name, func(t *testing.T) {
			all := make(chan sys.Transient, 2)
			onErrands(t, func(ctx context.Context, u sys.Transient) int {
				all <- u
				select {
				case <-time.After(x.time):
				case <-ctx.Done():
					return 143
				}
				return x.code
			}, func(t *testing.T, h *simulated.Host, s *Systemd, spawn Spawn) {
				for range 2 {
					began := time.Now()
					err := s.Errand(t.Context(), spawn)
					if took := time.Since(began); took < x.took || took > x.took+2*time.Second {
						t.Errorf("it took %s", took)
					}
					if x.want == "" && err != nil || x.want != "" && (err == nil || bot.ForPeople(err) != x.want) {
						t.Errorf("%v, want %q", err, x.want)
					}
					if u, err := s.Units.Unit(t.Context(), spawn.Unit); err != nil || u.Load != "not-found" {
						t.Errorf("left: %+v, %v", u, err)
					}
				}
				seen := []sys.Transient{<-all, <-all}
				if !seen[0].Network || seen[0].Devices || seen[0].Limit != 2*time.Minute || !slices.Equal(seen[0].Writable, []string{"/var/lib/x"}) ||
					!slices.Equal(seen[0].Argv, []string{"/usr/local/bin/watchstander", "backup.ask"}) {
					t.Errorf("%+v", seen)
				}
			})
		})
	}
}

// The agent is restarted while an errand is under way: the next one waits for it and
// sends no second; one that has failed unseen is in nobody's way.
func TestErrandOfAnEarlierAgent(t *testing.T) {
	var runs, code atomic.Int32
	onErrands(t, func(ctx context.Context, _ sys.Transient) int {
		runs.Add(1)
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
		}
		return int(code.Load())
	}, func(t *testing.T, h *simulated.Host, s *Systemd, spawn Spawn) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := s.Errand(ctx, spawn); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		began := time.Now()
		if err := s.Errand(t.Context(), spawn); err != nil || runs.Load() != 1 || time.Since(began) < 39*time.Second || time.Since(began) > 42*time.Second {
			t.Errorf("%v after %s, %d runs", err, time.Since(began), runs.Load())
		}
		code.Store(1)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = s.Errand(ctx, spawn)
		time.Sleep(2 * time.Minute)
		if u, _ := s.Units.Unit(t.Context(), spawn.Unit); u.Active != "failed" {
			t.Fatalf("%+v", u)
		}
		code.Store(0)
		if err := s.Errand(t.Context(), spawn); err != nil || runs.Load() != 3 {
			t.Errorf("%v, %d runs", err, runs.Load())
		}
	})
}

// Where systemd takes no unit, that is told, and the cause goes to the log.
func TestErrandThatCannotBeSent(t *testing.T) {
	b := &bus{err: fs.ErrPermission}
	s := &Systemd{Units: b, Log: quiet(), Network: func(Spawn) bool { return true }, Devices: func(Spawn) bool { return false }, Argv: func(own string, _ Spawn) []string { return []string{own} },
		own: func() (string, error) { return "/usr/local/bin/watchstander", nil }}
	err := s.Errand(t.Context(), Spawn{Unit: "x.service", Limit: time.Minute})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(bot.ForPeople(err), "x.service cannot be started") || strings.Contains(bot.ForPeople(err), "permission") {
		t.Errorf("%v: %s", err, bot.ForPeople(err))
	}
}
