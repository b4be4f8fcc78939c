package alertmanagertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

// told is what a receiver heard, as a timeline: "30s firing A(+) B(-)".
type told struct {
	mu     sync.Mutex
	start  time.Time
	lines  []string
	status int
	pause  time.Duration
}

func (h *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p struct {
		Status          string
		TruncatedAlerts int
		Alerts          []struct {
			Status string
			Labels map[string]string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		panic(err)
	}
	line := fmt.Sprintf("%s %s", time.Since(h.start), p.Status)
	for _, a := range p.Alerts {
		sign := "+"
		if a.Status == "resolved" {
			sign = "-"
		}
		line += " " + a.Labels["instance"] + sign
	}
	if p.TruncatedAlerts > 0 {
		line += fmt.Sprintf(" and %d more", p.TruncatedAlerts)
	}
	h.mu.Lock()
	status, pause := h.status, h.pause
	if status == 0 {
		status = 200
	} else {
		line += fmt.Sprintf(" → %d", status)
	}
	h.lines = append(h.lines, line)
	h.mu.Unlock()
	time.Sleep(pause)
	w.WriteHeader(status)
}

func (h *told) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// want compares all that was told so far, and forgets it.
func (h *told) want(t *testing.T, lines ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.lines, lines) {
		t.Errorf("told\n\t%s\nwant\n\t%s", strings.Join(h.lines, "\n\t"), strings.Join(lines, "\n\t"))
	}
	h.lines = nil
}

func on(instance string) bot.Labels { return bot.Labels{"alertname": "A", "instance": instance} }

// story runs f with an Alertmanager at work, in fake time.
func story(t *testing.T, o alertmanagertest.Options, f func(am *alertmanagertest.Alertmanager, h *told)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &told{start: time.Now()}
		if o.Receivers == nil {
			o.Receivers = []alertmanagertest.Receiver{{Name: "bot"}}
		}
		o.Receivers = slices.Clone(o.Receivers)
		o.Receivers[0].Handler = h
		am := alertmanagertest.New(o)
		defer run(t, am)()
		f(am, h)
	})
}

func run(t *testing.T, ams ...*alertmanagertest.Alertmanager) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, am := range ams {
		running.Go(func() { am.Run(ctx) })
	}
	return func() { cancel(); running.Wait() }
}

func TestGroupsWaitAndRepeat(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		am.Fire(on("a"))
		time.Sleep(10 * time.Second)
		am.Fire(on("b"))
		time.Sleep(time.Minute)
		h.want(t, "30s firing a+ b+")
		am.Fire(on("c"))
		time.Sleep(5 * time.Minute)
		h.want(t, "5m30s firing a+ b+ c+")
		am.Resolve(on("a"))
		time.Sleep(5 * time.Minute)
		h.want(t, "10m30s firing a- b+ c+")
		time.Sleep(5 * time.Hour)
		h.want(t, "4h15m30s firing b+ c+") // the first flush after repeat_interval
		am.Resolve(on("b"))
		am.Resolve(on("c"))
		time.Sleep(24 * time.Hour)
		h.want(t, "5h15m30s resolved b- c-")
		am.Fire(on("a"))
		time.Sleep(time.Minute)
		h.want(t, "29h11m40s firing a+")
	})
}

func TestMonthsAreShort(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		am.Fire(on("a"))
		time.Sleep(90 * 24 * time.Hour)
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if n := len(h.lines); n < 500 || n > 540 { // every 4 h 5 min
			t.Errorf("told %d times", n)
		}
	})
}

// What began and ended within group_wait, or was never delivered, is never told.
func TestUntoldEndIsNotTold(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		am.Fire(on("a"))
		time.Sleep(10 * time.Second)
		am.Resolve(on("a"))
		time.Sleep(time.Hour)
		h.want(t)
	})
}

func TestRefireWithinTheGroup(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		am.Fire(on("a"))
		time.Sleep(time.Minute)
		h.want(t, "30s firing a+")
		am.Resolve(on("a"))
		time.Sleep(time.Minute)
		am.Fire(on("a")) // before the flush: nobody hears that it was gone
		time.Sleep(time.Hour)
		h.want(t)
		am.Resolve(on("a"))
		time.Sleep(5 * time.Minute)
		h.want(t, "1h5m30s resolved a-")
		am.Refire(on("a")) // with its old start, long ago: told at once
		synctest.Wait()
		h.want(t, "1h7m0s firing a+")
	})
}

func TestRetries(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		h.answer(503)
		am.Fire(on("a"))
		time.Sleep(32 * time.Second)
		h.answer(0)
		time.Sleep(time.Hour)
		h.want(t, "30s firing a+ → 503", "30.5s firing a+ → 503", "31.25s firing a+ → 503", "32.375s firing a+")

		h.answer(429) // not repeated, and the next flush tries again
		am.Fire(on("b"))
		time.Sleep(5 * time.Minute)
		h.want(t, "1h5m30s firing a+ b+ → 429")
		h.answer(400)
		time.Sleep(5 * time.Minute)
		h.want(t, "1h10m30s firing a+ b+ → 400")
		h.answer(207) // any 2xx counts
		time.Sleep(time.Hour)
		h.want(t, "1h15m30s firing a+ b+ → 207")

		am.SetHandler("bot", nil) // its program is down
		am.Resolve(on("a"))
		time.Sleep(30 * time.Minute)
		am.SetHandler("bot", h)
		h.answer(0)
		time.Sleep(5 * time.Minute)
		h.want(t, "2h40m32.375s firing a- b+") // a retry of that flush
		if sent := am.Sent(); sent[len(sent)-1].Attempt != 4 || sent[len(sent)-2].Status != 0 {
			t.Errorf("%+v", sent[len(sent)-1])
		}
	})
}

// A receiver that answers too late is sent everything again.
func TestSlowReceiver(t *testing.T) {
	story(t, alertmanagertest.Options{
		Routes: []alertmanagertest.Route{{Receiver: "bot", GroupInterval: 10 * time.Second}},
	}, func(am *alertmanagertest.Alertmanager, h *told) {
		h.pause = 12 * time.Second
		am.Fire(on("a"))
		time.Sleep(50 * time.Second)
		h.want(t, "30s firing a+", "42s firing a+")
		h.mu.Lock()
		h.pause = 0
		h.mu.Unlock()
		time.Sleep(time.Minute)
		h.want(t, "54s firing a+")
	})
}

func TestSilenceAndItsEnd(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		am.Silence(`instance="a"`, time.Hour, "alice", "x")
		am.Fire(on("a"))
		am.Fire(on("b"))
		time.Sleep(30 * time.Minute)
		h.want(t, "30s firing b+")
		time.Sleep(time.Hour)
		h.want(t, "1h0m30s firing a+ b+") // the first flush after the silence
		id := am.Silence(`instance=~"a|b"`, time.Hour, "alice", "x")
		time.Sleep(10 * time.Minute)
		am.Resolve(on("a"))
		time.Sleep(10 * time.Minute)
		am.Expire(id)
		time.Sleep(time.Hour)
		h.want(t) // a's end was never told, and b fires as was told before
		am.Resolve(on("b"))
		time.Sleep(10 * time.Minute)
		h.want(t, "2h50m30s resolved b-")
	})
}

func TestInhibition(t *testing.T) {
	story(t, alertmanagertest.Options{
		Inhibit: []alertmanagertest.Inhibit{{Source: []string{`severity="critical"`}, Target: []string{`severity=~"warning|critical"`}, Equal: []string{"instance"}}},
	}, func(am *alertmanagertest.Alertmanager, h *told) {
		cause := bot.Labels{"alertname": "Down", "instance": "a", "severity": "critical"}
		am.Fire(cause) // matched by both sides: it does not inhibit itself
		am.Fire(bot.Labels{"alertname": "Slow", "instance": "a", "severity": "warning"})
		am.Fire(bot.Labels{"alertname": "Slow", "instance": "b", "severity": "warning"})
		time.Sleep(time.Hour)
		h.mu.Lock()
		slices.Sort(h.lines)
		h.mu.Unlock()
		h.want(t, "30s firing a+", "30s firing b+")
		am.Resolve(cause)
		time.Sleep(10 * time.Minute)
		h.mu.Lock()
		slices.Sort(h.lines)
		h.mu.Unlock()
		h.want(t, "1h0m30s firing a+ b+", "1h0m30s resolved a-")
	})
}

func TestRestartForgets(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		am.Fire(on("a"))
		am.Fire(on("b"))
		time.Sleep(time.Minute)
		h.want(t, "30s firing a+ b+")
		am.Stop()
		am.Resolve(on("a")) // nobody there to hear it
		time.Sleep(time.Hour)
		am.Start()
		if next, ok := am.Next(); !ok || time.Until(next) != time.Minute {
			t.Errorf("next at %v", next)
		}
		time.Sleep(10 * time.Minute)
		h.want(t) // b was told before, and of a nothing is known: it will never be told as resolved
		if got := am.Firing(); !reflect.DeepEqual(got, []bot.Labels{on("b")}) {
			t.Errorf("firing %v", got)
		}
	})
}

func TestKnobs(t *testing.T) {
	story(t, alertmanagertest.Options{}, func(am *alertmanagertest.Alertmanager, h *told) {
		am.SetLateCopies(2 * time.Minute)
		am.Fire(on("a"))
		time.Sleep(45 * time.Second)
		am.SetLateCopies(0)
		am.Resolve(on("a"))
		time.Sleep(10 * time.Minute)
		h.want(t, "30s firing a+", "2m30s firing a+", "5m30s resolved a-")
		am.Redeliver(0)
		synctest.Wait()
		h.want(t, "10m45s firing a+")

		am.SetMaxAlerts("bot", 1)
		am.Fire(on("b"))
		am.Fire(on("c"))
		time.Sleep(time.Minute)
		h.want(t, "11m15s firing b+ and 1 more")
		before := am.Sent()
		am.EditRoutes(func(routes []alertmanagertest.Route) []alertmanagertest.Route {
			routes[0].Matchers = []string{`alertname!="X"`}
			return routes
		})
		synctest.Wait()
		h.want(t, "11m45s firing b+ and 1 more") // a new key: nobody was told
		after := am.Sent()
		if old, changed := before[len(before)-1].GroupKey, after[len(after)-1].GroupKey; old == changed {
			t.Errorf("the group key is still %s", old)
		}

		am.SetSettling(true)
		am.Fire(on("d"))
		time.Sleep(time.Hour)
		h.want(t)
		am.SetSettling(false)
		synctest.Wait()
		h.want(t, "1h11m45s firing b+ and 2 more")
		am.Mute("bot", "nights")
		am.Resolve(on("d"))
		time.Sleep(10 * time.Hour)
		h.want(t)
	})
}

func TestPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &told{start: time.Now()}
		first, second := alertmanagertest.NewPair(alertmanagertest.Options{
			Receivers: []alertmanagertest.Receiver{{Name: "bot", Handler: h}},
		})
		defer run(t, first, second)()
		first.Fire(on("a"))
		time.Sleep(time.Minute)
		h.want(t, "30s firing a+")

		alertmanagertest.Partition(first, true)
		first.Fire(on("b"))
		time.Sleep(6 * time.Minute)
		h.want(t, "5m30s firing a+ b+", "5m45s firing a+ b+") // the second is late by PeerTimeout
		alertmanagertest.Partition(first, false)

		first.Stop()
		first.Resolve(on("a"))
		time.Sleep(10 * time.Minute)
		h.want(t, "10m45s firing a- b+")
		first.Start()
		first.Resolve(on("b"))
		time.Sleep(10 * time.Minute)
		h.want(t, "20m45s resolved b-")
		if sent := first.Sent(); len(sent) != 2 {
			t.Errorf("the first sent %d", len(sent))
		}
	})
}

// Without Run the caller drives, and nothing happens on other goroutines.
func TestStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &told{start: time.Now()}
		am := alertmanagertest.New(alertmanagertest.Options{Receivers: []alertmanagertest.Receiver{{Name: "bot", Handler: h}}})
		am.Fire(on("a"), alertmanagertest.Annotate(bot.Labels{"summary": "s"}), alertmanagertest.GeneratorURL("http://p/"))
		next, ok := am.Next()
		if n := am.Step(t.Context()); n != 0 || !ok || time.Until(next) != 30*time.Second {
			t.Fatalf("%d requests, next %v", n, next)
		}
		time.Sleep(time.Until(next))
		if n := am.Step(t.Context()); n != 1 {
			t.Fatalf("%d requests", n)
		}
		h.want(t, "30s firing a+")
		am.SetHandler("bot", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		am.Resolve(on("a"))
		time.Sleep(5 * time.Minute)
		if n := am.Step(t.Context()); n != 1 || am.Sent()[1].Status != 0 {
			t.Errorf("%d requests, %+v", n, am.Sent())
		}
	})
}

// People type the beginning of a silence's id: it must tell one from another, as
// a real one's does, and be the same in every run.
func TestSilencesIDsLookReal(t *testing.T) {
	ids := func() (out []string) {
		first, second := alertmanagertest.NewPair(alertmanagertest.Options{Receivers: []alertmanagertest.Receiver{{Name: "bot"}}})
		for range 50 {
			out = append(out, first.Silence(`a="b"`, time.Hour, "alice", "x"), second.Silence(`a="b"`, time.Hour, "alice", "x"))
		}
		return out
	}
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, id := range ids() {
		if !shape.MatchString(id) {
			t.Errorf("%s is no UUID of version 4", id)
		}
		if seen[id[:6]] {
			t.Errorf("two silences begin with %s", id[:6])
		}
		seen[id[:6]] = true
	}
	if a, b := ids(), ids(); !slices.Equal(a, b) {
		t.Error("two runs give different ids")
	}
}
