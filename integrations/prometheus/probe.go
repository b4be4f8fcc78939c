package prometheus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Names of the probe's readings.
const (
	ReadTargets    = "prometheus targets"
	ReadRules      = "prometheus rules"
	ReadWithSeries = "rules without series"
	ReadRunbooks   = "alert runbooks"
)

// mostNamed is how many of what is not well a reading names; the rest is counted.
const mostNamed = 5

// Probe tells how the server itself does its work: whether its targets answer, its
// rules are evaluated, and its alerting rules have anything to look at, and a runbook.
type Probe struct {
	// Runbook tells whether there is a runbook of a name beside those that rules link to;
	// nil: there is none.
	Runbook func(name string) bool

	c   *Client
	now func() time.Time
}

var _ bot.Probe = (*Probe)(nil)

// Probe is for status and checklists.
func (c *Client) Probe() *Probe { return &Probe{c: c, now: time.Now} }

// Name is "prometheus".
func (p *Probe) Name() string { return "prometheus" }

// Tells are what its readings are called (bot/probing, Teller).
func (p *Probe) Tells() []string {
	return []string{ReadTargets, ReadRules, ReadWithSeries, ReadRunbooks}
}

// Read gives the four readings, each unknown with the reason where the server does
// not tell.
func (p *Probe) Read(ctx context.Context) []bot.Reading {
	out := make([]bot.Reading, 1, 4)
	var all sync.WaitGroup
	all.Go(func() { out[0] = p.targets(ctx) })
	rules := p.rules(ctx)
	all.Wait()
	out = append(out, rules...)
	at := p.now().UTC().Truncate(time.Millisecond)
	for i := range out {
		out[i].At = at
	}
	return out
}

// untold is the reading of what the server did not tell.
func untold(what, source string, err error) bot.Reading {
	if errors.Is(err, ErrTooLarge) {
		return bot.Reading{What: what, Note: "its answer is larger than I read", Source: source, State: bot.Unknown}
	}
	return bot.Reading{What: what, Note: strings.TrimSuffix(bot.ForPeople(err), "."), Source: source, State: bot.Unknown}
}

const apiTargets = "Prometheus' /api/v1/targets"

// targets counts those that answer, and names the first of the others.
func (p *Probe) targets(ctx context.Context) bot.Reading {
	var got v1.TargetsResult
	err := p.c.call(ctx, func(ctx context.Context) (err error) {
		got, err = p.c.api.Targets(ctx)
		return err
	})
	if err != nil {
		return untold(ReadTargets, apiTargets, err)
	}
	var down []string
	up, unscraped := 0, 0
	for _, t := range got.Active {
		switch t.Health {
		case v1.HealthGood:
			up++
		case v1.HealthBad:
			down = append(down, fallen(t))
		default:
			unscraped++
		}
	}
	n := len(got.Active)
	r := bot.Reading{What: ReadTargets, Value: fmt.Sprintf("%d of %d up", up, n), Source: apiTargets, State: bot.OK}
	if n == 0 {
		r.Value, r.State, r.Note = "none", bot.Unknown, "it has no targets; whether it should have some is not known here"
		return r
	}
	slices.Sort(down)
	switch {
	case len(down) > 0:
		r.State, r.Note = bot.NotOK, "down: "+phrase.Some(down, mostNamed)
	case unscraped > 0:
		r.State = bot.Unknown
	}
	if unscraped > 0 {
		r.Note = joined(r.Note, phrase.Count(unscraped, "target was", "targets were")+" not asked yet")
	}
	return r.With(float64(len(down)), bot.FigureCount)
}

// fallen is a target that is down: "node vulcan:9100 (connection refused)".
func fallen(t v1.ActiveTarget) string {
	name := strings.TrimSpace(string(t.Labels["job"]) + " " + string(t.Labels["instance"]))
	if name == "" {
		name = t.ScrapePool
	}
	why := t.LastError
	// `Get "http://…": dial tcp …: connect: connection refused`; the address may hold
	// a token, and the end says why.
	if i := strings.LastIndex(why, ": "); i >= 0 {
		why = why[i+2:]
	}
	if strings.Contains(why, "://") {
		why = ""
	}
	if why == "" {
		return short(name)
	}
	return short(name) + " (" + short(why) + ")"
}

// short is somebody else's word, at most so long that several fit a line.
func short(s string) string {
	const most = 60
	s = oneLine(s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
