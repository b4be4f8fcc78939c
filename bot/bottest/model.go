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

// model knows what is true, from Alertmanager alone, and holds every room to it.
// It shares no code with the views: it reads roots as a person would: their first
// word, how many alerts fire, are silenced, are inhibited, and since when.
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
	// lag is the longest that a thread may be behind: a group's interval, two
	// polls, and some air.
	lag time.Duration
}

// observed is what was true of a group at a moment, as far as a root says it.
type observed struct {
	at time.Time
	truth
}

type truth struct {
	state                       string
	firing, silenced, inhibited int
	since                       string // as the root writes it, "" when nothing fires
}

func (o truth) live() int { return o.firing + o.silenced + o.inhibited }

// of reads a root. What it does not say is told by its absence: a single alert
// that fires needs no count.
func (m *model) of(p Post) truth {
	o := truth{state: strings.Fields(p.Message.Title.String())[0]}
	if o.state == "CRITICAL" || o.state == "ACKED" {
		o.state = "FIRING"
	}
	counted := false
	for line := range strings.SplitSeq(p.Text(), "\n") {
		if rest, ok := strings.CutPrefix(line, "Since: "); ok {
			o.since = rest
		}
		rest, ok := strings.CutPrefix(line, "Alerts: ")
		if !ok {
			continue
		}
		counted = true
		for part := range strings.SplitSeq(rest, ", ") {
			var n int
			var what string
			if _, err := fmt.Sscanf(part, "%d %s", &n, &what); err != nil {
				m.p.fail("the model cannot read %q", line)
			}
			switch what {
			case "firing":
				o.firing = n
			case "silenced":
				o.silenced = n
			case "inhibited":
				o.inhibited = n
			}
		}
	}
	if !counted && o.state == "FIRING" {
		o.firing = 1
	}
	return o
}

func newModel(p *player) *model {
	return &model{p: p, history: map[string][]observed{}, lag: 2*time.Minute + 2*p.config.Alertmanagers[0].Poll}
}

// observe notes what is true now.
func (m *model) observe() {
	if m.off {
		return
	}
	now := time.Now()
	if m.p.stop == nil || m.p.chat.isDown() {
		m.blind = now.Add(m.lag)
	}
	w := httptest.NewRecorder()
	m.p.am.ServeHTTP(w, httptest.NewRequestWithContext(m.p.t.Context(), http.MethodGet, "/api/v2/alerts", nil))
	var alerts []struct {
		Labels   bot.Labels
		StartsAt time.Time
		Status   struct {
			State                   string
			SilencedBy, InhibitedBy []string
		}
	}
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &alerts) != nil {
		m.blind = now.Add(m.lag)
		return
	}
	seen, starts := map[string]*truth{}, map[string]time.Time{}
	for title := range m.history {
		seen[title] = &truth{}
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
			seen[title] = &truth{}
		}
		if s := starts[title]; s.IsZero() || a.StartsAt.Before(s) {
			starts[title] = a.StartsAt
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
		c.state = "RESOLVED"
		switch {
		case c.firing > 0:
			c.state = "FIRING"
		case c.silenced > 0:
			c.state = "SILENCED"
		case c.inhibited > 0:
			c.state = "INHIBITED"
		}
		if c.live() > 0 {
			c.since = starts[title].In(m.p.config.Zone).Format("Mon 2 Jan 15:04 MST")
		}
		h := append(m.history[title], observed{now, *c})
		// Of what is older than the lag, the newest is still what was true then.
		for len(h) > 1 && h[1].at.Before(now.Add(-m.lag)) {
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
	for _, room := range m.p.config.Rooms {
		m.checkRoom(room.ID)
	}
}

func (m *model) checkRoom(room bot.RoomID) {
	newest, all := map[string]Post{}, map[string][]Post{}
	for _, r := range m.p.roots() {
		title := r.Message.Title.String()
		for name := range m.history {
			if _, rest, ok := strings.Cut(title, " "+name); r.Room == room && ok && (rest == "" || strings.HasPrefix(rest, " on ")) {
				newest[name] = r
				all[name] = append(all[name], r)
			}
		}
	}
	for name, posts := range all {
		// Of several roots of one group the earlier ones are over.
		for _, post := range posts[:len(posts)-1] {
			if says := m.of(post); says.state != "RESOLVED" {
				m.p.fail("the model: %s in room %s has a newer root, and this one says %s: %s", name, room, says.state, post.ID)
			}
		}
	}
	for name, h := range m.history {
		post, shown := newest[name]
		if !shown {
			// Where there are several rooms, the routes say which shows what.
			if len(m.p.config.Rooms) == 1 && always(h, "FIRING", m.lag) && !m.p.config.QuietHours.Holds(bot.SeverityWarning) {
				m.p.fail("the model: %s has fired for %s, and has no thread", name, m.lag)
			}
			continue
		}
		says := m.of(post)
		if !slices.ContainsFunc(h, func(o observed) bool { return o.truth == says }) {
			m.p.fail("the model: %s in room %s says %+v, which was not true in the last %s: %s", name, room, says, m.lag, states(h))
		}
	}
}

func always(h []observed, state string, lag time.Duration) bool {
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
		if s := fmt.Sprintf("%+v", o.truth); len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}
