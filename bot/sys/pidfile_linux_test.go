package sys_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"watchstander/bot/sys"
)

func TestStaleLocks(t *testing.T) {
	const boot = "3f2a9c01-7d52-4e0c-8b11-2f6a1d9e4c77"
	stat := func(start int) string {
		return fmt.Sprintf("4711 (bash) (x)) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %d 1 1\n", start)
	}
	self := fmt.Sprint(os.Getpid())
	for _, tt := range []struct {
		name, lock string
		stat       string // of process 4711; "" for none
		stale      bool   // as a file; as a directory only where it is ours
		by         string
	}{
		{"of a process that is there", "4711\n", stat(500), false, `process 4711 \(nixos-rebuild\)`},
		{"of a process that is gone", "4711\n", "", true, ""},
		{"of a process that is dead but not buried", "4711\n", strings.Replace(stat(500), " S ", " Z ", 1), true, ""},
		{"of one that has the number now", "4711\n", stat(99999999999), false, `.*a left-over`},
		{"without a number", "nobody\n", "", false, "^$"},
		{"empty", "", "", false, "^$"},
		{"of a number that is none", "-4\nx\n", "", false, "^x$"},
		{"ours, at work", "4711\nwatchstander pln_1\nwatchstander life=X boot=" + boot + " start=500\n", stat(500), false, `: watchstander pln_1$`},
		{"ours, its number now another's", "4711\nwatchstander pln_1\nwatchstander life=X boot=" + boot + " start=500\n", stat(501), true, ""},
		{"ours, of another boot", "4711\nwatchstander pln_1\nwatchstander life=X boot=other start=500\n", stat(500), true, ""},
		{"ours, of an earlier life with our number", self + "\nw\nwatchstander life=X boot=" + boot + " start=1\n", "", true, ""},
	} {
		for _, format := range []sys.LockFormat{sys.LockFile, sys.LockDir} {
			t.Run(tt.name+", "+string(format), func(t *testing.T) {
				files := map[string]string{
					"proc/sys/kernel/random/boot_id": boot + "\n",
					"proc/stat":                      "cpu 1 2\nbtime 1000000000\n",
				}
				if format == sys.LockFile {
					files["run/lock"] = tt.lock
				} else {
					files["run/lock/pid"] = tt.lock
				}
				if tt.stat != "" {
					files["proc/4711/stat"], files["proc/4711/comm"] = tt.stat, "nixos-rebuild\n"
				}
				tree := plant(t, files)
				release, err := tree.Hold(now(t), sys.Lock{Path: "/run/lock", Format: format, Holder: "watchstander pln_2"})
				if stale := tt.stale && (format == sys.LockFile || strings.Contains(tt.lock, "life=")); !stale {
					if h := held(t, err); !tt.stale && !regexp.MustCompile(tt.by).MatchString(h.By) {
						t.Errorf("held by %q, want %s", h.By, tt.by)
					}
					if _, err := tree.Stat("/run/lock"); err != nil {
						t.Errorf("it was touched: %v", err)
					}
					return
				}
				must(t, err)
				must(t, release())
				if _, err := tree.Stat("/run/lock"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("it is left: %v", err)
				}
			})
		}
	}
}

// Without a /proc nothing is known of processes, and nothing is stale.
func TestStaleIsNotGuessed(t *testing.T) {
	tree := plant(t, map[string]string{"lock": "4711\n"})
	_, err := tree.Hold(now(t), sys.Lock{Path: "/lock", Format: sys.LockFile})
	if h := held(t, err); h.By != "process 4711" {
		t.Errorf("held by %q", h.By)
	}
}

// Who has let a lock be taken from it does not free the other one's.
func TestReleaseOfALostLock(t *testing.T) {
	tree := plant(t, map[string]string{"run/": ""})
	lock := sys.Lock{Path: "/run/lock", Format: sys.LockFile}
	release, err := tree.Hold(now(t), lock)
	must(t, err)
	must(t, os.Remove(tree.Outside(lock.Path)))
	must(t, os.WriteFile(tree.Outside(lock.Path), []byte("1\n"), 0o644))
	if err := release(); err == nil {
		t.Error("it was said to be freed")
	}
	if _, err := tree.Stat(lock.Path); err != nil {
		t.Error("another one's lock was removed")
	}
}
