package nixos_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"watchstander/bot"
)

// How the activation ends, and what it leaves undone.
func TestRollbackByActivation(t *testing.T) {
	try(t,
		attempt{name: "all is well", want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | running system | generation 41 | \n",
			"ok | activation | ended with 0 (it went through) | \n",
			"ok | units | 3 that were fine before are fine, in two looks 15 s apart | \n",
			"ok | profile | generation 41 | \n",
			"ok | boot default | generation 41 | \n",
		}},
		attempt{name: "exit codes alone decide nothing", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{lines: activating, exit: 1} }
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | activation | ended with 1 (it gave up) | it left nothing undone, and names nothing that failed; the looks at the units decide\n",
		}},
		attempt{name: "it ends with 0, and has left units to be started", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.files.file("/run/nixos/start-list", "web.service\n")
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.files.delete("/run/nixos/start-list")
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | activation | ended with 0 (it went through) | it was cut off: start-list of it is left to be done\n",
		}},
		attempt{name: "whether it has left something cannot be read", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.files.refused = map[string]bool{"/run/nixos/start-list": true}
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.files.refused = nil
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | activation | ended with 0 (it went through) | whether something of it is left to be done cannot be read\n",
		}},
		attempt{name: "it ends with 0, and /etc is still that of before", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.files.link("/run/current-system", toplevel(41))
				return outcome{lines: activating, still: true}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | activation | ended with 0 (it went through) | /etc is another system's (",
		}},
		attempt{name: "a part of the activation script fails", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				return outcome{lines: activating + "Activation script snippet 'users' failed (1)\nFailed to run activate script\n", exit: 2}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | activation | ended with 2 (a part of the activation script failed) | failed: users\n",
		}},
		attempt{name: "its init is not compatible, which the plan could not see", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{exit: 100, still: true} }
		}, want: bot.Undone, ran: "41 test", current: 42, profile: 42, started: 42},
		attempt{name: "somebody else switches at that moment", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{lines: "Could not acquire lock\n", exit: 11, still: true} }
		}, want: bot.Undone, ran: "41 test", current: 42, profile: 42, started: 42},
		attempt{name: "its pre-switch checks fail", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				return outcome{lines: "There are changes to critical components of the system:\nPre-switch checks failed\n", exit: 1, still: true}
			}
		}, want: bot.Undone, ran: "41 test", current: 42, profile: 42, started: 42},
		attempt{name: "it dies half-way, with units stopped", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("nginx.service"))
				return outcome{lines: "stopping the following units: nginx.service\n", exit: 1, still: true}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42},
		attempt{name: "it is killed for taking too long", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{err: context.DeadlineExceeded} }
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42},
	)
}

// Exit codes are no evidence: neither the switch's, nor nix-env's.
func TestExitZeroIsNoEvidence(t *testing.T) {
	t.Run("the switch", func(t *testing.T) {
		v := newVulcan()
		v.test[toplevel(41)] = func() outcome { return outcome{lines: activating, still: true} }
		r := v.integration(t, nil).Rollback()
		p, err := plan(t, r, "41")
		if err != nil {
			t.Fatal(err)
		}
		err = r.Apply(t.Context(), p, &fakeWork{notes: map[string]string{}})
		if want := "After activating generation 41 it is not what runs: switch-to-configuration ended with 0 (it went through)."; err == nil || bot.ForPeople(err) != want {
			t.Errorf("got %v", err)
		}
	})
	// Of two generations with one system, only the number tells where the profile is.
	t.Run("nix-env", func(t *testing.T) {
		v := newVulcan()
		v.files.link(profiles+"/system-41-link", toplevel(42))
		v.nixEnv = outcome{still: true}
		r := v.integration(t, nil).Rollback()
		p, err := plan(t, r, "41")
		if err != nil {
			t.Fatal(err)
		}
		w := &fakeWork{notes: map[string]string{}}
		if err := r.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Commit(t.Context(), p, w); err == nil || bot.ForPeople(err) != "The profile of vulcan could not be set to generation 41." {
			t.Errorf("got %v", err)
		}
	})
}

// What changed between the plan and its turn is refused before anything is done;
// the agent's second look would as well.
func TestApplyIsNotForAnotherHost(t *testing.T) {
	tests := []struct {
		name   string
		change func(*vulcan)
		want   string
	}{
		{"another system runs", func(v *vulcan) { v.files.link("/run/current-system", toplevel(40)) }, "another system runs"},
		{"a deployment set the profile", func(v *vulcan) {
			v.generation(43)
			v.files.link(profiles+"/system", "system-43-link")
		}, "the profile points at generation 43"},
		{"the generation was deleted", func(v *vulcan) { v.files.delete(profiles + "/system-41-link") }, "generation 41 is gone"},
		{"its system was collected", func(v *vulcan) { v.files.delete(toplevel(41)) }, "generation 41 is not whole any more"},
		{"the number means another system", func(v *vulcan) { v.files.link(profiles+"/system-41-link", toplevel(40)) }, "generation 41 is another system"},
		{"the host was started anew", func(v *vulcan) {
			v.files.file("/proc/sys/kernel/random/boot_id", "f3a1c9de-0000-4000-8000-000000000002\n")
		}, "it was started anew"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVulcan()
				r := v.integration(t, nil).Rollback()
				p, err := plan(t, r, "41")
				if err != nil {
					t.Fatal(err)
				}
				test.change(v)
				w := &fakeWork{notes: map[string]string{}}
				err = r.Apply(t.Context(), p, w)
				if want := "vulcan is no longer as the plan says: " + test.want + ". Nothing was changed; ask again."; err == nil || bot.ForPeople(err) != want {
					t.Errorf("got  %v\nwant %s", err, want)
				}
				if ran := v.ran(); len(ran) > 0 {
					t.Errorf("it ran %v", ran)
				}
				// And the plan that would be made now differs in what binds it.
				again, err := plan(t, r, "41")
				if err == nil && slices.Equal(again.Draft.Bound, p.Draft.Bound) {
					t.Error("a plan made now binds the same")
				}
				if _, err := r.Undo(t.Context(), p, w); err != nil {
					t.Error(err)
				}
				if v.files.held {
					t.Error("the build lock is still held")
				}
			})
		})
	}
}
