package zfs

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// look runs a look and sends its answer over the wire.
func look[T any](t *testing.T, z *ZFS, name string) (T, error) {
	t.Helper()
	var out T
	for _, l := range z.Looks() {
		if l.Name != name {
			continue
		}
		if _, err := l.Run(t.Context(), bot.Arguments{"x": {"y"}}); err == nil {
			t.Errorf("%s takes any argument", name)
		}
		got, err := l.Run(t.Context(), nil)
		if err != nil {
			return out, err
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		return out, json.Unmarshal(b, &out)
	}
	t.Fatalf("there is no look %s", name)
	return out, nil
}

func signsOf(a host.ARC) string {
	var b strings.Builder
	for _, s := range a.Signs {
		b.WriteString(s.For + ": " + s.Text + "\n")
	}
	return b.String()
}

func TestARC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vulcan()
		m.stats["size"] = "4 51539607552"
		m.mod.paramMax = 64 * gib // more than there is: ignored
		m.read = func(n int) {
			if n == 4 { // the second look of the second asking
				m.stats["hits"], m.stats["misses"], m.stats["iohits"] = "4 989000", "4 15900", "4 5100"
				m.stats["mru_ghost_hits"], m.stats["mfu_ghost_hits"] = "4 300", "4 150"
				m.stats["demand_data_hits"], m.stats["demand_data_misses"] = "4 908000", "4 10500"
			}
		}
		z := New(m.host(), Options{})
		began := time.Now()
		quiet, err := look[host.ARC](t, z, host.LookARC)
		if err != nil || time.Since(began) != 3*time.Second {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		if s := quiet.Sample; s == nil || s.All.Total() != 0 || !strings.Contains(signsOf(quiet), "unknown: only 0 reads within 3 s") {
			t.Errorf("%+v\n%s", s, signsOf(quiet))
		}
		a, err := look[host.ARC](t, z, host.LookARC)
		if err != nil {
			t.Fatal(err)
		}
		if a.Size != 48*host.GiB || a.Target != 48*host.GiB || a.Min != 2*host.GiB || a.Max != 48*host.GiB || *a.RAM != 67321872384 ||
			*a.Available != 4*host.GiB || *a.Meta != 3*host.GiB || *a.Throttled != 0 || a.SampleSeconds != 3 {
			t.Errorf("%+v", a)
		}
		if a.Boot.All != (host.Share{Hits: 989000, IOHits: 5100, Misses: 15900}) || *a.Boot.DemandData != (host.Share{Hits: 908000, IOHits: 4000, Misses: 10500}) || a.Boot.PrefetchData != nil {
			t.Errorf("%+v", a.Boot)
		}
		if a.Sample.All != (host.Share{Hits: 9000, IOHits: 100, Misses: 900}) || *a.Sample.DemandData != (host.Share{Hits: 8000, Misses: 500}) || a.Sample.PrefetchMetadata != nil {
			t.Errorf("%+v", a.Sample)
		}
		if p := a.Parameters[0]; p.Name != "zfs_arc_min" || p.State != host.ParamDefault {
			t.Errorf("%+v", p)
		}
		if p := a.Parameters[1]; p.State != host.ParamIgnored || p.Written != 64*host.GiB || p.Effective != 48*host.GiB || p.Why != "it is not below the memory of the host, 62.7 GiB (67321872384 bytes)" {
			t.Errorf("%+v", p)
		}
		if got, want := signsOf(a), `raise: it holds 100 % of its maximum of 48 GiB, so the maximum is what limits it
raise: 300 of 900 misses within 3 s were of data that had been in the cache shortly before (200 used once, 100 used often): a larger one would have served them
`; got != want {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestSigns(t *testing.T) {
	of := func(n int64) *int64 { return &n }
	size := func(b host.Bytes) *host.Bytes { return &b }
	calm := func() host.ARC {
		return host.ARC{Size: 20 * host.GiB, Max: 32 * host.GiB, RAM: size(64 * host.GiB), Available: size(host.GiB), Throttled: of(0), SampleSeconds: 3,
			Sample: &host.Reads{All: host.Share{Hits: 9950, Misses: 50}, MRUGhost: of(2), MFUGhost: of(1), Throttled: of(0)}}
	}
	for _, c := range []struct {
		name   string
		change func(*host.ARC)
		want   string
	}{
		{"room and hits", func(*host.ARC) {}, `keep: it holds 62 % of its maximum of 32 GiB: raising the maximum would change nothing now
keep: 3 of 50 misses within 3 s were of data that had been in the cache shortly before (2 used once, 1 used often): a larger one would serve hardly more
keep: 99.5 % of the reads within 3 s were hits: there is little to gain
`},
		{"short of memory", func(a *host.ARC) {
			a.Size, a.Available, a.Throttled, a.Sample.Throttled, a.Max = 60*host.GiB, size(-2*host.GiB), of(70), of(7), 60*host.GiB
			a.Sample.All = host.Share{Hits: 900, Misses: 200}
		}, `raise: it holds 100 % of its maximum of 60 GiB, so the maximum is what limits it
keep: 3 of 200 misses within 3 s were of data that had been in the cache shortly before (2 used once, 1 used often): a larger one would serve hardly more
lower: 7 writes waited for memory within 3 s (memory_throttle_count)
lower: the host is short of 2 GiB: ZFS must give memory back (memory_available_bytes)
lower: its maximum leaves programs only 4 GiB of 64 GiB
`},
		{"it once was short", func(a *host.ARC) { a.Size, a.Throttled = 28*host.GiB, of(1) }, `keep: 3 of 50 misses within 3 s were of data that had been in the cache shortly before (2 used once, 1 used often): a larger one would serve hardly more
keep: 99.5 % of the reads within 3 s were hits: there is little to gain
lower: 1 write waited for memory since ZFS was loaded (memory_throttle_count), none of them just now
`},
		{"ghosts below the maximum", func(a *host.ARC) { a.Size, a.Sample.MRUGhost = 28*host.GiB, of(20) }, `keep: 21 of 50 misses within 3 s were of data that had been in the cache shortly before (20 used once, 1 used often), though it is not at its maximum
keep: 99.5 % of the reads within 3 s were hits: there is little to gain
`},
		{"nothing is told", func(a *host.ARC) { *a = host.ARC{Size: 28 * host.GiB, Max: 32 * host.GiB} }, `unknown: how many misses a larger cache would have served was not measured
unknown: this version of ZFS does not tell how often writes waited for memory (memory_throttle_count)
unknown: this version of ZFS does not tell how much memory is free for it (memory_available_bytes)
`},
		{"no ghosts are told", func(a *host.ARC) { a.Size, a.Sample.MFUGhost = 28*host.GiB, nil }, `unknown: this version of ZFS does not tell how many misses a larger cache would have served (mru_ghost_hits, mfu_ghost_hits)
keep: 99.5 % of the reads within 3 s were hits: there is little to gain
`},
	} {
		a := calm()
		c.change(&a)
		a.Signs = signs(a)
		if got := signsOf(a); got != c.want {
			t.Errorf("%s: got\n%s", c.name, got)
		}
	}
}

// The module was loaded anew between the looks: no difference means anything.
func TestARCBackwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vulcan()
		m.read = func(n int) {
			if n == 2 {
				m.stats["hits"] = "4 17"
			}
		}
		a, err := New(m.host(), Options{}).ARC(t.Context())
		if err != nil || a.Sample != nil || a.SampleSeconds != 0 {
			t.Errorf("%+v: %v", a.Sample, err)
		}
	})
}

// An asker without time gets what one look tells.
func TestARCOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		a, err := New(vulcan().host(), Options{}).ARC(ctx)
		if err != nil || a.Sample != nil || a.Size != 30064771072 {
			t.Errorf("%+v: %v", a, err)
		}
	})
}

func TestIgnored(t *testing.T) {
	k := kernel{limits: limits{4 * host.GiB, 8 * host.GiB}, ram: 16 * host.GiB}
	for _, c := range []struct {
		p        parameter
		min, max host.Bytes
		want     string
	}{
		{arcMin, host.MiB, 0, "it is below 32 MiB"},
		{arcMin, 9 * host.GiB, 0, "it is above the maximum that holds"},
		{arcMin, 5 * host.GiB, 0, "it broke a rule when it was written; the next write would make it hold"},
		{arcMax, 0, host.MiB, "it is below 64 MiB"},
		{arcMax, 0, 16 * host.GiB, "it is not below the memory of the host, 16 GiB"},
		{arcMax, 0, 4 * host.GiB, "it is not above the minimum that holds"},
	} {
		k.wroteMin, k.wroteMax = c.min, c.max
		if got := k.ignored(c.p); got != c.want {
			t.Errorf("%s of %d: %s, want %s", c.p, c.min+c.max, got, c.want)
		}
	}
}

func TestKstat(t *testing.T) {
	good := "9 1 0x01 147 39984 1 2\nname type data\nhits 4 12\nmemory_available_bytes 3 -5\nhuge 4 18446744073709551615\ntext 7 abc\nodd\nhits 4 99\n"
	f, err := kstat([]byte(good))
	if err != nil || len(f) != 2 || f["hits"] != 12 || f["memory_available_bytes"] != -5 {
		t.Errorf("%v: %v", f, err)
	}
	for _, bad := range []string{"", "x", "a\nb\nc", "h\nname type\n", "h\nname type data\nhits 4 x\n", "h\nname type data\nfree 3 1.5\n", "h\nname type data\nhits 4 -1\n"} {
		if f, err := kstat([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, f)
		}
	}
}
