package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
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
