package nixos_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/bot/sys"
	"watchstander/integrations/nixos"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func failed(name string) sys.Unit {
	return sys.Unit{Name: name, Load: "loaded", Active: "failed", Sub: "failed", Result: "exit-code", Type: "simple"}
}

// after changes units some time after the activation began, and lets it end as it
// does by default.
func after(v *vulcan, d time.Duration, us ...sys.Unit) {
	time.AfterFunc(d, func() { v.units.set(us...) })
}

const activating = "stopping the following units: nginx.service\nactivating the configuration...\nstarting the following units: nginx.service\n"

// good is what is run when all is well.
const good = "41 test; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 41; 41 boot"

// attempt is a rollback of vulcan to generation 41, and what comes of it.
type attempt struct {
	name string
	// set prepares the host, before the plan; change its options.
	set    func(*vulcan)
	change func(*nixos.Options)
	want   bot.ProposalState
	// ran are the programs, current, profile and starts how the host ends.
	ran                       string
	current, profile, started int
	// evidence are lines that must be among the readings.
	evidence []string
	// said are parts of its lines of progress.
	said []string
}

// try makes attempts, each from its plan to its end.
func try(t *testing.T, attempts ...attempt) {
	t.Helper()
	for _, test := range attempts {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVulcan()
				if test.set != nil {
					test.set(v)
				}
				r := v.integration(t, test.change).Rollback()
				p, err := plan(t, r, "")
				if err != nil {
					t.Fatal(err)
				}
				state, evidence, w, err := run(t, r, p)
				if state != test.want {
					t.Errorf("it ended as %q (%v), want %q\n%s\n%s", state, err, test.want, told(evidence), strings.Join(w.lines, "\n"))
				}
				if got := strings.Join(v.ran(), "; "); got != test.ran {
					t.Errorf("it ran\n%s\nwant\n%s", got, test.ran)
				}
				if got, want := v.profile(t), "system-"+itoa(test.profile)+"-link"; got != want {
					t.Errorf("the profile is %s, want %s", got, want)
				}
				if v.current(t) != test.current || v.starts(t) != test.started {
					t.Errorf("%d runs and %d would start, want %d and %d", v.current(t), v.starts(t), test.current, test.started)
				}
				for _, line := range test.evidence {
					if !strings.Contains(told(evidence), line) {
						t.Errorf("%q is not in the evidence:\n%s", line, told(evidence))
					}
				}
				for _, line := range test.said {
					if !strings.Contains(strings.Join(w.lines, "\n"), line) {
						t.Errorf("it did not say %q:\n%s", line, strings.Join(w.lines, "\n"))
					}
				}
				if v.files.held || v.files.takes != 1 {
					t.Errorf("the build lock was taken %d times, and is held: %v", v.files.takes, v.files.held)
				}
				time.Sleep(time.Hour) // what units still do
			})
		})
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// isOn is a unit that is active.
func isOn(name, sub string) sys.Unit {
	return sys.Unit{Name: name, Load: "loaded", Active: "active", Sub: sub, Result: "success"}
}

// goes has a unit that is active be inactive after the switch, and active again when
// that is undone.
func goes(v *vulcan, u sys.Unit) {
	v.units.set(u)
	v.test[toplevel(41)] = func() outcome {
		off := u
		off.Active, off.Sub = "inactive", "dead"
		v.units.set(off)
		return outcome{lines: activating}
	}
	v.test[toplevel(42)] = func() outcome {
		v.units.set(u)
		return outcome{lines: activating}
	}
}
