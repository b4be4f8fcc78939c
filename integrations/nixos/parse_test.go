package nixos

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"watchstander/bot/host"
)

func TestParseClosures(t *testing.T) {
	const text = "linux: 6.18.16, 6.18.16-modules → 6.18.17, 6.18.17-modules, \x1b[32;1m-434.2 KiB\x1b[0m\n" +
		"acl: ε → ∅\n" +
		"zoxide: ∅ → 0.9.8, \x1b[31;1m+1.2 MiB\x1b[0m\n" +
		"firefox: \x1b[31;1m9.3 KiB\x1b[0m\n" +
		"source: ε, 1 → ε-2\n\n"
	text2 := strings.Replace(text, "source: ε, 1 → ε-2\n", "", 1)
	want := []host.PackageChange{
		{Name: "linux", Before: []string{"6.18.16", "6.18.16-modules"}, After: []string{"6.18.17", "6.18.17-modules"}, Bytes: -444621},
		{Name: "acl", Before: []string{""}},
		{Name: "zoxide", After: []string{"0.9.8"}, Bytes: 1258291},
		{Name: "firefox", Bytes: 9523},
	}
	got, err := parseClosures(text2)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v)\nwant %+v", got, err, want)
	}
	said := []string{"linux: 6.18.16, 6.18.16-modules → 6.18.17, 6.18.17-modules, -434.2 KiB", "acl: ε → ∅", "zoxide: ∅ → 0.9.8, +1.2 MiB", "firefox: +9.3 KiB"}
	for i, c := range got {
		if c.String() != said[i] {
			t.Errorf("said %q, want %q", c, said[i])
		}
	}
	for _, bad := range []string{
		text, "linux", "linux:", "linux: ", "linux: 1 →", "linux: → 2", "linux: ∅ → ∅", "a b: 1 → 2", "linux: 1 → 2 → 3", "linux: 1; 2 → 3", "linux: +1 XB",
		"linux: NaN KiB", "linux: 1e300 KiB", "linux: 99999999999999999999 TiB", "linux: 1, ∅ → 2", "lin\x00ux: 1 → 2", "\xff: 1 → 2", "linux: 1 → 2, +1 KiB, +2 KiB",
		"error: path '/nix/store/x' is not valid",
	} {
		if got, err := parseClosures(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
	if got, err := parseClosures(""); err != nil || len(got) != 0 {
		t.Errorf("nothing was read as %v, %v", got, err)
	}
}

func FuzzClosures(f *testing.F) {
	for _, s := range []string{"linux: 6.18.16 → 6.18.17, -434.2 KiB\n", "zoxide: ∅ → 0.9.8, \x1b[31;1m+1.2 MiB\x1b[0m", "acl: ε → ∅", "firefox: +9.3 KiB", "a: 1, 2 → 3, 4, 5 B", "error: x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		changes, err := parseClosures(s)
		if err != nil {
			return
		}
		for _, c := range changes {
			for _, r := range c.String() {
				if !unicode.IsPrint(r) {
					t.Fatalf("%q is said with %U", s, r)
				}
			}
			// What it says is what it would read.
			again, err := parseClosures(c.String())
			if c.Bytes == 0 && len(c.Before)+len(c.After) == 0 {
				continue // "x: 0 KiB" of somebody who invents lines
			}
			if err != nil || len(again) != 1 || again[0].Name != c.Name || !slices.Equal(again[0].Before, c.Before) || !slices.Equal(again[0].After, c.After) {
				t.Fatalf("%q was read as %+v, and that as %+v (%v)", s, c, again, err)
			}
		}
	})
}

func TestCompareVersions(t *testing.T) {
	// Each before the next.
	order := []string{"", "1.0pre1", "1.0", "1.0a", "1.0.1", "1.2", "1.10", "2.0-pre3", "2.0", "16.9", "16.10", "258", "258.1"}
	for i := range order {
		for j := range order {
			want := min(max(i-j, -1), 1)
			if got := compareVersions(order[i], order[j]); min(max(got, -1), 1) != want {
				t.Errorf("%q and %q: %d, want %d", order[i], order[j], got, want)
			}
		}
	}
	for _, c := range []struct {
		before, after []string
		want          bool
	}{
		{[]string{"16.10"}, []string{"16.9"}, true},
		{[]string{"16.9"}, []string{"16.10"}, false},
		{[]string{"15.4", "16.10"}, []string{"15.5"}, true}, // the newest went
		{[]string{"16.10"}, nil, false},
		{nil, []string{"16.9"}, false},
	} {
		if got := goesBack(host.PackageChange{Before: c.before, After: c.after}); got != c.want {
			t.Errorf("%v → %v goes back: %v", c.before, c.after, got)
		}
	}
}

func activationOf(text string) (a activation, said []string) {
	for l := range strings.Lines(text) {
		if s := a.line(strings.TrimSuffix(l, "\n")); s != "" {
			said = append(said, s)
		}
	}
	return a, said
}

func TestActivation(t *testing.T) {
	a, said := activationOf(`Checking switch inhibitors... done
stopping the following units: a.service, systemd-cryptsetup@dev\x2dmapper.service
stopping swap device: /dev/sda3
NOT restarting the following changed units: getty@tty1.service
activating the configuration...
setting up /etc...
Activation script snippet 'users' failed (1)
restarting systemd...
reloading user units for alice...
restarting the following user units: syncthing.service
warning: user activation for alice failed
restarting sysinit-reactivation.target
reloading the following units: dbus.service
restarting the following units: sshd.service
starting the following units: a.service
starting the following units: a.service
the following new units were started: b.timer
warning: the following units failed: sshd.service
× sshd.service - SSH Daemon password=hunter2
`)
	want := activation{
		Stop: []string{"a.service", `systemd-cryptsetup@dev\x2dmapper.service`}, Skip: []string{"getty@tty1.service"}, Restart: []string{"sshd.service"},
		Reload: []string{"dbus.service"}, Start: []string{"a.service"}, Failed: []string{"sshd.service"}, Fresh: []string{"b.timer"},
		Users: []string{"restarting: syncthing.service", "failed for alice"}, Snippets: []string{"users"}, Systemd: true, Swap: []string{"/dev/sda3"}, Activating: true, Touched: true,
	}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got\n%+v\nwant\n%+v", a, want)
	}
	wantSaid := []string{
		`Stopping: a.service, systemd-cryptsetup@dev\x2dmapper.service.`, "Changed, but left alone: getty@tty1.service.", "The configuration is being activated.",
		"The part users of the activation script failed.", "Units of users, restarting: syncthing.service.", "The units of the user alice could not be switched.",
		"Reloading: dbus.service.", "Restarting: sshd.service.", "Starting: a.service.", "Starting: a.service.", "These units failed right after the switch: sshd.service.",
	}
	if !slices.Equal(said, wantSaid) {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(wantSaid, "\n"))
	}
	dry, said := activationOf("would NOT stop the following changed units: x.service\nwould NOT restart the following changed units: y.service\nwould stop swap device: /dev/sda3\nwould activate the configuration...\nwould restart systemd\n")
	if dry.Touched || !dry.Activating || !dry.Systemd || len(said) != 0 || !slices.Equal(dry.Skip, []string{"x.service", "y.service"}) {
		t.Errorf("got %+v, said %v", dry, said)
	}
}

func FuzzActivation(f *testing.F) {
	f.Add("would stop the following units: a.service, b.service\nwould activate the configuration...\n")
	f.Add("NOT restarting the following changed units: x\nActivation script snippet 'users' failed (1)\nwarning: user activation for alice failed")
	f.Add("stopping swap device: /dev/sda3\nwarning: the following user units failed: a.service\n")
	f.Fuzz(func(t *testing.T, s string) {
		a, said := activationOf(s)
		for _, names := range [][]string{a.Stop, a.Skip, a.Restart, a.Reload, a.Start, a.Failed, a.Fresh} {
			for _, n := range names {
				if !isUnit(n) {
					t.Fatalf("%q became the unit %q", s, n)
				}
			}
		}
		for _, l := range slices.Concat(said, a.Users, a.Swap, a.Snippets) {
			for _, r := range l {
				if !unicode.IsPrint(r) {
					t.Fatalf("%q is told with %U: %q", s, r, l)
				}
			}
		}
	})
}

func TestGrubDefault(t *testing.T) {
	const store = "/nix/store"
	a, b := store+"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-nixos-a", store+"/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-nixos-b"
	entry := func(name, system string) string {
		return "menuentry \"" + name + "\" --class nixos {\nsearch --set=drive1 --label rpool\n  linux ($drive1)/k init=" + system + "/init loglevel=4\n  initrd ($drive1)/i\n}\n"
	}
	head := "if [ \"${saved_entry}\" ]; then\n  set default=\"${saved_entry}\"\nelse\n  set default=%\nfi\n"
	with := func(def string, entries ...string) string {
		return strings.Replace(head, "%", def, 1) + strings.Join(entries, "\n")
	}
	tests := []struct{ name, menu, want, why string }{
		{"the first", with("0", entry("NixOS", a), entry("Windows", b)), a, ""},
		{"quoted", with(`"0"`, entry("NixOS", a)), a, ""},
		{"the second", with("1", entry("Windows", b), entry("NixOS", a)), a, ""},
		{"entries within submenus do not count", with("2", entry("NixOS", a), "submenu \"All\" {\n"+entry("x", a)+entry("y", a)+"}\n", entry("z", b)), b, ""},
		{"a submenu", with("1", entry("NixOS", a), "submenu \"All\" {\n"+entry("x", a)+"}\n"), "", "GRUB's default is a submenu"},
		{"functions are no entries", with("0", "function x {\n  true\n}\n", entry("NixOS", a)), a, ""},
		{"by name", with("NixOS", entry("NixOS", a)), "", "GRUB's default is chosen in a way that I cannot follow"},
		{"too high", with("1", entry("NixOS", a)), "", "GRUB's default is chosen in a way that I cannot follow"},
		{"none", entry("NixOS", a), "", "GRUB's menu names no default"},
		{"another system", with("0", "menuentry \"x\" {\n  chainloader /efi/x\n}\n"), "", "GRUB's default entry names no system"},
		{"not in the store", with("0", entry("x", "/nix/store/../../etc")), "", "GRUB's default entry names no system"},
		{"empty", "", "", "GRUB's menu names no default"},
	}
	for _, test := range tests {
		got, why := grubDefault(test.menu, store)
		if got != test.want || why != test.why {
			t.Errorf("%s: %q (%s), want %q (%s)", test.name, got, why, test.want, test.why)
		}
	}
	if !chosenOnce("# GRUB Environment Block\nsaved_entry=3\n####") || chosenOnce("# GRUB Environment Block\nsaved_entry=\n####") {
		t.Error("grub-reboot's entry")
	}
	if got := loaderDefault("timeout 5\ndefault nixos-generation-41.conf\n"); got != "nixos-generation-41.conf" {
		t.Errorf("systemd-boot: %q", got)
	}
	for _, conf := range []string{"default nixos-*\n", "default ../../etc/x.conf\n", "timeout 5\n", "default a b\n"} {
		if got := loaderDefault(conf); got != "" {
			t.Errorf("%q: %q", conf, got)
		}
	}
}

func FuzzGrubDefault(f *testing.F) {
	f.Add("set default=0\nmenuentry \"NixOS\" {\n  linux k init=/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-nixos-a/init\n}\n")
	f.Add("set default=1\nsubmenu \"x\" {\nmenuentry \"y\" {\n}\n}\n")
	f.Fuzz(func(t *testing.T, s string) {
		system, why := grubDefault(s, "/nix/store")
		if (system == "") == (why == "") || system != "" && !isStorePath(system, "/nix/store") {
			t.Fatalf("%q: %q, %q", s, system, why)
		}
	})
}

func TestInstaller(t *testing.T) {
	const at = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-"
	for script, want := range map[string]string{
		"export INSTALL_BOOTLOADER='" + at + "install-grub.sh'\n":                                              "grub",
		"export INSTALL_BOOTLOADER='" + at + "extlinux-conf-builder.sh -g 20 -t 5 -c'\n":                       "generic-extlinux-compatible",
		"  system(\"" + at + "install-systemd-boot.sh $out\") == 0 or exit 1;":                                 "systemd-boot",
		"# --set 'INSTALL_BOOTLOADER' '" + at + "install-grub.sh' \\":                                          "grub",
		"export INSTALL_BOOTLOADER='/nix/store/zz-coreutils/bin/true'\n":                                       "",
		"export INSTALL_BOOTLOADER='" + at + "install-something.sh'\n":                                         "",
		"export PRE_SWITCH_CHECK='" + at + "install-grub.sh'\n":                                                "",
		"INSTALL_BOOTLOADER=" + at + "install-grub.sh\nINSTALL_BOOTLOADER=" + at + "install-systemd-boot.sh\n": "",
		"": "",
	} {
		if got := installerOf([]byte(script)); got != want {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
	}
}

func TestParseMark(t *testing.T) {
	m, err := ParseMark([]byte(`{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"rev-7","bot":{"version":"1.4.0","schema":9},"later":[1]}`))
	if err != nil || m.StateVersion != "25.05" || m.Bot == nil || m.Bot.Schema != 9 || m.Secrets != "rev-7" {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err := ParseMark([]byte(`{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub"}`)); err != nil || m.Bot != nil {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{
		``, `null`, `{}`, `[]`, `{"version":"1","host":"v","state_version":"25.05","loader":"grub"}`, `{"version":2,"host":"v","state_version":"25.05","loader":"grub"}`,
		`{"version":1,"state_version":"25.05","loader":"grub"}`, `{"version":1,"host":"v","loader":"grub"}`, `{"version":1,"host":"v","state_version":"25.05"}`,
		`{"version":1,"host":"v\n","state_version":"25.05","loader":"grub"}`, `{"version":1,"host":"v","state_version":25.05,"loader":"grub"}`,
		`{"version":1,"host":"v","state_version":"25.05","loader":"grub","bot":{}}`, `{"version":1,"host":"v","state_version":"25.05","loader":"grub","bot":{"version":"1","schema":0}}`,
		"{\"version\":1,\"host\":\"\xff\",\"state_version\":\"25.05\",\"loader\":\"grub\"}", `{"version":1,"host":"v","state_version":"25.05","loader":"` + strings.Repeat("x", 200) + `"}`,
		`{"version":1,"host":"v","state_version":"25.05","loader":"grub"} {}`,
	} {
		if m, err := ParseMark([]byte(bad)); err == nil {
			t.Errorf("%s was read as %+v", bad, m)
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add([]byte(`{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"rev-7","bot":{"version":"1.4.0","schema":9}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMark(data)
		if err != nil {
			return
		}
		for _, s := range []string{m.Host, m.StateVersion, m.Loader, m.Secrets} {
			if !plainWord(s) {
				t.Fatalf("%q holds %q", data, s)
			}
		}
		if m.Host == "" || m.StateVersion == "" || m.Loader == "" || m.Bot != nil && m.Bot.Schema < 1 {
			t.Fatalf("%q was read as %+v", data, m)
		}
	})
}

// What a unit did before is read as an older agent noted it too.
func TestRoleOfOlderNotes(t *testing.T) {
	var got map[string]role
	if err := json.Unmarshal([]byte(`{"a.service":true,"b.timer":false,"c.service":"ran","d.socket":"active","e.service":""}`), &got); err != nil {
		t.Fatal(err)
	}
	if want := (map[string]role{"a.service": ran, "b.timer": idle, "c.service": ran, "d.socket": active, "e.service": idle}); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
