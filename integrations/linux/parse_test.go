package linux

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"watchstander/bot"
)

func TestReclaimable(t *testing.T) {
	evictable := func(data, meta uint64) map[string]uint64 {
		return map[string]uint64{
			"size": 100, "c_min": 30, "mru_evictable_data": data, "mru_evictable_metadata": meta,
			"mfu_evictable_data": 0, "mfu_evictable_metadata": 0,
		}
	}
	tests := []struct {
		name    string
		figures map[string]uint64
		want    uint64
		fails   bool
	}{
		{"down to the floor", evictable(90, 5), 70, false},
		{"what is in use stays", evictable(10, 5), 15, false},
		{"an old version", map[string]uint64{"size": 100, "c_min": 30}, 70, false},
		{"below its floor", map[string]uint64{"size": 10, "c_min": 30}, 0, false},
		{"sums that overflow", evictable(math.MaxUint64, math.MaxUint64), 70, false},
		{"no size", map[string]uint64{"c_min": 30}, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := reclaimable(tt.figures)
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
}

// Little memory is no alarm while nobody knows what the ZFS cache would give.
func TestMemoryBesideUnknownCache(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "meminfo", "MemTotal: 1000 kB\nMemAvailable: 10 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
	write(t, dir, "spl/kstat/zfs/arcstats", "rubbish")
	p := New(Options{Proc: dir})
	if r := p.memory()[0]; r.State != bot.Unknown || !strings.Contains(r.Note, "not a table") || r.Value == "" {
		t.Errorf("%+v", r)
	}
	write(t, dir, "meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
	if r := p.memory()[0]; r.State != bot.OK {
		t.Errorf("plenty is plenty: %+v", r)
	}
	write(t, dir, "meminfo", "MemTotal: 1000 kB\nMemFree: 900 kB\n")
	for _, r := range p.memory() {
		if r.State != bot.Unknown {
			t.Errorf("a kernel without MemAvailable: %+v", r)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A negative limit is never reached.
func TestLimitsOff(t *testing.T) {
	o, _ := fixture(t, "full")
	o.Limits = Limits{
		LoadPerCPU: -1, MemoryAvailable: -1, SwapUsed: -1, DiskUsed: -1, InodesUsed: -1,
		PressureCPU: -1, PressureIO: -1, PressureMemory: -1, Temperature: -1,
	}
	for _, r := range New(o).Read(t.Context()) {
		switch {
		case r.State != bot.NotOK, strings.HasPrefix(r.What, "pool "):
		case r.What == "disk /data", r.What == "disk /safe": // read-only by accident is no limit
		default:
			t.Errorf("%+v", r)
		}
	}
}

func TestManyDisks(t *testing.T) {
	var rs []bot.Reading
	for range 40 {
		rs = append(rs, judged("disk x", "statfs", "1 %"), bot.Reading{})
	}
	rs = append(rs, judged("disk full", "statfs", "99 %", "full"))
	got := condense(rs)
	if len(got) != mostDisks+2 || got[len(got)-1].Value != "28, all below the limits" || got[len(got)-2].What != "disk full" {
		t.Errorf("%+v", got)
	}
}

func TestBoot(t *testing.T) {
	id, at, err := Boot("testdata/vulcan/proc")
	if err != nil || id != "3f2a9c01-7d52-4e0c-8b11-2f6a1d9e4c77" || at.Unix() != 1793000000 || at.Location() != time.UTC {
		t.Errorf("%q %s %v", id, at, err)
	}
	if id, at, err := Boot("testdata/garbage/proc"); id != "" || !at.IsZero() || err == nil {
		t.Errorf("garbage is boot %q at %s", id, at)
	}
	dir := t.TempDir()
	write(t, dir, "sys/kernel/random/boot_id", "3F2A9C01-7d52-4e0c-8b11-2f6a1d9e4c77\n")
	if id, at, err := Boot(dir); err != nil || id != "3f2a9c01-7d52-4e0c-8b11-2f6a1d9e4c77" || !at.IsZero() {
		t.Errorf("without a time: %q %s %v", id, at, err)
	}
	write(t, dir, "sys/kernel/random/boot_id", "00000000-0000-0000-0000-000000000000\n")
	if _, _, err := Boot(dir); err == nil {
		t.Error("an id of zeros names no boot")
	}
}

func FuzzKstat(f *testing.F) {
	text, err := os.ReadFile("testdata/vulcan/proc/spl/kstat/zfs/arcstats")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("\nname type data\nsize 4 18446744073709551616\n"))
	f.Add([]byte("\nname type data\nsize 4 100\nc_min 4 3\nmru_evictable_data 4 18446744073709551615\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		figures, err := kstat(text)
		if err != nil {
			if utf8.RuneCountInString(reason(err)) > longest+1 {
				t.Errorf("the reason is too long: %q", err)
			}
			return
		}
		free, err := reclaimable(figures)
		if err == nil && free > figures["size"] {
			t.Errorf("%d of %d can be given back", free, figures["size"])
		}
	})
}

func FuzzUptime(f *testing.F) {
	for _, s := range []string{"1.5 2", "NaN", "1e999", "-0", "", " ", "0x1p62"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseUptime(s); d < 0 || err == nil && d > 101*365*24*time.Hour {
			t.Errorf("%q is %s", s, d)
		}
	})
}
