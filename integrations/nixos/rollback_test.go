package nixos_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
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

func TestRollback(t *testing.T) {
	const good = "41 test; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 41; 41 boot"
	tests := []struct {
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
	}{
		{name: "all is well", want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | running system | generation 41 | \n",
			"ok | activation | ended with 0 (it went through) | \n",
			"ok | units | 3 that were fine before are fine, in two looks 15 s apart | \n",
			"ok | profile | generation 41 | \n",
			"ok | boot default | generation 41 | \n",
		}},
		{name: "a unit fails for good, although the switch ends with 0", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("postgresql.service"))
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("postgresql.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | units | 1 of 3 that were fine before are not, in two looks 15 s apart | \n",
			"not ok | unit postgresql.service | fails in both looks | failed: exit-code\n",
			"ok | running system | generation 42 | it was activated again\n",
			"ok | units | 3 that were fine before are fine, in two looks 15 s apart | \n",
		}},
		{name: "units failed while it switched, and are fine afterwards", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("nginx.service"))
				after(v, 20*time.Second, service("nginx.service"))
				return outcome{lines: activating + "warning: the following units failed: nginx.service\n", exit: 4}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | activation | ended with 4 (units failed while it switched) | failed right afterwards: nginx.service; the looks at the units decide\n",
		}},
		{name: "a unit fails in the first look only", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("nginx.service"))
				after(v, 40*time.Second, service("nginx.service")) // between the looks at 30 s and 45 s
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
		{name: "a unit that takes minutes to start is waited for", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				starting := service("nginx.service")
				starting.Active, starting.Sub = "activating", "start"
				v.units.set(starting)
				after(v, 3*time.Minute, service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
		{name: "a unit that never ends starting is unknown, which is no success", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				starting := service("nginx.service")
				starting.Active, starting.Sub = "activating", "start"
				v.units.set(starting)
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit nginx.service |  | it is still being started\n",
		}},
		{name: "a crash loop that is up whenever somebody looks", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				for i := 1; i < 60; i++ {
					u := service("nginx.service")
					u.Restarts = i
					after(v, time.Duration(i)*10*time.Second, u)
				}
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				after(v, 10*time.Minute, service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.UndoFailed, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | unit nginx.service | fails in both looks | systemd had to restart it",
		}},
		{name: "a service that the switch restarted just stopped", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				stopped := service("nginx.service")
				stopped.Active, stopped.Sub = "inactive", "dead"
				v.units.set(stopped)
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | unit nginx.service | fails in both looks | it ran, was started anew by the switch, and does not run\n",
		}},
		{name: "a unit that the target does not have is gone", set: func(v *vulcan) {
			v.files.delete(etc(41) + "/systemd/system/nginx.service")
			v.test[toplevel(41)] = func() outcome {
				delete(v.units.all, "nginx.service")
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | units | 2 of 3 that were fine before are fine, in two looks 15 s apart; no longer there, and no part of what runs now: nginx.service | \n",
		}},
		{name: "a unit that the target has is gone", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				delete(v.units.all, "nginx.service")
				return outcome{lines: "activating the configuration...\n"}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | unit nginx.service | fails in both looks | systemd does not know it, though what runs now has its file\n",
		}},
		{name: "what the target has cannot be read, and a unit is gone", set: func(v *vulcan) {
			v.files.file("/run/nothing", "")
			v.test[toplevel(41)] = func() outcome {
				v.files.delete(etc(41) + "/systemd")
				v.files.link(etc(41)+"/systemd/system", "/run/nothing")
				delete(v.units.all, "nginx.service")
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit nginx.service |  | it is no longer there, and whether it should be cannot be read\n",
		}},
		{name: "an instance of a template that the target has is gone with its user", set: func(v *vulcan) {
			v.files.file(etc(41)+"/systemd/system/sshd@.service", "[Service]\n")
			v.units.set(service("sshd@1-alice.service"))
			v.test[toplevel(41)] = func() outcome {
				ended := service("sshd@1-alice.service")
				ended.Active, ended.Sub = "inactive", "dead"
				v.units.set(ended) // systemd reads the template when it is asked
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | units | 3 of 4 that were fine before are fine, in two looks 15 s apart; ran before, and ended well: sshd@1-alice.service | \n",
		}},
		{name: "a service that the switch did not name stopped, and the target wants it", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/multi-user.target.wants/postgresql.service", "../postgresql.service")
			v.files.file(etc(41)+"/systemd/system/postgresql.service", "[Service]\n")
			v.test[toplevel(41)] = func() outcome {
				stopped := service("postgresql.service")
				stopped.Active, stopped.Sub = "inactive", "dead"
				v.units.set(stopped)
				return outcome{lines: activating}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("postgresql.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | units | 1 of 3 that were fine before are not, in two looks 15 s apart | \n",
			"unknown | unit postgresql.service |  | it ran, what runs now wants it to, and it does not run\n",
		}},
		{name: "a socket went down, and the target wants it", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/sockets.target.wants/web.socket", "../web.socket")
			v.files.file(etc(41)+"/systemd/system/web.socket", "[Socket]\n")
			goes(v, isOn("web.socket", "listening"))
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit web.socket |  | it was active, what runs now wants it to, and it is not\n",
		}},
		{name: "a timer went down, and the target does not want it", set: func(v *vulcan) {
			v.files.file(etc(41)+"/systemd/system/old.timer", "[Timer]\n")
			goes(v, isOn("old.timer", "waiting"))
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | units | 3 of 4 that were fine before are fine, in two looks 15 s apart; was active before, is not any more, and need not be: old.timer | \n",
		}},
		{name: "what /etc/fstab mounts is not mounted any more", set: func(v *vulcan) {
			v.files.link("/run/systemd/generator/local-fs.target.requires/tank.mount", "../tank.mount")
			goes(v, isOn("tank.mount", "mounted"))
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit tank.mount |  | it was active, what runs now wants it to, and it is not\n",
		}},
		{name: "what is mounted on demand is not mounted any more", set: func(v *vulcan) {
			v.files.link("/run/systemd/generator/local-fs.target.requires/mnt-nas.automount", "../mnt-nas.automount")
			goes(v, isOn("mnt-nas.mount", "mounted"))
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"was active before, is not any more, and need not be: mnt-nas.mount | \n",
		}},
		{name: "the firewall is off", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/multi-user.target.wants/firewall.service", "../firewall.service")
			v.files.file(etc(41)+"/systemd/system/firewall.service", "[Service]\n")
			u := isOn("firewall.service", "exited")
			u.Type, u.Started = "oneshot", time.Now().Add(-time.Hour)
			goes(v, u)
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit firewall.service |  | it was active, what runs now wants it to, and it is not\n",
		}},
		{name: "a oneshot was run anew, and does not stay active in the target", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/multi-user.target.wants/setup.service", "../setup.service")
			v.files.file(etc(41)+"/systemd/system/setup.service", "[Service]\n")
			u := isOn("setup.service", "exited")
			u.Type, u.Started = "oneshot", time.Now().Add(-time.Hour)
			v.units.set(u)
			v.test[toplevel(41)] = func() outcome {
				time.Sleep(time.Second)
				u.Active, u.Sub, u.Started = "inactive", "dead", time.Now()
				v.units.set(u)
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"was active before, was run anew, and ended well: setup.service | \n",
		}},
		{name: "a service that reloaded before the switch is gone after it", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/multi-user.target.wants/web.service", "../web.service")
			v.files.file(etc(41)+"/systemd/system/web.service", "[Service]\n")
			u := isOn("web.service", "reload")
			u.Active, u.Type = "reloading", "notify"
			goes(v, u)
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit web.service |  | it ran, what runs now wants it to, and it does not run\n",
		}},
		{name: "a service that the target masks", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(sys.Unit{Name: "nginx.service", Load: "masked", Active: "inactive", Sub: "dead"})
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | units | 2 of 3 that were fine before are fine, in two looks 15 s apart; masked: nginx.service | \n",
		}},
		{name: "what failed before and fails on is not held against it", set: func(v *vulcan) {
			v.units.set(failed("old-trouble.service"))
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"two looks 15 s apart | also failed, but nobody saw them fine before: old-trouble.service\n",
		}},
		{name: "a unit that is new with the target never comes up", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("web.service"))
				return outcome{lines: activating + "the following new units were started: web.service\nwarning: the following units failed: web.service\n", exit: 4}
			}
			v.test[toplevel(42)] = func() outcome {
				delete(v.units.all, "web.service")
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | unit web.service | fails in both looks | failed: exit-code; the switch named it, and it did not fail before\n",
		}},
		{name: "a unit that is new with the target comes up late", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("web.service"))
				after(v, 40*time.Second, service("web.service"))
				return outcome{lines: activating + "warning: the following units failed: web.service\n", exit: 4}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
		{name: "a unit that failed before is named by the switch, and fails on", set: func(v *vulcan) {
			v.units.set(failed("old-trouble.service"))
			v.test[toplevel(41)] = func() outcome {
				return outcome{lines: activating + "warning: the following units failed: old-trouble.service\n", exit: 4}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
		{name: "exit codes alone decide nothing", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{lines: activating, exit: 1} }
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | activation | ended with 1 (it gave up) | it left nothing undone, and names nothing that failed; the looks at the units decide\n",
		}},
		{name: "it ends with 0, and has left units to be started", set: func(v *vulcan) {
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
		{name: "whether it has left something cannot be read", set: func(v *vulcan) {
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
		{name: "it ends with 0, and /etc is still that of before", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.files.link("/run/current-system", toplevel(41))
				return outcome{lines: activating, still: true}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | activation | ended with 0 (it went through) | /etc is another system's (",
		}},
		{name: "a part of the activation script fails", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				return outcome{lines: activating + "Activation script snippet 'users' failed (1)\nFailed to run activate script\n", exit: 2}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"not ok | activation | ended with 2 (a part of the activation script failed) | failed: users\n",
		}},
		{name: "its init is not compatible, which the plan could not see", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{exit: 100, still: true} }
		}, want: bot.Undone, ran: "41 test", current: 42, profile: 42, started: 42},
		{name: "somebody else switches at that moment", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{lines: "Could not acquire lock\n", exit: 11, still: true} }
		}, want: bot.Undone, ran: "41 test", current: 42, profile: 42, started: 42},
		{name: "its pre-switch checks fail", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				return outcome{lines: "There are changes to critical components of the system:\nPre-switch checks failed\n", exit: 1, still: true}
			}
		}, want: bot.Undone, ran: "41 test", current: 42, profile: 42, started: 42},
		{name: "it dies half-way, with units stopped", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("nginx.service"))
				return outcome{lines: "stopping the following units: nginx.service\n", exit: 1, still: true}
			}
			v.test[toplevel(42)] = func() outcome {
				v.units.set(service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42},
		{name: "it is killed for taking too long", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome { return outcome{err: context.DeadlineExceeded} }
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42},
		{name: "going back fails too", set: func(v *vulcan) {
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
		{name: "the profile cannot be set", set: func(v *vulcan) { v.nixEnv = outcome{exit: 1} },
			want: bot.UndoFailed, current: 42, profile: 42, started: 42,
			ran: "41 test; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 41; " +
				"/run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 42; 42 test"},
		{name: "the boot menu cannot be written", set: func(v *vulcan) { v.boot[toplevel(41)] = outcome{exit: 1} },
			want: bot.Undone, current: 42, profile: 42, started: 42,
			ran: good + "; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 42; 42 test; 42 boot"},
		{name: "the boot menu is written, but starts another system", set: func(v *vulcan) { v.boot[toplevel(41)] = outcome{still: true} },
			want: bot.Undone, current: 42, profile: 42, started: 42,
			ran: good + "; /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --switch-generation 42; 42 test; 42 boot"},
		{name: "where the loader keeps its default is unknown, and said", change: func(o *nixos.Options) { o.GrubConfig = "/boot1/grub.cfg" },
			want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{"unknown | boot default |  | GRUB's menu cannot be read\n"}},
		{name: "systemd does not answer", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.err = errors.New("no bus")
				return outcome{lines: activating}
			}
		}, want: bot.UndoFailed, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{"unknown | units |  | systemd did not tell how they are\n"}},
		{name: "a health check fails, and did not before", change: func(o *nixos.Options) {
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
		{name: "a health check failed before, and is not asked of the way back", change: func(o *nixos.Options) {
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
		{name: "a health check that failed before, and that the target mends", change: func(o *nixos.Options) {
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
		{name: "a unit as a health check, while it reloads", set: func(v *vulcan) {
			u := isOn("web.service", "reload")
			u.Active, u.Type = "reloading", "notify"
			v.units.set(u)
		}, change: func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "web", Unit: "web.service"}}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{"ok | health check web | fine in both looks | \n"}},
		{name: "a unit as a health check", change: func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "web", Unit: "nginx.service"}}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{"ok | health check web | fine in both looks | \n"}},
	}
	for _, test := range tests {
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
