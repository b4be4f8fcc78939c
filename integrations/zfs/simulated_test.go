package zfs_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys/simulated"
	"watchstander/integrations/zfs"
)

// on runs a test against the simulated vulcan, on fake time.
func on(t *testing.T, f func(t *testing.T, h *simulated.Host, z *zfs.ZFS)) {
	synctest.Test(t, func(t *testing.T) {
		h, err := simulated.New(simulated.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		f(t, h, zfs.New(h.Sys(), zfs.Options{}))
	})
}

// work remembers what a run notes.
type work map[string]string

func (w work) Say(string, ...any)            {}
func (w work) Note(name, value string) error { w[name] = value; return nil }
func (w work) Noted(name string) string      { return w[name] }
func (w work) Dir() string                   { return "/nowhere" }
func (work) BeginBy() time.Time              { return time.Now().Add(time.Hour) }
func (work) Stopping() <-chan struct{}       { return nil }

func agreed(t *testing.T, op zfs.ARCSet, args bot.Arguments) bot.Plan {
	t.Helper()
	args, err := op.Parse(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	d, err := op.Plan(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	return bot.Plan{Arguments: args, Draft: d}
}

// The plan for vulcan, from its defaults and back, on a host that was not made for
// this test.
func TestSimulatedARC(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, z *zfs.ZFS) {
		before, err := z.ARC(t.Context())
		if err != nil || before.Sample == nil || before.Sample.All.Total() < 1000 || before.Parameters[1].State != host.ParamDefault {
			t.Fatalf("%+v: %v", before, err)
		}
		op := z.ARCSet()
		p, w := agreed(t, op, bot.Arguments{"max": {"32G"}, "min": {"4G"}}), work{}
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		rs, err := op.Verify(t.Context(), p, w)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if r.State != bot.OK {
				t.Errorf("%+v", r)
			}
		}
		after, err := z.ARC(t.Context())
		if err != nil || after.Min != 4*host.GiB || after.Max != 32*host.GiB || after.Parameters[1].State != host.ParamApplied || after.Size < 33*host.GiB {
			t.Errorf("%+v: %v", after, err)
		}
		// It is large still, and shrinks once memory is short.
		h.Pressure(true)
		time.Sleep(time.Minute)
		if a, err := z.ARC(t.Context()); err != nil || a.Size > 32*host.GiB || *a.Throttled == 0 {
			t.Errorf("%+v: %v", a, err)
		}
		h.Pressure(false)

		rs, err = op.Undo(t.Context(), p, w)
		if err != nil || len(rs) == 0 {
			t.Fatalf("%+v: %v", rs, err)
		}
		for _, r := range rs {
			if r.State != bot.OK {
				t.Errorf("undone: %+v", r)
			}
		}
		if a, err := z.ARC(t.Context()); err != nil || a.Min != before.Min || a.Max != before.Max {
			t.Errorf("undone: %+v: %v", a, err)
		}
	})
}

// Somebody wrote a value that the kernel ignored: it shows, and the plan disarms it.
func TestSimulatedIgnored(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, z *zfs.ZFS) {
		if err := h.Sys().Files.Write("/sys/module/zfs/parameters/zfs_arc_max", []byte("1073741824")); err != nil {
			t.Fatal(err)
		}
		a, err := z.ARC(t.Context())
		if err != nil || a.Parameters[1].State != host.ParamIgnored || a.Parameters[1].Written != host.GiB {
			t.Errorf("%+v: %v", a.Parameters, err)
		}
		op := z.ARCSet()
		p, w := agreed(t, op, bot.Arguments{"min": {"512M"}}), work{}
		if len(p.Draft.Steps) != 3 || !strings.HasSuffix(p.Draft.Steps[0], "zfs_arc_max") {
			t.Errorf("%q", p.Draft.Steps)
		}
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		if got, err := z.ARC(t.Context()); err != nil || got.Max != a.Max || got.Min != 512*host.MiB || got.Parameters[1].State != host.ParamApplied {
			t.Errorf("%+v: %v", got, err)
		}
	})
}

func TestSimulatedPools(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, z *zfs.ZFS) {
		p, err := z.Pools(t.Context())
		if err != nil || len(p.Pools) != 2 || len(p.Unknown) != 0 || p.Source != "zpool status -j" {
			t.Fatalf("%+v: %v", p, err)
		}
		for _, x := range p.Pools {
			if x.State != bot.OK {
				t.Errorf("%+v", x)
			}
		}
		h.SetPool("tank", func(p *simulated.Pool) { p.Health, p.Checksum, p.Lost, p.Used = "DEGRADED", 7, 2, p.Size/100*95 })
		p, err = z.Pools(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tank := p.Pools[1]
		if tank.State != bot.NotOK || len(tank.Devices) != 1 || !strings.Contains(fmt.Sprint(tank.Why), "2 pieces of data are damaged") {
			t.Errorf("%+v", tank)
		}
		for _, r := range z.Probe().Read(t.Context()) {
			if want := map[string]bot.ReadingState{"pool tank": bot.NotOK}[r.What]; want != "" && r.State != want || want == "" && r.State != bot.OK {
				t.Errorf("%+v", r)
			}
		}
	})
}
