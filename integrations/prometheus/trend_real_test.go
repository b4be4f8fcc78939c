package prometheus

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// A fortnight of a host's figures, put into a real server's store with promtool: what is
// told of them is what was put there.
func TestTrendsOfRealPrometheus(t *testing.T) {
	promtool := needed(t, "promtool")
	now := time.Now().Truncate(time.Second)
	c, err := New(Config{URL: real(t, func(data string) { backfill(t, promtool, data, now) })})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, func() error { _, err := c.Ready(t.Context()); return err })

	p := c.Trends(func() []TrendHost {
		return []TrendHost{{"vulcan", `instance=~"vulcan(:[0-9]+)?"`, 70}, {"nobody", `instance="nobody"`, 70}, {"young", `instance="young:9100"`, 70}}
	})
	rs := p.Read(t.Context())
	type told struct {
		state  bot.ReadingState
		value  string // its beginning
		note   string
		figure float64
	}
	const d = 24 * 3600
	want := map[string]told{
		"vulcan cpu 7 d":             {bot.OK, "50.0 % busy in the last 24 h, 22.0 % on average over 7 d", "", 22},
		"vulcan memory 7 d":          {bot.OK, "25.0 % used in the last 24 h, 25.0 % on average over 7 d", "", 25},
		"vulcan forecast /":          {bot.OK, "63 %, 80 % in 16 d ", "", 36 * d}, // 1 % more each day
		"vulcan forecast /boot":      {bot.OK, "30 %, not filling, by the line over 14 d", "", 0},
		"vulcan forecast pool rpool": {bot.NotOK, "83 %, 100 % in 16 d ", "full in less than 30 d, as it grows by 1.0 % a day", 16 * d},
		"young forecast /":           {bot.Unknown, "", "no forecast can be made", 0},
	}
	for _, r := range rs {
		name := r.Host + " " + r.What
		w, ok := want[name]
		delete(want, name)
		// The steps do not meet the first and the last sample to the hour.
		if !ok || r.State != w.state || !strings.HasPrefix(r.Value, w.value) || !strings.HasSuffix(r.Note, w.note) || math.Abs(r.Figure-w.figure) > 0.02*w.figure || r.At.IsZero() || r.Source == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if len(want) > 0 {
		t.Errorf("nothing is told of %v", want)
	}
}

// backfill makes what node_exporter and zfs_exporter would have left.
func backfill(t *testing.T, promtool, data string, now time.Time) {
	t.Helper()
	var b strings.Builder
	series := func(name, labels string, days float64, value func(day float64) float64) {
		fmt.Fprintf(&b, "# TYPE %s gauge\n", name)
		for at := now.Add(-time.Duration(days * 24 * float64(time.Hour))); !at.After(now); at = at.Add(4 * time.Minute) {
			fmt.Fprintf(&b, "%s{%s} %g %d\n", name, labels, value(14-now.Sub(at).Hours()/24), at.Unix())
		}
	}
	flat := func(v float64) func(float64) float64 { return func(float64) float64 { return v } }
	const node = `instance="vulcan:9100",job="node"`
	const gib = 1 << 30
	// Half of two CPUs is busy in the last day and a bit, a sixth before; a hundredth
	// of the time waits for disks.
	series("node_cpu_seconds_total", node+`,mode="idle",cpu="0"`, 14, func(d float64) float64 { return 86400 * (0.82*min(d, 12.9) + 0.49*max(0, d-12.9)) })
	series("node_cpu_seconds_total", node+`,mode="iowait",cpu="0"`, 14, func(d float64) float64 { return 86400 * 0.01 * d })
	series("node_memory_MemTotal_bytes", node, 14, flat(64*gib))
	series("node_memory_MemAvailable_bytes", node, 14, flat(32*gib))
	series("node_zfs_arc_size", node, 14, flat(20*gib))
	series("node_zfs_arc_c_min", node, 14, flat(4*gib))
	disk := func(labels string, days, size float64, used func(float64) float64) {
		series("node_filesystem_size_bytes", labels, days, flat(size))
		series("node_filesystem_free_bytes", labels, days, func(d float64) float64 { return size - used(d) })
		series("node_filesystem_avail_bytes", labels, days, func(d float64) float64 { return size - used(d) })
	}
	root := func(d float64) float64 { return (50 + d - 0.2) * gib }
	disk(node+`,device="/dev/sda1",fstype="ext4",mountpoint="/"`, 14, 100*gib, root)
	disk(node+`,device="/dev/sda1",fstype="ext4",mountpoint="/nix/store"`, 14, 100*gib, root)
	disk(node+`,device="/dev/sda2",fstype="vfat",mountpoint="/boot"`, 14, gib, flat(0.305*gib))
	disk(node+`,device="tmpfs",fstype="tmpfs",mountpoint="/run"`, 14, gib, flat(0.9*gib))
	disk(node+`,device="rpool/home",fstype="zfs",mountpoint="/home"`, 14, 100*gib, root)
	disk(`instance="young:9100",device="/dev/sda1",fstype="ext4",mountpoint="/"`, 1, 100*gib, root)
	const zfs = `instance="vulcan:9134",pool="rpool"`
	series("zfs_pool_size_bytes", zfs, 14, flat(100*gib))
	series("zfs_pool_allocated_bytes", zfs, 14, func(d float64) float64 { return (70 + d - 0.2) * gib })
	b.WriteString("# EOF\n")
	file := filepath.Join(t.TempDir(), "past")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", file, data).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v: %s", err, out[max(0, len(out)-500):])
	}
}
