package nixos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// Probe reads generation, drift and what is kept, for status and scorecard.
type Probe struct{ n *NixOS }

var _ bot.Probe = Probe{}

// Probe makes it.
func (n *NixOS) Probe() Probe { return Probe{n} }

// Name is "nixos" and the host's name.
func (p Probe) Name() string { return strings.TrimSpace("nixos " + p.n.o.Host.Name) }

// Read tells which generation runs and how old it is, whether it is what was booted
// and what the profile says, and how many are kept.
func (p Probe) Read(ctx context.Context) []bot.Reading {
	n := p.n
	d, err := n.Drift(ctx)
	if err != nil {
		return []bot.Reading{n.reading("generation", "", currentSystem, bot.Unknown, bot.ForPeople(err))}
	}
	value := strings.TrimPrefix(short(d.Current), "generation ")
	if d.Current.NixOSVersion != "" {
		value += ", NixOS " + d.Current.NixOSVersion
	}
	if !d.Current.Date.IsZero() {
		value += ", made " + phrase.Duration(time.Since(d.Current.Date)) + " ago"
	}
	runs := n.reading("generation", value, currentSystem, bot.OK, "")
	if !d.Current.Date.IsZero() {
		runs = runs.With(time.Since(d.Current.Date).Seconds(), bot.FigureSeconds)
	}
	out := []bot.Reading{runs, p.booted(d)}
	same, drifted, other := 0, false, ""
	for _, f := range d.Findings {
		switch {
		case f.State == bot.OK:
			same++
		case f.What == findingKernel: // told with the booted system
			other = "other "
		// Where the boot loader keeps its default is often for root alone; that is
		// drift's matter, and no news every day.
		case f.What == findingBootDefault && f.State == bot.Unknown:
		default:
			drifted = true
			out = append(out, n.reading("drift: "+f.What, "", f.Source, f.State, f.Text))
		}
	}
	if !drifted {
		out = append(out, n.reading("drift", fmt.Sprintf("none in %s", phrase.Count(same, other+"comparison", other+"comparisons")), currentSystem, bot.OK, ""))
	}
	kept := n.reading("generations kept", fmt.Sprintf("%d", d.Kept), n.o.Profile, bot.OK, "").With(float64(d.Kept), bot.FigureCount)
	if d.Kept < n.o.MinGenerations {
		kept.State, kept.Note = bot.NotOK, fmt.Sprintf("there should be at least %d whole ones", n.o.MinGenerations)
	}
	return append(out, kept)
}

// booted tells whether the system that was booted is the one that runs. Another one
// is well as long as kernel, initrd and modules are the same.
func (p Probe) booted(d host.Drift) bot.Reading {
	r := p.n.reading("booted system", "", bootedSystem, bot.Unknown, "what was booted cannot be read")
	for _, f := range d.Findings {
		if f.What == findingKernel {
			r.State, r.Note, r.Source = f.State, f.Text, f.Source
		}
	}
	switch {
	case d.Booted.StorePath == "":
	case d.Booted.StorePath == d.Current.StorePath:
		r.Value = "is the one that runs"
	default:
		r.Value = "is " + short(d.Booted) + ", another one than runs"
	}
	if r.State == bot.OK {
		r.Note = ""
		if d.Booted.StorePath != d.Current.StorePath {
			r.Value += ", with the same kernel"
		}
	}
	return r
}
