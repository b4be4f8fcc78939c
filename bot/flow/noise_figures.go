package flow

import (
	"slices"
	"time"

	"watchstander/bot"
)

// interval is a time from a moment to another.
type interval struct{ from, to time.Time }

// union joins intervals that touch or overlap; they come out in order.
func union(all []interval) []interval {
	slices.SortFunc(all, func(a, b interval) int { return a.from.Compare(b.from) })
	var out []interval
	for _, x := range all {
		if last := len(out) - 1; last >= 0 && !x.from.After(out[last].to) {
			if x.to.After(out[last].to) {
				out[last].to = x.to
			}
			continue
		}
		out = append(out, x)
	}
	return out
}

// noiseGroup makes one key's figures, but for those of acks.
func noiseGroup(key noiseKey, xs []*noiseFiring, soon time.Duration) bot.NoiseGroup {
	g := bot.NoiseGroup{Alert: key.alert, Host: key.host, Fired: len(xs), Severity: xs[0].severity}
	slices.SortFunc(xs, func(a, b *noiseFiring) int { return a.from.Compare(b.from) })
	var times []interval
	var whole, silenced time.Duration
	short, ended := map[string]int{}, map[string]time.Time{}
	for _, x := range xs {
		times = append(times, interval{x.from, x.to})
		whole += x.whole
		silenced += x.silenced
		if x.severity.Rank() > g.Severity.Rank() {
			g.Severity = x.severity
		}
		if end, before := ended[x.alert]; before && x.from.Sub(end) <= soon {
			g.Again++
		}
		ended[x.alert] = x.to
		switch {
		case x.live:
			g.Live++
		case x.whole <= bot.NoiseShort:
			short[x.alert]++
			g.Short = max(g.Short, short[x.alert])
		}
		switch {
		case x.acked:
			g.Acked++
		case x.severity == bot.SeverityCritical && 2*x.silenced <= x.whole:
			g.Unread++
		}
	}
	g.Alerts = len(ended)
	for _, x := range union(times) {
		g.Firing += x.to.Sub(x.from)
	}
	if whole > 0 {
		g.Silenced = float64(silenced) / float64(whole)
	}
	return g
}

// criticalTimes are how long critical alerts fired of each host.
func criticalTimes(firings []*noiseFiring, hosts []string) []bot.CriticalTime {
	times := map[string][]interval{}
	for _, x := range firings {
		if x.severity == bot.SeverityCritical {
			times[x.key.host] = append(times[x.key.host], interval{x.from, x.to})
		}
	}
	if _, other := times[""]; other {
		hosts = append(slices.Clone(hosts), "")
	}
	var out []bot.CriticalTime
	for _, host := range hosts {
		c := bot.CriticalTime{Host: host}
		for _, x := range union(times[host]) {
			d := x.to.Sub(x.from)
			c.Critical += d
			c.Longest = max(c.Longest, d)
			c.Times++
		}
		out = append(out, c)
	}
	return out
}
