package scorecard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// ssh counts root's logins.
func ssh(in Inputs) bot.Score {
	var v verdict
	hosts, n, seen := in.hosts(readRoot), 0, false
	for _, host := range hosts {
		rs := in.of(host, readRoot)
		inside, beside := 0, time.Time{}
		var last time.Time
		for _, r := range rs {
			if r.Figure <= 0 || r.Unit == "" || !r.At.After(in.From) || !r.At.Add(-day).Before(in.Until) {
				continue // what was counted counts, even where it may not be all
			}
			if r.At.Add(-day).Before(in.From) || r.At.After(in.Until) {
				beside = r.At
				continue
			}
			if inside == 0 || !r.At.Add(-day).Before(last) {
				inside, last = inside+int(r.Figure), r.At
				v.add(bot.NotOK, on(host, hosts, r.Value+" in the 24 h before "+in.moment(r.At)))
			}
		}
		n += inside
		missing := in.unmeasured(rs, day)
		seen = seen || missing < in.Until.Sub(in.From)
		switch {
		case inside > 0:
		case !beside.IsZero():
			v.add(bot.Unknown, on(host, hosts, "a login in the 24 h before "+in.moment(beside)+" may be of the month beside"))
		case missing > slack || missing >= in.Until.Sub(in.From):
			v.add(bot.Unknown, on(host, hosts, in.measured(missing)))
		default:
			v.add(bot.OK, on(host, hosts, in.measured(missing)))
		}
	}
	switch {
	case n > 0:
		return counted(v.score(fmt.Sprintf("at least %d", n)), float64(n), bot.FigureCount)
	case !seen:
		return v.score("")
	case v.state == bot.OK:
		return counted(v.score("none"), 0, bot.FigureCount)
	}
	return v.score("none for certain")
}

func (in Inputs) moment(at time.Time) string { return at.In(in.Zone).Format("2 Jan 15:04") }

// fail2ban is the mean of the days' shares.
func fail2ban(in Inputs) bot.Score {
	var v verdict
	hosts := in.hosts(readBans)
	sum, days, quiet, worst := 0.0, 0, 0, bot.Reading{Figure: 101}
	for _, host := range hosts {
		rs := in.of(host, readBans)
		newest := map[string]bot.Reading{} // by day
		for _, r := range rs {
			if known(r) && in.within(r.At) {
				newest[in.day(r.At)] = r
			}
		}
		for _, r := range rs {
			if in.within(r.At) && r.State == bot.NotOK && r.Unit == "" {
				v.add(bot.NotOK, on(host, hosts, "on "+in.day(r.At)+" it did not run: "+r.Value))
			}
			if newest[in.day(r.At)] != r || !in.within(r.At) {
				continue
			}
			switch {
			case r.Unit == bot.FigurePercent:
				sum, days = sum+r.Figure, days+1
				if r.Figure < worst.Figure {
					worst = r
				}
			case r.State == bot.OK:
				quiet++
			}
		}
		missing := in.unmeasured(rs, day)
		if in.rated(missing) {
			v.add(bot.OK, on(host, hosts, in.measured(missing)))
		} else {
			v.add(bot.Unknown, on(host, hosts, in.measured(missing)))
		}
	}
	if days == 0 {
		if quiet > 0 {
			v.add(bot.Unknown, "no address tried often enough on "+phrase.Count(quiet, "day", "days")+", so that there is nothing to measure it by")
		}
		return v.score("")
	}
	mean := sum / float64(days)
	if mean <= 95 {
		v.add(bot.NotOK, "the worst on "+in.day(worst.At)+": "+worst.Value)
	}
	return counted(v.score(fmt.Sprintf("%.1f %% on %s with attacks", mean, phrase.Count(days, "day", "days"))), mean, bot.FigurePercent)
}

// failure is a unit that was found in trouble on a day.
type failure struct {
	host, day, unit string
	state           bot.ReadingState // ok: an alert named it
	why             string
}

// monitoring looks for the alert of each failure that a look found.
func monitoring(in Inputs) bot.Score {
	var v verdict
	var all []failure
	looks := map[time.Time]bool{}
	for _, r := range in.Readings {
		unit, single := strings.CutPrefix(r.What, readUnit)
		if !in.within(r.At) || r.What != readFailed && !single || !known(r) {
			continue
		}
		if looks[r.At] = true; r.State != bot.NotOK {
			continue
		}
		f := failure{host: r.Host, day: in.day(r.At), unit: unit, state: bot.Unknown, why: "more units failed than the look names"}
		if single {
			f.state, f.why = in.noticed(r.Host, unit, r.At)
		}
		i := slices.IndexFunc(all, func(o failure) bool { return o.host == f.host && o.day == f.day && o.unit == f.unit })
		switch {
		case i < 0:
			all = append(all, f)
		case all[i].state != bot.OK && (f.state == bot.OK || f.state == bot.NotOK):
			// One look whose alert is missing says more than one of which nothing is known.
			all[i].state, all[i].why = f.state, f.why
		}
	}
	noticed, missed := 0, 0
	for _, f := range all {
		name := strings.TrimSpace(strings.TrimSpace(f.host+" "+f.unit) + " on " + f.day)
		switch f.state {
		case bot.OK:
			noticed++
			v.add(bot.OK, "")
		case bot.NotOK:
			missed++
			v.add(bot.NotOK, name+": "+f.why)
		default:
			v.add(bot.Unknown, name+": "+f.why)
		}
	}
	switch {
	case len(looks) == 0:
		v.add(bot.Unknown, "nobody looked for failed units")
		return v.score("")
	case len(all) == 0:
		v.add(bot.Unknown, "nothing failed at "+phrase.Count(len(looks), "look", "looks")+": nothing was there to be noticed")
		return v.score("")
	}
	s := v.score(fmt.Sprintf("%d of %s noticed", noticed, phrase.Count(len(all), "failure", "failures")))
	if noticed+missed > 0 {
		s = counted(s, 100*float64(noticed)/float64(noticed+missed), bot.FigurePercent)
	}
	return s
}

// toNotice is how long an alert may take.
const toNotice = time.Hour

// noticed tells whether an alert spoke of a unit that was in trouble at a time.
func (in Inputs) noticed(host, unit string, at time.Time) (bot.ReadingState, string) {
	another := false
	for _, a := range in.Alerts {
		if a.Heard.After(at.Add(toNotice)) || !a.To.IsZero() && a.To.Before(at) || a.Host != "" && host != "" && a.Host != host {
			continue
		}
		if a.speaks(unit) {
			return bot.OK, ""
		}
		another = another || a.Host == host
	}
	for _, d := range in.Deaf {
		if !d.From.After(at.Add(toNotice)) && (d.To.IsZero() || d.To.After(at)) {
			return bot.Unknown, "no alert could be heard then"
		}
	}
	switch {
	case at.Before(in.Known):
		return bot.Unknown, "which alerts fired then is not kept"
	case another:
		return bot.Unknown, "an alert of the host fired that does not name it"
	case in.Lost != "":
		return bot.Unknown, in.Lost
	case in.Now.Before(at.Add(toNotice)):
		return bot.Unknown, "its alert may still come"
	}
	return bot.NotOK, "no alert spoke of it"
}

// speaks tells whether an alert names a unit: by its whole name anywhere, or without
// ".service" as the whole value of a label.
func (a Alert) speaks(unit string) bool {
	short := strings.TrimSuffix(unit, ".service")
	return slices.ContainsFunc(a.Words, func(w string) bool {
		return strings.EqualFold(w, short) || names(w, unit)
	})
}

// names tells whether a text has a unit's name in it, and not as a part of another's.
func names(text, unit string) bool {
	for rest := text; unit != ""; {
		i := strings.Index(rest, unit)
		if i < 0 {
			return false
		}
		part := func(c byte) bool {
			return c == '-' || c == '_' || c == '.' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		}
		end := i + len(unit)
		// A full stop ends sentences, too.
		after := end < len(rest) && part(rest[end]) && (rest[end] != '.' || end+1 < len(rest) && part(rest[end+1]))
		if !after && (i == 0 || !part(rest[i-1])) {
			return true
		}
		rest = rest[i+1:]
	}
	return false
}

// audit tells whether there is a trail.
func audit(in Inputs) bot.Score {
	var v verdict
	hosts, events, seen := in.hosts(readAudit), 0, false
	for _, host := range hosts {
		ran, recorded, whole := 0.0, 0.0, true
		for _, what := range []string{readAudit, readSudo} {
			rs := in.of(host, what)
			missing := in.unmeasured(rs, day)
			var newest bot.Reading
			for _, r := range rs {
				if !in.within(r.At) {
					continue
				}
				newest = r
				if what == readAudit {
					recorded += r.Figure
				} else {
					ran += r.Figure
				}
			}
			switch {
			case missing >= in.Until.Sub(in.From):
				why := newest.Note
				if why == "" {
					why = in.measured(missing)
				}
				v.add(bot.Unknown, on(host, hosts, what+": "+why))
				whole = false
			case !newest.At.IsZero() && !known(newest):
				v.add(bot.Unknown, on(host, hosts, strings.TrimSuffix(what+": unknown at the last look: "+newest.Note, ": ")))
				whole = false
			case !in.rated(missing):
				v.add(bot.Unknown, on(host, hosts, what+": "+in.measured(missing)))
				whole = false
			default:
				v.add(bot.OK, "")
			}
			seen = seen || missing < in.Until.Sub(in.From)
		}
		events += int(recorded)
		if whole && ran > 0 && recorded == 0 {
			v.add(bot.NotOK, on(host, hosts, "sudo ran commands, and the audit recorded nothing by any rule"))
		}
	}
	value := ""
	switch {
	case v.state == bot.OK && events == 0:
		value = "a trail, in which nothing happened"
	case v.state == bot.OK:
		value = "a trail"
	case v.state == bot.NotOK:
		value = "an empty trail"
	case seen:
		value = "a part of a trail"
	}
	return v.score(value)
}
