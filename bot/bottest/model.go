package bottest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// model knows what is true, from Alertmanager alone, and holds the rooms to it.
// It shares no code with the views: it reads roots as a person would, by their
// first word.
//
// A root may lag by what notices and polls take (lag), and no more: what it says
// must have been true at some moment of that time.
type model struct {
	p   *player
	off bool
	// history of each group's state, by its title's beginning.
	history map[string][]observed
	// blind: until then nothing is demanded (the bot, the chat or Alertmanager
	// was away).
	blind time.Time
}

type observed struct {
	at    time.Time
	state string
	live  int
}

// lag is the longest that a thread may be behind: a group's interval, two polls,
// and some air.
const lag = 3 * time.Minute

func newModel(p *player) *model {
	return &model{p: p, history: map[string][]observed{}}
}

// observe notes what is true now.
func (m *model) observe() {
	if m.off {
		return
	}
	now := time.Now()
	if m.p.stop == nil || m.p.chat.isDown() {
		m.blind = now.Add(lag)
	}
	w := httptest.NewRecorder()
	m.p.am.ServeHTTP(w, httptest.NewRequestWithContext(m.p.t.Context(), http.MethodGet, "/api/v2/alerts", nil))
	var alerts []struct {
		Labels bot.Labels
		Status struct {
			State                   string
			SilencedBy, InhibitedBy []string
		}
	}
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &alerts) != nil {
		m.blind = now.Add(lag)
		return
	}
	type counts struct{ firing, silenced, inhibited int }
	seen := map[string]*counts{}
	for title := range m.history {
		seen[title] = &counts{}
	}
	for _, a := range alerts {
		if a.Labels["alertname"] == "Watchdog" || a.Labels["severity"] == "info" {
			continue
		}
		title := a.Labels["alertname"]
		if c := a.Labels["cluster"]; c != "" {
			title += " (cluster=" + c + ")"
		}
		if seen[title] == nil {
			seen[title] = &counts{}
		}
		switch {
		case len(a.Status.SilencedBy) > 0:
			seen[title].silenced++
		case len(a.Status.InhibitedBy) > 0:
			seen[title].inhibited++
		default:
			seen[title].firing++
		}
	}
	for title, c := range seen {
		state := "RESOLVED"
		switch {
		case c.firing > 0:
			state = "FIRING"
		case c.silenced > 0:
			state = "SILENCED"
		case c.inhibited > 0:
			state = "INHIBITED"
		}
		h := append(m.history[title], observed{now, state, c.firing + c.silenced + c.inhibited})
		// Of what is older than the lag, the newest is still what was true then.
		for len(h) > 1 && h[1].at.Before(now.Add(-lag)) {
			h = h[1:]
		}
		m.history[title] = h
	}
}

// check holds every root of an alert's thread to what was true lately, and
// demands a root of whatever has fired for long.
func (m *model) check() {
	if m.off || time.Now().Before(m.blind) || m.p.stop == nil {
		return
	}
	newest := map[string]Post{}
	for _, r := range m.p.roots() {
		title := r.Message.Title.String()
		for name := range m.history {
			if _, rest, ok := strings.Cut(title, " "+name); ok && (rest == "" || strings.HasPrefix(rest, " on ")) {
				newest[name] = r
			}
		}
	}
	for name, h := range m.history {
		post, shown := newest[name]
		if !shown {
			if always(h, "FIRING") && !m.p.config.QuietHours.Holds(bot.SeverityWarning) {
				m.p.fail("the model: %s has fired for %s, and has no thread", name, lag)
			}
			continue
		}
		says := strings.Fields(post.Message.Title.String())[0]
		if says == "CRITICAL" || says == "ACKED" {
			says = "FIRING"
		}
		if !slices.ContainsFunc(h, func(o observed) bool { return o.state == says }) {
			m.p.fail("the model: %s says %s, which was not true in the last %s: %s", name, says, lag, states(h))
		}
	}
}

func always(h []observed, state string) bool {
	for _, o := range h {
		if o.state != state {
			return false
		}
	}
	return len(h) > 0 && time.Since(h[0].at) >= lag
}

func states(h []observed) string {
	var out []string
	for _, o := range h {
		if s := fmt.Sprintf("%s ×%d", o.state, o.live); len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}
