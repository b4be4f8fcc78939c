package prometheus

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	match "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Bounds of the look at what rules are about.
const (
	// mostMetrics is how many metrics' names are asked for.
	mostMetrics = 2000
	// atOnce is how many of them one query names.
	atOnce = 100
	// seenWithin is how long ago a metric may have had a sample last.
	seenWithin = time.Hour
)

// series names the alerting rules that cannot fire since metrics that they name have
// no series: a name that is wrong is a valid expression, and silent for ever. A rule
// is such a one only where its expression gives nothing without them: what absent()
// looks for, what stands behind `unless`, and one side of an `or` may be missing.
//
// Only names are looked at, not the labels beside them: that no series has a certain
// label may well be because nothing is wrong.
func (p *Probe) series(ctx context.Context, all []rule) bot.Reading {
	source := apiRules + ", series of the last " + phrase.Duration(seenWithin)
	r := bot.Reading{What: ReadWithSeries, Source: source, State: bot.OK}
	var exprs []parser.Expr
	var names []string
	unread, wanted := 0, map[string]bool{}
	for _, x := range all {
		if !x.alerts {
			continue
		}
		var e parser.Expr
		err := error(nil)
		if len(x.query) <= maxExpression {
			e, err = promql.ParseExpr(x.query)
		}
		if e == nil || err != nil {
			unread++
			continue
		}
		exprs, names = append(exprs, e), append(names, x.name)
		for _, m := range needs(e) {
			wanted[m] = true
		}
	}
	if len(exprs)+unread == 0 {
		r.Value, r.State, r.Note = "no alerting rules", bot.Unknown, "it has none; whether it should have some is not known here"
		return r
	}
	if len(wanted) > mostMetrics {
		return untold(ReadWithSeries, source, bot.Errorf(bot.CodeUnavailable, "The rules name %d metrics, and I ask for at most %d.", len(wanted), mostMetrics))
	}
	missing, err := p.missing(ctx, slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		return untold(ReadWithSeries, source, err)
	}
	var dead []string
	for i, e := range exprs {
		if fires(e, missing) {
			continue
		}
		var lack []string
		for _, m := range needs(e) {
			if missing[m] {
				lack = append(lack, short(m))
			}
		}
		dead = append(dead, short(names[i])+" ("+strings.Join(lack, ", ")+")")
	}
	slices.Sort(dead)
	r.Value = fmt.Sprintf("%d of %s", len(dead), phrase.Count(len(exprs)+unread, "alerting rule", "alerting rules"))
	if len(dead) > 0 {
		r.State, r.Note = bot.NotOK, "these cannot fire, for what they name has no series: "+phrase.Some(dead, mostNamed)
	}
	if unread > 0 {
		if r.State == bot.OK {
			r.State = bot.Unknown
		}
		r.Note = joined(r.Note, phrase.Count(unread, "expression", "expressions")+" could not be read here")
	}
	return r.With(float64(len(dead)), bot.FigureCount)
}

// made are the metrics that the server itself makes while something fires.
var made = map[string]bool{"ALERTS": true, "ALERTS_FOR_STATE": true}

// metric is the name that a selector asks for, "" where it does not name one.
func metric(s *parser.VectorSelector) string {
	name := s.Name
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			if m.Type != match.MatchEqual {
				return ""
			}
			name = m.Value
		}
	}
	if made[name] {
		return ""
	}
	return name
}

// needs are the names of the metrics without which parts of an expression give
// nothing, sorted.
func needs(e parser.Expr) []string {
	found := map[string]bool{}
	visit(e, func(s *parser.VectorSelector) bool {
		if m := metric(s); m != "" {
			found[m] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(found))
}

// fires tells whether an expression can give anything while some metrics are missing.
func fires(e parser.Expr, missing map[string]bool) bool {
	return visit(e, func(s *parser.VectorSelector) bool { return !missing[metric(s)] })
}

// visit tells whether an expression can give anything, by what has tells of each
// selector that counts.
func visit(e parser.Expr, has func(*parser.VectorSelector) bool) bool {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return has(e)
	case *parser.MatrixSelector:
		return visit(e.VectorSelector, has)
	case *parser.SubqueryExpr:
		return visit(e.Expr, has)
	case *parser.ParenExpr:
		return visit(e.Expr, has)
	case *parser.UnaryExpr:
		return visit(e.Expr, has)
	case *parser.StepInvariantExpr:
		return visit(e.Expr, has)
	case *parser.AggregateExpr:
		return visit(e.Expr, has)
	case *parser.Call:
		return visitCall(e, has)
	case *parser.BinaryExpr:
		if e.Op == parser.LUNLESS {
			return visit(e.LHS, has)
		}
		left, right := visit(e.LHS, has), visit(e.RHS, has)
		if e.Op == parser.LOR || e.VectorMatching != nil && (e.VectorMatching.FillValues.LHS != nil || e.VectorMatching.FillValues.RHS != nil) {
			return left || right
		}
		return left && right
	}
	return true // numbers and strings
}

// visitCall: a function gives something when its first argument does. scalar() of
// nothing is NaN, by which no comparison holds but `!=`.
func visitCall(e *parser.Call, has func(*parser.VectorSelector) bool) bool {
	switch e.Func.Name {
	case "absent", "absent_over_time":
		return true
	case "info":
		return visit(e.Args[0], has)
	}
	gives := true
	for _, a := range e.Args {
		gives = visit(a, has) && gives
	}
	return gives
}

// missing are those of the names that had no sample within seenWithin. Most have one
// now, which is cheap to ask; only of the others is the hour looked at.
func (p *Probe) missing(ctx context.Context, names []string) (map[string]bool, error) {
	for _, form := range []string{"group by (__name__) ({__name__=~%s})", "group by (__name__) (last_over_time({__name__=~%s}[" + model.Duration(seenWithin).String() + "]))"} {
		var left []string
		for some := range slices.Chunk(names, min(atOnce, p.c.cfg.MaxSeries)) {
			quoted := make([]string, len(some))
			for i, n := range some {
				quoted[i] = regexp.QuoteMeta(n)
			}
			values, err := p.c.Instant(ctx, fmt.Sprintf(form, strconv.Quote(strings.Join(quoted, "|"))), time.Time{})
			if err != nil {
				return nil, err
			}
			there := map[string]bool{}
			for _, v := range values {
				there[v.Labels[model.MetricNameLabel]] = true
			}
			for _, n := range some {
				if !there[n] {
					left = append(left, n)
				}
			}
		}
		names = left
	}
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out, nil
}
