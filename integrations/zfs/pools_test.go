package zfs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Both forms tell the same.
func TestStatus(t *testing.T) {
	fromJSON, err := statusJSON(read(t, "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	fromText, err := statusText(string(read(t, "status.txt")))
	if err != nil {
		t.Fatal(err)
	}
	byName := func(a, b host.Pool) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(fromJSON, byName)
	lost, none := int64(12), int64(0)
	want := []host.Pool{
		{Name: "rpool", Health: "ONLINE", Lost: &none, Scrub: &host.Scan{State: host.ScanFinished,
			Start: time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)}},
		{Name: "tank", Health: "DEGRADED", Lost: &lost, Read: 3, Write: 2, Checksum: 4,
			Status: "One or more devices could not be used because the label is missing or invalid. Sufficient replicas exist for the pool to continue functioning in a degraded state.",
			Action: "Replace the device using 'zpool replace'.",
			Devices: []host.Device{
				{Name: "1527839927278881561", State: "CANT_OPEN", Note: "was /dev/disk/by-id/ata-B-part1"},
				{Name: "ata-A", State: "HEALTHY", Read: 3, Checksum: 4},
				{Name: "ata-S", State: "INUSE"},
				{Name: "nvme-L", State: "HEALTHY", Write: 2},
			},
			Resilver: &host.Scan{State: host.ScanRunning, Start: time.Date(2026, 1, 14, 10, 0, 0, 0, time.UTC), Repaired: host.MiB, Done: 25}},
	}
	compare(t, "JSON", fromJSON, want)
	// Text has other words for a device's state, no beginning of what is over, and
	// the devices in their own order.
	want[0].Scrub.Start = time.Time{}
	want[1].Devices = []host.Device{
		{Name: "ata-A", State: "ONLINE", Read: 3, Checksum: 4},
		{Name: "1527839927278881561", State: "UNAVAIL", Note: "was /dev/disk/by-id/ata-B-part1"},
		{Name: "nvme-L", State: "ONLINE", Write: 2},
		{Name: "ata-S", State: "INUSE", Note: "currently in use"},
	}
	compare(t, "text", fromText, want)
}

func compare(t *testing.T, what string, got, want []host.Pool) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	g, _ := json.MarshalIndent(got, "", " ")
	w, _ := json.MarshalIndent(want, "", " ")
	t.Errorf("%s: got\n%s\nwant\n%s", what, g, w)
}

func scanText(s *host.Scan) string {
	if s == nil {
		return "unknown"
	}
	return fmt.Sprintf("%s %d-%d %s %d %.1f", s.State, max(s.Start.Unix(), 0), max(s.End.Unix(), 0), s.Repaired, s.Errors, s.Done)
}

func TestScans(t *testing.T) {
	pools, err := statusText(string(read(t, "scans.txt")))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{
		"none":       {"never 0-0 0 B 0 0.0", "unknown"},
		"silent":     {"never 0-0 0 B 0 0.0", "unknown"},
		"canceled":   {"canceled 0-1767232800 0 B 0 0.0", "unknown"},
		"thorough":   {"finished 0-1767232800 1.5 MiB 2 0.0", "unknown"},
		"paused":     {"paused 1767232800-0 0 B 0 25.5", "unknown"},
		"both":       {"finished 0-1767232800 0 B 0 0.0", "finished 0-1767319200 1.2 GiB 3 0.0"},
		"errorscrub": {"unknown", "unknown"},
		"resilvered": {"unknown", "finished 0-1767232800 12.5 KiB 0 0.0"},
	}
	if len(pools) != len(want) {
		t.Errorf("%d pools", len(pools))
	}
	for _, p := range pools {
		if got := [2]string{scanText(p.Scrub), scanText(p.Resilver)}; got != want[p.Name] {
			t.Errorf("%s: %q, want %q", p.Name, got, want[p.Name])
		}
	}
	pools, err = statusJSON(read(t, "status-strings.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := pools[0]
	if got := [2]string{scanText(p.Scrub), scanText(p.Resilver)}; got != [2]string{"never 0-0 0 B 0 0.0", "running 1768384800-0 4 KiB 1 75.0"} {
		t.Errorf("%q", got)
	}
	if p.Read <= 0 || p.Write != 7 || len(p.Devices) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestStatusWrong(t *testing.T) {
	for _, bad := range []string{"", "{}", "[]", `{"pools": {"a": {"error_count": "many"}}}`, `{"pools": {"a": 3}}`} {
		if p, err := statusJSON([]byte(bad)); err == nil {
			t.Errorf("%q is %+v", bad, p)
		}
	}
	for _, bad := range []string{"x", "config:\n\n", "  pool: a\n", " state: ONLINE\n", "  pool: a\n state: ONLINE\n  scan: scrub repaired 0B in 1 with 0 errors on yesterday\n"} {
		if p, err := statusText(bad); err == nil {
			t.Errorf("%q is %+v", bad, p)
		}
	}
	for _, none := range []string{"", "no pools available\n"} {
		if p, err := statusText(none); err != nil || len(p) != 0 {
			t.Errorf("%q is %+v: %v", none, p, err)
		}
	}
	p, err := statusText("  pool: a\n state: ONLINE\nerrors: List of errors unavailable: permission denied\n")
	if err != nil || p[0].Lost != nil {
		t.Errorf("%+v: %v", p, err)
	}
}

const (
	zpool      = "/run/booted-system/sw/bin/zpool"
	askJSON    = zpool + " status -j --json-int"
	askText    = zpool + " status -p"
	askList    = zpool + " list -Hp -o name,size,allocated,free,fragmentation,capacity"
	askQuotas  = "/run/booted-system/sw/bin/zfs list -Hp -t filesystem -o name,used,quota,referenced,refquota"
	capacities = "rpool\t1000204886016\t450000000000\t550204886016\t12\t45\ntank\t23991808532480\t22000000000000\t1991808532480\t-\t91\nother\t1\t1\t0\t0\t100\n"
	quotas     = "rpool\t450000000000\t0\t98304\t0\nrpool/home\t95\t100\t10\t0\ntank/a\t50\t100\t91\t100\ntank/b\t50\t100\t0\t0\nodd\n"
)

func stdout(s string) sys.Output { return sys.Output{Stdout: []byte(s)} }

// At noon of 14 January 2026.
func at(t *testing.T, f func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 14, 12, 0, 0, 0, time.UTC)))
		f(t)
	})
}

func TestPools(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		m.programs[askJSON] = stdout(string(read(t, "status.json")))
		m.programs[askList], m.programs[askQuotas] = stdout(capacities), stdout(quotas)
		z := New(m.host(), Options{})
		p, err := look[host.Pools](t, z, host.LookPools)
		if err != nil {
			t.Fatal(err)
		}
		if p.Source != "zpool status -j" || len(p.Pools) != 2 || len(p.Unknown) != 0 || len(p.Datasets) != 2 || p.Datasets[0].Name != "rpool/home" || p.Datasets[1].Used != 91 {
			t.Errorf("%+v", p)
		}
		if r := p.Pools[0]; r.State != bot.OK || len(r.Why) != 0 || *r.Capacity != 45 || *r.Fragmentation != 12 || *r.Size != 1000204886016 {
			t.Errorf("%+v", r)
		}
		tank := p.Pools[1]
		if got, want := strings.Join(tank.Why, "\n"), `it is DEGRADED
12 pieces of data are damaged beyond repair (`+"`zpool status -v`"+` names the files)
its devices have errors: 3 reading, 2 writing, 4 checksums
1527839927278881561 is CANT_OPEN was /dev/disk/by-id/ata-B-part1
ata-S is INUSE
it is full to 91 %, and ZFS slows down beyond 80 %
when it was scrubbed last is unknown: ZFS remembers one scan alone, and that was another`; got != want || tank.State != bot.NotOK || tank.Fragmentation != nil {
			t.Errorf("%s, fragmentation %v:\n%s", tank.State, tank.Fragmentation, got)
		}
		if want := []string{askJSON, askList, askQuotas}; !slices.Equal(m.ran, want) {
			t.Errorf("%q", m.ran)
		}
	})
}

// Before 2.3 there is no JSON; what it does not tell at all is unknown.
func TestOldZpool(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		m.programs[askJSON] = sys.Output{Exit: 2, Stderr: []byte("invalid option 'j'\nusage:\n\tstatus [-c …\n")}
		m.programs[askText] = stdout(string(read(t, "status.txt")))
		p, err := New(m.host(), Options{}).Pools(t.Context())
		if err != nil || p.Source != "zpool status" || len(p.Pools) != 2 {
			t.Fatalf("%+v: %v", p, err)
		}
		if r := p.Pools[0]; r.State != bot.Unknown || strings.Join(r.Why, "") != "how full it is is unknown" || r.Size != nil {
			t.Errorf("%+v", r)
		}
		if len(p.Unknown) != 2 || !strings.Contains(p.Unknown[0], "sizes and fill: There is no "+zpool) {
			t.Errorf("%q", p.Unknown)
		}
	})
}

func TestPoolsFail(t *testing.T) {
	for _, c := range []struct {
		out  sys.Output
		code bot.Code
		part string
	}{
		{sys.Output{Exit: 1, Stderr: []byte("Permission denied the ZFS utilities must be run as root.\n")}, bot.CodeUnavailable, "zpool status failed on vulcan (exit 1): Permission denied"},
		{stdout("{"), bot.CodeUnavailable, "cannot be understood"},
		{sys.Output{Stdout: []byte("{}"), Cut: true}, bot.CodeUnavailable, "said more on vulcan than I read"},
	} {
		m := vulcan()
		m.programs[askJSON] = c.out
		_, err := New(m.host(), Options{}).Pools(t.Context())
		wantError(t, err, c.code, c.part)
	}
	_, err := New(vulcan().host(), Options{}).Pools(t.Context())
	wantError(t, err, bot.CodeNotFound, "There is no "+zpool+" on vulcan")
}

func TestJudge(t *testing.T) {
	noon := time.Date(2026, 1, 14, 12, 0, 0, 0, time.UTC)
	z := New(vulcan().host(), Options{})
	well := func() host.Pool {
		lost, full := int64(0), 45
		return host.Pool{Name: "tank", Health: "ONLINE", Lost: &lost, Capacity: &full, Scrub: &host.Scan{State: host.ScanFinished, End: noon.Add(-time.Hour)}}
	}
	for _, c := range []struct {
		name   string
		change func(*host.Pool)
		state  bot.ReadingState
		why    string
	}{
		{"well", func(*host.Pool) {}, bot.OK, ""},
		{"scrubbing", func(p *host.Pool) { p.Scrub = &host.Scan{State: host.ScanRunning} }, bot.OK, ""},
		{"errors are not told", func(p *host.Pool) { p.Lost = nil }, bot.Unknown, "whether data is damaged is unknown"},
		{"never scrubbed", func(p *host.Pool) { p.Scrub.State = host.ScanNever }, bot.NotOK, "it was never scrubbed"},
		{"scrubbed long ago", func(p *host.Pool) { p.Scrub.End = noon.AddDate(0, 0, -36) }, bot.NotOK, "its last scrub ended 36 d ago, more than 35 d"},
		{"scrubbed in vain", func(p *host.Pool) { p.Scrub.Errors = 1 }, bot.NotOK, "its last scrub met 1 error that it could not repair"},
		{"cancelled", func(p *host.Pool) { p.Scrub.State = host.ScanCanceled }, bot.Unknown, "its last scrub was cancelled, and when one ended last is unknown"},
		{"paused", func(p *host.Pool) { p.Scrub.State = host.ScanPaused }, bot.Unknown, "its scrub is paused, and when one ended last is unknown"},
		{"a bad resilver", func(p *host.Pool) { p.Resilver = &host.Scan{State: host.ScanFinished, Errors: 2} }, bot.NotOK, "its last resilver met 2 errors"},
		{"full", func(p *host.Pool) { *p.Capacity = 80 }, bot.NotOK, "it is full to 80 %, and ZFS slows down beyond 80 %"},
	} {
		p := well()
		c.change(&p)
		z.judge(&p, noon)
		if p.State != c.state || strings.Join(p.Why, "; ") != c.why {
			t.Errorf("%s: %s, %q", c.name, p.State, p.Why)
		}
	}
}

func TestProbe(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		m.programs[askJSON] = stdout(string(read(t, "status.json")))
		m.programs[askList], m.programs[askQuotas] = stdout(capacities), stdout(quotas)
		m.mod.paramMax = gib
		p := New(m.host(), Options{}).Probe()
		if p.Name() != "zfs vulcan" {
			t.Error(p.Name())
		}
		rs := p.Read(t.Context())
		got := tell(rs)
		for _, want := range []string{
			"ok | pool rpool | ONLINE, 45 % of 931.5 GiB, scrubbed 13 d 10 h ago | \n",
			"not ok | pool tank | DEGRADED, 91 % of 21.8 TiB, resilver at 25 % | 12 pieces",
			"not ok | dataset rpool/home | 95 B of its quota of 100 B | 90 % or more\n",
			"not ok | ARC | 28 GiB of at most 48 GiB, 98 % hits since ZFS was loaded | zfs_arc_max holds 1 GiB, which the kernel ignores: it is not above the minimum that holds\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is missing in\n%s", want, got)
			}
		}
		figures := map[string]string{}
		for _, r := range rs {
			if r.Host != "vulcan" || r.At.IsZero() || r.Source == "" {
				t.Errorf("%+v", r)
			}
			figures[r.What] = fmt.Sprintf("%v %s", r.Figure, r.Unit)
		}
		if want := map[string]string{"pool rpool": "45 %", "pool tank": "91 %", "dataset rpool/home": "95 %", "dataset tank/a": "91 %", "ARC": "3.0064771072e+10 B"}; !maps.Equal(figures, want) {
			t.Errorf("got %q", figures)
		}
	})
	// Without tools and without ZFS nothing is claimed.
	m := vulcan()
	m.mod = nil
	got := tell(New(m.host(), Options{}).Probe().Read(t.Context()))
	if want := "unknown | pools |  | There is no " + zpool + " on vulcan.\nunknown | ARC |  | There is no ZFS on vulcan: /proc/spl/kstat/zfs/arcstats does not exist.\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	m = vulcan()
	m.programs[askJSON], m.programs[askList], m.programs[askQuotas] = stdout(`{"pools":{}}`), stdout(""), stdout("")
	if got := tell(New(m.host(), Options{}).Probe().Read(t.Context())); !strings.HasPrefix(got, "unknown | pools | none imported | whether one should be there") {
		t.Errorf("got\n%s", got)
	}
}

func FuzzStatus(f *testing.F) {
	for _, n := range []string{"status.json", "status-strings.json", "status.txt", "scans.txt"} {
		f.Add(string(read(f, n)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func() ([]host.Pool, error){
			func() ([]host.Pool, error) { return statusJSON([]byte(text)) },
			func() ([]host.Pool, error) { return statusText(text) },
		} {
			pools, err := parse()
			if err != nil {
				continue
			}
			for i := range pools {
				p := &pools[i]
				if p.Read < 0 || p.Write < 0 || p.Checksum < 0 || p.Lost != nil && *p.Lost < 0 {
					t.Errorf("%+v", p)
				}
				New(sys.Host{}, Options{}).judge(p, time.Unix(1768392000, 0))
				if strings.ContainsAny(p.Name+p.Health+p.Status+strings.Join(p.Why, ""), "\n\x00\x1b") {
					t.Errorf("%+v", p)
				}
			}
			if _, err := json.Marshal(pools); err != nil {
				t.Error(err)
			}
		}
		_, _ = kstat([]byte(text))
	})
}
