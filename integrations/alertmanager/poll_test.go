package alertmanager_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

func TestSettled(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(first, second *alertmanagertest.Alertmanager)
		want bool
	}{
		{"both up for long", func(_, _ *alertmanagertest.Alertmanager) {}, true},
		{"one restarted", func(_, second *alertmanagertest.Alertmanager) { second.Restart(); time.Sleep(2 * time.Minute) }, false},
		{"one restarted long ago", func(_, second *alertmanagertest.Alertmanager) { second.Restart(); time.Sleep(3 * time.Minute) }, true},
		{"one does not answer", func(first, _ *alertmanagertest.Alertmanager) { first.SetUnreachable(true) }, false},
		{"one is slow", func(first, _ *alertmanagertest.Alertmanager) { first.SetSlow(time.Hour) }, false},
		{"one is settling", func(first, _ *alertmanagertest.Alertmanager) { first.SetSettling(true) }, false},
		{"they have lost each other", func(first, _ *alertmanagertest.Alertmanager) { alertmanagertest.Partition(first, true) }, false},
		{"they have found each other", func(first, _ *alertmanagertest.Alertmanager) {
			alertmanagertest.Partition(first, true)
			alertmanagertest.Partition(first, false)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first, second, c := pair(t, nil)
				time.Sleep(10 * time.Minute)
				first.Fire(bot.Labels{"alertname": "A"})
				tt.do(first, second)
				start := time.Now()
				polled := c.Poll(t.Context(), 7)
				if polled.Settled != tt.want || polled.Failure != "" || polled.Mark != 7 || !polled.At.Equal(start) {
					t.Errorf("polled %+v", polled)
				}
				if len(polled.Groups) != 1 || len(polled.Groups[0].Alerts) != 1 {
					t.Errorf("groups %+v: what one peer lists is there", polled.Groups)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A peer's "up since" is by its own clock, which may differ from ours.
func TestSettledByThePeersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := alertmanagertest.New(alertmanagertest.Options{Receivers: []alertmanagertest.Receiver{{Name: "bot"}}})
		c := clientOf(t, func(o *alertmanager.Options) {
			o.Now = func() time.Time { return time.Now().Add(time.Hour) }
		}, am)
		time.Sleep(time.Minute)
		if c.Poll(t.Context(), 0).Settled {
			t.Error("settled after a minute, since our clock is an hour ahead")
		}
		readings := c.Check(t.Context())
		if r := readings[len(readings)-1]; r.State != bot.Unknown || !strings.Contains(r.Note, "has been up for 1 min, and may not have heard of everything before 2 min more have passed") {
			t.Errorf("nobody is told for how long: %+v", r)
		}
	})
}

// An alert is silent only if every peer that lists it says so.
func TestUnionOfPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c := pair(t, nil)
		first.Fire(bot.Labels{"alertname": "A"})
		alertmanagertest.Partition(first, true)
		a := first.Silence(`alertname="A"`, time.Hour, "alice", "x")
		alert := func() bot.PolledAlert { return c.Poll(t.Context(), 0).Groups[0].Alerts[0] }
		if got := alert(); got.SilencedBy != nil {
			t.Errorf("silenced by %v, though one peer still notifies", got.SilencedBy)
		}
		b := second.Silence(`alertname="A"`, time.Hour, "bob", "y")
		if got := alert(); !reflect.DeepEqual(got.SilencedBy, []string{a, b}) {
			t.Errorf("silenced by %v", got.SilencedBy)
		}
		second.Restart() // it lists nothing now
		if got := alert(); !reflect.DeepEqual(got.SilencedBy, []string{a}) {
			t.Errorf("silenced by %v", got.SilencedBy)
		}
	})
}

// Two routes to one receiver make the same group twice, and the same alert.
func TestUnionOfRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := []string{"alertname"}
		am := alertmanagertest.New(alertmanagertest.Options{
			Routes: []alertmanagertest.Route{
				{Receiver: "bot", Matchers: []string{`severity="critical"`}, GroupBy: by, Continue: true},
				{Receiver: "other", GroupBy: by, Continue: true},
				{Receiver: "bot", GroupBy: by},
			},
			Receivers: []alertmanagertest.Receiver{{Name: "bot"}, {Name: "other"}},
		})
		am.Fire(bot.Labels{"alertname": "A", "severity": "critical"})
		am.Fire(bot.Labels{"alertname": "A", "severity": "warning"})
		p := clientOf(t, nil, am).Poll(t.Context(), 0)
		if len(p.Groups) != 1 || p.Groups[0].Receiver != "bot" || len(p.Groups[0].Alerts) != 2 {
			t.Errorf("%+v", p.Groups)
		}
		am.Mute("bot", "nights")
		p = clientOf(t, nil, am).Poll(t.Context(), 0)
		if got := p.Groups[0].Alerts[0].MutedBy; !reflect.DeepEqual(got, []string{"nights"}) {
			t.Errorf("muted by %v", got)
		}
	})
}

func TestSamePeerTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, _ := pair(t, nil)
		through := alertmanagertest.Transport(first)
		c := clientOf(t, func(o *alertmanager.Options) {
			o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) { // a load balancer
				r = r.Clone(r.Context())
				r.URL.Host = "am1:9093"
				return through.RoundTrip(r)
			})
		}, first, second)
		time.Sleep(time.Hour)
		if c.Poll(t.Context(), 0).Settled {
			t.Error("settled, though one peer was not asked")
		}
		readings := c.Probe().Read(t.Context())
		if last := readings[len(readings)-1]; last.State != bot.NotOK || !strings.Contains(last.Note, "are the same Alertmanager") {
			t.Errorf("%+v", last)
		}
	})
}
