package zfs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/host"
)

func TestParse(t *testing.T) {
	op := New(vulcan().host(), Options{}).ARCSet()
	for _, c := range []struct{ max, min, wantMax, wantMin string }{
		{"32G", "4G", "32GiB", "4GiB"},
		{"34359738368", "", "32GiB", ""},
		{"", "1.5g", "", "1536MiB"},
		{"34359738369", "4GiB", "34359738369B", "4GiB"},
	} {
		got, err := op.Parse(t.Context(), sizes(c.max, c.min))
		if err != nil || got.One("max") != c.wantMax || got.One("min") != c.wantMin || len(got) != len(sizes(c.max, c.min)) {
			t.Errorf("%+v is %v: %v", c, got, err)
			continue
		}
		again, err := op.Parse(t.Context(), got)
		if err != nil || again.One("max") != c.wantMax || again.One("min") != c.wantMin {
			t.Errorf("%v read again is %v: %v", got, again, err)
		}
	}
	for part, args := range map[string]bot.Arguments{
		"Say which limit":        {},
		"no argument \"size\"":   {"size": {"1G"}},
		"Give one max":           {"max": {"1G", "2G"}},
		"Give one min":           {"min": {}},
		"The max `big` is wrong": {"max": {"big"}},
		"write e.g. `32GiB`":     {"max": {"32GB"}, "min": {"1G"}},
		"The min `0` is wrong":   {"min": {"0"}},
	} {
		_, err := op.Parse(t.Context(), args)
		wantError(t, err, bot.CodeInvalid, part)
	}
}

// The target of the plan: 32 GiB at most, 4 GiB at least, from ZFS' own defaults.
func TestPlan(t *testing.T) {
	m := vulcan()
	d := agreed(t, New(m.host(), Options{}).ARCSet(), sizes("32G", "4G")).Draft
	const nix = `boot.extraModprobeConfig = "options zfs zfs_arc_max=34359738368 zfs_arc_min=4294967296";`
	if want := "set the ARC of vulcan to at least 4 GiB and at most 32 GiB (now at least 2 GiB and at most 48 GiB)"; d.Summary != want {
		t.Errorf("summary: %s", d.Summary)
	}
	for _, c := range []struct {
		what string
		got  []string
		want []string
	}{
		{"steps", d.Steps, []string{
			"write 4294967296 (4 GiB) to /sys/module/zfs/parameters/zfs_arc_min",
			"write 34359738368 (32 GiB) to /sys/module/zfs/parameters/zfs_arc_max",
			"read c_min and c_max back from /proc/spl/kstat/zfs/arcstats: they must be 4294967296 and 34359738368, exactly",
		}},
		{"differences", d.Differences, []string{"minimum (c_min): 2 GiB → 4 GiB", "maximum (c_max): 48 GiB → 32 GiB"}},
		{"locks", d.Locks, []string{"zfs arc"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s:\n%s", c.what, strings.Join(c.got, "\n"))
		}
	}
	if want := []bot.Fact{{Name: "c_min", Value: "2147483648"}, {Name: "c_max", Value: "51539607552"}, {Name: "zfs_arc_min", Value: "0"}, {Name: "zfs_arc_max", Value: "0"}}; !slices.Equal(d.Bound, want) {
		t.Errorf("bound: %+v", d.Bound)
	}
	if want := []bot.Fact{{Name: "size of the ARC", Value: "about 28 GiB"}, {Name: "memory of the host", Value: "62.7 GiB (67321872384 bytes)"}}; !slices.Equal(d.Observed, want) {
		t.Errorf("observed: %+v", d.Observed)
	}
	irreversible := strings.Join(d.Irreversible, "\n")
	for _, part := range []string{"zfs_arc_min is 0 now", "zfs_arc_max is 0 now", "0 cannot be made to hold again", "the value that holds now, 48 GiB"} {
		if !strings.Contains(irreversible, part) {
			t.Errorf("irreversible lacks %q:\n%s", part, irreversible)
		}
	}
	if c := condition(t, d, "next boot"); c.State != bot.NotOK || !strings.Contains(c.Found, "zfs_arc_max is not set, zfs_arc_min is not set") || !strings.Contains(c.Found, nix) {
		t.Errorf("%+v", c)
	}
	// 62.7 GiB, 20 of them available, 28 in the cache: programs use 14.7.
	if c := condition(t, d, "programs keep"); c.State != bot.OK || c.Found != "they use about 14.7 GiB; 30.7 GiB is left beside the maximum" {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(d.Undo, "`zfs arc set max 48GiB min 2GiB`") || d.Limit != 60 {
		t.Errorf("undo: %s, limit %d", d.Undo, d.Limit)
	}
	if len(m.mod.history) != 0 {
		t.Errorf("the plan wrote: %v", m.mod.history)
	}
}

func condition(t *testing.T, d bot.Draft, part string) bot.Condition {
	t.Helper()
	for _, c := range d.Conditions {
		if strings.Contains(c.Text, part) {
			return c
		}
	}
	t.Fatalf("no condition is about %q in %+v", part, d.Conditions)
	return bot.Condition{}
}

func TestPlanConditions(t *testing.T) {
	m := vulcan()
	m.files["/etc/modprobe.d/nixos.conf"] = "options zfs zfs_arc_max=17179869184\n"
	m.files["/run/current-system/kernel-params"] = "quiet zfs.zfs_arc_min=1073741824 zfs.zfs_arc_max=8589934592\n"
	m.files["/proc/meminfo"] = "MemTotal: 65744016 kB\nMemAvailable: 1048576 kB\n"
	m.stats["size"] = "4 5368709120"
	op := New(m.host(), Options{}).ARCSet()
	d := agreed(t, op, sizes("16G", "1G")).Draft
	// The kernel's command line wins over modprobe's files.
	if c := condition(t, d, "next boot"); c.State != bot.NotOK || !strings.Contains(c.Found, "zfs_arc_max is set to 8589934592.") || strings.Contains(c.Found, "zfs_arc_min is") {
		t.Errorf("%+v", c)
	}
	if c := condition(t, d, "programs keep"); c.State != bot.NotOK || !strings.Contains(c.Found, "they use about 56.7 GiB; 46.7 GiB is left") {
		t.Errorf("%+v", c)
	}
	d = agreed(t, op, sizes("8G", "1G")).Draft
	if c := condition(t, d, "next boot"); c.State != bot.OK {
		t.Errorf("%+v", c)
	}
	d = agreed(t, op, sizes("4G", "1G")).Draft
	if c := condition(t, d, "within the new maximum"); c.State != bot.NotOK || !strings.Contains(c.Found, "it holds 5 GiB; it shrinks only when memory is asked for") {
		t.Errorf("%+v", c)
	}
	delete(m.files, "/etc/modprobe.d/nixos.conf")
	delete(m.files, "/proc/meminfo")
	d = agreed(t, op, sizes("4G", "1G")).Draft
	for _, part := range []string{"next boot", "programs keep"} {
		if c := condition(t, d, part); c.State != bot.Unknown {
			t.Errorf("%+v", c)
		}
	}
}

// What the kernel would ignore is refused beforehand, with the figures that matter.
func TestPlanRefuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		max, min string
		o        Options
		change   func(*machine)
		code     bot.Code
		parts    []string
	}{
		{"too small a minimum", "", "31M", Options{}, nil, bot.CodeInvalid, []string{"at least 32 MiB", "ignores 31 MiB"}},
		{"too small a maximum", "63M", "32M", Options{}, nil, bot.CodeInvalid, []string{"at least 64 MiB"}},
		{"all memory", "67321872384", "", Options{}, nil, bot.CodeInvalid, []string{"below the memory of this host, 62.7 GiB (67321872384 bytes)"}},
		{"the wrong way round", "4G", "32G", Options{}, nil, bot.CodeInvalid, []string{"The minimum, 32 GiB, is above the maximum, 4 GiB"}},
		{"a maximum at the minimum that holds", "2G", "", Options{}, nil, bot.CodeInvalid, []string{"above the minimum that holds, 2 GiB", "`zfs arc set max 2GiB min …`"}},
		{"a minimum above the maximum that holds", "", "49G", Options{}, nil, bot.CodeInvalid, []string{"above the maximum that holds, 48 GiB", "min 49GiB`"}},
		{"alike, and at once too low", "1G", "1G", Options{}, nil, bot.CodeInvalid, []string{"no way from its limits (2 GiB to 48 GiB"}},
		{"beyond what is configured", "40G", "", Options{Max: Range{To: 36 * host.GiB}}, nil, bot.CodeForbidden, []string{"a maximum of 36 GiB or less, not 40 GiB"}},
		{"below what is configured", "8G", "1G", Options{Max: Range{From: 4 * host.GiB}, Min: Range{From: 2 * host.GiB}}, nil, bot.CodeForbidden, []string{"a minimum of 2 GiB or more, not 1 GiB"}},
		{"as it is", "48G", "2G", Options{}, nil, bot.CodeConflict, []string{"has these limits already", "zfs_arc_max=51539607552 zfs_arc_min=2147483648"}},
		{"no ZFS", "32G", "", Options{}, func(m *machine) { m.mod = nil }, bot.CodeNotFound, []string{"There is no ZFS on vulcan"}},
		{"no memory known", "32G", "", Options{}, func(m *machine) { delete(m.stats, "memory_all_bytes"); delete(m.files, "/proc/meminfo") }, bot.CodeUnavailable, []string{"How much memory vulcan has is unknown"}},
		{"strange statistics", "32G", "", Options{}, func(m *machine) { m.stats["size"] = "4 many" }, bot.CodeUnavailable, []string{`"many" is no number`}},
		{"half the statistics", "32G", "", Options{}, func(m *machine) { delete(m.stats, "c") }, bot.CodeUnavailable, []string{"arcstats lacks c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := vulcan()
			if c.change != nil {
				c.change(m)
			}
			op := New(m.host(), c.o).ARCSet()
			args, err := op.Parse(t.Context(), sizes(c.max, c.min))
			if err != nil {
				t.Fatal(err)
			}
			_, err = op.Plan(t.Context(), args)
			wantError(t, err, c.code, c.parts...)
		})
	}
	// The kernel's own figure counts; where it is missing, that of meminfo is the same.
	m := vulcan()
	delete(m.stats, "memory_all_bytes")
	_, err := New(m.host(), Options{}).ARCSet().Plan(t.Context(), sizes("65744016k", ""))
	wantError(t, err, bot.CodeInvalid, "62.7 GiB (67321872384 bytes)")
}

func TestRun(t *testing.T) {
	m := vulcan()
	op := New(m.host(), Options{}).ARCSet()
	p, w := agreed(t, op, sizes("16G", "4G")), newWork()
	if err := op.Apply(t.Context(), p, w); err != nil {
		t.Fatal(err)
	}
	if want := []string{"zfs_arc_min=4294967296: 4294967296-51539607552", "zfs_arc_max=17179869184: 4294967296-17179869184"}; !slices.Equal(m.mod.history, want) {
		t.Errorf("%q", m.mod.history)
	}
	rs, err := op.Verify(t.Context(), p, w)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tell(rs), `ok | ARC maximum (c_max) | 16 GiB | 
ok | ARC minimum (c_min) | 4 GiB | 
`; got != want {
		t.Errorf("got\n%s", got)
	}
	// What is no evidence is said, and is no reading. The way back is offered, where
	// there is one.
	for i, want := range []string{
		"wrote 4294967296 to zfs_arc_min; c_min is 4 GiB, c_max is 48 GiB",
		"wrote 17179869184 to zfs_arc_max; c_min is 4 GiB, c_max is 16 GiB",
		"the cache holds 28 GiB, above the maximum; it shrinks when memory is asked for, not at once",
		"they last until the next boot, since the configuration does not set them; this line makes them last: " +
			`boot.extraModprobeConfig = "options zfs zfs_arc_max=17179869184 zfs_arc_min=4294967296";`,
		"to go back: `zfs arc set max 48GiB min 2GiB`",
	} {
		if i >= len(w.said) || w.said[i] != want {
			t.Errorf("%q, and line %d should be %q", w.said, i+1, want)
		}
	}
	// And back: the defaults return as numbers.
	rs, err = op.Undo(t.Context(), p, w)
	if err != nil || !strings.HasPrefix(tell(rs), "ok | ARC maximum (c_max) | 48 GiB | \nok | ARC minimum (c_min) | 2 GiB | \n") {
		t.Errorf("%v:\n%s", err, tell(rs))
	}
	if m.mod.cMin != 2*gib || m.mod.cMax != 48*gib || m.mod.paramMin != 2*gib || m.mod.paramMax != 48*gib {
		t.Errorf("%+v", m.mod)
	}
}

func tell(rs []bot.Reading) string {
	var b strings.Builder
	for _, r := range rs {
		b.WriteString(string(r.State) + " | " + r.What + " | " + r.Value + " | " + r.Note + "\n")
	}
	return b.String()
}

// The parameter's file shows what was written, obeyed or not: a module that
// ignores it must not pass.
func TestKernelIgnores(t *testing.T) {
	m := vulcan()
	m.mod.deaf = true
	op := New(m.host(), Options{}).ARCSet()
	p, w := agreed(t, op, sizes("32G", "4G")), newWork()
	err := op.Apply(t.Context(), p, w)
	wantError(t, err, bot.CodeConflict, "did not take 4 GiB for zfs_arc_min", "it holds at least 2 GiB and at most 48 GiB")
	if len(m.mod.history) != 1 {
		t.Errorf("it went on: %q", m.mod.history)
	}
	rs, err := op.Verify(t.Context(), p, w)
	if err != nil || !strings.HasPrefix(tell(rs), "not ok | ARC maximum (c_max) | 48 GiB | it should be 32 GiB\nnot ok | ARC minimum (c_min) | 2 GiB | it should be 4 GiB\n") {
		t.Errorf("%v:\n%s", err, tell(rs))
	}
	// Undo leaves nothing in the file that a later write could make hold.
	rs, err = op.Undo(t.Context(), p, w)
	if err != nil || !strings.HasPrefix(tell(rs), "ok | ARC maximum (c_max) | 48 GiB | \nok | ARC minimum (c_min) | 2 GiB | \n") {
		t.Errorf("%v:\n%s", err, tell(rs))
	}
	if m.mod.paramMin != 2*gib || m.mod.paramMax != 0 {
		t.Errorf("%+v", m.mod)
	}
}

func TestRunFails(t *testing.T) {
	t.Run("somebody else was faster", func(t *testing.T) {
		m := vulcan()
		op := New(m.host(), Options{}).ARCSet()
		p, w := agreed(t, op, sizes("32G", "")), newWork()
		m.mod.write("zfs_arc_max", 40*gib)
		err := op.Apply(t.Context(), p, w)
		wantError(t, err, bot.CodeConflict, "Somebody has changed the limits", "at most 40 GiB", "Nothing was written")
		rs, err := op.Undo(t.Context(), p, w)
		if err != nil || !strings.Contains(tell(rs), "not ok | ARC maximum (c_max) | 40 GiB | it should be 48 GiB") || len(m.mod.history) != 1 {
			t.Errorf("%v: %q\n%s", err, m.mod.history, tell(rs))
		}
	})
	t.Run("the second write is refused", func(t *testing.T) {
		m := vulcan()
		op := New(m.host(), Options{}).ARCSet()
		p, w := agreed(t, op, sizes("32G", "4G")), newWork()
		m.refuse["/sys/module/zfs/parameters/zfs_arc_max"] = errors.New("read-only")
		wantError(t, op.Apply(t.Context(), p, w), bot.CodeUnavailable, "zfs_arc_max could not be written")
		rs, err := op.Undo(t.Context(), p, w)
		if err != nil || !strings.HasPrefix(tell(rs), "ok | ARC maximum (c_max) | 48 GiB | \nok | ARC minimum (c_min) | 2 GiB | \n") || m.mod.cMin != 2*gib {
			t.Errorf("%v: %+v\n%s", err, m.mod, tell(rs))
		}
	})
	t.Run("out of time", func(t *testing.T) {
		m := vulcan()
		op := New(m.host(), Options{}).ARCSet()
		p, w := agreed(t, op, sizes("32G", "4G")), newWork()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantError(t, op.Apply(ctx, p, w), bot.CodeUnavailable, "The time was over")
		if len(m.mod.history) != 0 {
			t.Errorf("%q", m.mod.history)
		}
	})
	t.Run("a plan of something else", func(t *testing.T) {
		op := New(vulcan().host(), Options{}).ARCSet()
		wantError(t, op.Apply(t.Context(), bot.Plan{}, newWork()), bot.CodeInternal, "cannot be read")
		_, err := op.Verify(t.Context(), bot.Plan{Draft: bot.Draft{Bound: []bot.Fact{{Name: "c_min", Value: "x"}}}}, newWork())
		wantError(t, err, bot.CodeInternal, "cannot be read")
	})
}
