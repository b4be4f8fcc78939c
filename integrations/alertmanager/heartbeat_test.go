package alertmanager_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

func beatOf(t *testing.T, c *alertmanager.Client, name string, absentAfter time.Duration) alertmanager.Beat {
	t.Helper()
	return c.CheckHeartbeats(t.Context(), []alertmanager.Heartbeat{
		{Name: name, AbsentAfter: absentAfter, Fits: func(l bot.Labels) bool { return l["alertname"] == name }},
	})[0]
}

// Both are looked at once a second; the one that is repeated after more than that is told
// every second time.
func heartbeats(t *testing.T, g *rig) {
	g.post(t, alertOf("alertname", "Beat"), alertOf("alertname", "SlowBeat"), alertOf("alertname", "Other"))
	until(t, "it beats seven times", func() error {
		if n := g.inbox.told("Beat", false); n < 7 {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	// Three or four times, unless this machine is busy.
	if n := g.inbox.told("SlowBeat", false); n < 2 || n > 5 {
		t.Errorf("meanwhile the slow one beat %d times", n)
	}
	if n := g.inbox.told("Other", false); n != 1 {
		t.Errorf("what goes on was told %d times within its repeat_interval", n)
	}
	for name, want := range map[string]string{"Beat": "told about every 1 s", "SlowBeat": "told about every 2 s", "Other": "told about every 1 h"} {
		state := bot.OK
		if name == "Other" {
			state = bot.NotOK
		}
		if b := beatOf(t, g.client, name, time.Minute); b.Reading.State != state || b.Reading.Value != want || b.Elsewhere {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

func TestCheckHeartbeat(t *testing.T) {
	by := []string{"alertname"}
	elsewhere := alertmanagertest.Route{Receiver: "other", Matchers: []string{`alertname="Watchdog"`}, GroupBy: by}
	ours := alertmanagertest.Route{Receiver: "bot", Matchers: []string{`alertname=~"Watch.*"`}, GroupBy: by, GroupInterval: time.Minute, RepeatInterval: 50 * time.Second}
	rest := alertmanagertest.Route{Receiver: "bot", GroupBy: by}
	going := func(r alertmanagertest.Route) alertmanagertest.Route { r.Continue = true; return r }
	watchdog := bot.Labels{"alertname": "Watchdog"}
	for _, tt := range []struct {
		name      string
		routes    []alertmanagertest.Route
		do        func(*alertmanagertest.Alertmanager)
		state     bot.ReadingState
		value     string
		note      string
		elsewhere bool
	}{
		{"a route of its own", []alertmanagertest.Route{ours, rest}, nil, bot.OK, "told about every 1 min", "missing after 10 min", false},
		{"none", []alertmanagertest.Route{rest}, nil, bot.NotOK, "told every 4 h to 4 h 5 min", "after 10 min it counts as missing: give it a route", false},
		{"the second of two", []alertmanagertest.Route{going(elsewhere), ours, rest}, nil, bot.OK, "told about every 1 min", "", false},
		{"and not the third", []alertmanagertest.Route{ours, rest, ours}, nil, bot.OK, "told about every 1 min", "", false},
		{"the faster of two", []alertmanagertest.Route{going(rest), ours, rest}, nil, bot.OK, "told about every 1 min", "", false},
		{"to somebody else", []alertmanagertest.Route{elsewhere, rest}, nil, bot.NotOK, "not told to us", `it goes to "other" alone, and after 10 min it is told as missing`, true},
		{"not there", []alertmanagertest.Route{ours, rest}, func(am *alertmanagertest.Alertmanager) { am.Resolve(watchdog); time.Sleep(time.Hour) }, bot.NotOK, "not there", "no alert fits it, and after 10 min it is told as missing", true},
		{"just started", []alertmanagertest.Route{ours, rest}, (*alertmanagertest.Alertmanager).Restart, bot.Unknown, "not there", "has not been up for 3 min yet", false},
		{"silenced", []alertmanagertest.Route{ours, rest}, func(am *alertmanagertest.Alertmanager) {
			am.Silence(`alertname="Watchdog"`, time.Hour, "alice", "x")
		}, bot.NotOK, "silenced", "not told as long as it is silenced", false},
		{"muted", []alertmanagertest.Route{ours, rest}, func(am *alertmanagertest.Alertmanager) { am.Mute("bot", "nights") }, bot.NotOK, "muted", "not told as long as it is muted", false},
		{"the worst of two", []alertmanagertest.Route{ours, rest}, func(am *alertmanagertest.Alertmanager) {
			am.Fire(bot.Labels{"alertname": "Watchdog", "prometheus": "second"})
			am.Silence(`prometheus="second"`, time.Hour, "alice", "x")
		}, bot.NotOK, "silenced", "", false},
		{"no answer", []alertmanagertest.Route{ours, rest}, func(am *alertmanagertest.Alertmanager) { am.SetUnreachable(true) }, bot.Unknown, "unknown", "am1:9093 cannot be reached", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				am := alertmanagertest.New(alertmanagertest.Options{Routes: tt.routes, Receivers: []alertmanagertest.Receiver{{Name: "bot"}, {Name: "other"}}})
				c := clientOf(t, nil, am)
				time.Sleep(time.Hour)
				am.Fire(watchdog)
				if tt.do != nil {
					tt.do(am)
				}
				b := beatOf(t, c, "Watchdog", 10*time.Minute)
				if r := b.Reading; r.What != "alertmanager main: heartbeat Watchdog" || r.State != tt.state || r.Value != tt.value || !strings.Contains(r.Note, tt.note) || b.Elsewhere != tt.elsewhere {
					t.Errorf("%+v", b)
				}
			})
		})
	}
}

// Of a pair each sends: what one does not list, the other does.
func TestCheckHeartbeatOfAPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c := pair(t, nil)
		time.Sleep(time.Hour)
		first.Fire(bot.Labels{"alertname": "Watchdog"})
		second.Restart()
		if b := beatOf(t, c, "Watchdog", 10*time.Hour); b.Reading.State != bot.OK || b.Elsewhere {
			t.Errorf("%+v", b)
		}
	})
}
