package zfs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// Probe reads the pools and the ARC for status, checklists and verifications.
type Probe struct{ z *ZFS }

var _ bot.Probe = Probe{}

// Probe is the probe of this host.
func (z *ZFS) Probe() Probe { return Probe{z} }

// Name is "zfs" and the host's name.
func (p Probe) Name() string { return strings.TrimSpace("zfs " + p.z.h.Name) }

// Tells are what its readings are called (bot/probing, Teller).
func (p Probe) Tells() []string { return []string{"pools", "dataset quotas", "ARC"} }

// Read gives a reading for each pool, for each dataset that is nearly at its quota,
// and for the ARC; what cannot be found out is unknown, with the reason.
func (p Probe) Read(ctx context.Context) []bot.Reading {
	z := p.z
	var out []bot.Reading
	pools, err := z.Pools(ctx)
	source := "zpool status"
	switch {
	case err != nil:
		out = append(out, bot.Reading{What: "pools", Note: bot.ForPeople(err), Source: source, State: bot.Unknown})
	case len(pools.Pools) == 0:
		out = append(out, bot.Reading{What: "pools", Value: "none imported", Source: source, State: bot.Unknown,
			Note: "whether one should be there is not known here"})
	}
	for _, x := range pools.Pools {
		r := bot.Reading{What: "pool " + x.Name, Value: poolValue(x, pools.At), Note: poolNote(x), Source: pools.Source, State: x.State}
		if x.Capacity != nil {
			r = r.With(float64(*x.Capacity), bot.FigurePercent)
		}
		out = append(out, r)
	}
	for _, d := range pools.Datasets {
		out = append(out, bot.Reading{What: "dataset " + d.Name, Value: fmt.Sprintf("%s of its quota of %s", d.Used, d.Quota),
			Note: fmt.Sprintf("%d %% or more", z.o.QuotaUsed), Source: "zfs list", State: bot.NotOK}.With(percent(int64(d.Used), int64(d.Quota)), bot.FigurePercent))
	}
	for _, u := range pools.Unknown {
		out = append(out, bot.Reading{What: "pools", Note: u, Source: source, State: bot.Unknown})
	}
	out = append(out, z.arcReading())
	at := now()
	for i := range out {
		out[i].Host, out[i].At = z.h.Name, at
	}
	return out
}

// poolNote is why a pool is not well, but for its health, which its value tells.
func poolNote(p host.Pool) string {
	var why []string
	for _, w := range p.Why {
		if w != "it is "+p.Health {
			why = append(why, w)
		}
	}
	return strings.Join(why, "; ")
}

// poolValue is "ONLINE, 45 % of 21.8 TiB, scrubbed 6 d ago".
func poolValue(p host.Pool, at time.Time) string {
	parts := []string{p.Health}
	if p.Capacity != nil && p.Size != nil {
		parts = append(parts, fmt.Sprintf("%d %% of %s", *p.Capacity, *p.Size))
	}
	if s := p.Scrub; s != nil {
		switch s.State {
		case host.ScanFinished:
			parts = append(parts, "scrubbed "+phrase.Duration(at.Sub(s.End))+" ago")
		case host.ScanRunning:
			parts = append(parts, fmt.Sprintf("scrub at %s", wholePercent(s.Done)))
		}
	}
	if r := p.Resilver; r != nil && r.State == host.ScanRunning {
		parts = append(parts, fmt.Sprintf("resilver at %s", wholePercent(r.Done)))
	}
	return strings.Join(parts, ", ")
}

// arcReading is not ok when the kernel ignores what somebody wrote, since then
// the cache is not what they believe.
func (z *ZFS) arcReading() bot.Reading {
	r := bot.Reading{What: "ARC", Source: arcstats, State: bot.OK}
	f, err := z.figures()
	if err != nil {
		r.State, r.Note = bot.Unknown, bot.ForPeople(err)
		return r
	}
	a := z.arc(f)
	r = r.With(float64(a.Size), bot.FigureBytes)
	r.Value = fmt.Sprintf("%s of at most %s", a.Size, a.Max)
	if ratio, ok := a.Boot.All.Ratio(); ok {
		r.Value += fmt.Sprintf(", %s hits since ZFS was loaded", tenthPercent(ratio))
	}
	var why []string
	for _, p := range a.Parameters {
		switch p.State {
		case host.ParamIgnored:
			r.State = bot.NotOK
			why = append(why, fmt.Sprintf("%s holds %s, which the kernel ignores: %s", p.Name, p.Written, p.Why))
		case host.ParamUnknown:
			if r.State == bot.OK {
				r.State = bot.Unknown
			}
			why = append(why, p.Name+": "+p.Why)
		}
	}
	r.Note = strings.Join(why, "; ")
	return r
}
