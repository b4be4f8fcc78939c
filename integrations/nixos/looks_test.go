package nixos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/integrations/nixos"
)

// asker answers looks as the agent does: by the integration, over JSON.
type asker struct{ looks []bot.Look }

func (a asker) Look(ctx context.Context, name, look string, args bot.Arguments) (json.RawMessage, error) {
	for _, l := range a.looks {
		if l.Name == look {
			answer, err := l.Run(ctx, args)
			if err != nil {
				return nil, err
			}
			return json.Marshal(answer)
		}
	}
	return nil, bot.Errorf(bot.CodeNotFound, "There is no look %s at %s.", look, name)
}

func TestGenerations(t *testing.T) {
	v := newVulcan()
	v.mark(40, "")
	v.files.delete(toplevel(39))
	special := store("nixos-system-vulcan-gaming")
	v.files.file(special+"/init", "")
	v.files.link(toplevel(41)+"/specialisation/gaming", special)
	v.files.link("/run/current-system", special)
	v.files.link(profiles+"/system-x-link", toplevel(42))
	v.files.link(profiles+"/system-042-link", toplevel(42))
	v.files.link(profiles+"/other-7-link", toplevel(42))
	gs, err := host.Generations(t.Context(), asker{v.integration(t, nil).Looks()}, "vulcan")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, g := range gs {
		fmt.Fprintf(&b, "%d %s %s %q %q %q %q %q %q %d current=%v booted=%v default=%v %v %q whole=%v\n", g.Number, g.Date.Format("2006-01-02"), strings.TrimPrefix(g.StorePath, "/nix/store/"),
			g.NixOSVersion, g.Kernel, g.Revision, g.Loader, g.StateVersion, g.Bot, g.Schema, g.Current, g.Booted, g.Default, g.Specialisations, g.Specialisation, g.Complete())
	}
	name := func(n int) string { return strings.TrimPrefix(toplevel(n), "/nix/store/") }
	want := `42 2026-03-04 ` + name(42) + ` "25.11.42" "6.18.16" "c0ffee42" "grub" "25.05" "1.4.0" 9 current=false booted=true default=true [] "" whole=true
41 2026-03-03 ` + name(41) + ` "25.11.41" "6.18.16" "c0ffee41" "grub" "25.05" "1.4.0" 9 current=true booted=false default=false [gaming] "gaming" whole=true
40 2026-03-02 ` + name(40) + ` "25.11.40" "6.18.16" "c0ffee40" "grub" "" "" 0 current=false booted=false default=false [] "" whole=true
39 2026-03-01 ` + name(39) + ` "" "" "" "" "" "" 0 current=false booted=false default=false [] "" whole=false
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestDiff(t *testing.T) {
	v := newVulcan()
	v.kernel(41, "6.18.15")
	v.files.file(toplevel(41)+"/kernel-params", "quiet  loglevel=4\n") // another order
	units := etc(41) + "/systemd/system"
	v.files.delete(units + "/nginx.service")
	v.files.file(units+"/new.service", "")
	v.files.file(units+"/multi-user.target.wants/new.service", "")
	v.files.file(units+"/sshd.service.d/overrides.conf", "")
	a := asker{v.integration(t, nil).Looks()}
	d, err := host.Differences(t.Context(), a, "vulcan", "current", "41")
	if err != nil {
		t.Fatal(err)
	}
	if d.From.Number != 42 || d.To.Number != 41 || !d.Kernel || !d.Initrd || !d.Modules || !d.Parameters || d.ClosureTo != 2*host.GiB || len(d.Packages) != 1 {
		t.Errorf("got %+v", d)
	}
	if got := fmt.Sprint(d.Units); got != "{[new.service] [nginx.service] [sshd.service] }" {
		t.Errorf("units %s", got)
	}
	if got := strings.Join(d.BootParts(), ", "); got != "kernel, initrd, kernel modules, kernel parameters" {
		t.Errorf("boot parts %s", got)
	}
	same, err := host.Differences(t.Context(), a, "vulcan", "booted", "profile")
	if err != nil || len(same.BootParts()) > 0 || len(same.Packages) > 0 || fmt.Sprint(same.Units) != "{[] [] [] }" {
		t.Errorf("a system and itself: %+v, %v", same, err)
	}
	for _, bad := range [][2]string{{"7", "41"}, {"41", "next"}, {"", "41"}, {"41", "--help"}} {
		if d, err := host.Differences(t.Context(), a, "vulcan", bad[0], bad[1]); err == nil {
			t.Errorf("%v: %+v", bad, d)
		}
	}
	for _, args := range []bot.Arguments{nil, {"from": {"41"}}, {"from": {"41"}, "to": {"42"}, "x": {"y"}}, {"from": {"41", "42"}, "to": {"42"}}} {
		if _, err := a.Look(t.Context(), "vulcan", host.LookDiff, args); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}

func TestDrift(t *testing.T) {
	tests := []struct {
		name string
		set  func(*vulcan)
		want string
	}{
		{"none", func(*vulcan) {}, `
ok | running system | generation 42 runs, and the profile points at it
ok | kernel | kernel, initrd and modules are those of the booted system
ok | boot default | the loader starts generation 42, as the profile says
ok | /etc | it is that of the running system
ok | units | it is that of the running system
ok | last switch | nothing is left of it to do
ok | files in /etc | all are the configuration's, or what NixOS keeps there
`},
		{"a deployment that waits for a reboot", func(v *vulcan) {
			v.kernel(42, "6.18.17")
			v.files.link("/run/booted-system", toplevel(41))
		}, `
ok | running system | generation 42 runs, and the profile points at it
not ok | kernel | a reboot is pending: kernel, initrd, kernel modules of generation 42 are others than those of the booted generation 41
ok | boot default | the loader starts generation 42, as the profile says
`},
		{"a system that is only tried", func(v *vulcan) {
			v.files.link("/run/current-system", toplevel(41))
			v.files.link("/etc/static", toplevel(41)+"/etc")
		}, `
not ok | running system | generation 41 runs, and the profile points at generation 42: that one was not switched to, or only another one tried
`},
		{"a system that the profile never had", func(v *vulcan) {
			v.files.delete(profiles + "/system-42-link")
			v.files.link(profiles+"/system", "system-41-link")
		}, `
not ok | running system | the system ` + strings.TrimPrefix(toplevel(42), "/nix/store/") + ` runs, which is no generation of the profile: it was only tried, or its generation was deleted; the profile points at generation 41
`},
		{"a menu that starts another one", func(v *vulcan) { v.writeMenu(toplevel(40)) }, `
not ok | boot default | the loader starts generation 40, and the profile points at generation 42
`},
		{"an entry for once", func(v *vulcan) { v.files.file("/boot/grub/grubenv", "saved_entry=2\n") }, `
unknown | boot default | GRUB was told to start another entry once
`},
		{"an activation that did not end", func(v *vulcan) {
			v.files.link("/etc/static", toplevel(41)+"/etc")
			v.files.file("/run/nixos/start-list", "a.service\n")
		}, `
not ok | /etc | it is another system's (` + strings.TrimPrefix(store("etc-41"), "/nix/store/") + `): an activation did not come to its end
not ok | last switch | it was interrupted: start-list is left, and the next switch goes on with it
`},
		{"what a switch left cannot be read", func(v *vulcan) { v.files.refused = map[string]bool{"/run/nixos/restart-list": true} }, `
unknown | last switch | whether something is left of it to do cannot be read
`},
		{"an /etc that is an overlay", func(v *vulcan) { v.files.delete("/etc/static"); v.files.delete("/etc/systemd") }, `
unknown | /etc | it is made in a way that cannot be compared
unknown | units | it is made in a way that cannot be compared
`},
		{"nobody knows what was booted", func(v *vulcan) { v.files.delete("/run/booted-system"); v.files.delete("/boot") }, `
unknown | kernel | what was booted cannot be read
unknown | boot default | GRUB's menu cannot be read
`},
		{"a kernel that cannot be compared", func(v *vulcan) {
			v.files.link("/run/booted-system", toplevel(41))
			v.files.delete(toplevel(41) + "/kernel")
		}, `
unknown | kernel | these cannot be compared with the booted system's: kernel
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newVulcan()
			test.set(v)
			d, err := host.DriftOf(t.Context(), asker{v.integration(t, nil).Looks()}, "vulcan")
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, f := range d.Findings {
				fmt.Fprintf(&b, "%s | %s | %s\n", f.State, f.What, f.Text)
			}
			for line := range strings.Lines(strings.TrimPrefix(test.want, "\n")) {
				if !strings.Contains(b.String(), line) {
					t.Errorf("%q is missing in\n%s", line, b.String())
				}
			}
		})
	}
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVulcan()
		figures := map[string]string{}
		read := func() string {
			var b strings.Builder
			for _, r := range v.integration(t, nil).Probe().Read(t.Context()) {
				if r.Host != "vulcan" || r.At.IsZero() || r.Source == "" {
					t.Errorf("%+v lacks its host, time or source", r)
				}
				fmt.Fprintf(&b, "%s | %s | %s | %s\n", r.State, r.What, r.Value, r.Note)
				figures[r.What] = fmt.Sprintf("%v %s", r.Figure, r.Unit)
			}
			return b.String()
		}
		time.Sleep(time.Until(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)))
		if got, want := read(), "ok | generation | 42, NixOS 25.11.42, made 10 d 2 h ago | \nok | booted system | is the one that runs | \nok | drift | none in 7 comparisons | \nok | generations kept | 4 | \nunknown | nixpkgs age |  | its version, 25.11.42, has no date, as those of channels\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if figures["generation"] != "871200 s" || figures["generations kept"] != "4 1" || figures["drift"] != "0 " {
			t.Errorf("got %q", figures)
		}
		for version, want := range map[string]string{
			"25.11.20260301.abcdef0": "ok | nixpkgs age | 13 d, of 1 Mar 2026 | \n",
			"25.11.20260213.abcdef0": "ok | nixpkgs age | 29 d, of 13 Feb 2026 | \n",
			"25.11.20260211.abcdef0": "not ok | nixpkgs age | 31 d, of 11 Feb 2026 | more than 30 d: security fixes since then are missing\n",
			"25.11.20260314.dirty":   "ok | nixpkgs age | 0 s, of 14 Mar 2026 | \n",
			"25.11.20260316.abcdef0": "unknown | nixpkgs age |  | its version, 25.11.20260316.abcdef0, is of a day to come: a clock is wrong\n",
			"25.11.20261301.abcdef0": "unknown | nixpkgs age |  | its version, 25.11.20261301.abcdef0, has no date",
			"":                       "unknown | nixpkgs age |  | the running system does not tell its version\n",
		} {
			v.files.file(toplevel(42)+"/nixos-version", version)
			if got := read(); !strings.Contains(got, want) {
				t.Errorf("%s: got\n%s", version, got)
			}
		}
		v.files.file(toplevel(42)+"/nixos-version", "25.11.20260212.abcdef0")
		if read(); figures["nixpkgs age"] != "2.6352e+06 s" {
			t.Errorf("got %q", figures)
		}
		v.files.delete("/boot") // where only root may look
		if got := read(); !strings.Contains(got, "ok | drift | none in 6 comparisons") {
			t.Errorf("got\n%s", got)
		}
		v.files.link("/run/booted-system", toplevel(41))
		if got := read(); !strings.Contains(got, "ok | booted system | is generation 41, another one than runs, with the same kernel | \n") {
			t.Errorf("got\n%s", got)
		}
		v.kernel(42, "6.18.17")
		v.files.delete(toplevel(39))
		v.files.delete(toplevel(40))
		if got := read(); !strings.Contains(got, "not ok | booted system | is generation 41, another one than runs | a reboot is pending: ") || !strings.Contains(got, "not ok | generations kept | 2 | there should be at least 3 whole ones") || !strings.Contains(got, "ok | drift | none in 5 other comparisons") {
			t.Errorf("got\n%s", got)
		}
		v.files.link("/nix/var/nix/profiles/system", toplevel(41))
		if got := read(); !strings.Contains(got, "not ok | drift: running system |  | generation 42 runs, and the profile points at ") || strings.Contains(got, "drift | none") {
			t.Errorf("got\n%s", got)
		}
		v.files.delete("/run")
		want := ""
		for _, what := range []string{"generation", "booted system", "drift", "generations kept", "nixpkgs age"} {
			want += "unknown | " + what + " |  | /run/current-system cannot be read on vulcan; is it a NixOS host?\n"
		}
		if got := read(); got != want {
			t.Errorf("got\n%s", got)
		}
	})
	if got := newVulcan().integration(t, func(o *nixos.Options) { o.Host.Name = "" }).Probe().Name(); got != "nixos" {
		t.Errorf("its name is %q", got)
	}
}
