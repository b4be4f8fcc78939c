package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
)

func deliveredAndListed(t *testing.T, g *rig) {
	p := alertOf("alertname", "DiskFull", "instance", "vulcan", "cluster", "home")
	p.Annotations = bot.Labels{"summary": "almost full"}
	p.GeneratorURL = "http://prometheus:9090/graph?g0.expr=up"
	g.post(t, p)
	until(t, "the bot is told", g.inbox.firing("DiskFull"))
	group, alert, _ := g.inbox.last("DiskFull")

	want := bot.Alert{
		Fingerprint: alertmanager.Fingerprint(p.Labels), Labels: p.Labels, Annotations: p.Annotations,
		StartsAt: alertmanager.Millis(p.StartsAt), GeneratorURL: p.GeneratorURL,
	}
	if !reflect.DeepEqual(alert, want) {
		t.Errorf("delivered %+v, want %+v", alert, want)
	}
	if labels := (bot.Labels{"alertname": "DiskFull", "cluster": "home"}); group.Receiver != ours || !maps.Equal(group.Labels, labels) {
		t.Errorf("delivered for %q %v, want %q %v", group.Receiver, group.Labels, ours, labels)
	}
	if group.GroupKey == "" || group.ExternalURL == "" {
		t.Errorf("group key %q, external URL %q", group.GroupKey, group.ExternalURL)
	}

	polled := g.client.Poll(t.Context(), 42)
	if polled.Failure != "" || polled.Mark != 42 || polled.Alertmanager != "main" {
		t.Fatalf("polled %+v", polled)
	}
	polledGroup, polledAlert, _ := listed(polled, "DiskFull")
	if !reflect.DeepEqual(polledAlert.Alert, want) || polledGroup.Receiver != group.Receiver || !maps.Equal(polledGroup.Labels, group.Labels) {
		t.Errorf("listed %+v in %q %v", polledAlert, polledGroup.Receiver, polledGroup.Labels)
	}
	if n := len(polledAlert.SilencedBy) + len(polledAlert.InhibitedBy) + len(polledAlert.MutedBy); n != 0 {
		t.Errorf("listed as suppressed: %+v", polledAlert)
	}
	until(t, "it settles", func() error {
		if !g.client.Poll(t.Context(), 0).Settled {
			return errors.New("not settled")
		}
		return nil
	})
}

func resolved(t *testing.T, g *rig) {
	p := alertOf("alertname", "Gone", "instance", "vulcan")
	g.post(t, p)
	until(t, "the bot is told", g.inbox.firing("Gone"))
	end := ended(p)
	g.post(t, end)
	until(t, "the bot is told of the end", g.inbox.resolved("Gone"))
	_, alert, _ := g.inbox.last("Gone")
	if !alert.EndsAt.Equal(alertmanager.Millis(end.EndsAt)) || !alert.StartsAt.Equal(alertmanager.Millis(p.StartsAt)) {
		t.Errorf("told %s to %s, want %s to %s", alert.StartsAt, alert.EndsAt, p.StartsAt, end.EndsAt)
	}
	if _, a, found := listed(g.client.Poll(t.Context(), 0), "Gone"); found {
		t.Errorf("still listed: %+v", a)
	}
}

func refired(t *testing.T, g *rig) {
	p := alertOf("alertname", "Flaps", "instance", "vulcan")
	g.post(t, p)
	until(t, "the bot is told", g.inbox.firing("Flaps"))
	g.post(t, ended(p))
	until(t, "the bot is told of the end", g.inbox.resolved("Flaps"))
	g.post(t, p)
	until(t, "the bot is told again", g.inbox.firing("Flaps"))
	_, again, _ := g.inbox.last("Flaps")
	if !again.StartsAt.Equal(alertmanager.Millis(p.StartsAt)) {
		t.Errorf("it fires since %s, want the first start, %s", again.StartsAt, p.StartsAt)
	}
}

const key bot.EffectKey = "eff_K3PV5ZJQ"

func silenceOf(ms ...bot.Matcher) bot.Silence {
	return bot.Silence{Matchers: ms, Comment: "the pool is being scrubbed", CreatedBy: "alice", EndsAt: time.Now().Add(time.Hour)}
}

// exactly are the matchers that cover exactly one alert's labels.
func exactly(l bot.Labels) []bot.Matcher {
	var out []bot.Matcher
	for _, name := range l.Names() {
		out = append(out, bot.Matcher{Name: name, Op: "=", Value: l[name]})
	}
	return out
}

func silenced(t *testing.T, g *rig) {
	p := alertOf("alertname", "Noisy", "instance", "vulcan")
	g.post(t, p)
	until(t, "the bot is told", g.inbox.firing("Noisy"))
	s := silenceOf(exactly(p.Labels)...)
	id, err := g.client.MakeSilence(t.Context(), key, s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := g.client.MakeSilence(t.Context(), key, s)
	if err != nil || again != id {
		t.Fatalf("the same key made %q (%v) after %q", again, err, id)
	}
	until(t, "the silence shows", func() error {
		polled := g.client.Poll(t.Context(), 0)
		_, a, _ := listed(polled, "Noisy")
		if !reflect.DeepEqual(a.SilencedBy, []string{id}) || len(polled.Silences) != 1 {
			return fmt.Errorf("listed as %+v with %+v", a, polled.Silences)
		}
		made := polled.Silences[0]
		if made.State != "active" || made.CreatedBy != "alice" || made.Comment != s.Comment+" ["+string(key)+"]" ||
			!reflect.DeepEqual(made.Matchers, s.Matchers) || !made.EndsAt.Equal(alertmanager.Millis(s.EndsAt)) {
			t.Fatalf("the silence is %+v", made)
		}
		return nil
	})
	covered, err := g.client.Covered(t.Context(), s.Matchers)
	if err != nil || len(covered) != 1 || covered[0].Labels["alertname"] != "Noisy" {
		t.Errorf("covered: %+v, %v", covered, err)
	}

	for range 2 { // the second time it has ended already
		if err := g.client.EndSilence(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the alert rings again", func() error {
		polled := g.client.Poll(t.Context(), 0)
		_, a, found := listed(polled, "Noisy")
		if !found || len(a.SilencedBy) != 0 || polled.Silences[0].State != "expired" {
			return fmt.Errorf("%+v, %+v", a, polled.Silences)
		}
		return nil
	})
	if again, err := g.client.MakeSilence(t.Context(), key, s); err != nil || again != id {
		t.Errorf("a silence that has ended was made anew for its key: %q, %v", again, err)
	}
	err = g.client.EndSilence(t.Context(), "00000000-0000-4000-8000-00000000dead")
	if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeNotFound {
		t.Errorf("an unknown silence ends with %v", err)
	}
}

func endsInSilence(t *testing.T, g *rig) {
	p := alertOf("alertname", "Quiet", "instance", "vulcan")
	g.post(t, p)
	until(t, "the bot is told", g.inbox.firing("Quiet"))
	if _, err := g.client.MakeSilence(t.Context(), key, silenceOf(exactly(p.Labels)...)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // Alertmanager caches what is silenced
	g.post(t, ended(p))
	until(t, "it is listed no more", func() error {
		if _, a, found := listed(g.client.Poll(t.Context(), 0), "Quiet"); found {
			return fmt.Errorf("listed: %+v", a)
		}
		return nil
	})
	never(t, "the bot is told of the end", g.inbox.resolved("Quiet"))
}

// Somebody edits our silence in the web interface: its comment, and with it our
// key, goes along.
func editedByHand(t *testing.T, g *rig) {
	s := silenceOf(bot.Matcher{Name: "alertname", Op: "=", Value: "A"})
	id, err := g.client.MakeSilence(t.Context(), key, s)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(id string, endsAt time.Time, m bot.Matcher) string {
		t.Helper()
		made, err := g.client.Silences(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(made, func(s bot.Silence) bool { return s.ID == id })
		body, err := json.Marshal(map[string]any{
			"id": id, "comment": made[at].Comment, "createdBy": "bob", "startsAt": made[at].StartsAt, "endsAt": endsAt,
			"matchers": []any{map[string]any{"name": m.Name, "value": m.Value, "isRegex": false, "isEqual": m.Op == "="}},
		})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.web.Post(g.urls[0]+"/api/v2/silences", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct{ SilenceID string }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s, %v", resp.Status, err)
		}
		return answer.SilenceID
	}
	if longer := edit(id, s.EndsAt.Add(time.Hour), s.Matchers[0]); longer != id {
		t.Errorf("a longer silence has the id %s, not %s", longer, id)
	}
	other := edit(id, s.EndsAt, bot.Matcher{Name: "alertname", Op: "!=", Value: "B"})
	if other == id {
		t.Errorf("a silence with other matchers is still %s", id)
	}
	// The key now stands for the one that lives.
	if again, err := g.client.MakeSilence(t.Context(), key, s); err != nil || again != other {
		t.Errorf("the key stands for %q (%v), want %q", again, err, other)
	}
	// To end the old one does not end what somebody made of it.
	if err := g.client.EndSilence(t.Context(), id); err != nil {
		t.Error(err)
	}
	all, err := g.client.Silences(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != other || all[0].State != "active" || all[1].State != "expired" {
		t.Errorf("%+v, %v", all, err)
	}
}

// Prometheus dies: the alert ends when its last word is over.
func endsByItself(t *testing.T, g *rig) {
	p := alertOf("alertname", "Orphan")
	p.EndsAt = time.Now().Add(2 * time.Second)
	g.post(t, p)
	until(t, "the bot is told", g.inbox.firing("Orphan"))
	if _, alert, _ := g.inbox.last("Orphan"); !alert.EndsAt.IsZero() {
		t.Errorf("told to end at %s", alert.EndsAt)
	}
	until(t, "the bot is told of the end", g.inbox.resolved("Orphan"))
	if _, alert, _ := g.inbox.last("Orphan"); !alert.EndsAt.Equal(alertmanager.Millis(p.EndsAt)) {
		t.Errorf("told to have ended at %s, want %s", alert.EndsAt, p.EndsAt)
	}
	if _, a, found := listed(g.client.Poll(t.Context(), 0), "Orphan"); found {
		t.Errorf("still listed: %+v", a)
	}
}

func inhibited(t *testing.T, g *rig) {
	cause := alertOf("alertname", "HostDown", "instance", "vulcan", "severity", "critical")
	g.post(t, cause)
	until(t, "the bot is told of the cause", g.inbox.firing("HostDown"))
	g.post(t, alertOf("alertname", "Slow", "instance", "vulcan", "severity", "warning"))
	until(t, "the other is inhibited", func() error {
		_, a, _ := listed(g.client.Poll(t.Context(), 0), "Slow")
		if !reflect.DeepEqual(a.InhibitedBy, []string{alertmanager.Fingerprint(cause.Labels)}) {
			return fmt.Errorf("listed: %+v", a)
		}
		return nil
	})
	never(t, "the bot is told of it", g.inbox.firing("Slow"))
	g.post(t, ended(cause))
	until(t, "then the bot is told", g.inbox.firing("Slow"))
}

func matchersRoundTrip(t *testing.T, g *rig) {
	want := []bot.Matcher{
		{Name: "alertname", Op: "=", Value: `a "quoted" \ name, {x}`},
		{Name: "instance", Op: "=~", Value: `vulcan|host\d+`},
		{Name: "job", Op: "!=", Value: "node"},
		{Name: "zone", Op: "!~", Value: "é.*"},
	}
	id, err := g.client.MakeSilence(t.Context(), key, silenceOf(want...))
	if err != nil {
		t.Fatal(err)
	}
	silences, err := g.client.Silences(t.Context())
	if err != nil || len(silences) != 1 || silences[0].ID != id || !reflect.DeepEqual(silences[0].Matchers, want) {
		t.Errorf("silences: %+v, %v", silences, err)
	}

	g.post(t,
		alertOf("alertname", "One", "instance", "host12"),
		alertOf("alertname", "Two", "instance", "host12b"),
		alertOf("alertname", "Three", "instance", "host7", "job", "node"),
	)
	covered, err := g.client.Covered(t.Context(), []bot.Matcher{
		{Name: "instance", Op: "=~", Value: `host\d+`}, {Name: "job", Op: "!=", Value: "node"},
	})
	if err != nil || len(covered) != 1 || covered[0].Labels["alertname"] != "One" {
		t.Errorf("covered: %+v, %v", covered, err)
	}
}

func otherReceivers(t *testing.T, g *rig) {
	g.post(t, alertOf("alertname", "Theirs", "team", "other"), alertOf("alertname", "Ours"))
	until(t, "the bot is told", g.inbox.firing("Theirs"))
	until(t, "the bot is told", g.inbox.firing("Ours"))
	if group, _, _ := g.inbox.last("Theirs"); group.Receiver != lookalike {
		t.Errorf("delivered for %q", group.Receiver)
	}
	polled := g.client.Poll(t.Context(), 0)
	if group, _, found := listed(polled, "Theirs"); found {
		t.Errorf("listed as ours: %+v", group)
	}
	if _, _, found := listed(polled, "Ours"); !found {
		t.Errorf("not listed: %+v", polled)
	}
}

func repeated(t *testing.T, g *rig) {
	g.inbox.failNext(2)
	g.post(t, alertOf("alertname", "Stubborn"))
	until(t, "the bot is told", g.inbox.firing("Stubborn"))
	if n := len(g.front.calls()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	if n := g.inbox.told("Stubborn", false); n != 1 {
		t.Errorf("stored %d times", n)
	}
}

func notRepeated(t *testing.T, g *rig) {
	g.front.mu.Lock()
	g.front.refuse = 1
	g.front.mu.Unlock()
	g.post(t, alertOf("alertname", "Refused"))
	until(t, "the bot is told", g.inbox.firing("Refused"))
	calls := g.front.calls()
	if len(calls) != 2 || calls[1].Sub(calls[0]) < 900*time.Millisecond {
		t.Errorf("requests at %v, want the second one flush (1 s) later", calls)
	}
}

func truncated(t *testing.T, g *rig) {
	var many []posted
	for i := range 5 {
		many = append(many, alertOf("alertname", "Many", "team", "many", "instance", fmt.Sprintf("host%d", i)))
	}
	g.post(t, many...)
	until(t, "the bot is told", g.inbox.firing("Many"))
	if group, _, _ := g.inbox.last("Many"); len(group.Alerts) != 2 || group.Truncated != 3 || group.Receiver != cutAt2 {
		t.Errorf("told %d alerts and %d cut, for %q", len(group.Alerts), group.Truncated, group.Receiver)
	}
	if group, _, _ := listed(g.client.Poll(t.Context(), 0), "Many"); len(group.Alerts) != 5 {
		t.Errorf("listed %d alerts, want all", len(group.Alerts))
	}
}

func oddLabels(t *testing.T, g *rig) {
	p := alertOf("alertname", "Odd <&> \"é\" 🚢", "empty", "", "path", `C:\x`, "lines", "a\nb")
	p.Annotations = bot.Labels{"summary": "", "description": "<b>&amp;"}
	g.post(t, p)
	name := p.Labels["alertname"]
	until(t, "the bot is told", g.inbox.firing(name))
	_, alert, _ := g.inbox.last(name)
	want := maps.Clone(p.Labels)
	delete(want, "empty")
	if !maps.Equal(alert.Labels, want) || alert.Fingerprint != alertmanager.Fingerprint(want) {
		t.Errorf("delivered %q (%s), want %q (%s)", alert.Labels, alert.Fingerprint, want, alertmanager.Fingerprint(want))
	}
	_, a, found := listed(g.client.Poll(t.Context(), 0), name)
	if !found || !reflect.DeepEqual(a.Alert, alert) {
		t.Errorf("listed %+v, delivered %+v", a.Alert, alert)
	}
}

func checked(t *testing.T, g *rig) {
	until(t, "it settles", func() error {
		if !g.client.Poll(t.Context(), 0).Settled {
			return errors.New("not settled")
		}
		return nil
	})
	states := map[string]bot.ReadingState{}
	for _, r := range g.client.Check(t.Context(), g.hook) {
		t.Logf("%s = %s (%s) %s", r.What, r.Value, r.State, r.Note)
		_, what, _ := strings.Cut(r.What, ": ")
		states[what] = r.State
	}
	// Alertmanager 0.25 shows the webhook's address, later ones mask it.
	if s := states[`receiver "ops.bot"`]; s != bot.OK && s != bot.Unknown {
		t.Errorf("check finds our receiver %s", s)
	}
	delete(states, `receiver "ops.bot"`)
	if want := (map[string]bot.ReadingState{"": bot.OK, `receiver "cut"`: bot.NotOK, "full view": bot.OK}); !maps.Equal(states, want) {
		t.Errorf("check finds %v, want %v", states, want) // "cut" has max_alerts
	}
}

var pairScenarios = []struct {
	name string
	run  func(*testing.T, *rig)
}{
	{"a pair is one Alertmanager as long as one answers", pairOutlivesOne},
	{"a pair's second peer sends too when the first is not heard", pairSendsTwice},
}

func pairOutlivesOne(t *testing.T, g *rig) {
	p := alertOf("alertname", "Paired", "instance", "vulcan")
	g.post(t, p)
	until(t, "the bot is told", g.inbox.firing("Paired"))
	never(t, "the bot is told twice", func() error {
		if n := g.inbox.told("Paired", false); n < 2 {
			return fmt.Errorf("told %d times", n)
		}
		return nil
	})
	until(t, "it settles", func() error {
		if polled := g.client.Poll(t.Context(), 0); !polled.Settled || len(polled.Groups) != 1 || len(polled.Groups[0].Alerts) != 1 {
			return fmt.Errorf("polled %+v", polled)
		}
		return nil
	})
	id, err := g.client.MakeSilence(t.Context(), key, silenceOf(exactly(p.Labels)...))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "both peers know the silence", func() error {
		if _, a, _ := listed(g.client.Poll(t.Context(), 0), "Paired"); !reflect.DeepEqual(a.SilencedBy, []string{id}) {
			return fmt.Errorf("listed: %+v", a)
		}
		return nil
	})

	g.stop(0)
	polled := g.client.Poll(t.Context(), 0)
	if _, a, found := listed(polled, "Paired"); polled.Failure != "" || polled.Settled || !found || !reflect.DeepEqual(a.SilencedBy, []string{id}) {
		t.Errorf("with one peer: %+v", polled)
	}
	if again, err := g.client.MakeSilence(t.Context(), key, silenceOf(exactly(p.Labels)...)); err != nil || again != id {
		t.Errorf("the other peer made %q for the same key: %v", again, err)
	}
	if err := g.client.EndSilence(t.Context(), id); err != nil {
		t.Error(err)
	}
	g.stop(1)
	polled = g.client.Poll(t.Context(), 0)
	if !strings.Contains(polled.Failure, "cannot be reached") || polled.Settled || polled.Groups != nil {
		t.Errorf("with no peer: %+v", polled)
	}
}

func pairSendsTwice(t *testing.T, g *rig) {
	g.inbox.failNext(4)
	g.post(t, alertOf("alertname", "Doubled"))
	until(t, "the bot is told", g.inbox.firing("Doubled"))
	senders := map[string]bool{}
	until(t, "both have tried", func() error {
		for _, d := range g.inbox.deliveries() {
			senders[d.Group.ExternalURL] = true
		}
		if len(senders) < 2 {
			return fmt.Errorf("only %v sent", senders)
		}
		return nil
	})
}
