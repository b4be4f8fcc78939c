package nixos_test

import (
	"errors"
	"net/http"
	"testing"

	"watchstander/bot"
	"watchstander/integrations/nixos"
)

// What happens where it is made to last, and on the way back.
func TestRollbackMadeLast(t *testing.T) {
	try(t,
		attempt{name: "going back fails too", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("nginx.service"), failed("postgresql.service"))
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("nginx.service"))
				return outcome{lines: activating, exit: 4}
			}
		}, want: bot.UndoFailed, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | units | 1 of 3 that were fine before are not, in two looks 15 s apart | \nnot ok | unit postgresql.service |",
		}},
		attempt{name: "the profile cannot be set", set: func(v *vulcan) { v.nixEnv = outcome{exit: 1} },
			want: bot.UndoFailed, current: 42, profile: 42, started: 42,
			ran: "41 test; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 41; " +
				"/run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 42; 42 test"},
		attempt{name: "the boot menu cannot be written", set: func(v *vulcan) { v.boot[toplevel(41)] = outcome{exit: 1} },
			want: bot.Undone, current: 42, profile: 42, started: 42,
			ran: good + "; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 42; 42 test; 42 boot"},
		attempt{name: "the boot menu is written, but starts another system", set: func(v *vulcan) { v.boot[toplevel(41)] = outcome{still: true} },
			want: bot.Undone, current: 42, profile: 42, started: 42,
			ran: good + "; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 42; 42 test; 42 boot"},
		attempt{name: "where the loader keeps its default is unknown, and said", change: func(o *nixos.Options) { o.GrubConfig = "/boot1/grub.cfg" },
			want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{"unknown | boot default |  | GRUB's menu cannot be read\n"}},
		attempt{name: "systemd does not answer", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.err = errors.New("no bus")
				return outcome{lines: activating}
			}
		}, want: bot.UndoFailed, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{"unknown | units |  | systemd did not tell how they are\n"}},
	)
}

// The health checks of the host.
func TestRollbackByChecks(t *testing.T) {
	try(t,
		attempt{name: "a health check fails, and did not before", change: func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "db", Argv: []string{"/bin/db-check"}}}
		}, set: func(v *vulcan) {
			bad := false
			v.programs["/bin/db-check"] = func() outcome {
				if bad {
					return outcome{exit: 3}
				}
				return outcome{}
			}
			v.test[toplevel(41)] = func() outcome { bad = true; return outcome{lines: activating} }
			v.test[toplevel(42)] = func() outcome { bad = false; return outcome{lines: activating} }
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | health check db | fails in both looks | db-check ended with 3\n", "ok | health check db | fine in both looks | \n",
		}},
		attempt{name: "a health check failed before, and is not asked of the way back", change: func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "web", URL: "http://127.0.0.1:8080/health"}}
			o.Get = func(r *http.Request) (*http.Response, error) {
				if r.URL.String() != "http://127.0.0.1:8080/health" {
					return nil, errors.New("another URL")
				}
				return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | health check web | fails in both looks | it answers with status 503; it did not hold before either\n",
		}, said: []string{"Before the switch, the health check web does not hold: it answers with status 503. Unless it holds afterwards, all is undone."}},
		attempt{name: "a health check that failed before, and that the target mends", change: func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "web", URL: "http://127.0.0.1:8080/health"}}
			asked := 0
			o.Get = func(*http.Request) (*http.Response, error) {
				if asked++; asked <= 2 { // by the plan, and before the switch
					return nil, errors.New("connection refused")
				}
				return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{"ok | health check web | fine in both looks | \n"}, said: []string{
			"Before the switch, the health check web does not hold: it does not answer.",
		}},
		attempt{name: "a unit as a health check, while it reloads", set: func(v *vulcan) {
			u := isOn("web.service", "reload")
			u.Active, u.Type = "reloading", "notify"
			v.units.set(u)
		}, change: func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "web", Unit: "web.service"}}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{"ok | health check web | fine in both looks | \n"}},
		attempt{name: "a unit as a health check", change: func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "web", Unit: "nginx.service"}}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{"ok | health check web | fine in both looks | \n"}},
	)
}
