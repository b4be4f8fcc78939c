package nixos_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot/sys"
	"watchstander/integrations/nixos"
)

func TestConfigurationBuild(t *testing.T) {
	const unit, result = "nixos-config-build.service", "/var/lib/nixos-config-build/result"
	ended := func(state, how string, started, ago time.Duration) *sys.Unit {
		now := time.Now()
		return &sys.Unit{Name: unit, Load: "loaded", Active: state, Sub: "dead", Result: how, Type: "oneshot", Started: now.Add(-started), Since: now.Add(-ago)}
	}
	never := &sys.Unit{Name: unit, Load: "loaded", Active: "inactive", Sub: "dead", Result: "success", Type: "oneshot"}
	for _, c := range []struct {
		name string
		unit func() *sys.Unit
		// to is what the link leads to, "" for no link; made how long ago.
		to   string
		made time.Duration
		do   func(*vulcan)
		want string
	}{
		{"it never ran", func() *sys.Unit { return never }, "", 0, nil, "unknown |  | it never ran | 0 "},
		{"no unit", nil, "", 0, nil, "unknown |  | there is no unit nixos-config-build.service | 0 "},
		{"no unit any more", nil, toplevel(42), time.Hour, nil,
			"unknown | built 1 h ago, nixos-system-vulcan-25.11.42: the one that runs | there is no unit nixos-config-build.service | 3600 s"},
		{"what runs", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, toplevel(42), 6 * time.Hour, nil,
			"ok | built 6 h ago, nixos-system-vulcan-25.11.42: the one that runs |  | 21600 s"},
		{"another one", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, toplevel(40), 6 * time.Hour, nil,
			"ok | built 6 h ago, nixos-system-vulcan-25.11.40: another one than runs, not switched to |  | 21600 s"},
		{"what the next boot starts", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, toplevel(42), 6 * time.Hour,
			func(v *vulcan) { v.files.link("/run/current-system", toplevel(41)) },
			"ok | built 6 h ago, nixos-system-vulcan-25.11.42: another one than runs, and the one that the next boot starts |  | 21600 s"},
		{"what runs and is not booted next", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, toplevel(41), 6 * time.Hour,
			func(v *vulcan) { v.files.link("/run/current-system", toplevel(41)) },
			"ok | built 6 h ago, nixos-system-vulcan-25.11.41: the one that runs, and another one than the next boot starts |  | 21600 s"},
		{"it failed after one that worked", func() *sys.Unit { return ended("failed", "exit-code", 4*time.Hour, 3*time.Hour) }, toplevel(42), 27 * time.Hour, nil,
			"not ok | built 1 d 3 h ago, nixos-system-vulcan-25.11.42: the one that runs | the last build failed (exit-code) 3 h ago: `journalctl -u nixos-config-build.service` on the host says why | 97200 s"},
		{"it failed always", func() *sys.Unit { return ended("failed", "timeout", 4*time.Hour, 3*time.Hour) }, "", 0, nil,
			"not ok |  | the last build failed (timeout) 3 h ago: `journalctl -u nixos-config-build.service` on the host says why; none that worked has left a result | 0 "},
		{"too old", func() *sys.Unit { return never }, toplevel(42), 60 * time.Hour, nil,
			"not ok | built 2 d 12 h ago, nixos-system-vulcan-25.11.42: the one that runs | that is longer than 2 d; it has not run since the boot | 216000 s"},
		{"it says success and leaves nothing", func() *sys.Unit { return ended("inactive", "success", 2*time.Hour, time.Hour) }, "", 0, nil,
			"unknown |  | its last run ended well, and there is no result at /var/lib/nixos-config-build/result | 0 "},
		{"it says success and leaves nothing new", func() *sys.Unit { return ended("inactive", "success", 2*time.Hour, time.Hour) }, toplevel(42), 26 * time.Hour, nil,
			"unknown | built 1 d 2 h ago, nixos-system-vulcan-25.11.42: the one that runs | its last run ended well, and has left no new result | 93600 s"},
		{"it builds", func() *sys.Unit { return ended("activating", "success", time.Minute, time.Minute) }, toplevel(42), 24 * time.Hour, nil,
			"ok | built 1 d ago, nixos-system-vulcan-25.11.42: the one that runs | a build is running | 86400 s"},
		{"it builds for the first time", func() *sys.Unit { return ended("activating", "success", time.Minute, time.Minute) }, "", 0, nil,
			"unknown |  | nothing was built before; a build is running | 0 "},
		{"collected", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, store("gone"), 6 * time.Hour, nil,
			"unknown | built 6 h ago | what was built is not there any more | 21600 s"},
		{"no system", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, store("hello"), 6 * time.Hour,
			func(v *vulcan) { v.files.file(store("hello")+"/bin/hello", "") },
			"not ok | built 6 h ago | what was built is no whole system: it lacks bin/switch-to-configuration, activate, init and 4 more | 21600 s"},
		{"somewhere else", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, "/etc", 6 * time.Hour, nil,
			"not ok | built 6 h ago | what was built is nothing of the Nix store | 21600 s"},
		{"no link", func() *sys.Unit { return ended("inactive", "success", 7*time.Hour, 6*time.Hour) }, "", 0,
			func(v *vulcan) { v.files.put(result, node{mode: fs.ModeDir}) },
			"unknown |  | /var/lib/nixos-config-build/result is no link, as a build leaves it | 0 "},
		{"systemd is away", func() *sys.Unit { return never }, toplevel(42), time.Hour, func(v *vulcan) { v.units.err = errors.New("no bus") },
			"unknown | built 1 h ago, nixos-system-vulcan-25.11.42: the one that runs | systemd does not tell how the last build ended | 3600 s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVulcan()
				time.Sleep(time.Until(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)))
				if c.unit != nil {
					v.units.set(*c.unit())
				}
				if c.to != "" {
					v.files.put(result, node{mode: fs.ModeSymlink, data: c.to, mtime: time.Now().Add(-c.made)})
				}
				if c.do != nil {
					c.do(v)
				}
				got := ""
				n := v.integration(t, func(o *nixos.Options) { o.Build = nixos.Build{Unit: unit, Result: result} })
				for _, r := range n.Probe().Read(t.Context()) {
					if r.What == "configuration build" {
						got = fmt.Sprintf("%s | %s | %s | %v %s", r.State, r.Value, r.Note, r.Figure, r.Unit)
					}
				}
				if got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			})
		})
	}
}

func TestNoConfigurationBuild(t *testing.T) {
	for _, r := range newVulcan().integration(t, nil).Probe().Read(t.Context()) {
		if r.What == "configuration build" {
			t.Errorf("nobody asked: %+v", r)
		}
	}
}
