package linux

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
)

// Probe reads the state of the host. It may be read by several at once: they
// share what is under way.
type Probe struct {
	o     Options
	bound bounds
}

var _ bot.Probe = (*Probe)(nil)

// New makes the probe. It touches nothing yet.
func New(o Options) *Probe { return &Probe{o: o.filled()} }

// Name is "host" and the host's name.
func (p *Probe) Name() string {
	if p.o.Host == "" {
		return "host"
	}
	return "host " + p.o.Host
}

// Tells are what its readings are called (bot/probing, Teller).
func (p *Probe) Tells() (out []string) {
	before, after := p.parts()
	for _, it := range before {
		out = append(out, it.what...)
	}
	out = append(out, noDisks)
	for _, it := range after {
		out = append(out, it.what...)
	}
	return out
}

// What is told of all disks and all pressures is called so that who waits for "disk *"
// and "pressure *" hears of it.
const (
	noDisks    = "disk mounts"
	noPressure = "pressure figures"
)

// part is one thing that is read by itself.
type part struct {
	what []string // names the readings where the part gives none
	read func() []bot.Reading
}

// parts that are a few small files each, in the order in which they are shown.
func (p *Probe) parts() (before, after []part) {
	return []part{
			{[]string{"load"}, p.load},
			{[]string{"memory", "swap"}, p.memory},
			{[]string{noPressure}, p.pressure},
		}, []part{
			{[]string{"pools"}, p.pools},
			{[]string{"temperature"}, p.temperature},
			{[]string{"uptime"}, p.uptime},
		}
}

// Read measures everything, side by side, within twice the configured time
// limit. It gives at least one reading for each part that the host has.
func (p *Probe) Read(ctx context.Context) []bot.Reading {
	before, after := p.parts()
	found := make([][]bot.Reading, len(before)+1+len(after))
	var wg sync.WaitGroup
	run := func(i int, it part) {
		wg.Go(func() { found[i] = p.guarded(ctx, it) })
	}
	for i, it := range before {
		run(i, it)
	}
	// The disks bound themselves, each on its own.
	wg.Go(func() { found[len(before)] = p.disks(ctx) })
	for i, it := range after {
		run(len(before)+1+i, it)
	}
	wg.Wait()

	readings := slices.Concat(found...)
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i := range readings {
		readings[i].Host, readings[i].At = p.o.Host, now
	}
	return readings
}

// guarded reads one part in bounded time.
func (p *Probe) guarded(ctx context.Context, it part) []bot.Reading {
	got, err := within(ctx, &p.bound, "part "+it.what[0], p.o.Timeout, func() ([]bot.Reading, error) {
		return it.read(), nil
	})
	if err != nil {
		var out []bot.Reading
		for _, what := range it.what {
			out = append(out, unknown(what, p.o.Proc, err))
		}
		return out
	}
	// Others may be handed the same answer.
	return slices.Clone(got)
}

func (p *Probe) proc(elem ...string) string {
	return filepath.Join(append([]string{p.o.Proc}, elem...)...)
}

// unknown is the reading of what could not be read. It has no value: the state
// says it already.
func unknown(what, source string, err error) bot.Reading {
	return bot.Reading{
		What: what, Note: reason(err), Source: source, State: bot.Unknown,
	}
}

// judged is ok, or not ok for the reasons given.
func judged(what, source, value string, reasons ...string) bot.Reading {
	r := bot.Reading{What: what, Value: value, Source: source, State: bot.OK}
	for _, why := range reasons {
		if why == "" {
			continue
		}
		r.State = bot.NotOK
		if r.Note != "" {
			r.Note += "; "
		}
		r.Note += why
	}
	return r
}
