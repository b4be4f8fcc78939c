package scorecard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// restores counts the tests that came out well.
func restores(in Inputs) bot.Score {
	var v verdict
	good, bad := 0, 0
	for _, t := range in.Tests {
		switch t.State {
		case bot.OK:
			good++
			v.add(bot.OK, "")
		case bot.NotOK:
			bad++
			v.add(bot.NotOK, string(t.Plan)+": "+t.Note)
		default:
			v.add(bot.Unknown, string(t.Plan)+": "+t.Note)
		}
	}
	newest := map[string]bot.Reading{} // by host and repository
	var order []string
	for _, r := range in.Readings {
		if !strings.HasPrefix(r.What, "restore ") || !in.within(r.At) {
			continue
		}
		key := strings.TrimSpace(r.Host + " " + r.What)
		if _, told := newest[key]; !told {
			order = append(order, key)
		}
		newest[key] = r
	}
	slices.Sort(order)
	for _, key := range order {
		r := newest[key]
		note := key
		for _, part := range []string{r.Value, r.Note} {
			if part != "" {
				note += ", " + part
			}
		}
		if r.State == bot.OK {
			note = ""
		}
		v.add(r.State, note)
	}
	n := len(in.Tests)
	if in.Known.After(in.From) {
		v.add(bot.Unknown, "plans are kept since "+in.moment(in.Known)+" only")
	}
	if n == 0 {
		if in.Known.Before(in.Until) {
			v.add(bot.Unknown, "none ended in the month")
		}
		return v.score("")
	}
	s := v.score(fmt.Sprintf("%d of %s well", good, phrase.Count(n, "test", "tests")))
	if good+bad > 0 {
		s = counted(s, 100*float64(good)/float64(good+bad), bot.FigurePercent)
	}
	return s
}

// afterPlan is for how long after a plan's run or a maintenance what comes belongs to it.
const afterPlan = 10 * time.Minute

// planned are the times on a host that something planned explains.
func (in Inputs) planned(host string, of ...Span) []bot.Interval {
	var spans []Span
	for _, p := range of {
		if p.Host != host {
			continue
		}
		if !p.To.IsZero() {
			p.To = p.To.Add(afterPlan)
		}
		spans = append(spans, p)
	}
	return in.union(spans)
}

// outages counts reboots that no maintenance explains, and spells of critical alerts
// without the time of them that a maintenance, or a plan that stops services, does.
func outages(in Inputs) bot.Score {
	var v verdict
	reboots := 0
	for _, c := range in.Reboots {
		expected := slices.ContainsFunc(in.planned(c.Host, in.Planned...), func(x bot.Interval) bool { return !c.At.Before(x.From) && !c.At.After(x.To) })
		if in.within(c.At) && !expected {
			reboots++
			v.add(bot.NotOK, strings.TrimSpace(c.Host+" rebooted")+" "+in.moment(c.At))
		}
	}
	var hosts []string
	fired := map[string][]Span{}
	for _, a := range in.Alerts {
		if !a.Critical {
			continue
		}
		if fired[a.Host] == nil {
			hosts = append(hosts, a.Host)
		}
		fired[a.Host] = append(fired[a.Host], a.Span)
	}
	slices.Sort(hosts)
	spells, lasted := 0, time.Duration(0)
	for _, host := range hosts {
		planned := in.planned(host, slices.Concat(in.Planned, in.Restarts)...)
		for _, s := range in.union(fired[host]) {
			left := s.Without(planned)
			if len(left) == 0 {
				continue
			}
			d := bot.TotalOf(left)
			spells, lasted = spells+1, lasted+d
			v.add(bot.NotOK, strings.TrimSpace(host+" critical alerts from "+in.moment(left[0].From)+" for "+phrase.Duration(d)))
		}
	}
	for _, host := range in.Hosts {
		if !slices.Contains(in.Reports, host) {
			v.add(bot.Unknown, "reboots of "+host+" are not told")
		}
	}
	if len(in.Reports) == 0 && len(in.Hosts) == 0 {
		v.add(bot.Unknown, "no host's reboots are told")
	}
	if in.Known.After(in.From) {
		v.add(bot.Unknown, "alerts and reboots are kept since "+in.moment(in.Known)+" only")
	}
	if in.Lost != "" {
		v.add(bot.Unknown, in.Lost)
	}
	if deaf := bot.TotalOf(in.union(in.Deaf)); deaf > 0 {
		v.add(bot.Unknown, "no alert could be heard for "+phrase.Duration(deaf))
	}
	if v.state == "" {
		v.add(bot.OK, "")
	}
	if n := reboots + spells; n > 0 {
		value := phrase.Count(reboots, "reboot", "reboots") + ", " + phrase.Count(spells, "spell", "spells") + " of critical alerts"
		if spells > 0 {
			value += " (" + phrase.Duration(lasted) + ")"
		}
		return counted(v.score(value), float64(n), bot.FigureCount)
	}
	if v.state == bot.OK {
		return counted(v.score("none"), 0, bot.FigureCount)
	}
	if !in.Known.Before(in.Until) {
		return v.score("")
	}
	return v.score("none for certain")
}

// tooBusy is the baseline, in percent, that must not be reached.
const tooBusy = 70

// utilisation is the highest of the month's means.
func utilisation(in Inputs) bot.Score {
	var v verdict
	var parts []string
	highest, seen := 0.0, false
	for _, what := range []string{readCPU, readMemory} {
		hosts := in.hosts(what)
		name := strings.TrimSuffix(what, " 7 d")
		top, any := bot.Reading{Figure: -1}, false
		for _, host := range hosts {
			rs := in.of(host, what)
			for _, r := range rs {
				if !in.within(r.At) || !known(r) || r.Unit != bot.FigurePercent {
					continue
				}
				if r.Figure > top.Figure {
					top, any = r, true
				}
			}
			missing := in.unmeasured(rs, week)
			if in.rated(missing) {
				v.add(bot.OK, "")
			} else {
				v.add(bot.Unknown, on(host, hosts, name+": "+in.measured(missing)))
			}
		}
		if !any {
			continue
		}
		part := fmt.Sprintf("%s %.1f %% at most", name, top.Figure)
		parts = append(parts, part)
		highest, seen = max(highest, top.Figure), true
		if top.Figure >= tooBusy {
			v.add(bot.NotOK, strings.TrimSpace(top.Host+" "+part)+" on "+in.day(top.At))
		}
	}
	s := v.score(strings.Join(parts, ", "))
	if seen {
		s = counted(s, highest, bot.FigurePercent)
	}
	return s
}
