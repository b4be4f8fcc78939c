package simulated_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// vulcan puts the host up, in a bubble or not.
func vulcan(t *testing.T, o simulated.Options) *simulated.Host {
	t.Helper()
	h, err := simulated.New(o)
	must(t, err)
	t.Cleanup(func() { must(t, h.Close()) })
	return h
}

// bubble runs a story on fake time.
func bubble(t *testing.T, o simulated.Options, story func(*testing.T, *simulated.Host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(t, vulcan(t, o)) })
}

func read(t *testing.T, f sys.Files, path string) string {
	t.Helper()
	data, err := f.Read(path, 1<<20)
	must(t, err)
	return string(data)
}

// run runs a program of the host and gives what it said, line by line.
func run(t *testing.T, s sys.Host, argv ...string) (lines []string, exit int) {
	t.Helper()
	out, err := s.Run.Run(t.Context(), sys.Command{Argv: argv})
	must(t, err)
	text := strings.TrimSpace(string(out.Stdout) + string(out.Stderr))
	if text == "" {
		return nil, out.Exit
	}
	return strings.Split(text, "\n"), out.Exit
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n  got  %q\n  want %q", what, got, want)
	}
}

func TestTree(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		f := s.Files
		if s.Name != "vulcan" {
			t.Error(s.Name)
		}
		current, err := f.Resolve("/run/current-system")
		must(t, err)
		if current != h.Toplevel(42) || !strings.HasPrefix(current, "/nix/store/") || !strings.Contains(current, "-nixos-system-vulcan-26.05") {
			t.Errorf("it runs %s", current)
		}
		for link, want := range map[string]string{
			"/nix/var/nix/profiles/system": current, "/run/booted-system": current, "/nix/var/nix/profiles/system-38-link": h.Toplevel(38),
			"/etc/systemd/system": must1(f.Resolve(current + "/etc/systemd/system")),
			"/etc/static":         must1(f.Resolve(current + "/etc")),
		} {
			if got, err := f.Resolve(link); got != want || err != nil {
				t.Errorf("%s is %s, %v; want %s", link, got, err, want)
			}
		}
		for _, part := range []string{"activate", "init", "kernel", "initrd", "kernel-modules/lib/modules/6.18.17", "kernel-params", "nixos-version", "sw/bin/nix", "etc/os-release", "bin/switch-to-configuration"} {
			if _, err := f.Stat("/run/current-system/" + part); err != nil {
				t.Error(err)
			}
		}
		if mark := read(t, f, "/etc/watchstander/host.json"); !strings.Contains(mark, `"loader":"grub"`) || !strings.Contains(mark, `"state_version":"25.05"`) {
			t.Errorf("the mark is %s", mark)
		}
		if menu := read(t, f, "/boot/grub/grub.cfg"); !strings.Contains(menu, "init="+current+"/init") || strings.Count(menu, "menuentry") != 6 {
			t.Errorf("the menu is %s", menu)
		}
		entries, err := f.List("/nix/var/nix/profiles")
		must(t, err)
		for _, e := range entries {
			if info, err := e.Info(); e.Name() == "system-41-link" && (err != nil || !info.ModTime().Equal(time.Now().Add(-6*24*time.Hour))) {
				t.Errorf("generation 41 is of %s, %v", info.ModTime(), err)
			}
		}
		if id := read(t, f, "/etc/machine-id"); len(id) != 33 {
			t.Errorf("the machine is %q", id)
		}
		if err := f.Write(current+"/nixos-version", []byte("x")); !errors.Is(err, syscall.EROFS) {
			t.Errorf("writing into the store: %v", err)
		}
		mounts, err := f.Mounts()
		must(t, err)
		if m, ok := sys.MountOf(mounts, "/tank/backups/x"); !ok || m.Source != "tank/backups" || m.Type != "zfs" {
			t.Errorf("%+v", m)
		}
		h.SetFree("/tank/backups", 5)
		for path, want := range map[string]int64{"/tank/backups": 5, "/tank": 6550 << 30} {
			if free, err := f.Free(path); free != want || err != nil {
				t.Errorf("%s has %d free, %v", path, free, err)
			}
		}
		h.Spoil("/proc/meminfo", syscall.EIO)
		if _, err := f.Read("/proc/meminfo", 1<<20); !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
		h.Spoil("/proc/meminfo", nil)
		if text := read(t, f, "/proc/meminfo"); !strings.HasPrefix(text, "MemTotal:       65744016 kB\n") {
			t.Error(text)
		}
	})
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// figure reads one of arcstats.
func figure(t *testing.T, s sys.Host, name string) uint64 {
	t.Helper()
	for line := range strings.Lines(read(t, s.Files, "/proc/spl/kstat/zfs/arcstats")) {
		var n string
		var kind, v uint64
		if _, err := fmt.Sscan(line, &n, &kind, &v); err == nil && n == name {
			return v
		}
	}
	t.Fatalf("arcstats has no %s", name)
	return 0
}

func TestARC(t *testing.T) {
	const (
		mib = 1 << 20
		gib = 1 << 30
		ram = 67_321_872_384
	)
	const dir = "/sys/module/zfs/parameters/zfs_arc_"
	type write struct {
		param string
		value uint64
	}
	for _, tt := range []struct {
		name     string
		writes   []write
		min, max uint64
		warnings int
	}{
		{"as it comes", nil, ram / 32, ram - gib, 0},
		{"the plan's", []write{{"max", 32 * gib}, {"min", 4 * gib}}, 4 * gib, 32 * gib, 0},
		{"a minimum that is too small", []write{{"min", 32*mib - 1}}, ram / 32, ram - gib, 1},
		{"the smallest", []write{{"min", 32 * mib}}, 32 * mib, ram - gib, 0},
		{"a minimum above the maximum", []write{{"max", 8 * gib}, {"min", 8*gib + 1}}, ram / 32, 8 * gib, 1},
		{"a minimum that is the maximum", []write{{"max", 8 * gib}, {"min", 8 * gib}}, 8 * gib, 8 * gib, 0},
		{"a maximum that is too small", []write{{"min", 32 * mib}, {"max", 64*mib - 1}}, 32 * mib, ram - gib, 1},
		{"the smallest maximum", []write{{"min", 32 * mib}, {"max", 64 * mib}}, 32 * mib, 64 * mib, 0},
		{"a maximum of all memory", []write{{"max", ram}}, ram / 32, ram - gib, 1},
		{"a maximum below it", []write{{"max", ram - 1}}, ram / 32, ram - 1, 0},
		{"a maximum that is the minimum", []write{{"max", ram / 32}}, ram / 32, ram - gib, 1},
		{"nothing is no value", []write{{"max", 32 * gib}, {"max", 0}}, ram / 32, 32 * gib, 0},
		// The ignored value waits, and holds as soon as it can: with the next write of
		// anything.
		{"both raised, the minimum first", []write{{"max", 4 * gib}, {"min", 8 * gib}, {"max", 16 * gib}, {"max", 16 * gib}}, 8 * gib, 16 * gib, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
				s := h.Sys()
				for _, w := range tt.writes {
					must(t, s.Files.Write(dir+w.param, fmt.Appendf(nil, "%d\n", w.value)))
					if got := read(t, s.Files, dir+w.param); got != fmt.Sprintf("%d\n", w.value) {
						t.Errorf("the file keeps %q", got)
					}
				}
				if min, max := figure(t, s, "c_min"), figure(t, s, "c_max"); min != tt.min || max != tt.max {
					t.Errorf("the limits are %d and %d, want %d and %d", min, max, tt.min, tt.max)
				}
				warned := 0
				for _, l := range h.Journal() {
					if l.Unit == "" && strings.HasPrefix(l.Text, "WARNING: ignoring tunable zfs_arc_m") {
						warned++
					}
				}
				if warned != tt.warnings {
					t.Errorf("the kernel warned %d times, want %d", warned, tt.warnings)
				}
			})
		})
	}
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		for _, text := range []string{"a lot", "-1", "1 2"} {
			if err := s.Files.Write(dir+"max", []byte(text)); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%q: %v", text, err)
			}
		}
		// It shrinks slowly, and at once where memory is short; it never leaves its limits.
		before := figure(t, s, "size")
		must(t, s.Files.Write(dir+"max", []byte("8589934592")))
		time.Sleep(time.Minute)
		if size := figure(t, s, "size"); size >= before || size < before-mib*1000 {
			t.Errorf("after a minute its size is %d, it was %d", size, before)
		}
		h.Pressure(true)
		time.Sleep(time.Minute)
		if size, min := figure(t, s, "size"), figure(t, s, "c_min"); size != min {
			t.Errorf("under pressure its size is %d, its minimum %d", size, min)
		}
		h.Pressure(false)
		time.Sleep(time.Hour)
		if size := figure(t, s, "size"); size != 8*gib {
			t.Errorf("after an hour its size is %d", size)
		}
	})
	h := vulcan(t, simulated.Options{Pools: []simulated.Pool{}})
	if _, err := h.Sys().Files.Read("/proc/spl/kstat/zfs/arcstats", 1000); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a host without ZFS: %v", err)
	}
}

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

func TestPrograms(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		must(t, h.Program("/opt/slow", func(ctx context.Context, c *simulated.Call) int {
			fmt.Fprintf(c.Stdout, "%s in %s with %q\n", strings.Join(c.Argv, " "), c.Dir, c.Env)
			select {
			case <-ctx.Done():
				fmt.Fprintln(c.Stderr, "stopped")
				return 143
			case <-time.After(time.Minute):
				return 3
			}
		}))
		must(t, h.Program("/opt/stubborn", func(context.Context, *simulated.Call) int {
			time.Sleep(time.Hour)
			return 0
		}))
		must(t, h.PutLink("/opt/link", "slow"))
		var lines []string
		out, err := s.Run.Run(t.Context(), sys.Command{
			Argv: []string{"/opt/link", "a b"}, Env: []string{"A=1"}, Dir: "/tmp",
			Line: func(_, l string) { lines = append(lines, l) },
		})
		must(t, err)
		if out.Exit != 3 || out.Took != time.Minute || string(out.Stdout) != "/opt/link a b in /tmp with [\"A=1\"]\n" {
			t.Errorf("%+v %s", out, out.Stdout)
		}
		same(t, "lines", lines, `/opt/link a b in /tmp with ["A=1"]`)
		var piped bytes.Buffer
		out, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/slow"}, Stdout: &piped})
		if piped.String() != "/opt/slow in / with []\n" || len(out.Stdout) != 0 || err != nil {
			t.Errorf("%q %q, %v", piped.String(), out.Stdout, err)
		}
		if _, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/slow"}, Stdout: full{}}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("an output that nobody takes: %v", err)
		}
		out, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/slow"}, Limit: time.Second})
		if e, ok := errors.AsType[*sys.Unended](err); !ok || e.Alive || !errors.Is(err, context.DeadlineExceeded) || string(out.Stderr) != "stopped\n" {
			t.Errorf("%v, %s", err, out.Stderr)
		}
		begin := time.Now()
		_, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/stubborn"}, Limit: time.Second})
		if e, ok := errors.AsType[*sys.Unended](err); !ok || !e.Alive || time.Since(begin) != 6*time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		must(t, h.PutFile("/opt/text", "text"))
		must(t, os.Chmod(h.Outside("/opt/text"), 0o755))
		for _, tt := range []struct {
			command sys.Command
			want    error
		}{
			{sys.Command{Argv: []string{"/opt/none"}}, fs.ErrNotExist},
			{sys.Command{Argv: []string{"/bin/sh"}}, fs.ErrNotExist}, // of this machine, not of the host
			{sys.Command{Argv: []string{"slow"}}, fs.ErrInvalid},
			{sys.Command{Argv: []string{"/opt"}}, fs.ErrPermission},
			{sys.Command{Argv: []string{"/etc/hostname"}}, fs.ErrPermission},
			{sys.Command{Argv: []string{"/opt/text"}}, syscall.ENOEXEC},
			{sys.Command{Argv: []string{"/opt/slow"}, Dir: "/none"}, fs.ErrNotExist},
		} {
			if _, err := s.Run.Run(t.Context(), tt.command); !errors.Is(err, tt.want) {
				t.Errorf("%+v: %v, want %v", tt.command, err, tt.want)
			}
		}
		if ran := h.Ran(); len(ran) < 3 || ran[0].Argv[1] != "a b" {
			t.Errorf("%+v", ran)
		}
	})
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A program of this machine works in the tree as if that were its root.
func TestRealProgram(t *testing.T) {
	h := vulcan(t, simulated.Options{Real: []string{"/bin/sh", "/nonexistent/restic"}})
	s := h.Sys()
	must(t, h.PutFile("/var/lib/data", "42"))
	out, err := s.Run.Run(t.Context(), sys.Command{
		Argv: []string{"/bin/sh", "-c", `cat "$1"; echo " $1 $REPO ${2#--x=}"; pwd; cat`, "sh", "/var/lib/data", "--x=/tank/backups/new"},
		Env:  []string{"REPO=/tank/backups", "PATH=/usr/bin:/bin"}, Dir: "/var", Stdin: []byte("/var/lib/data\nplain\n"),
	})
	must(t, err)
	if got := string(out.Stdout); got != "42 /var/lib/data /tank/backups /tank/backups/new\n/var\n/var/lib/data\nplain\n" {
		t.Errorf("%q %s", got, out.Stderr)
	}
	// The same where somebody takes what it says himself, in pieces of any size.
	var piped bytes.Buffer
	out, err = s.Run.Run(t.Context(), sys.Command{
		Argv: []string{"/bin/sh", "-c", `for i in 1 2 3; do printf %s "${1%st*}"; sleep 0.01; printf '%s\n' "st${1##*st}"; done; printf '/dev'`, "sh", "/var/lib/data"},
		Env:  []string{"PATH=/usr/bin:/bin"}, Stdout: &piped,
	})
	must(t, err)
	if want := strings.Repeat("/var/lib/data\n", 3) + "/dev"; piped.String() != want {
		t.Errorf("%q, want %q", piped.String(), want)
	}
	if len(out.Stdout) != 0 {
		t.Errorf("%q was kept too", out.Stdout)
	}
	if _, err := s.Run.Run(t.Context(), sys.Command{Argv: []string{"/nonexistent/restic"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	h, err := simulated.New(simulated.Options{Dir: dir})
	must(t, err)
	must(t, h.Close())
	must(t, h.Close())
	if _, err := os.Stat(dir + "/etc/NIXOS"); err != nil {
		t.Errorf("the caller's tree is gone: %v", err)
	}
	if _, err := simulated.New(simulated.Options{Dir: dir}); err == nil {
		t.Error("a directory was taken that is not empty")
	}
	h, err = simulated.New(simulated.Options{})
	must(t, err)
	own := h.Outside("/")
	must(t, h.Close())
	if _, err := os.Stat(own); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its own tree is left: %v", err)
	}
}

// Everything at once, for the race detector.
func TestAllAtOnce(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				s := h.Sys()
				for range 5 {
					switch i % 4 {
					case 0:
						_, _ = s.Run.Run(t.Context(), sys.Command{Argv: []string{h.Toplevel(41) + "/bin/switch-to-configuration", "test"}})
					case 1:
						_, _ = s.Units.List(t.Context(), "*.service")
						_ = s.Units.Restart(t.Context(), "nginx.service")
					case 2:
						_ = s.Files.Write("/sys/module/zfs/parameters/zfs_arc_max", []byte("34359738368"))
						_, _ = s.Files.Read("/proc/spl/kstat/zfs/arcstats", 1<<20)
					case 3:
						if release, err := s.Files.Hold(t.Context(), sys.Lock{Path: "/run/lock/build", Format: sys.LockFlock, Wait: time.Minute}); err == nil {
							_ = release()
						}
						h.Flap("postgresql.service", time.Second)
					}
				}
			})
		}
		wg.Wait()
	})
}
