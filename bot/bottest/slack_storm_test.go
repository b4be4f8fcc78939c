package bottest

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSlackStorm fires 500 groups in a minute into one channel that takes a message a
// second: the first critical one is visible within 5 s, all within 15 s through the storm
// message, and each gets one thread at the channel's pace.
func TestSlackStorm(t *testing.T) {
	for _, c := range []struct {
		name string
		form string // of what tells the groups apart
		end  bool   // it is watched until it is over
	}{
		{"short names", "edge-%03d", true},
		{"long names", "kubernetes-worker-%03d.eu-central-1.compute.internal", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorkspace(t, workspaceOptions{}, func(w *workspace) { storm(w, c.form, c.end && !testing.Short()) })
		})
	}
}

func storm(w *workspace, form string, end bool) {
	const groups = 500
	t := w.t
	w.pass(5 * time.Second)
	type sight struct {
		severity     string
		fired, named time.Time
	}
	all := map[string]*sight{}
	look := func() {
		shown := w.visible()
		for name, s := range all {
			if s.named.IsZero() && shown[name] {
				s.named = time.Now()
			}
		}
	}
	began := time.Now()
	for i := range groups {
		name, severity, alert := fmt.Sprintf(form, i), "warning", "Flood"
		switch {
		case i%50 == 10:
			severity, alert = "critical", "Outage"
		case i%10 == 1:
			severity, alert = "info", "Chatter"
		}
		all[name] = &sight{severity: severity, fired: time.Now()}
		w.fire(alert, name, severity)
		w.pass(time.Minute / groups)
		if i%25 == 24 {
			look()
		}
	}
	for range 15 {
		w.pass(time.Second)
		look()
	}
	worst, first := time.Duration(0), time.Hour
	for name, s := range all {
		if s.named.IsZero() {
			t.Errorf("%s is not visible %s after it fired", name, time.Since(s.fired))
			continue
		}
		worst = max(worst, s.named.Sub(s.fired))
		if s.severity == "critical" {
			first = min(first, s.named.Sub(s.fired))
		}
	}
	if first > 5*time.Second || worst > 15*time.Second {
		t.Errorf("the first critical group is visible after %s, the last of all after %s", first, worst)
	}
	t.Logf("the first critical group visible after %s, the last of %d after %s", first, groups, worst)
	message, _ := w.fake.Find(opsChannel, "STORM")
	told, _ := w.fake.Message(message)
	t.Log(told.Text)
	if !end || t.Failed() {
		w.sound()
		return
	}
	w.pass(12 * time.Minute)
	// Nothing is lost, and no root comes twice: by what people read, and by the keys.
	titles, keys, storms := map[string]int{}, map[any]int{}, 0
	for _, r := range w.roots(opsChannel) {
		keys[r.Metadata["event_payload"].(map[string]any)["key"]]++
		if strings.Contains(title(r), "STORM") {
			if storms++; !strings.Contains(title(r), "STORM OVER") {
				t.Errorf("the storm is not over: %s", title(r))
			}
			continue
		}
		titles[title(r)]++
	}
	for name, s := range all {
		want := map[string]string{"critical": "🔴 CRITICAL Outage", "warning": "🟠 FIRING Flood", "info": "🔵 FIRING Chatter"}[s.severity] + " (cluster=" + name + ")"
		if titles[want] != 1 {
			t.Errorf("there are %d roots %q", titles[want], want)
		}
	}
	if len(titles) != groups || storms != 1 || len(keys) != groups+storms {
		t.Errorf("%d titles, %d storm messages, %d keys", len(titles), storms, len(keys))
	}
	if n := w.fake.MostPerSecond(opsChannel, w.config.Chats[0].Slack.Burst); n > 1 {
		t.Errorf("%d posts within a second", n)
	}
	if n := w.mostPerSecond(opsChannel, w.config.Chats[0].Slack.Burst); n > 1 {
		t.Errorf("%d posts and edits within a second", n)
	}
	limited := w.limited()
	if len(limited) > 0 {
		t.Errorf("Slack had to refuse: %v", limited)
	}
	w.sound()
	t.Logf("all have threads %s after the first fired", w.lastRoot(opsChannel).Sub(began).Round(time.Second))
}

var inBrackets = regexp.MustCompile(`([^ ,:\n]*)\[([0-9,-]+)\]([^ ,\n]*)`)

// visible are the clusters that the channel names now, in a root of their own or in the
// storm message, as an administrator reads it: "edge-[001-003,007]".
func (w *workspace) visible() map[string]bool {
	shown := map[string]bool{}
	for _, r := range w.roots(opsChannel) {
		if _, after, found := strings.Cut(title(r), "cluster="); found {
			shown[strings.TrimSuffix(after, ")")] = true
			continue
		}
		for _, m := range inBrackets.FindAllStringSubmatch(r.Text, -1) {
			for part := range strings.SplitSeq(m[2], ",") {
				from, to, _ := strings.Cut(part, "-")
				a, _ := strconv.Atoi(from)
				b, err := strconv.Atoi(to)
				if err != nil {
					b = a
				}
				for n := a; n <= b; n++ {
					shown[fmt.Sprintf("%s%0*d%s", m[1], len(from), n, m[3])] = true
				}
			}
		}
		for _, word := range strings.FieldsFunc(inBrackets.ReplaceAllString(r.Text, ""), func(c rune) bool { return strings.ContainsRune(" ,()\n=", c) }) {
			shown[word] = true
		}
	}
	return shown
}

// mostPerSecond counts what the bot asked of a channel in any second after the first
// skip calls: posts and edits together.
func (w *workspace) mostPerSecond(channel string, skip int) int {
	var at []time.Time
	for _, c := range w.fake.Calls() {
		if strings.HasPrefix(c.Method, "chat.") && c.Channel == channel {
			at = append(at, c.At)
		}
	}
	at = at[min(skip, len(at)):]
	most, from := 0, 0
	for i := range at {
		for at[i].Sub(at[from]) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// lastRoot is when the newest message in the channel itself was taken.
func (w *workspace) lastRoot(channel string) (at time.Time) {
	for _, c := range w.fake.Calls() {
		if c.Method == "chat.postMessage" && c.Channel == channel && c.Status == http.StatusOK {
			at = c.At
		}
	}
	return at
}
