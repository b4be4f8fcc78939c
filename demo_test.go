package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
	simhost "watchstander/bot/sys/simulated"
)

// What a killed demo left goes with the next one; what lives, or is not ours to
// judge, stays.
func TestStaleDemosAreCleared(t *testing.T) {
	parent := t.TempDir()
	alive, err := newDemoDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	killed, err := newDemoDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.lock.Close(); err != nil { // as the kernel does for it
		t.Fatal(err)
	}
	other, precious := filepath.Join(parent, demoPrefix+"of-somebody"), filepath.Join(parent, "precious")
	for _, dir := range []string{other, precious} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(precious, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, filepath.Join(parent, demoPrefix+"link")); err != nil {
		t.Fatal(err)
	}
	next, err := newDemoDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, stays := range map[string]bool{alive.path: true, killed.path: false, other: true, precious: true, next.path: true} {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v, and it should stay: %t", path, err, stays)
		}
	}
	for _, d := range []demoDir{alive, next} {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	}
}

// The alert, the probe and the picture tell one figure.
func TestOneFigureEverywhere(t *testing.T) {
	s := newSimulatedHost(time.Now())
	s.set(&s.disk, 96)
	s.set(&s.load, 21)
	readings := map[string]string{}
	for _, r := range s.Read(t.Context()) {
		readings[r.What] = r.Value
	}
	if readings["disk /srv"] != "96 % of 1.8 TiB" || readings["load"] != "21.0 on 8 CPUs" {
		t.Errorf("the probe tells %v", readings)
	}
	p, err := s.Alert(t.Context(), bot.Episode{Labels: labels("DiskFull", "critical", "vulcan")})
	if err != nil || !strings.Contains(p.Alt, "vulcan 96%") {
		t.Errorf("the picture tells %q, %v", p.Alt, err)
	}
}

// The whole tour, as CI and newcomers see it: it finds out by itself whether all
// came as it should. What is asked here is that it is honest about what it is.
func TestTour(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	d, err := newDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := d.run(t.Context(), func(ctx context.Context) error { return d.tour(ctx, &out) }); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{
		"Nobody types: this program plays", "bob, played by this demo> ", "Your word does not count: alice asked for it",
		"DONE: Verified by 5 readings.", "UNDONE: Verifying did not succeed: units: 1 of 24 that were fine before are not",
		"What was before is back: running system generation 41, profile generation 41.", "WAITS FOR A WORD THAT ALL IS WELL", "lacks the proof that the rule wants (totp)",
		"alice agrees (with a time-based code)", "it waits for its window, which opens at", "everything happened as it should",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if _, err := findRestic(); (err == nil) != strings.Contains(out.String(), "restored and compared with the live file, 0 differ") {
		t.Errorf("restic: %v, and the tour says\n%s", err, &out)
	}
	if _, err := os.Stat(d.dir.path); err == nil {
		t.Error("the demo's folder stays")
	}
}

// Another outcome than expected is a failure at once, and is called what it is.
func TestTourFails(t *testing.T) {
	t.Parallel()
	d, err := newDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.operated.sim.Script(demoBroken, simhost.Activation{Takes: time.Millisecond}) // it goes well after all
	var out bytes.Buffer
	err = d.run(t.Context(), func(ctx context.Context) error {
		return d.played(ctx, &out, func(t *tour, ctx context.Context) error {
			return t.plays(ctx, []scene{
				{do: t.says("rollback 40"), want: planned},
				{do: t.bobSays("@plan approve"), ends: "UNDONE"},
			})
		})
	})
	if err == nil || !strings.Contains(err.Error(), "the plan ended as DONE, not as UNDONE") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// Without restic the tour says so and goes on; where everything must be real, it
// fails.
func TestTourWithoutRestic(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(requireReal, "")
	var out bytes.Buffer
	tour := &tour{d: &demo{operated: &demoOperated{}}, s: &screen{to: &out}}
	made := tour.d.operated.backUp(t.Context())
	if err := tour.backups(t.Context(), made); err != nil || !strings.Contains(out.String(), "apt-get install restic") {
		t.Errorf("%v, %s", err, &out)
	}
	t.Setenv(requireReal, "1")
	if err := tour.backups(t.Context(), made); err == nil {
		t.Error("it goes on where restic is required")
	}
}

// Who plays bob says what he will do, does it, and keeps to a denial.
func TestBobAgrees(t *testing.T) {
	t.Parallel()
	d, err := newDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = d.run(t.Context(), func(ctx context.Context) error {
		return d.played(ctx, &out, func(x *tour, ctx context.Context) error {
			x.bob.patience = 3 * time.Second
			notes := make(chan string, 10)
			ctx, stop := context.WithCancel(ctx)
			var all sync.WaitGroup
			all.Go(func() { x.bob.agrees(ctx, d.operated.bots(), notes) })
			defer all.Wait()
			defer stop()
			err := x.plays(ctx, []scene{
				{do: x.says("rollback"), want: planned},
				{do: x.says("@plan deny because it is too late tonight"), ends: "DENIED"},
				{do: x.says("rollback"), want: planned},
				{do: x.happens("nobody denies it", func() {}), want: []string{`» bob: approve`, `bob agrees`}, ends: "DONE"},
			})
			if err == nil && (len(notes) != 2 || !strings.Contains(<-notes, "whom this demo plays")) {
				t.Errorf("%d notes", len(notes))
			}
			return err
		})
	})
	if err != nil || strings.Count(out.String(), "» bob: approve") != 1 {
		t.Errorf("%v\n%s", err, &out)
	}
}

// A thread's link to the demo's Alertmanager leads to a page.
func TestDemoHasAPage(t *testing.T) {
	d, err := newDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = d.run(t.Context(), func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.amListen.Addr().String()+"/", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK || !bytes.Contains(b, []byte("simulated")) {
			t.Errorf("it answers %d, %s", resp.StatusCode, b)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.dir.path); err == nil {
		t.Error("the demo's folder stays")
	}
}
