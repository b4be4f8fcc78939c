package restic

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// A real systemd reads the same files, and gives what they set to programs that
// write down their environment.
func TestParseEnvironmentAsSystemd(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "ws-env")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	units := map[string]string{}
	var names []string
	for i, e := range environments {
		file := filepath.Join(dir, fmt.Sprintf("%d.env", i))
		must(t, os.WriteFile(file, []byte(e.text), 0o600))
		name := fmt.Sprintf("env%d.service", i)
		names = append(names, name)
		units[name] = fmt.Sprintf("[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nEnvironmentFile=%s\nExecStart=/usr/bin/env -0\nStandardOutput=file:%s/%d.out\n", file, dir, i)
	}
	real.StartSystemd(t, units, names...)
	for i, e := range environments {
		want, err := parseEnvironment(e.text)
		must(t, err)
		last := map[string]string{}
		for _, v := range want {
			last[v.name] = v.value
		}
		real.Eventually(t, 10*time.Second, "systemd runs env", func() error {
			// LANG and its like are systemd's own; it writes at once, as the file is small.
			text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.out", i)))
			if err != nil {
				return err
			}
			if len(text) == 0 {
				return errors.New("nothing yet")
			}
			return nil
		})
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.out", i)))
		must(t, err)
		all := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		for name, value := range last {
			if !slices.Contains(all, name+"="+value) {
				t.Errorf("%s: systemd sets %q, and not %s=%q", e.name, all, name, value)
			}
		}
		for _, v := range all {
			if name, _, _ := strings.Cut(v, "="); len(name) == 1 && name != "_" {
				if _, ok := last[name]; !ok {
					t.Errorf("%s: systemd also sets %q", e.name, v)
				}
			}
		}
	}
}
