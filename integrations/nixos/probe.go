package nixos

import (
	"context"
	"fmt"
	"path"
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

// Tells are what its readings are called (bot/probing, Teller).
func (p Probe) Tells() []string {
	out := []string{"generation", "booted system", "drift", "generations kept", "nixpkgs age"}
	if p.n.o.Vulnix.Result != "" {
		out = append(out, "vulnerabilities")
	}
	if p.n.o.Build.Unit != "" {
		out = append(out, "configuration build")
	}
	return out
}

// Read tells which generation runs and how old it is, whether it is what was booted
// and what the profile says, and how many are kept.
func (p Probe) Read(ctx context.Context) []bot.Reading {
	n := p.n
	d, err := n.Drift(ctx)
	if err != nil {
		var out []bot.Reading
		for _, what := range p.Tells() {
			out = append(out, n.reading(what, "", currentSystem, bot.Unknown, bot.ForPeople(err)))
		}
		return out
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
	out = append(out, kept, n.nixpkgs(d.Current))
	if r, configured := n.holes(d.Current); configured {
		out = append(out, r)
	}
	if r, configured := n.configurationBuild(ctx, d); configured {
		out = append(out, r)
	}
	return out
}

// nixpkgsWithin is how old the nixpkgs of the running system may be: security fixes come
// every week.
const nixpkgsWithin = 30 * 24 * time.Hour

// nixpkgs tells how old the nixpkgs is that the running system was built from. A version
// made from a flake has its commit's day, as in "25.11.20260301.abcdef0"; one from a
// channel counts commits, and does not tell.
func (n *NixOS) nixpkgs(g host.Generation) bot.Reading {
	r := n.reading("nixpkgs age", "", path.Join(currentSystem, "nixos-version"), bot.Unknown, "")
	day, found := dayOf(g.NixOSVersion)
	age := r.At.Sub(day)
	switch {
	case g.NixOSVersion == "":
		r.Note = "the running system does not tell its version"
	case !found:
		r.Note = "its version, " + g.NixOSVersion + ", has no date, as those of channels"
	case age < -24*time.Hour:
		r.Note = "its version, " + g.NixOSVersion + ", is of a day to come: a clock is wrong"
	default:
		age = max(age, 0)
		r.Value, r.State = phrase.Duration(age.Truncate(24*time.Hour))+", of "+day.Format("2 Jan 2006"), bot.OK
		if age > nixpkgsWithin {
			r.State, r.Note = bot.NotOK, "more than "+phrase.Duration(nixpkgsWithin)+": security fixes since then are missing"
		}
		r = r.With(age.Seconds(), bot.FigureSeconds)
	}
	return r
}

// dayOf finds the day in a version of NixOS.
func dayOf(version string) (time.Time, bool) {
	for part := range strings.SplitSeq(version, ".") {
		if day, err := time.Parse("20060102", part); err == nil && len(part) == 8 {
			return day, true
		}
	}
	return time.Time{}, false
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
