package nixos_test

import (
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// Whether it has succeeded, the units tell that were fine before.
func TestRollbackByUnits(t *testing.T) {
	try(t,
		attempt{name: "a unit fails for good, although the switch ends with 0", set: func(v *vulcan) {
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
		attempt{name: "units failed while it switched, and are fine afterwards", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("nginx.service"))
				after(v, 20*time.Second, service("nginx.service"))
				return outcome{lines: activating + "warning: the following units failed: nginx.service\n", exit: 4}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | activation | ended with 4 (units failed while it switched) | failed right afterwards: nginx.service; the looks at the units decide\n",
		}},
		attempt{name: "a unit fails in the first look only", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("nginx.service"))
				after(v, 40*time.Second, service("nginx.service")) // between the looks at 30 s and 45 s
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
		attempt{name: "a unit that takes minutes to start is waited for", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				starting := service("nginx.service")
				starting.Active, starting.Sub = "activating", "start"
				v.units.set(starting)
				after(v, 3*time.Minute, service("nginx.service"))
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
		attempt{name: "a unit that never ends starting is unknown, which is no success", set: func(v *vulcan) {
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
		attempt{name: "a crash loop that is up whenever somebody looks", set: func(v *vulcan) {
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
		attempt{name: "a service that the switch restarted just stopped", set: func(v *vulcan) {
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
		attempt{name: "a unit that the target does not have is gone", set: func(v *vulcan) {
			v.files.delete(etc(41) + "/systemd/system/nginx.service")
			v.test[toplevel(41)] = func() outcome {
				delete(v.units.all, "nginx.service")
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | units | 2 of 3 that were fine before are fine, in two looks 15 s apart; no longer there, and no part of what runs now: nginx.service | \n",
		}},
		attempt{name: "a unit that the target has is gone", set: func(v *vulcan) {
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
		attempt{name: "what the target has cannot be read, and a unit is gone", set: func(v *vulcan) {
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
		attempt{name: "an instance of a template that the target has is gone with its user", set: func(v *vulcan) {
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
		attempt{name: "a service that the switch did not name stopped, and the target wants it", set: func(v *vulcan) {
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
		attempt{name: "a socket went down, and the target wants it", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/sockets.target.wants/web.socket", "../web.socket")
			v.files.file(etc(41)+"/systemd/system/web.socket", "[Socket]\n")
			goes(v, isOn("web.socket", "listening"))
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit web.socket |  | it was active, what runs now wants it to, and it is not\n",
		}},
		attempt{name: "a timer went down, and the target does not want it", set: func(v *vulcan) {
			v.files.file(etc(41)+"/systemd/system/old.timer", "[Timer]\n")
			goes(v, isOn("old.timer", "waiting"))
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | units | 3 of 4 that were fine before are fine, in two looks 15 s apart; was active before, is not any more, and need not be: old.timer | \n",
		}},
		attempt{name: "what /etc/fstab mounts is not mounted any more", set: func(v *vulcan) {
			v.files.link("/run/systemd/generator/local-fs.target.requires/tank.mount", "../tank.mount")
			goes(v, isOn("tank.mount", "mounted"))
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit tank.mount |  | it was active, what runs now wants it to, and it is not\n",
		}},
		attempt{name: "what is mounted on demand is not mounted any more", set: func(v *vulcan) {
			v.files.link("/run/systemd/generator/local-fs.target.requires/mnt-nas.automount", "../mnt-nas.automount")
			goes(v, isOn("mnt-nas.mount", "mounted"))
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"was active before, is not any more, and need not be: mnt-nas.mount | \n",
		}},
		attempt{name: "the firewall is off", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/multi-user.target.wants/firewall.service", "../firewall.service")
			v.files.file(etc(41)+"/systemd/system/firewall.service", "[Service]\n")
			u := isOn("firewall.service", "exited")
			u.Type, u.Started = "oneshot", time.Now().Add(-time.Hour)
			goes(v, u)
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit firewall.service |  | it was active, what runs now wants it to, and it is not\n",
		}},
		attempt{name: "a oneshot was run anew, and does not stay active in the target", set: func(v *vulcan) {
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
		attempt{name: "a service that reloaded before the switch is gone after it", set: func(v *vulcan) {
			v.files.link(etc(41)+"/systemd/system/multi-user.target.wants/web.service", "../web.service")
			v.files.file(etc(41)+"/systemd/system/web.service", "[Service]\n")
			u := isOn("web.service", "reload")
			u.Active, u.Type = "reloading", "notify"
			goes(v, u)
		}, want: bot.Undone, ran: "41 test; 42 test", current: 42, profile: 42, started: 42, evidence: []string{
			"unknown | unit web.service |  | it ran, what runs now wants it to, and it does not run\n",
		}},
		attempt{name: "a service that the target masks", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(sys.Unit{Name: "nginx.service", Load: "masked", Active: "inactive", Sub: "dead"})
				return outcome{lines: activating}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"ok | units | 2 of 3 that were fine before are fine, in two looks 15 s apart; masked: nginx.service | \n",
		}},
		attempt{name: "what failed before and fails on is not held against it", set: func(v *vulcan) {
			v.units.set(failed("old-trouble.service"))
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41, evidence: []string{
			"two looks 15 s apart | also failed, but nobody saw them fine before: old-trouble.service\n",
		}},
		attempt{name: "a unit that is new with the target never comes up", set: func(v *vulcan) {
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
		attempt{name: "a unit that is new with the target comes up late", set: func(v *vulcan) {
			v.test[toplevel(41)] = func() outcome {
				v.units.set(failed("web.service"))
				after(v, 40*time.Second, service("web.service"))
				return outcome{lines: activating + "warning: the following units failed: web.service\n", exit: 4}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
		attempt{name: "a unit that failed before is named by the switch, and fails on", set: func(v *vulcan) {
			v.units.set(failed("old-trouble.service"))
			v.test[toplevel(41)] = func() outcome {
				return outcome{lines: activating + "warning: the following units failed: old-trouble.service\n", exit: 4}
			}
		}, want: bot.Done, ran: good, current: 41, profile: 41, started: 41},
	)
}
