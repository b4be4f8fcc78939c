package zfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

const (
	arcstats = "/proc/spl/kstat/zfs/arcstats"
	meminfo  = "/proc/meminfo"
	// most bounds a file of the kernel's.
	most = 64 << 10
)

// figures reads arcstats now. A host without it has no ZFS.
func (z *ZFS) figures() (map[string]int64, error) {
	text, err := z.h.Files.Read(arcstats, most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, bot.Errorf(bot.CodeNotFound, "There is no ZFS on %s: %s does not exist.", z.h.Name, arcstats).Because(err)
	}
	if err != nil {
		return nil, bot.Errorf(bot.CodeUnavailable, "%s cannot be read on %s.", arcstats, z.h.Name).Because(err)
	}
	f, err := kstat(text)
	if err != nil {
		return nil, bot.Errorf(bot.CodeUnavailable, "%s cannot be understood: %s.", arcstats, line(err.Error())).Because(err)
	}
	for _, name := range []string{"size", "c", "c_min", "c_max", "hits", "misses"} {
		if _, ok := f[name]; !ok {
			return nil, bot.Errorf(bot.CodeUnavailable, "%s lacks %s.", arcstats, name)
		}
	}
	return f, nil
}

// parameterNow reads what a parameter's file holds.
func (z *ZFS) parameterNow(p parameter) (host.Bytes, error) {
	text, err := z.h.Files.Read(p.path(), 64)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || v < 0 {
		return 0, fmt.Errorf("%s holds no number", p.path())
	}
	return host.Bytes(v), nil
}

// memory reads the figures of /proc/meminfo, in bytes.
func (z *ZFS) memory() (map[string]host.Bytes, error) {
	text, err := z.h.Files.Read(meminfo, most)
	if err != nil {
		return nil, err
	}
	out := map[string]host.Bytes{}
	for l := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(l, ":")
		f := strings.Fields(rest)
		if len(f) != 2 || f[1] != "kB" {
			continue
		}
		if v, err := strconv.ParseInt(f[0], 10, 64); err == nil && v >= 0 && v < 1<<50 {
			out[name] = host.Bytes(v) * host.KiB
		}
	}
	return out, nil
}

// ram is what the kernel compares a maximum with: arcstats tells it, and
// MemTotal is the same figure.
func (z *ZFS) ram(f map[string]int64) (host.Bytes, error) {
	if v, ok := f["memory_all_bytes"]; ok && v > 0 {
		return host.Bytes(v), nil
	}
	m, err := z.memory()
	if err == nil && m["MemTotal"] <= 0 {
		err = errors.New("it lacks MemTotal")
	}
	if err != nil {
		return 0, bot.Errorf(bot.CodeUnavailable, "How much memory %s has is unknown: neither %s nor %s tells.", z.h.Name, arcstats, meminfo).Because(err)
	}
	return m["MemTotal"], nil
}

// kernel reads all that decides over the limits.
func (z *ZFS) kernel() (k kernel, f map[string]int64, err error) {
	if f, err = z.figures(); err != nil {
		return k, nil, err
	}
	k.min, k.max = host.Bytes(f["c_min"]), host.Bytes(f["c_max"])
	if k.ram, err = z.ram(f); err != nil {
		return k, nil, err
	}
	for _, p := range []struct {
		name parameter
		to   *host.Bytes
	}{{arcMin, &k.wroteMin}, {arcMax, &k.wroteMax}} {
		if *p.to, err = z.parameterNow(p.name); err != nil {
			return k, nil, bot.Errorf(bot.CodeUnavailable, "%s cannot be read on %s.", p.name.path(), z.h.Name).Because(err)
		}
	}
	return k, f, nil
}

// ARC measures the cache: what it is, and over some seconds how it serves.
func (z *ZFS) ARC(ctx context.Context) (host.ARC, error) {
	before, err := z.figures()
	if err != nil {
		return host.ARC{}, err
	}
	began := time.Now()
	timer := time.NewTimer(z.o.Sample)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	// What was counted until then is told even if the asker's time ended first.
	took := time.Since(began)
	f, err := z.figures()
	if err != nil {
		return host.ARC{}, err
	}
	a := z.arc(f)
	if s := since(before, f); s != nil && took >= time.Second {
		a.Sample, a.SampleSeconds = s, int(took.Round(time.Second)/time.Second)
	}
	a.Signs = signs(a)
	return a, nil
}

// arc is all that one look at arcstats tells.
func (z *ZFS) arc(f map[string]int64) host.ARC {
	a := host.ARC{
		At: now(), Size: host.Bytes(f["size"]), Target: host.Bytes(f["c"]), Min: host.Bytes(f["c_min"]), Max: host.Bytes(f["c_max"]),
		Available: amount(f, "memory_available_bytes"), Meta: amount(f, "arc_meta_used"), Throttled: count(f, "memory_throttle_count"),
		Boot: reads(f),
	}
	if ram, err := z.ram(f); err == nil {
		a.RAM = &ram
	}
	k := kernel{limits: limits{a.Min, a.Max}}
	if a.RAM != nil {
		k.ram = *a.RAM
	}
	var errs [2]error
	k.wroteMin, errs[0] = z.parameterNow(arcMin)
	k.wroteMax, errs[1] = z.parameterNow(arcMax)
	a.Parameters = []host.ARCParameter{
		k.parameter(arcMin, k.wroteMin, k.min, errs[0]), k.parameter(arcMax, k.wroteMax, k.max, errs[1]),
	}
	return a
}

func (k kernel) parameter(p parameter, written, effective host.Bytes, err error) host.ARCParameter {
	out := host.ARCParameter{Name: string(p), Written: written, Effective: effective, State: host.ParamIgnored}
	switch {
	case err != nil:
		out.State, out.Why = host.ParamUnknown, "its file cannot be read"
	case written == 0:
		out.State = host.ParamDefault
	case written == effective:
		out.State = host.ParamApplied
	default:
		out.Why = k.ignored(p)
	}
	return out
}

func amount(f map[string]int64, name string) *host.Bytes {
	if v, ok := f[name]; ok {
		return new(host.Bytes(v))
	}
	return nil
}

func count(f map[string]int64, name string) *int64 {
	if v, ok := f[name]; ok {
		return new(v)
	}
	return nil
}

// reads are the counters of reads in a table.
func reads(f map[string]int64) host.Reads {
	share := func(prefix string) *host.Share {
		hits, ok := f[prefix+"hits"]
		misses, ok2 := f[prefix+"misses"]
		if !ok || !ok2 {
			return nil
		}
		return &host.Share{Hits: hits, IOHits: f[prefix+"iohits"], Misses: misses}
	}
	return host.Reads{
		All:        *share(""), // figures wants both
		DemandData: share("demand_data_"), DemandMetadata: share("demand_metadata_"),
		PrefetchData: share("prefetch_data_"), PrefetchMetadata: share("prefetch_metadata_"),
		MRUGhost: count(f, "mru_ghost_hits"), MFUGhost: count(f, "mfu_ghost_hits"), Throttled: count(f, "memory_throttle_count"),
	}
}

// since is what was read between two looks; nil when a counter went backwards,
// as after a reload of the module.
func since(before, after map[string]int64) *host.Reads {
	d := map[string]int64{}
	for name, v := range after {
		was, ok := before[name]
		if !ok || !counter(name) {
			continue
		}
		if v < was {
			return nil
		}
		d[name] = v - was
	}
	r := reads(d)
	return &r
}

// counter tells which figures only grow.
func counter(name string) bool {
	return strings.HasSuffix(name, "hits") || strings.HasSuffix(name, "misses") || name == "memory_throttle_count"
}
