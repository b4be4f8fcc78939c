package commands

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// generationOf is one of vulcan's; 42 runs.
func generationOf(n int) host.Generation {
	return host.Generation{
		Number: n, Date: time.Date(2026, 1, 14, 10, 0, 0, 0, time.UTC).Add(time.Duration(n-42) * 24 * time.Hour), StorePath: fmt.Sprintf("/nix/store/x-nixos-%d", n),
		NixOSVersion: fmt.Sprintf("25.11.%d", n), Kernel: "6.18.16", Revision: "0123456789abcdef0123456789abcdef01234567", Loader: "grub", StateVersion: "25.05", Bot: "1.4.0", Schema: 9,
		Current: n == 42, Booted: n == 41, Default: n == 42,
	}
}

// nixosLooks are what vulcan's agent answers.
func nixosLooks() map[string]any {
	var gs []host.Generation
	for n := 42; n >= 40; n-- {
		gs = append(gs, generationOf(n))
	}
	gs[2].Missing = []string{"kernel"}
	return map[string]any{
		host.LookGenerations: gs,
		host.LookDiff: host.Diff{
			From: generationOf(41), To: generationOf(42), Kernel: true, Modules: true, ClosureFrom: 2 * host.GiB, ClosureTo: 3 * host.GiB,
			Packages: []host.PackageChange{{Name: "linux", Before: []string{"6.18.15"}, After: []string{"6.18.16"}}, {Name: "zoxide", After: []string{"0.9.8"}, Bytes: host.MiB}, {Name: "firefox", Bytes: host.MiB}},
			Units:    host.UnitChanges{Added: []string{"a.service"}, Changed: []string{"b.service", "c.service"}},
		},
		host.LookDrift: host.Drift{Current: generationOf(42), Findings: []host.Finding{
			{What: "running system", Text: "generation 42 runs", State: bot.OK, Source: "/run/current-system"},
			{What: "kernel", Text: "a reboot is pending", State: bot.NotOK, Source: "/run/booted-system"},
			{What: "boot default", Text: "GRUB's menu cannot be read", State: bot.Unknown, Source: "/boot/grub/grub.cfg"},
		}},
	}
}

func TestGenerationsCommand(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "generations on vulcan")
	want := `3 generations; 42 runs
- 42 · Wed 14 Jan 11:00 CET · NixOS 25.11.42 · Linux 6.18.16 · revision 0123456789 · runs, the profile's
- 41 · Tue 13 Jan 11:00 CET · NixOS 25.11.41 · Linux 6.18.16 · revision 0123456789 · was booted
- 40 · Mon 12 Jan 11:00 CET · NixOS 25.11.40 · Linux 6.18.16 · revision 0123456789 · not whole: kernel missing
(diff FROM TO compares two of them.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !reflect.DeepEqual(w.asked, []string{"vulcan nixos.generations"}) {
		t.Errorf("asked %q", w.asked)
	}
	var many []host.Generation
	for n := 42; n > 20; n-- {
		many = append(many, generationOf(n))
	}
	many[0].Default, many[1].Default = false, true
	w.looks[host.LookGenerations] = many
	out, err = ask(t, w, observer, "", "gens")
	text := said(t, out, err)
	mustContain(t, text, "22 generations; 42 runs, and the profile points at 41\n", "- 31 ·", "(10 older; generations all lists them. diff")
	if out.(bot.Say).Message.Tone != bot.ToneWarning {
		t.Error("that another one is started next is no news")
	}
	out, err = ask(t, w, observer, "", "generations all")
	mustContain(t, said(t, out, err), "- 21 ·")
	for _, test := range []struct {
		gs   []host.Generation
		want string
		tone bot.Tone
	}{
		{[]host.Generation{}, "0 generations; what runs is none of them", bot.ToneWarning},
		{[]host.Generation{{Number: 1, Current: true}}, "1 generation; 1 runs, and where the profile points is unknown", bot.ToneUnknown},
	} {
		if tone, got := generationsHeadline(test.gs); got != test.want || tone != test.tone {
			t.Errorf("got %s (%s), want %s", got, tone, test.want)
		}
	}
	w.lookErr = bot.Errorf(bot.CodeUnavailable, "vulcan does not answer.")
	_, err = ask(t, w, observer, "", "generations")
	wantError(t, err, bot.CodeUnavailable, "vulcan does not answer.")
}

func TestDiffCommand(t *testing.T) {
	w := newWorld(t)
	for line, asked := range map[string][]string{
		"diff":                   {"nixos.generations", "nixos.diff from=41 to=current"},
		"diff 40":                {"nixos.diff from=40 to=current"},
		"diff 41 42":             {"nixos.diff from=41 to=42"},
		"diff Booted profile":    {"nixos.diff from=booted to=profile"},
		"diff 41 42 on vulcan":   {"vulcan nixos.diff from=41 to=42"},
		"diff current on vulcan": {"vulcan nixos.diff from=current to=current"},
	} {
		w.asked = nil
		if _, err := ask(t, w, observer, "", line); err != nil || !reflect.DeepEqual(w.asked, asked) {
			t.Errorf("%s: asked %q (%v), want %q", line, w.asked, err, asked)
		}
	}
	out, err := ask(t, w, observer, "", "diff")
	want := `From generation 41 to generation 42: 1 package of another version, 1 new, 0 gone
NixOS: 25.11.41 → 25.11.42
Needs a reboot: kernel, kernel modules
Size: 2 GiB → 3 GiB
Other sizes alone: 1 package
Units added: a.service
Units changed: b.service, c.service
- linux: 6.18.15 → 6.18.16
- zoxide: ∅ → 0.9.8, +1 MiB
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	d := w.looks[host.LookDiff].(host.Diff)
	for _, test := range []struct {
		change func(*host.Diff)
		want   string
	}{
		{func(d *host.Diff) { d.PackagesUnknown, d.Packages = "Nix cannot compare the two", nil }, "From generation 41 to generation 42: which packages differ is unknown\nNix cannot compare the two\n"},
		{func(d *host.Diff) { d.Packages = nil }, ": all packages of the same versions\n"},
		{func(d *host.Diff) { d.To = d.From; d.Packages = nil }, "From generation 41 to generation 41: the same system\n"},
		{func(d *host.Diff) { d.From = host.Generation{StorePath: "/nix/store/x"} }, "From a system that is no generation to generation 42: "},
		{func(d *host.Diff) { d.To.Specialisation = "gaming" }, " to generation 42 (gaming): "},
		{func(d *host.Diff) { d.To.Loader = "" }, "Boot loader: grub → unknown\n"},
		{func(d *host.Diff) {
			for i := range 130 {
				d.Packages = append(d.Packages, host.PackageChange{Name: fmt.Sprintf("p%d", i), Before: []string{"1"}, After: []string{"2"}})
				d.Units.Removed = append(d.Units.Removed, fmt.Sprintf("u%d.service", i))
			}
		}, "- and 32 more that are not listed\n"},
		{func(d *host.Diff) {
			d.Packages = []host.PackageChange{{Name: "a", Before: []string{"1"}}, {Name: "b", Before: []string{"1"}}, {Name: "c", After: []string{""}}}
		}, ": 0 packages of other versions, 1 new, 2 gone\n"},
	} {
		changed := d
		test.change(&changed)
		w.looks[host.LookDiff] = changed
		out, err := ask(t, w, observer, "", "diff 41 42")
		mustContain(t, said(t, out, err), test.want)
	}
	_, err = ask(t, w, observer, "", "diff forty two")
	wantError(t, err, bot.CodeInvalid, "`forty` (word 2) is no generation; write its number, e.g. `diff 41`. `generations` lists them.")
	gs := w.looks[host.LookGenerations].([]host.Generation)
	w.looks[host.LookGenerations] = gs[:1]
	_, err = ask(t, w, observer, "", "diff")
	wantError(t, err, bot.CodeConflict, "There is no generation before the one that runs. Name two, e.g. `diff 41 current`; `generations` lists them.")
}

func TestDriftCommand(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "drift")
	want := `1 thing has drifted; 1 cannot be compared
- kernel: a reboot is pending (/run/booted-system)
- boot default: unknown: GRUB's menu cannot be read (/boot/grub/grub.cfg)
- running system: generation 42 runs (/run/current-system)
(What these files do not show (changes by hand in /var, in containers, in running programs) is not looked at.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	d := w.looks[host.LookDrift].(host.Drift)
	for _, test := range []struct {
		findings []host.Finding
		want     string
		tone     bot.Tone
	}{
		{d.Findings[:1], "No drift in 1 comparison", bot.ToneOK},
		{[]host.Finding{d.Findings[0], d.Findings[2]}, "No drift is known; 1 cannot be compared", bot.ToneUnknown},
		{nil, "No drift is known", bot.ToneUnknown},
	} {
		w.looks[host.LookDrift] = host.Drift{Findings: test.findings}
		out, err := ask(t, w, observer, "", "drift")
		mustContain(t, said(t, out, err), test.want+"\n")
		if got := out.(bot.Say).Message.Tone; got != test.tone {
			t.Errorf("%s: tone %q, want %q", test.want, got, test.tone)
		}
	}
}

func TestRollbackCommand(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]bot.Ask{
		"rollback":               {Thread: diskID, Operation: "nixos.rollback", Arguments: bot.Arguments{}},
		"rollback 41":            {Thread: diskID, Operation: "nixos.rollback", Arguments: bot.Arguments{"generation": {"41"}}},
		"rollback 041 on vulcan": {Thread: diskID, Host: "vulcan", Operation: "nixos.rollback", Arguments: bot.Arguments{"generation": {"41"}}},
	} {
		if out, err := ask(t, w, operator, diskID, line); err != nil || !reflect.DeepEqual(out, want) {
			t.Errorf("%s: %#v (%v), want %#v", line, out, err, want)
		}
	}
	if len(w.asked) > 0 {
		t.Errorf("asked %q: which generation is meant, the agent finds out", w.asked)
	}
	_, err := ask(t, w, operator, "", "rollback current")
	wantError(t, err, bot.CodeInvalid, "rollback: write the generation's number, e.g. `rollback 41`; `generations` lists them.")
	for _, line := range []string{"rollback -1", "rollback +41", "rollback 0", "rollback 41x", "rollback '41'", "rollback 99999999999999999999"} {
		_, err = ask(t, w, operator, "", line)
		word := line[len("rollback "):]
		wantError(t, err, bot.CodeInvalid, "`"+word+"` (word 2) is no generation; write its number, e.g. `rollback 41`. `generations` lists them.")
	}
	_, err = ask(t, w, operator, "", "rollback 41 40")
	wantError(t, err, bot.CodeInvalid, "rollback 41 40: `40` (word 3) is more than I can read here. Usage: `rollback [GENERATION] [on NAME]`")
	_, err = ask(t, w, observer, "", "rollback 41")
	wantError(t, err, bot.CodeForbidden, "Sorry: `rollback` needs the role operator.")
	// Heard late, it is not obeyed.
	_, err = New(All()).Interpret(t.Context(), "rollback 41", bot.Call{By: operator, At: noon.Add(-10 * time.Minute), Now: noon, World: w})
	wantError(t, err, bot.CodeConflict, "You said this 10 min ago, while I was away: `rollback 41`. Say it again if you still mean it.")
}
