package restic

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// probe tells `status` of all repositories. A repository is asked anew only when
// what is known of it has grown old (Config.ProbeEvery), and never where that is
// done elsewhere (Keep): then it does not wait for anybody. How old the knowledge is
// stands in each reading.
type probe struct{ b *Backups }

var _ bot.Probe = probe{}

// Probe is for `status`, checklists and the scorecard.
func (b *Backups) Probe() bot.Probe { return probe{b} }

func (p probe) Name() string { return "backups " + p.b.h.Name }

// Tells are what its readings are called (bot/probing, Teller).
func (p probe) Tells() (out []string) {
	for _, r := range p.b.c.Repositories {
		out = append(out, "backup "+r.Name, "restore "+r.Name)
	}
	return out
}

// Read gives two readings for each repository: its newest snapshot, and the last
// verification in which restored files were compared.
func (p probe) Read(ctx context.Context) []bot.Reading {
	var out []bot.Reading
	status := p.b.status(ctx, p.b.c.ProbeEvery)
	for _, r := range status.Repositories {
		out = append(out, p.snapshot(r, status.At), p.restore(r, status.At))
	}
	return out
}

// snapshot is about making backups: the newest one, and the unit that makes them.
func (p probe) snapshot(r host.Repository, now time.Time) bot.Reading {
	out := bot.Reading{Host: p.b.h.Name, What: "backup " + r.Name, Source: "restic snapshots", At: r.AskedAt}
	if out.At.IsZero() {
		out.At = now
	}
	// All of the judgement that is not about verifying.
	r.Last, r.VerifiedAt = &host.Verification{}, now
	r.Last.Structure.State, r.Last.Data.State, r.Last.Drill.State = bot.OK, bot.OK, bot.OK
	judge(&r, now)
	out.State, out.Note = r.State, strings.Join(r.Why, "; ")
	if s, ok := r.Own(); ok {
		out.Value = "newest snapshot " + phrase.Duration(now.Sub(s.At)) + " ago"
		out = out.With(now.Sub(s.At).Seconds(), bot.FigureSeconds)
	}
	if asked := now.Sub(r.AskedAt); !r.AskedAt.IsZero() && asked > p.b.c.AskEvery {
		out.Value = strings.TrimPrefix(out.Value+", as of "+phrase.Duration(asked)+" ago", ", ")
	}
	return out
}

// restore is about getting them back.
func (p probe) restore(r host.Repository, now time.Time) bot.Reading {
	out := bot.Reading{Host: p.b.h.Name, What: "restore " + r.Name, Source: "reports of backup.verify", At: now, State: bot.OK}
	switch v := r.Last; {
	case v == nil:
		out.State, out.Note = bot.Unknown, "it was never verified"
		return out
	case v.State() == bot.NotOK:
		out.State, out.Note = bot.NotOK, v.String()
	case r.VerifiedAt.IsZero():
		out.State, out.Note = bot.Unknown, "no verification has gone through so far: "+v.String()
	case now.Sub(r.VerifiedAt) > r.VerifyAge.Duration():
		out.State, out.Note = bot.NotOK, "more than "+phrase.Duration(r.VerifyAge.Duration())
	}
	if !r.VerifiedAt.IsZero() {
		out = out.With(now.Sub(r.VerifiedAt).Seconds(), bot.FigureSeconds)
		out.Value = "verified " + phrase.Duration(now.Sub(r.VerifiedAt)) + " ago"
		switch {
		case out.State != bot.OK:
		case r.Last.State() == bot.OK:
			out.Value += fmt.Sprintf(": %s; %d of %d data parts read lately", r.Last.Drill.Text, len(r.PartsRead), r.Parts)
		default:
			out.Note = "a later one did not come to its end: " + r.Last.String()
		}
	} else if !r.DrilledAt.IsZero() {
		out.Value = "restored " + phrase.Duration(now.Sub(r.DrilledAt)) + " ago"
	}
	return out
}
