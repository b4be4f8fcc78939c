package flow

import (
	"slices"
	"time"

	"watchstander/bot"
)

// noiseGroup makes one key's figures, but for those of acks.
func noiseGroup(key noiseKey, xs []*noiseFiring, soon time.Duration) bot.NoiseGroup {
	g := bot.NoiseGroup{Alert: key.alert, Host: key.host, Fired: len(xs), Severity: xs[0].severity}
	slices.SortFunc(xs, func(a, b *noiseFiring) int { return a.from.Compare(b.from) })
	var times []bot.Interval
	var whole, silenced time.Duration
	short, ended := map[string]int{}, map[string]time.Time{}
	for _, x := range xs {
		times = append(times, bot.Interval{From: x.from, To: x.to})
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
	g.Firing = bot.TotalOf(bot.JoinIntervals(times))
	if whole > 0 {
		g.Silenced = float64(silenced) / float64(whole)
	}
	return g
}

// criticalTimes are how long critical alerts fired of each host.
func criticalTimes(firings []*noiseFiring, hosts []string) []bot.CriticalTime {
	times := map[string][]bot.Interval{}
	for _, x := range firings {
		if x.severity == bot.SeverityCritical {
			times[x.key.host] = append(times[x.key.host], bot.Interval{From: x.from, To: x.to})
		}
	}
	if _, other := times[""]; other {
		hosts = append(slices.Clone(hosts), "")
	}
	var out []bot.CriticalTime
	for _, host := range hosts {
		c := bot.CriticalTime{Host: host}
		for _, x := range bot.JoinIntervals(times[host]) {
			d := x.Length()
			c.Critical += d
			c.Longest = max(c.Longest, d)
			c.Times++
		}
		out = append(out, c)
	}
	return out
}
