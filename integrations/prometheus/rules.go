package prometheus

import (
	"context"
	"fmt"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

const apiRules = "Prometheus' /api/v1/rules"

// late is how many intervals of its group a rule may go without being evaluated.
const late = 3

// rule is what recording and alerting rules have in common.
type rule struct {
	name, query string
	alerts      bool
	health      v1.RuleHealth
	err         string
	evaluated   time.Time
	interval    time.Duration
	runbook     string // its link, "" for none
}

// rules gives the readings of the rules' evaluation, of what they look at, and of their
// runbooks.
func (p *Probe) rules(ctx context.Context) []bot.Reading {
	var got v1.RulesResult
	err := p.c.call(ctx, func(ctx context.Context) (err error) {
		got, err = p.c.api.Rules(ctx, nil)
		return err
	})
	if err != nil {
		return []bot.Reading{untold(ReadRules, apiRules, err), untold(ReadWithSeries, apiRules, err), untold(ReadRunbooks, apiRules, err)}
	}
	var all []rule
	for _, g := range got.Groups {
		for _, x := range g.Rules {
			r := rule{interval: time.Duration(g.Interval * float64(time.Second))}
			switch x := x.(type) {
			case v1.AlertingRule:
				r.name, r.query, r.alerts, r.health, r.err, r.evaluated = x.Name, x.Query, true, x.Health, x.LastError, x.LastEvaluation
				r.runbook = string(x.Annotations["runbook_url"])
			case v1.RecordingRule:
				r.name, r.query, r.health, r.err, r.evaluated = x.Name, x.Query, x.Health, x.LastError, x.LastEvaluation
			default:
				continue
			}
			all = append(all, r)
		}
	}
	return []bot.Reading{p.evaluated(ctx, all, len(got.Groups)), p.series(ctx, all), p.runbooks(all)}
}

// evaluated tells of rules that fail or are not evaluated in time, by the server's
// own clock.
func (p *Probe) evaluated(ctx context.Context, all []rule, groups int) bot.Reading {
	r := bot.Reading{What: ReadRules, Source: apiRules, State: bot.OK}
	if len(all) == 0 {
		r.Value, r.State, r.Note = "none", bot.Unknown, "it has no rules; whether it should have some is not known here"
		return r
	}
	r.Value = fmt.Sprintf("%s in %s", phrase.Count(len(all), "rule", "rules"), phrase.Count(groups, "group", "groups"))
	clock, err := p.c.Instant(ctx, "time()", time.Time{})
	if err == nil && len(clock) != 1 {
		err = bot.Errorf(bot.CodeUnavailable, "The server does not tell its time.")
	}
	if err != nil {
		return untold(ReadRules, apiRules, err)
	}
	now := time.UnixMilli(int64(clock[0].Value * 1000))
	var failing, stale []string
	fresh := 0
	for _, x := range all {
		switch age := now.Sub(x.evaluated); {
		case x.health == v1.RuleHealthBad:
			failing = append(failing, short(x.name)+" ("+short(x.err)+")")
		case x.evaluated.Year() < 2000:
			fresh++
		case x.interval > 0 && age > late*x.interval:
			stale = append(stale, fmt.Sprintf("%s (%s ago, every %s)", short(x.name), phrase.Duration(age), phrase.Duration(x.interval)))
		}
	}
	slices.Sort(failing)
	slices.Sort(stale)
	if len(failing) > 0 {
		r.State, r.Note = bot.NotOK, "failing: "+phrase.Some(failing, mostNamed)
	}
	if len(stale) > 0 {
		r.State, r.Note = bot.NotOK, joined(r.Note, "not evaluated in time: "+phrase.Some(stale, mostNamed))
	}
	if fresh > 0 {
		if r.State == bot.OK {
			r.State = bot.Unknown
		}
		r.Note = joined(r.Note, phrase.Count(fresh, "rule was", "rules were")+" never evaluated so far")
	}
	if r.State == bot.OK {
		r.Value += ", all evaluated in time"
	}
	return r.With(float64(len(failing)+len(stale)), bot.FigureCount)
}
