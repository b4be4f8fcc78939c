package config_test

import (
	"fmt"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/config"
)

const routed = `
rooms:
  - {name: ops, chat: matrix, id: "!ops:example.org"}
  - {name: db, chat: matrix, id: "!db:example.org"}
  - {name: quiet, chat: matrix, id: "!quiet:example.org"}
routes:
  - match: ['alertname="Watchdog"']
    as: heartbeat
    absent_after: 10m
    rooms: [ops]
  - match: ['severity="info"', 'team!="db"']
    as: digest
    rooms: [quiet]
  - match: ['team="db"']
    rooms: [db]
    continue: true
  - match: ['instance=~"db[0-9]+(:[0-9]+)?"', '"host.name"=~"a|b"']
    rooms: [db, quiet]
    continue: true
  - match: ['{severity=~"info|none"}']
    as: digest
    rooms: [db, quiet]
  - match: ['silent!~".+"', 'absent!=""']
    rooms: [quiet]
  - rooms: [ops]
`

func TestRoute(t *testing.T) {
	c := mustParse(t, routed, config.Options{})
	for _, x := range []struct {
		labels bot.Labels
		want   string
	}{
		{nil, "6 thread ops"},
		{bot.Labels{"alertname": "Watchdog"}, "0 heartbeat 10m0s ops"},
		{bot.Labels{"alertname": "watchdog"}, "6 thread ops"},
		{bot.Labels{"alertname": "Watchdog", "severity": "info"}, "0 heartbeat 10m0s ops"},
		{bot.Labels{"severity": "info"}, "1 digest quiet"},
		{bot.Labels{"severity": "info", "team": "db"}, "2 thread db; 4 digest quiet"},
		{bot.Labels{"severity": "critical", "team": "db"}, "2 thread db; 6 thread ops"},
		// Patterns hold for the whole value; quoted names may hold anything.
		{bot.Labels{"instance": "db1:9100", "host.name": "a"}, "3 thread db quiet; 6 thread ops"},
		{bot.Labels{"instance": "xdb1:9100", "host.name": "a"}, "6 thread ops"},
		{bot.Labels{"instance": "db1:9100", "host.name": "ab"}, "6 thread ops"},
		// A room is told in one way; what is left of a decision without rooms is
		// nothing.
		{bot.Labels{"instance": "db1", "host.name": "b", "team": "db"}, "2 thread db; 3 thread quiet; 6 thread ops"},
		{bot.Labels{"instance": "db1", "host.name": "b", "severity": "none"}, "3 thread db quiet"},
		// A label that is not there is an empty one.
		{bot.Labels{"absent": "x"}, "5 thread quiet"},
		{bot.Labels{"absent": "x", "silent": "x"}, "6 thread ops"},
	} {
		var parts []string
		for _, d := range c.Route(x.labels) {
			words := []string{fmt.Sprint(d.RouteIndex), string(d.As)}
			if d.AbsentAfter > 0 {
				words = append(words, d.AbsentAfter.String())
			}
			for _, r := range d.Rooms {
				words = append(words, string(r))
			}
			parts = append(parts, strings.Join(words, " "))
		}
		if got := strings.Join(parts, "; "); got != x.want {
			t.Errorf("%v: %s, want %s", x.labels, got, x.want)
		}
	}
	// What Route gives away stays as it was.
	c.Route(bot.Labels{"instance": "db1", "host.name": "b", "team": "db"})
	if got := len(c.Routes[3].Rooms); got != 2 {
		t.Errorf("%d rooms", got)
	}
}

func TestHost(t *testing.T) {
	c := mustParse(t, `
hosts:
  - {name: vulcan, match: ['instance=~"vulcan(:[0-9]+)?"'], local: true}
  - {name: titan, match: ['nodename="titan"', 'job="node"']}
`, config.Options{})
	for _, x := range []struct {
		labels bot.Labels
		want   string
	}{
		{bot.Labels{"instance": "vulcan:9100"}, "vulcan"},
		{bot.Labels{"instance": "vulcan"}, "vulcan"},
		{bot.Labels{"instance": "vulcan2:9100"}, ""},
		{bot.Labels{"nodename": "titan", "job": "node"}, "titan"},
		{bot.Labels{"nodename": "titan"}, ""},
		{bot.Labels{"instance": "vulcan", "nodename": "titan", "job": "node"}, ""}, // of both, and so of none
		{nil, ""},
	} {
		if got, ok := c.Host(x.labels); got != x.want || ok != (x.want != "") {
			t.Errorf("%v: %q, %v", x.labels, got, ok)
		}
	}
	if h, ok := c.LocalHost(); !ok || h.Name != "vulcan" {
		t.Error(h, ok)
	}
}

// BenchmarkRoute decides on 10,000 alerts by 40 routes, most with patterns.
func BenchmarkRoute(b *testing.B) {
	var text strings.Builder
	text.WriteString("routes:\n")
	for i := range 39 {
		fmt.Fprintf(&text, "  - match: ['team=\"t%d\"', 'instance=~\"(web|db)%d-[0-9]+(:[0-9]+)?\"', 'severity=~\"warning|critical\"']\n    rooms: [ops]\n", i, i)
	}
	text.WriteString("  - rooms: [ops]\n")
	c := mustParse(b, text.String(), config.Options{})
	alerts := make([]bot.Labels, 10_000)
	for i := range alerts {
		alerts[i] = bot.Labels{
			"alertname": "HighLoad", "severity": "warning", "team": fmt.Sprintf("t%d", i%40),
			"instance": fmt.Sprintf("web%d-%d:9100", i%40, i),
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range alerts {
			if len(c.Route(l)) != 1 {
				b.Fatal("an alert without a route")
			}
		}
	}
}
