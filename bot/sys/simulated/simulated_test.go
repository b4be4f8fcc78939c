package simulated_test

import (
	"errors"
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
