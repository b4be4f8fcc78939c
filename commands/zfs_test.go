package commands

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// zfsLooks are what vulcan's agent answers: tank is degraded.
func zfsLooks() map[string]any {
	lost, none, full, free := int64(12), int64(0), 45, 91
	size := host.TiB
	big := 20 * host.TiB
	return map[string]any{
		host.LookPools: host.Pools{At: noon, Source: "zpool status -j", Pools: []host.Pool{
			{Name: "rpool", Health: "ONLINE", Lost: &none, Size: &size, Free: new(550 * host.GiB), Capacity: &full, Fragmentation: new(12), State: bot.OK,
				Scrub: &host.Scan{State: host.ScanFinished, End: noon.Add(-49 * time.Hour)}},
			{Name: "tank", Health: "DEGRADED", Lost: &lost, Size: &big, Free: new(2 * host.TiB), Capacity: &free, Checksum: 4, State: bot.NotOK,
				Why: []string{"it is DEGRADED", "12 pieces of data are damaged beyond repair (`zpool status -v` names the files)"}, Status: "One or more devices is missing.", Action: "Replace it.",
				Devices:  []host.Device{{Name: "ata-B", State: "CANT_OPEN", Note: "was /dev/sdb"}, {Name: "ata-A", State: "HEALTHY", Checksum: 4}},
				Resilver: &host.Scan{State: host.ScanRunning, Start: noon.Add(-time.Hour), Done: 25.9}},
		}},
		host.LookARC: arcOf(),
	}
}

func arcOf() host.ARC {
	return host.ARC{
		At: noon, Size: 28 * host.GiB, Target: 30 * host.GiB, Min: 4 * host.GiB, Max: 32 * host.GiB, RAM: new(host.Bytes(67321872384)), Available: new(-host.GiB), Throttled: new(int64(3)),
		Boot:   host.Reads{All: host.Share{Hits: 980000, IOHits: 5000, Misses: 15000}, DemandData: &host.Share{Hits: 999999, Misses: 1}, PrefetchData: &host.Share{}},
		Sample: &host.Reads{All: host.Share{Hits: 9000, IOHits: 100, Misses: 900}}, SampleSeconds: 3,
		Parameters: []host.ARCParameter{{Name: "zfs_arc_min", State: host.ParamDefault}, {Name: "zfs_arc_max", Written: 64 * host.GiB, Effective: 32 * host.GiB, State: host.ParamIgnored, Why: "it is not below the memory of the host"}},
		Signs:      []host.ARCSign{{For: "lower", Text: "the host is short of 1 GiB"}, {For: "keep", Text: "k"}, {For: "raise", Text: "r"}, {For: "unknown", Text: "u"}},
	}
}

func TestZFSStatus(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "zfs status on vulcan")
	want := `2 pools; tank is not ok
rpool ONLINE · 45 % of 1 TiB used, 550 GiB free · the free space is fragmented to 12 % · scrub Mon 12 Jan 14:00 CET (2 d 1 h ago), 0 errors, repaired 0 B
tank DEGRADED · 91 % of 20 TiB used, 2 TiB free · resilver at 25 %, since Wed 14 Jan 14:00 CET (1 h ago)
- it is DEGRADED
- 12 pieces of data are damaged beyond repair (zpool status -v names the files)
- zpool: One or more devices is missing. Replace it.
- ata-B CANT_OPEN (was /dev/sdb)
- ata-A HEALTHY, errors: 0 reading, 0 writing, 4 checksums
(zpool status -j)
`
	if got := said(t, out, err); got != want || !reflect.DeepEqual(w.asked, []string{"vulcan zfs.status"}) {
		t.Errorf("asked %q, got\n%s", w.asked, got)
	}
	if tone := out.(bot.Say).Message.Tone; tone != bot.ToneCritical {
		t.Errorf("tone %s", tone)
	}
}

func TestPoolsHeadline(t *testing.T) {
	of := func(states ...bot.ReadingState) host.Pools {
		p := host.Pools{}
		for i, s := range states {
			p.Pools = append(p.Pools, host.Pool{Name: fmt.Sprintf("p%d", i), Health: "ONLINE", State: s})
		}
		return p
	}
	doubt := of(bot.OK)
	doubt.Unknown = []string{"x"}
	quota := of(bot.OK)
	quota.Datasets = []host.Dataset{{}}
	for _, c := range []struct {
		p    host.Pools
		tone bot.Tone
		want string
	}{
		{of(), bot.ToneUnknown, "No pool is imported"},
		{of(bot.OK), bot.ToneOK, "1 pool; all is well"},
		{of(bot.OK, bot.NotOK, bot.NotOK), bot.ToneWarning, "3 pools; p1, p2 are not ok"},
		{of(bot.NotOK, bot.Unknown), bot.ToneWarning, "2 pools; p0 is not ok; not everything is known of p1"},
		{of(bot.OK, bot.Unknown), bot.ToneUnknown, "2 pools; not everything is known of p1"},
		{of("strange"), bot.ToneUnknown, "1 pool; not everything is known of p0"},
		{doubt, bot.ToneUnknown, "1 pool"},
		{quota, bot.ToneWarning, "1 pool"},
	} {
		if tone, text := poolsHeadline(c.p); tone != c.tone || text.String() != c.want {
			t.Errorf("%s (%s), want %s (%s)", text, tone, c.want, c.tone)
		}
	}
}

func TestScanText(t *testing.T) {
	call := bot.Call{Now: noon, World: newWorld(t)}
	for want, s := range map[string]host.Scan{
		"no scrub ever": {State: host.ScanNever},
		"scrub at 99 %, since Wed 14 Jan 14:00 CET (1 h ago)":           {State: host.ScanRunning, Done: 99.9, Start: noon.Add(-time.Hour)},
		"scrub at 10 %, paused, begun at an unknown time":               {State: host.ScanPaused, Done: 10},
		"scrub cancelled Wed 14 Jan 14:00 CET (1 h ago)":                {State: host.ScanCanceled, End: noon.Add(-time.Hour)},
		"scrub Wed 14 Jan 14:00 CET (1 h ago), 1 error, repaired 2 MiB": {State: host.ScanFinished, End: noon.Add(-time.Hour), Errors: 1, Repaired: 2 * host.MiB},
	} {
		if got := scanText("scrub", s, call); got != want {
			t.Errorf("%+v is %q, want %q", s, got, want)
		}
	}
}

func TestZFSARC(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "zfs arc")
	want := `ARC: 28 GiB of at most 32 GiB, 90 % hits within 3 s
Limits that hold: 4 GiB to 32 GiB
Target now: 30 GiB
Metadata in it: unknown
Memory of the host: 62.7 GiB that can be used
Memory free for it: -1 GiB
Writes that waited for memory: 3 times since ZFS was loaded
Reads since ZFS was loaded: 98 % of 1000000 were hits (data 99.9 %); 15000 were misses, and 5000 joined a read that was on its way
Reads within 3 s: 90 % of 10000 were hits; 900 were misses, and 100 joined a read that was on its way
- zfs_arc_max holds 64 GiB, which the kernel ignores (it is not below the memory of the host); 32 GiB holds
What speaks for other limits, and what does not
- for lowering: the host is short of 1 GiB
- for keeping: k
- for raising: r
- unknown: u
[up: 1]
[up: 1]
(zfs arc set max SIZE min SIZE asks to change the limits.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	// Of all reads, as the figures are; a kernel without iohits has a picture too.
	if want := "100 * rate(node_zfs_arc_hits[5m]) / (rate(node_zfs_arc_hits[5m]) + rate(node_zfs_arc_misses[5m]) + (rate(node_zfs_arc_iohits[5m]) or 0 * rate(node_zfs_arc_hits[5m])))"; len(w.exprs) != 2 || w.exprs[0] != want {
		t.Errorf("%q", w.exprs)
	}
	if w.expr != "node_zfs_arc_size <= node_zfs_arc_c_max" || w.span != 24*time.Hour {
		t.Errorf("%s over %s", w.expr, w.span)
	}
	if _, err = ask(t, w, observer, "", "zfs arc on vul.can"); err != nil || w.expr != `node_zfs_arc_size{instance=~"vul\\.can(\\..*)?(:[0-9]+)?"} <= node_zfs_arc_c_max{instance=~"vul\\.can(\\..*)?(:[0-9]+)?"}` {
		t.Errorf("%s: %v", w.expr, err)
	}
	// Without Prometheus the figures are told all the same, and why there is no more.
	w.graphErr = bot.Errorf(bot.CodeUnavailable, "No Prometheus is configured, so there is nothing to draw from.")
	a := arcOf()
	a.Sample, a.Throttled, a.Parameters = nil, nil, []host.ARCParameter{{Name: "zfs_arc_max", State: host.ParamUnknown, Why: "its file cannot be read"}}
	w.looks[host.LookARC] = a
	out, err = ask(t, w, observer, "", "zfs arc")
	mustContain(t, said(t, out, err), "ARC: 28 GiB of at most 32 GiB, 98 % hits since ZFS was loaded\n", "No picture over time: No Prometheus is configured", "Reads just now: not measured\n",
		"Writes that waited for memory: unknown\n", "- zfs_arc_max is unknown: its file cannot be read\n")
}

func TestZFSARCSet(t *testing.T) {
	for line, want := range map[string][2]string{
		"zfs arc set max 32G min 4G":        {"32GiB", "4GiB"},
		"zfs arc set min 4G max 32G":        {"32GiB", "4GiB"},
		"zfs arc set --max 32G --min 4G":    {"32GiB", "4GiB"},
		"zfs arc set —max 32G –min 4G":      {"32GiB", "4GiB"},
		"zfs arc set --max=32G min=4g":      {"32GiB", "4GiB"},
		"ZFS arc set MAX 34359738368":       {"32GiB", ""},
		"zfs arc set max 32 GiB min 1.5 G":  {"32GiB", "1536MiB"},
		"zfs arc set min 512M":              {"", "512MiB"},
		"zfs arc set max \"32G\" on vulcan": {"32GiB", ""},
		"!zfs arc set max 32G min 4G":       {"32GiB", "4GiB"},
	} {
		out, err := ask(t, newWorld(t), operator, "", line)
		a, ok := out.(bot.Ask)
		if err != nil || !ok || a.Operation != host.ARCSetOperation || a.Arguments.One("max") != want[0] || a.Arguments.One("min") != want[1] {
			t.Errorf("%q is %+v: %v", line, out, err)
		}
		if ok && (a.Host != "") != strings.Contains(line, "on vulcan") {
			t.Errorf("%q is for %q", line, a.Host)
		}
	}
	for line, want := range map[string]string{
		"zfs arc set":                  "zfs arc set: say which limit; e.g. `zfs arc set max 32G min 4G`. `zfs arc` shows those that hold.",
		"zfs arc set 32G":              "`32G` (word 4) says no limit; write e.g. `zfs arc set max 32G min 4G`.",
		"zfs arc set max":              "zfs arc set max: MAX needs a size. Usage: `zfs arc set [max SIZE] [min SIZE] [on NAME]`",
		"zfs arc set max=":             "zfs arc set max=: MAX needs a size. Usage: `zfs arc set [max SIZE] [min SIZE] [on NAME]`",
		"zfs arc set max 32GB":         "`32GB` (word 5) is no size. GB means powers of 1000 to some and of 1024 to others; write e.g. `32GiB`.",
		"zfs arc set --max=big min 1G": "`--max=big` (word 4) is no size. Write a size, e.g. `32G`, `1536M`, `34359738368`.",
		"zfs arc set max min":          "`min` (word 5) is no size. Write a size, e.g. `32G`, `1536M`, `34359738368`.",
		"zfs arc set max 1G max 2G":    "`max` (word 6) is given twice.",
		"zfs arc set max 32G tonight":  "`tonight` (word 6) says no limit; write e.g. `zfs arc set max 32G min 4G`.",
		"zfs arc set max 32G --force":  "`--force` (word 6) says no limit; write e.g. `zfs arc set max 32G min 4G`.",
	} {
		_, err := ask(t, newWorld(t), operator, "", line)
		wantError(t, err, bot.CodeInvalid, want)
	}
	_, err := ask(t, newWorld(t), observer, "", "zfs arc set max 32G")
	wantError(t, err, bot.CodeForbidden, "Sorry: `zfs arc set` needs the role operator.")
}

// In an alert's thread its host is meant.
func TestWhose(t *testing.T) {
	w := newWorld(t)
	f := disk()
	f.Thread.State.Alert.Host = "mars"
	boot := bot.ThreadFacts{Thread: bot.Thread{ID: "thr_BOOT2222", State: bot.ThreadState{Reboot: &bot.RebootState{Host: "juno"}}}}
	other := bot.ThreadFacts{Thread: bot.Thread{ID: "thr_NOTE2222", State: bot.ThreadState{Notice: &bot.NoticeState{}}}}
	w.threads = []bot.ThreadFacts{f, boot, other}
	for _, c := range []struct {
		thread     bot.ThreadID
		line, want string
	}{
		{diskID, "zfs status", "mars zfs.status"},
		{diskID, "zfs status on vulcan", "vulcan zfs.status"},
		{"thr_BOOT2222", "service nginx", "juno service unit=nginx"},
		{"thr_NOTE2222", "logs nginx 7", "logs lines=7 unit=nginx"},
		{"thr_GONE2222", "changes", "changes hours=24"},
	} {
		w.asked = nil
		if _, err := ask(t, w, observer, c.thread, c.line); err != nil || !reflect.DeepEqual(w.asked, []string{c.want}) {
			t.Errorf("%q in %s asked %q: %v", c.line, c.thread, w.asked, err)
		}
	}
	for _, line := range []string{"zfs arc set max 32G", "service restart nginx"} {
		out, err := ask(t, w, operator, diskID, line)
		if a, ok := out.(bot.Ask); err != nil || !ok || a.Host != "mars" || a.Thread != diskID {
			t.Errorf("%q is %+v: %v", line, out, err)
		}
	}
}
