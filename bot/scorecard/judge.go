package scorecard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Inputs are what is known of a month.
type Inputs struct {
	// From is the month's beginning, Until its end, or Now while it goes on.
	From, Until, Now time.Time
	// Zone that days are counted in; nil for UTC.
	Zone *time.Location
	// Hosts that should be measured. Others that readings are of count as well.
	Hosts []string
	// Readings in any order: those of the month, and of the 7 days after it, whose spans
	// reach back into it. Unknown ones are looks that saw nothing.
	Readings []bot.Reading
	// Alerts that fired at some time of the month.
	Alerts []Alert
	// Tests are the verifications of backups that ended in it.
	Tests []Test
	// Reboots of the month, and Planned when maintenance was open.
	Reboots []bot.Change
	Planned []Span
	// Restarts are the runs of plans that stop services. No plan reboots a host.
	Restarts []Span
	// Reports are the hosts whose reboots are told.
	Reports []string
	// Known is since when alerts, reboots and plans are kept.
	Known time.Time
	// Deaf are the times at which no alert could be heard.
	Deaf []Span
	// Lost says why Alerts may not be all that fired, "" where they are.
	Lost string
}

// Span is a time on a host, "" for all; To is zero while it goes on.
type Span struct {
	Host     string
	From, To time.Time
}

// Alert is one that fired. Host is "" where it speaks of none that is configured.
type Alert struct {
	Span
	Heard    time.Time
	Critical bool
	// Words are the values of its labels and annotations.
	Words []string
}

// Test is one verification of backups, and how its restore came out.
type Test struct {
	Plan  bot.PlanID
	State bot.ReadingState
	Note  string
}

const (
	// slack is how much of a month may be unmeasured where the goal is that something
	// never happened: the hour that autumn's longest day has, and looks that come late.
	slack = 2 * time.Hour
	// most is which part of a month must be measured for a rate.
	most = 0.8
	day  = 24 * time.Hour
	week = 7 * day
)

// Judge says what the month comes to, in the order of Metrics.
func Judge(in Inputs) []bot.Score {
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	in.Readings = slices.Clone(in.Readings)
	slices.SortStableFunc(in.Readings, func(a, b bot.Reading) int { return a.At.Compare(b.At) })
	judges := map[string]func(Inputs) bot.Score{
		SSH: ssh, Fail2ban: fail2ban, Monitoring: monitoring, Audit: audit, Restores: restores, Outages: outages, Utilisation: utilisation,
	}
	var out []bot.Score
	for _, m := range Metrics() {
		s := bot.Score{State: bot.Unknown, Note: "the month has not begun"}
		if in.Until.After(in.From) {
			s = judges[m.ID](in)
		}
		s.Metric, s.From, s.Until = m, in.From, in.Until
		out = append(out, s)
	}
	return out
}

// verdict gathers what is found on several hosts: the worst state, and why.
type verdict struct {
	state bot.ReadingState
	notes []string
}

func (v *verdict) add(state bot.ReadingState, note string) {
	if note != "" && !slices.Contains(v.notes, note) {
		if state == bot.NotOK {
			v.notes = slices.Insert(v.notes, 0, note)
		} else {
			v.notes = append(v.notes, note)
		}
	}
	switch {
	case v.state == "", state == bot.NotOK:
		v.state = state
	case v.state == bot.OK && state != bot.OK:
		v.state = state
	}
}

// score is what it comes to. Many notes are cut short, the worst come first.
func (v verdict) score(value string) bot.Score {
	const notes = 4
	s := bot.Score{State: v.state, Value: value}
	if s.State == "" {
		s.State = bot.Unknown
	}
	shown := v.notes[:min(len(v.notes), notes)]
	if more := len(v.notes) - len(shown); more > 0 {
		shown = append(slices.Clone(shown), fmt.Sprintf("%d more", more))
	}
	s.Note = strings.Join(shown, "; ")
	return s
}

// counted gives a score its figure.
func counted(s bot.Score, figure float64, unit string) bot.Score {
	s.Figure, s.Unit = figure, unit
	return s
}

// hosts are those that readings of a name are of, and those that should be measured; the
// one without a name where there is no other.
func (in Inputs) hosts(what string) []string {
	all := map[string]bool{}
	for _, h := range in.Hosts {
		all[h] = true
	}
	for _, r := range in.Readings {
		if r.What == what {
			all[r.Host] = true
		}
	}
	if len(all) > 1 {
		delete(all, "") // a probe that told nothing is of no host
	}
	if len(all) == 0 {
		return []string{""}
	}
	return slices.Sorted(maps.Keys(all))
}

// of are a host's readings of a name, the oldest first.
func (in Inputs) of(host, what string) (out []bot.Reading) {
	for _, r := range in.Readings {
		if r.Host == host && r.What == what {
			out = append(out, r)
		}
	}
	return out
}

// within tells whether an instant is in the month.
func (in Inputs) within(at time.Time) bool { return at.After(in.From) && !at.After(in.Until) }

// day is the local day of an instant, as people say it.
func (in Inputs) day(at time.Time) string { return at.In(in.Zone).Format("2 Jan") }

func known(r bot.Reading) bool { return r.State == bot.OK || r.State == bot.NotOK }

// unmeasured is how much of the month lies in no known reading's span before it.
func (in Inputs) unmeasured(rs []bot.Reading, span time.Duration) time.Duration {
	var spans []Span
	for _, r := range rs {
		if known(r) {
			spans = append(spans, Span{From: r.At.Add(-span), To: r.At})
		}
	}
	return in.Until.Sub(in.From) - bot.TotalOf(in.union(spans))
}

// union joins the spans that overlap, cut to the month, in their order.
func (in Inputs) union(spans []Span) []bot.Interval {
	month, cut := bot.Interval{From: in.From, To: in.Until}, []bot.Interval(nil)
	for _, s := range spans {
		x := bot.Interval{From: s.From, To: s.To}
		if s.To.IsZero() {
			x.To = in.Until
		}
		if part, ok := x.Within(month); ok {
			cut = append(cut, part)
		}
	}
	return bot.JoinIntervals(cut)
}

// measured says how much of the month a look's spans reach, "" for all of it.
func (in Inputs) measured(missing time.Duration) string {
	whole := in.Until.Sub(in.From)
	if missing <= 0 {
		return ""
	}
	if missing >= whole {
		return "nobody measured it"
	}
	return phrase.Duration(missing) + " of " + phrase.Duration(whole) + " not measured"
}

// rated tells whether enough of the month was measured for a rate.
func (in Inputs) rated(missing time.Duration) bool {
	whole := in.Until.Sub(in.From)
	return float64(whole-missing) >= most*float64(whole)
}

// on names a host in a note, where there are several.
func on(host string, hosts []string, note string) string {
	if note == "" || host == "" || len(hosts) < 2 {
		return note
	}
	return host + ": " + note
}
