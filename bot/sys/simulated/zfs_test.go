package simulated_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

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
