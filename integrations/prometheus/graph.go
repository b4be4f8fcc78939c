package prometheus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"watchstander/bot"
)

// Spans of an alert's picture.
const (
	DefaultSpan = 6 * time.Hour
	// longest is how far back a picture goes to show how an alert began.
	longest = 7 * 24 * time.Hour
)

// maxParts is how many conditions become panels; more would not fit a phone.
const maxParts = 3

// Request tells what is to be drawn.
type Request struct {
	// Title of the picture.
	Title string
	// Expr is taken apart into panels.
	Expr       string
	Start, End time.Time
	// Since is when the alert began; zero when there is none.
	Since time.Time
	// Firing are the labels of the alerts that fire: series whose labels are
	// among them are marked.
	Firing []bot.Labels
}

// ForAlerts makes the request for alerts of one rule, as one thread holds them.
// The picture covers span up to now, and more when that shows the alert's begin.
// The error is ErrNoExpression when none of them carries an expression.
func ForAlerts(alerts []bot.Alert, span time.Duration, now time.Time) (Request, error) {
	if span <= 0 {
		span = DefaultSpan
	}
	r := Request{Start: now.Add(-span), End: now}
	_, err := Expression("")
	for _, a := range alerts {
		if r.Expr == "" {
			expr, e := Expression(a.GeneratorURL)
			if e == nil {
				r.Expr, r.Title = expr, bot.AlertName(a.Labels)
			}
			err = e
		}
		if a.Resolved {
			continue
		}
		r.Firing = append(r.Firing, a.Labels)
		if !a.StartsAt.IsZero() && (r.Since.IsZero() || a.StartsAt.Before(r.Since)) {
			r.Since = a.StartsAt
		}
	}
	if r.Expr == "" {
		return Request{}, err
	}
	if r.Since.IsZero() { // all are over: the last begin still explains the picture
		for _, a := range alerts {
			if a.StartsAt.After(r.Since) {
				r.Since = a.StartsAt
			}
		}
	}
	// A quarter of the picture before the begin shows how it came to it.
	if lead := now.Sub(r.Since) / 3; !r.Since.IsZero() && r.Since.Add(-lead).Before(r.Start) {
		if from := r.Since.Add(-lead); now.Sub(from) <= longest {
			r.Start = from
		}
	}
	return r, nil
}

// Graph asks for what a request needs, and puts it together. The error is
// ErrNoSeries when nothing came back, and one of the client's otherwise.
func (c *Client) Graph(ctx context.Context, r Request) (bot.Graph, error) {
	g := bot.Graph{Title: r.Title, Start: r.Start, End: r.End, Since: r.Since}
	parts := TakeApart(r.Expr)
	var notes []string
	if n := len(parts); n > maxParts {
		notes = append(notes, fmt.Sprintf("%d of %d conditions are not drawn.", n-maxParts, n))
		parts = parts[:maxParts]
	}
	found, cut := false, false
	for _, p := range parts {
		panel, step, partly, err := c.panel(ctx, p, r)
		if err != nil {
			return bot.Graph{}, err
		}
		found, cut = found || len(panel.Series) > 0, cut || partly
		g.Step = step
		g.Panels = append(g.Panels, panel)
	}
	if !found {
		return bot.Graph{}, bot.Errorf(bot.CodeNotFound,
			"Prometheus has no series for the expression in this time range. Look whether its metrics exist.").Because(ErrNoSeries)
	}
	if cut {
		notes = append(notes, fmt.Sprintf("Prometheus has more than %d series.", seriesAtServer))
	}
	g.Note = strings.Join(notes, " ")
	return g, nil
}

func (c *Client) panel(ctx context.Context, p Part, r Request) (bot.Panel, time.Duration, bool, error) {
	none := func(err error) (bot.Panel, time.Duration, bool, error) { return bot.Panel{}, 0, false, err }
	firing := func(l bot.Labels) bool {
		return slices.ContainsFunc(r.Firing, func(alert bot.Labels) bool { return within(l, alert) })
	}
	got, err := c.Range(ctx, p.Expr, r.Start, r.End, firing)
	if err != nil {
		return none(err)
	}
	panel := bot.Panel{Expr: p.Heading, Unit: p.Unit, Thresholds: p.Thresholds, Omitted: got.Omitted}
	if len(got.Series) == 0 && p.Otherwise != "" {
		if got, err = c.Range(ctx, p.Otherwise, r.Start, r.End, firing); err != nil {
			return none(err)
		}
		panel.Unit, panel.Omitted = bot.UnitNone, got.Omitted
	}
	for i, name := range names(got.Series) {
		s := got.Series[i]
		if name == "" && len(p.Limits) > 0 {
			name = p.Expr
		}
		panel.Series = append(panel.Series, bot.Series{Name: name, Points: s.Points, Firing: firing(s.Labels)})
	}
	cut := got.Cut
	for _, expr := range p.Limits {
		limit, err := c.Range(ctx, expr, r.Start, r.End, firing)
		if err != nil {
			return none(err)
		}
		cut = cut || limit.Cut
		panel.Omitted += limit.Omitted
		for i, name := range names(limit.Series) {
			if name == "" {
				name = expr
			} else {
				name = "limit " + name
			}
			panel.Series = append(panel.Series, bot.Series{Name: name, Points: limit.Series[i].Points, Limit: true})
		}
	}
	return panel, got.Step, cut, nil
}

// within tells whether a series' labels are an alert's: Prometheus adds labels
// to those of the expression (the alert's name, its severity), and drops the
// metric's name.
func within(series, alert bot.Labels) bool {
	for k, v := range series {
		if k != model.MetricNameLabel && alert[k] != v {
			return false
		}
	}
	return true
}

// names are the series' names within their picture: the values of only those
// labels that differ.
func names(series []Stream) []string {
	out := make([]string, len(series))
	if len(series) < 2 {
		return out
	}
	all := map[string]bool{}
	for _, s := range series {
		for k := range s.Labels {
			all[k] = true
		}
	}
	var differ []string
	for k := range all {
		if slices.ContainsFunc(series, func(s Stream) bool { return s.Labels[k] != series[0].Labels[k] }) {
			differ = append(differ, k)
		}
	}
	slices.Sort(differ)
	for i, s := range series {
		var values []string
		for _, k := range differ {
			switch v := s.Labels[k]; {
			case v != "":
				values = append(values, v)
			default:
				values = append(values, "no "+k)
			}
		}
		out[i] = strings.Join(values, " · ")
	}
	return out
}
