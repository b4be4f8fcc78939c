package prometheus

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// runbooks tells of which alerts nobody has written what to do: a rule's `runbook_url`, or a
// runbook of the name that we have ourselves. Links that lead elsewhere are not followed:
// what stands there may want a login, and is not ours to ask.
func (p *Probe) runbooks(all []rule) bot.Reading {
	r := bot.Reading{What: ReadRunbooks, Source: apiRules, State: bot.OK}
	const ours, elsewhere, none = 1, 2, 3
	of := map[string]int{} // of several rules of a name the worst counts
	for _, x := range all {
		if !x.alerts {
			continue
		}
		led := none
		switch u, err := url.Parse(strings.TrimSpace(x.runbook)); {
		case p.known(x.name):
			led = ours
		case x.runbook == "" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		case p.known(strings.TrimSuffix(path.Base(u.Path), ".md")):
			led = ours
		default:
			led = elsewhere
		}
		of[x.name] = max(of[x.name], led)
	}
	if len(of) == 0 {
		r.Value, r.State, r.Note = "no alerting rules", bot.Unknown, "it has none; whether it should have some is not known here"
		return r
	}
	var without []string
	n := map[int]int{}
	for name, led := range of {
		if n[led]++; led == none {
			without = append(without, short(name))
		}
	}
	slices.Sort(without)
	r.Value = fmt.Sprintf("%d of %s with one", len(of)-len(without), phrase.Count(len(of), "alert", "alerts"))
	if n[elsewhere] > 0 {
		r.Value += fmt.Sprintf(", %d of them elsewhere, not followed", n[elsewhere])
	}
	if len(without) > 0 {
		r.State, r.Note = bot.NotOK, "without one: "+phrase.Some(without, mostNamed)
	}
	return r.With(float64(len(without)), bot.FigureCount)
}

// known tells whether we have a runbook of a name.
func (p *Probe) known(name string) bool { return p.Runbook != nil && p.Runbook(name) }
