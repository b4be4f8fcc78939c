package nixos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"watchstander/bot"
	"watchstander/bot/redact"
	"watchstander/integrations/nixos"
)

// written is a draft as people would read it.
func written(d bot.Draft) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("%s", d.Summary)
	for _, s := range d.Steps {
		say("step: %s", s)
	}
	for _, s := range d.Differences {
		say("differs: %s", s)
	}
	for _, c := range d.Conditions {
		say("%s: %s: %s", c.State, c.Text, c.Found)
	}
	for _, s := range d.Irreversible {
		say("for good: %s", s)
	}
	say("undo: %s", d.Undo)
	say("takes %s, at most %s", d.Takes, d.Limit.Duration())
	for _, f := range d.Bound {
		say("bound: %s = %s", f.Name, f.Value)
	}
	for _, f := range d.Observed {
		say("observed: %s = %s", f.Name, f.Value)
	}
	say("locks %v, waits for %v, roots %v", d.Locks, d.WaitFor, d.Roots)
	text := b.String()
	for n := 39; n <= 42; n++ {
		text = strings.ReplaceAll(text, toplevel(n), fmt.Sprintf("<%d>", n))
	}
	return text
}

func TestPlan(t *testing.T) {
	v := newVulcan()
	v.closures = "linux: 6.18.16 → 6.18.15, -434.2 KiB\nzoxide: ∅ → 0.9.8, +1234.5 KiB\npostgresql: 16.10 → 16.9\nfirefox: +9.3 KiB\n"
	v.kernel(41, "6.18.15")
	v.mark(41, `{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"rev-6","bot":{"version":"1.3.0","schema":9}}`)
	v.dry[toplevel(41)] = outcome{lines: `would stop the following units: nginx.service, old.service
would NOT stop the following changed units: user@.service
would activate the configuration...
sops-install-secrets: hunter2
would restart systemd
would reload the following units: dbus.service
would restart the following units: sshd.service
would start the following units: nginx.service
`}
	r := v.integration(t, func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "web", Unit: "nginx.service"}} }).Rollback()
	p, err := plan(t, r, "")
	if err != nil {
		t.Fatal(err)
	}
	const want = `roll back vulcan from generation 42 to generation 41
step: Wait until none of these is active: restic-backups-b2.service.
step: Take the host's build lock (/var/lock/build.lock), and hold it until all is over.
step: Activate generation 41 with its own ` + "`switch-to-configuration test`" + `. Profile and boot menu stay as they are: should the host lose power now, it starts what it starts today.
step: Leave the units alone for 30 s, then look at all of them and at the health checks (web) until two looks, 15 s apart, agree. What was fine before and fails in both is a failure.
step: Set the profile to generation 41, let it write its boot menu (grub), and read both back.
differs: NixOS: 25.11.42 → 25.11.41
differs: Made: 4 Mar 2026 10:00 UTC → 3 Mar 2026 10:00 UTC
differs: What the boot loader loads: kernel, initrd, kernel modules
differs: Kernel: 6.18.16 → 6.18.15
differs: Watchstander: 1.4.0 (reads up to schema 9) → 1.3.0 (reads up to schema 9)
differs: Secrets: rev-7 → rev-6
differs: Configuration: c0ffee42 → c0ffee41
differs: postgresql: 16.10 → 16.9
differs: linux: 6.18.16 → 6.18.15, -434.2 KiB
differs: zoxide: ∅ → 0.9.8, +1.2 MiB
differs: 1 package is of another size, of the same version
ok: at least 3 whole generations are kept: 4: 42, 41, 40, 39
ok: the boot loader stays: grub
ok: system.stateVersion stays: 25.05
ok: the bot that it brings reads the state: 1.3.0 (reads up to schema 9); the state has schema 9
not ok: the secrets stay: it deploys those of rev-6 again: whatever was revoked since then comes back
not ok: kernel, initrd and modules are those that were booted: others: kernel, initrd, kernel modules. It is whole only after a reboot, which the bot never does; until then modules that are not loaded yet may fail to load
not ok: no package with data of its own goes backwards: postgresql: 16.10 → 16.9. Its data stays as the newer one left it, and the older may not read it
ok: the health checks hold now: web
ok: the running system is the profile's: generation 42
ok: which units it touches is known: by the target's own dry run, which need not name all, and never names units of users
for good: Only the system goes back: databases, the data of containers and all else in /var and /home stay as they are.
for good: Units that are stopped or restarted lose what they hold in memory, and their connections.
undo: The agent activates generation 42 again by itself when anything fails, puts profile and boot menu back where they were touched, and looks at the units again. Afterwards: ` + "`rollback 42`" + `.
takes 2 to 10 minutes, at most 42m45s
bound: target system = <41>
bound: target generation = 41
bound: running system = <42>
bound: profile's system = <42>
bound: profile's generation = 42
bound: booted system = <42>
bound: boot id = f3a1c9de-0000-4000-8000-000000000001
observed: stops = nginx.service, old.service
observed: starts = nginx.service
observed: restarts = sshd.service
observed: reloads = dbus.service
observed: changed, but not stopped = user@.service
observed: systemd = is executed anew, without stopping units
observed: size of all it needs = 2 GiB → 2 GiB
locks [nixos], waits for [restic-backups-b2.service], roots [<41> <42>]
`
	if got := written(p.Draft); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if ran := v.ran(); len(ran) > 0 {
		t.Errorf("planning ran %v", ran)
	}
	// The same host gives the same plan, whatever maps and clocks do.
	again, err := plan(t, r, "41")
	if err != nil || written(again.Draft) != want {
		t.Errorf("again: %v\n%s", err, written(again.Draft))
	}
}

// TestPlanOfSystemd: a dry run that may not see which systemd runs, as in the agent's unit,
// says every time that it would be executed anew.
func TestPlanOfSystemd(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*vulcan)
		want bool
	}{
		"the same, unseen":       {nil, false},
		"another one, unseen":    {func(v *vulcan) { v.files.link(toplevel(41)+"/systemd", store("systemd-257")) }, true},
		"other settings, unseen": {func(v *vulcan) { v.files.file(etc(41)+"/systemd/system.conf", "") }, true},
		"seen":                   {func(v *vulcan) { v.files.link("/proc/1/exe", store("systemd-258")+"/lib/systemd/systemd") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVulcan()
			for _, at := range []string{"systemd-257", "systemd-258"} {
				v.files.file(store(at)+"/lib/systemd/systemd", "")
			}
			v.files.file(store("conf")+"/system.conf", "")
			for _, n := range []int{41, 42} {
				v.files.link(toplevel(n)+"/systemd", store("systemd-258"))
				v.files.link(etc(n)+"/systemd/system.conf", store("conf")+"/system.conf")
			}
			if test.set != nil {
				test.set(v)
			}
			v.dry[toplevel(41)] = outcome{lines: "would activate the configuration...\nwould restart systemd\n"}
			p, err := plan(t, v.integration(t, nil).Rollback(), "41")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(written(p.Draft), "observed: systemd = is executed anew"); got != test.want {
				t.Errorf("the plan says %v:\n%s", got, written(p.Draft))
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	const no = "No rollback to generation 41 of vulcan: "
	mark := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"rev-7","bot":{"version":"1.4.0","schema":9}}`)
	}
	tests := []struct {
		name       string
		generation string
		set        func(*vulcan)
		change     func(*nixos.Options)
		code       bot.Code
		want       string
	}{
		{"no such generation", "7", nil, nil, bot.CodeNotFound, "vulcan has no generation 7. It keeps 42, 41, 40, 39."},
		{"no number", "the good one", nil, nil, bot.CodeInvalid, `"the good one" is no generation's number. vulcan keeps 42, 41, 40, 39.`},
		{"it runs already", "42", nil, nil, bot.CodeConflict, "Generation 42 runs on vulcan already, and its profile points at it. There is nothing to do."},
		{"none is before", "", func(v *vulcan) {
			for n := 39; n < 42; n++ {
				v.files.delete(fmt.Sprintf("%s/system-%d-link", profiles, n))
			}
		}, nil, bot.CodeConflict, "vulcan has no generation before 42. It keeps 42."},
		{"before which", "", func(v *vulcan) { v.files.link(profiles+"/system", "system-41-link") }, nil, bot.CodeConflict,
			"vulcan runs generation 42, but its profile points at 41. Say to which you want to go, e.g. `rollback 42`."},
		{"before what", "", func(v *vulcan) {
			v.files.link("/run/current-system", store("nixos-tried"))
			v.files.file(store("nixos-tried")+"/init", "")
		}, nil, bot.CodeConflict,
			"What runs on vulcan is no generation of its profile, so that none is before it. Name one: it keeps 42, 41, 40, 39."},
		{"another loader", "", func(v *vulcan) {
			v.mark(41, mark("grub", "systemd-boot"))
			v.files.file(toplevel(41)+"/bin/switch-to-configuration", "export INSTALL_BOOTLOADER='/nix/store/0123456789abcdfghijklmnpqrsvwxyz-install-systemd-boot.sh'\n")
		}, nil, bot.CodeForbidden, no + "it would install the boot loader systemd-boot, and this host has grub. The bot never changes how a host boots."},
		{"the loader of the options counts", "", nil, func(o *nixos.Options) { o.Loader = "systemd-boot" }, bot.CodeForbidden,
			no + "it would install the boot loader grub, and this host has systemd-boot. The bot never changes how a host boots."},
		{"mark and installer contradict", "", func(v *vulcan) { v.mark(41, mark("grub", "systemd-boot")) }, nil, bot.CodeForbidden,
			no + "which boot loader it would install cannot be told: its mark says systemd-boot, and its installer is that of grub."},
		{"an installer that nobody knows, and no mark", "", func(v *vulcan) {
			v.mark(41, "")
			v.files.file(toplevel(41)+"/bin/switch-to-configuration", "export INSTALL_BOOTLOADER='/nix/store/0123456789abcdfghijklmnpqrsvwxyz-my-own'\n")
		}, func(o *nixos.Options) { o.AllowUnmarked = true }, bot.CodeForbidden, no + "which boot loader it would install cannot be told: neither a mark nor its installer tells it."},
		{"another state version", "", func(v *vulcan) { v.mark(41, mark("25.05", "24.11")) }, nil, bot.CodeForbidden,
			no + "its system.stateVersion is 24.11, and this host's is 25.05. The bot never changes it."},
		{"the state version of the options counts", "", func(v *vulcan) { v.mark(42, "") }, func(o *nixos.Options) { o.StateVersion = "25.11" }, bot.CodeForbidden,
			no + "its system.stateVersion is 25.05, and this host's is 25.11. The bot never changes it."},
		{"no mark", "", func(v *vulcan) { v.mark(41, "") }, nil, bot.CodeForbidden,
			no + "it has no mark (etc/watchstander/host.json), so that its state version and its bot are unknown."},
		{"a mark of a later form", "", func(v *vulcan) { v.mark(41, mark(`"version":1,`, `"version":2,`)) }, nil, bot.CodeForbidden,
			no + "its mark cannot be used: its version is 2, and only 1 is known, so that its state version and its bot are unknown."},
		{"the running system has no mark", "", func(v *vulcan) { v.mark(42, "") }, nil, bot.CodeForbidden,
			no + "which system.stateVersion this host has is unknown: of the running system, it has no mark (etc/watchstander/host.json)."},
		{"built for another host", "", func(v *vulcan) { v.mark(41, mark("vulcan", "mars")) }, nil, bot.CodeForbidden, no + "it was built for the host mars."},
		{"a bot that cannot read its state", "", func(v *vulcan) { v.mark(41, mark("1.4.0", "1.2.0", `"schema":9`, `"schema":8`)) }, nil, bot.CodeForbidden,
			no + "it brings the bot back to 1.2.0, which reads states up to schema 8; the state has 9."},
		{"it was collected", "", func(v *vulcan) { v.files.delete(toplevel(41)) }, nil, bot.CodeForbidden,
			no + "it is not whole: bin/switch-to-configuration, activate, init, kernel, initrd and 2 more are missing. It may have been collected."},
		{"an incompatible init", "", func(v *vulcan) { v.files.file(toplevel(41)+"/init-interface-version", "systemd 1") }, nil, bot.CodeForbidden,
			no + "its init (systemd 1) is not compatible with the running one (systemd 2): it can only be booted into, and the bot never reboots."},
		{"its switch is inhibited", "", func(v *vulcan) {
			v.files.file(toplevel(42)+"/switch-inhibitors", `{"systemd":"/nix/store/a","dbus":"/nix/store/b"}`)
			v.files.file(toplevel(41)+"/switch-inhibitors", `{"systemd":"/nix/store/c","new":"/nix/store/d"}`)
		}, nil, bot.CodeForbidden, no + "it changes what must not change under a running system (systemd): it can only be booted into, and the bot never reboots."},
		{"its dry run says that it must be booted", "", func(v *vulcan) { v.dry[toplevel(41)] = outcome{exit: 100} }, nil, bot.CodeForbidden,
			no + "its init is not compatible with the running one: it can only be booted into, and the bot never reboots."},
		{"its own checks refuse", "", func(v *vulcan) {
			v.dry[toplevel(41)] = outcome{lines: "Pre-switch check 'noMigration' failed\nPre-switch checks failed\n", exit: 1}
		}, nil, bot.CodeForbidden, no + "its pre-switch check noMigration fails."},
		{"its dry run breaks off", "", func(v *vulcan) { v.dry[toplevel(41)] = outcome{lines: "password=hunter2\n", exit: 127} }, nil, bot.CodeForbidden, no + "its dry run ended with 127 (it gave up)."},
		{"its dry run may not be run", "", func(v *vulcan) { v.dry[toplevel(41)] = outcome{lines: "Could not open lock\n", exit: 30} }, nil, bot.CodeForbidden,
			no + "its dry run ended with 30 (it may not open its lock in /run/nixos)."},
		{"its dry run hangs", "", func(v *vulcan) { v.dry[toplevel(41)] = outcome{err: context.DeadlineExceeded} }, nil, bot.CodeUnavailable,
			"What generation 41 would do cannot be found out: its dry run did not come to an end."},
		{"somebody else is switching", "", func(v *vulcan) { v.dry[toplevel(41)] = outcome{lines: "Could not acquire lock\n", exit: 11} }, nil, bot.CodeUnavailable,
			"vulcan is being switched by somebody else right now. Try again when that is over."},
		{"the profile points into nothing", "41", func(v *vulcan) { v.files.link(profiles+"/system", "system-99-link") }, nil, bot.CodeForbidden,
			no + "where its profile points cannot be read, so that nobody could go back."},
		{"no NixOS", "", func(v *vulcan) { v.files.delete("/nix") }, nil, bot.CodeUnavailable, "The profiles of vulcan cannot be read; is it a NixOS host?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newVulcan()
			if test.set != nil {
				test.set(v)
			}
			_, err := plan(t, v.integration(t, test.change).Rollback(), test.generation)
			e, ok := errors.AsType[*bot.Error](err)
			if !ok || e.Code != test.code || e.Message != test.want {
				t.Errorf("got  %v\nwant %s %s", err, test.code, test.want)
			}
			if ran := v.ran(); len(ran) > 0 {
				t.Errorf("it ran %v", ran)
			}
		})
	}
}

// What is unknown is shown as unknown; nothing of it is taken for good.
func TestPlanShowsWhatIsUnknown(t *testing.T) {
	tests := []struct {
		name   string
		set    func(*vulcan)
		change func(*nixos.Options)
		want   []string
	}{
		{"generations without a mark, where these are allowed", func(v *vulcan) { v.mark(41, ""); v.mark(42, "") }, func(o *nixos.Options) { o.AllowUnmarked = true }, []string{
			"unknown: system.stateVersion stays: unknown in the target\n", "unknown: the bot that it brings reads the state: which bot it brings is unknown\n",
			"unknown: the secrets stay: which version of them it deploys is unknown; what was revoked since then may come back\n", "ok: the boot loader stays: grub\n",
		}},
		{"a mark without a bot", func(v *vulcan) { v.mark(41, `{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub"}`) }, nil, []string{
			"not ok: the bot that it brings reads the state: it brings no bot: nobody answers here afterwards\n",
		}},
		{"a dry run of an unknown form", func(v *vulcan) { v.dry[toplevel(41)] = outcome{lines: "\x1b[31mwürde anhalten: a.service\x00\n"} }, nil, []string{
			"unknown: which units it touches is known: the target's dry run says it in a form that I cannot read\n",
		}},
		{"a dry run with names that are none", func(v *vulcan) {
			v.dry[toplevel(41)] = outcome{lines: "would stop the following units: a.service, b; rm -rf /\nwould activate the configuration...\n"}
		}, nil, []string{"unknown: which units it touches is known: the target's dry run says it in a form that I cannot read\n", "observed: stops = a.service\n"}},
		{"Nix prints something else", func(v *vulcan) { v.closures = "linux: 6.18.16 → 6.18.17\nwarning: all is different now\n" }, nil, []string{
			"differs: Packages: unknown. Nix cannot compare the two: nix store diff-closures: the line \"warning: all is different now\" has an unknown form\n",
			"unknown: no package with data of its own goes backwards: the packages cannot be compared\n",
		}},
		{"nobody said which packages have data", func(*vulcan) {}, func(o *nixos.Options) { o.Stateful = nil }, []string{
			"unknown: no package with data of its own goes backwards: which packages have data of their own is not configured\n",
		}},
		{"a health check that fails already", func(*vulcan) {}, func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "web", Unit: "nginx.service"}, {Name: "mail", Unit: "postfix.service"}}
		}, []string{"not ok: the health checks hold now: not mail. Unless all hold afterwards, it is undone\n"}},
		{"an agent without a network asks units alone", func(*vulcan) {}, func(o *nixos.Options) {
			o.Confined = true
			o.Checks = []nixos.Check{{Name: "web", URL: "http://127.0.0.1:8080/healthz"}, {Name: "ssh", Unit: "nginx.service"}, {Name: "db", Argv: []string{"/bin/db-check"}}}
			o.Get = func(r *http.Request) (*http.Response, error) {
				t.Errorf("%s is asked", r.URL)
				return nil, errors.New("network is unreachable")
			}
		}, []string{
			"ok: the health checks hold now: ssh\n",
			"unknown: the health checks that only a run can ask hold now: web, db: asked when it starts, before the switch. Unless all hold afterwards, it is undone\n",
		}},
		{"such an agent knows of a unit that fails already", func(*vulcan) {}, func(o *nixos.Options) {
			o.Confined = true
			o.Checks = []nixos.Check{{Name: "web", URL: "http://127.0.0.1:8080/healthz"}, {Name: "mail", Unit: "postfix.service"}}
		}, []string{"not ok: the health checks hold now: not mail. Unless all hold afterwards, it is undone\n", "hold now: web: asked when it starts"}},
		{"what was booted", func(v *vulcan) { v.files.delete("/run/booted-system") }, nil, []string{
			"unknown: kernel, initrd and modules are those that were booted: what was booted cannot be read\n", "bound: booted system = \n",
		}},
		{"few generations, and an interrupted switch", func(v *vulcan) {
			v.files.delete(toplevel(39))
			v.files.delete(toplevel(40) + "/kernel")
			v.files.file("/run/nixos/restart-list", "nginx.service\n")
		}, nil, []string{
			"not ok: at least 3 whole generations are kept: 2: 42, 41\n",
			"not ok: the last switch came to its end: it was interrupted; this one goes on with what it left (restart-list)\n",
		}},
		{"what a switch left cannot be read", func(v *vulcan) { v.files.refused = map[string]bool{"/run/nixos/restart-list": true} }, nil, []string{
			"unknown: the last switch came to its end: what it left, if anything, cannot be read\n",
		}},
		{"a tried system", func(v *vulcan) { v.files.link("/run/current-system", toplevel(40)) }, nil, []string{
			"switch vulcan from generation 40 to generation 41\n", "not ok: the running system is the profile's: generation 40 runs, and the profile points at generation 42\n", "roots [<41> <40> <42>]",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newVulcan()
			test.set(v)
			p, err := plan(t, v.integration(t, test.change).Rollback(), "41")
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range test.want {
				if !strings.Contains(written(p.Draft), line) {
					t.Errorf("%q is missing in\n%s", line, written(p.Draft))
				}
			}
			mustBePlain(t, p.Draft)
		})
	}
}

// mustBePlain: a draft holds valid text without control characters, or it could not
// be frozen.
func mustBePlain(t *testing.T, d bot.Draft) {
	t.Helper()
	data, err := json.Marshal(d)
	if err != nil || !utf8.Valid(data) {
		t.Fatalf("%v: %q", err, data)
	}
	for _, r := range written(d) {
		if unicode.IsControl(r) && r != '\n' || r == utf8.RuneError {
			t.Errorf("the draft holds %U:\n%q", r, written(d))
		}
	}
}

// A plan of many packages names all that matter, and says how many it does not name.
func TestPlanOfManyPackages(t *testing.T) {
	v := newVulcan()
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "a%03d: 1 → 2\n", i)
	}
	v.closures = b.String() + "postgresql: 16 → 15\nsystemd: 258 → 257\n"
	p, err := plan(t, v.integration(t, nil).Rollback(), "")
	if err != nil {
		t.Fatal(err)
	}
	ds := p.Draft.Differences
	if n := len(ds); n != 204 || ds[3] != "postgresql: 16 → 15" || ds[4] != "systemd: 258 → 257" || ds[n-1] != "and 102 more packages with other versions; `diff 42 41` lists all" {
		t.Errorf("%d lines: %q … %q", n, ds[:5], ds[n-1])
	}
}

func TestParse(t *testing.T) {
	v := newVulcan()
	r := v.integration(t, nil).Rollback()
	for _, args := range []bot.Arguments{nil, {"generation": {"41"}}, {"generation": {"041"}}} {
		got, err := r.Parse(t.Context(), args)
		if err != nil || len(got) != 1 || got.One("generation") != "41" {
			t.Errorf("%v: %v, %v", args, got, err)
		}
	}
	for _, args := range []bot.Arguments{{"generation": {"41", "40"}}, {"generation": {}}, {"force": {"yes"}}, {"generation": {"41"}, "host": {"mars"}}, {"generation": {"-1"}}, {"generation": {"0"}}} {
		if got, err := r.Parse(t.Context(), args); err == nil {
			t.Errorf("%v: %v", args, got)
		}
	}
}

// A specialisation that runs is left by a rollback, and what Undo brings back.
func TestPlanFromASpecialisation(t *testing.T) {
	v := newVulcan()
	special := store("nixos-system-vulcan-gaming")
	v.files.file(special+"/init", "")
	v.files.link(toplevel(42)+"/specialisation/gaming", special)
	v.files.link("/run/current-system", special)
	_, err := plan(t, v.integration(t, nil).Rollback(), "")
	// It has neither mark nor installer here, but the loader is asked first.
	if want := "No rollback to generation 41 of vulcan: which boot loader this host has cannot be told: neither a mark nor its installer tells it."; bot.ForPeople(err) != want {
		t.Errorf("got %v", err)
	}
	v.files.file(special+"/etc/watchstander/host.json", `{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","bot":{"version":"1.4.0","schema":9}}`)
	p, err := plan(t, v.integration(t, nil).Rollback(), "")
	if err != nil {
		t.Fatal(err)
	}
	if want := "roll back vulcan from generation 42 (specialisation gaming) to generation 41"; !strings.HasPrefix(p.Draft.Summary, want) {
		t.Errorf("got %s", p.Draft.Summary)
	}
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name   string
		change func(*nixos.Options)
		want   string
	}{
		{"a relative program", func(o *nixos.Options) { o.Nix = "nix" }, `Nix: "nix" is no absolute, clean path`},
		{"the switch's own lock", func(o *nixos.Options) { o.BuildLock.Path = "/run/nixos/switch-to-configuration.lock" }, "is the lock that switch-to-configuration takes itself"},
		{"a check without anything", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x"}} }, "check 1 (x): it needs exactly one of a unit, a URL and a program"},
		{"a check of two kinds", func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "x", Unit: "a.service", URL: "http://localhost/"}}
		}, "exactly one"},
		{"a check elsewhere", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x", URL: "http://example.org/"}} }, `"example.org" is no loopback address`},
		{"a check that looks like loopback", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x", URL: "http://localhost.example.org/"}} }, "is no loopback address"},
		{"credentials in a URL", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x", URL: "http://bob:hunter2@127.0.0.1/"}} }, "its URL holds credentials"},
		{"another protocol", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x", URL: "file:///etc/shadow"}} }, `its URL begins with "file"`},
		{"a URL that is none", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x", URL: "http://bob:hunter2@[::1"}} }, "its URL cannot be read"},
		{"a relative check", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x", Argv: []string{"curl"}}} }, `"curl" is no absolute path`},
		{"no unit", func(o *nixos.Options) { o.Checks = []nixos.Check{{Name: "x", Unit: "-a"}} }, `"-a" is no unit's name`},
		{"two of one name", func(o *nixos.Options) {
			o.Checks = []nixos.Check{{Name: "x", Unit: "a.service"}, {Name: "x", Unit: "b.service"}}
		}, `another of the name "x"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newVulcan().options()
			test.change(&o)
			_, err := nixos.New(o)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	o := newVulcan().options()
	o.Checks = []nixos.Check{{Name: "a", URL: "http://[::1]:80/"}, {Name: "b", URL: "https://localhost/x"}, {Name: "c", Argv: []string{"/bin/true"}}}
	if _, err := nixos.New(o); err != nil {
		t.Error(err)
	}
}

// A plan that the redactor would alter cannot be approved: store paths, commits and
// versions must pass it as they are, alone and as JSON.
func TestPlanIsNoSecret(t *testing.T) {
	redactor, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"rev-6", "2f1c9a4be7d05c8e1b3a4f6d7c8e9fa0b1c2d3e4", "sops-2f1c9a4"} {
		v := newVulcan()
		v.kernel(41, "6.18.15")
		v.mark(41, `{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"`+version+`","bot":{"version":"1.3.0","schema":9}}`)
		p, err := plan(t, v.integration(t, nil).Rollback(), "41")
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(p.Draft)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(asJSON), written(p.Draft)} {
			if out, found := redactor.Redact(text); out != text {
				t.Errorf("%s: %v\n%s", version, found, out)
			}
		}
		for _, c := range p.Draft.Conditions {
			if redactor.Alters(c.Text) || redactor.Alters(c.Found) {
				t.Errorf("%s: %s: %s", version, c.Text, c.Found)
			}
		}
	}
}
