package simulated_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/sys/simulated"
)

func TestNix(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		const bin = "/run/current-system/sw/bin/"
		nix := []string{bin + "nix", "--extra-experimental-features", "nix-command", "--offline"}
		lines, exit := run(t, s, append(nix, "store", "diff-closures", "--", h.Toplevel(42), h.Toplevel(40))...)
		same(t, "42 to 40", lines, "initrd-linux: 6.18.17 → 6.18.16", "linux: 6.18.17 → 6.18.16", "nginx: 1.28.2 → 1.28.1, -87.9 KiB",
			"postgresql: 16.11 → 16.10, -195.3 KiB", "step-ca: 0.29.0 → 0.28.4, -2.0 MiB", "zoxide: 0.9.8 → ∅, -1.2 MiB")
		if exit != 0 {
			t.Error(exit)
		}
		lines, _ = run(t, s, append(nix, "path-info", "--closure-size", "--", h.Toplevel(41))...)
		if f := strings.Fields(strings.Join(lines, " ")); len(f) != 2 || f[0] != h.Toplevel(41) {
			t.Errorf("%q", lines)
		}
		for _, argv := range [][]string{
			{bin + "nix", "store", "diff-closures", h.Toplevel(42), h.Toplevel(41)},
			append(slices.Clone(nix), "store", "diff-closures", h.Toplevel(42), "/nix/store/nothing"),
			append(slices.Clone(nix), "build"),
			{bin + "nix-env", "-p", "/nix/var/nix/profiles/system", "--switch-generation", "7"},
			{bin + "nix-env", "-p", "/nix/var/nix/profiles/per-user/root", "--switch-generation", "41"},
			{bin + "nix-env", "-p", "/nix/var/nix/profiles/system", "--delete-generations", "42"},
			{bin + "nix-store", "--realise", "/nix/store/nothing"},
		} {
			if lines, exit := run(t, s, argv...); exit != 1 || len(lines) != 1 || !strings.HasPrefix(lines[0], "error: ") {
				t.Errorf("%q: %d %q", argv, exit, lines)
			}
		}
		if h.Default() != 42 {
			t.Errorf("the profile points at %d", h.Default())
		}
		lines, exit = run(t, s, bin+"nix-env", "-p", "/nix/var/nix/profiles/system", "--switch-generation", "40")
		same(t, "nix-env", lines, "switching profile from version 42 to 40")
		if exit != 0 || h.Default() != 40 || h.Running() != 42 || h.NextBoot() != 42 {
			t.Errorf("exit %d: the profile points at %d, %d runs, %d is booted next", exit, h.Default(), h.Running(), h.NextBoot())
		}
		lines, _ = run(t, s, bin+"nix-env", "-p", "/nix/var/nix/profiles/system", "--list-generations")
		same(t, "the list", lines, "38   1999-11-21 00:00:00   ", "  39   1999-12-05 00:00:00   ", "  40   1999-12-19 00:00:00   (current)", "  41   1999-12-26 00:00:00   ", "  42   1999-12-31 00:00:00")
		lines, _ = run(t, s, bin+"nix-store", "--realise", h.Toplevel(39), "--add-root", "/var/lib/watchstander-agent/roots/39")
		same(t, "the root", lines, "/var/lib/watchstander-agent/roots/39")
		if to, err := s.Files.Resolve("/var/lib/watchstander-agent/roots/39"); to != h.Toplevel(39) || err != nil {
			t.Errorf("the root is %s, %v", to, err)
		}
		must(t, h.ForgetGeneration(38, true))
		if _, err := s.Files.Resolve("/nix/var/nix/profiles/system-38-link"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		lines, _ = run(t, s, bin+"nixos-version", "--json")
		if len(lines) != 1 || !strings.Contains(lines[0], `"configurationRevision":"e90b6d52`) {
			t.Errorf("%q", lines)
		}
		lines, _ = run(t, s, "/run/booted-system/sw/bin/zpool", "list", "-Hp", "-o", "name,size,capacity,health")
		same(t, "zpool list", lines, "rpool\t1030792151040\t42\tONLINE", "tank\t15977278341120\t55\tONLINE")
		if _, exit := run(t, s, "/run/booted-system/sw/bin/zpool", "destroy", "tank"); exit != 2 {
			t.Error(exit)
		}
	})
}
