package nixos_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/integrations/nixos"
)

// A run whose time is over while it looks has not succeeded.
func TestVerifyInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVulcan()
		r := v.integration(t, nil).Rollback()
		p, _ := plan(t, r, "")
		w := &fakeWork{notes: map[string]string{}}
		if err := r.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		rs, err := r.Verify(ctx, p, w)
		if err != nil || !strings.Contains(told(rs), "unknown | units |  | the time was over before two looks agreed\n") {
			t.Errorf("%v\n%s", err, told(rs))
		}
	})
}

// A run that was told to stop has minutes: its undoing looks once, at once, and says
// that it was one look. One that hears of it while it waits goes on at once.
func TestUndoOfAStoppedRun(t *testing.T) {
	for name, stops := range map[string]time.Duration{"before": 0, "while units settle": 10 * time.Second, "between two looks": 65 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVulcan()
				r := v.integration(t, func(o *nixos.Options) {
					o.Settle = time.Minute
					o.Checks = []nixos.Check{{Name: "web", Unit: "nginx.service"}}
				}).Rollback()
				p, _ := plan(t, r, "")
				w := &fakeWork{notes: map[string]string{}, stopping: make(chan struct{})}
				if err := r.Apply(t.Context(), p, w); err != nil {
					t.Fatal(err)
				}
				v.test[toplevel(42)] = func() outcome { v.units.set(failed("postgresql.service")); return outcome{lines: activating} }
				if began := time.Now(); stops == 0 {
					close(w.stopping)
				} else {
					time.AfterFunc(time.Until(began.Add(stops)), func() { close(w.stopping) })
				}
				began := time.Now()
				rs, err := r.Undo(t.Context(), p, w)
				if took := time.Since(began); err != nil || took != stops {
					t.Errorf("it took %s: %v", took, err)
				}
				for _, line := range []string{
					"ok | running system | generation 42 | it was activated again\n", "not ok | units | 1 of 3 that were fine before are not, in one look | \n",
					"not ok | unit postgresql.service | fails in the only look | failed: exit-code\n", "ok | health check web | fine in the only look | \n",
				} {
					if !strings.Contains(told(rs), line) {
						t.Errorf("%q is not in the evidence:\n%s", line, told(rs))
					}
				}
				if v.files.held {
					t.Error("the build lock is still held")
				}
			})
		})
	}
}

// Lines of scripts may hold anything; progress repeats none but those of known form.
func TestProgressRepeatsNothingOfScripts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVulcan()
		v.test[toplevel(41)] = func() outcome {
			return outcome{lines: "setting password=hunter2\nstopping the following units: nginx.service, $(hunter2), hunter2.service\nactivating the configuration...\nhunter2\n"}
		}
		var journal []string
		r := v.integration(t, func(o *nixos.Options) { o.Output = func(l string) { journal = append(journal, l) } }).Rollback()
		p, _ := plan(t, r, "")
		_, evidence, w, _ := run(t, r, p)
		for _, l := range w.lines {
			if strings.Contains(strings.ReplaceAll(l, "hunter2.service", ""), "hunter2") {
				t.Errorf("said %q", l)
			}
		}
		if strings.Contains(told(evidence), "hunter2") {
			t.Error(told(evidence))
		}
		if !slices.Contains(journal, "setting password=hunter2") {
			t.Errorf("the unit's journal got %q", journal)
		}
	})
}
