package nixos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Probe reads generation, drift and what is kept, for status and scorecard.
type Probe struct{ n *NixOS }

var _ bot.Probe = Probe{}

// Probe makes it.
func (n *NixOS) Probe() Probe { return Probe{n} }

// Name is "nixos" and the host's name.
func (p Probe) Name() string { return strings.TrimSpace("nixos " + p.n.o.Host.Name) }

// Read tells which generation runs and how old it is, whether it is what the
// profile says and what was booted, and how many are kept.
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
	out := []bot.Reading{n.reading("generation", value, currentSystem, bot.OK, "")}
	same := 0
	for _, f := range d.Findings {
		if f.State == bot.OK {
			same++
			continue
		}
		// Where the boot loader keeps its default is often for root alone; that is
		// drift's matter, and no news every day.
		if f.What == "boot default" && f.State == bot.Unknown {
			continue
		}
		out = append(out, n.reading(f.What, "", f.Source, f.State, f.Text))
	}
	if len(out) == 1 {
		out = append(out, n.reading("drift", fmt.Sprintf("none in %s", phrase.Count(same, "comparison", "comparisons")), currentSystem, bot.OK, ""))
	}
	kept := n.reading("generations kept", fmt.Sprintf("%d", d.Kept), n.o.Profile, bot.OK, "")
	if d.Kept < n.o.MinGenerations {
		kept.State, kept.Note = bot.NotOK, fmt.Sprintf("there should be at least %d whole ones", n.o.MinGenerations)
	}
	return append(out, kept)
}
