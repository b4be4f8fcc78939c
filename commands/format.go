package commands

import (
	"strings"
	"time"

	"watchstander/bot"
)

// clockText is an instant as people read it in their zone; the year is said
// when it is not the one of now.
func clockText(t time.Time, zone *time.Location, now time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	t = t.In(zone)
	if t.Year() != now.In(zone).Year() {
		return t.Format("Mon 2 Jan 2006 15:04 MST")
	}
	return t.Format("Mon 2 Jan 15:04 MST")
}

// shortThread is as much of a thread's id as people need to type.
func shortThread(id bot.ThreadID) string {
	const enough = len("thr_") + 8
	if len(id) > enough {
		return string(id[:enough])
	}
	return string(id)
}

// shortSilence is as much of a silence's id as people need to type.
func shortSilence(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// title names a thread in one line.
func title(f bot.ThreadFacts) string {
	switch st := f.Thread.State; {
	case st.Alert != nil:
		return groupTitle(f)
	case st.Heartbeat != nil:
		return "Heartbeat " + st.Heartbeat.Name
	case st.Reboot != nil:
		return "After the reboot of " + st.Reboot.Host
	case st.Notice != nil:
		return st.Notice.Title
	case st.Silence != nil:
		return "Silence " + matchersText(st.Silence.Matchers)
	}
	return string(f.Thread.Kind)
}

// groupTitle is "DiskFull (instance=vulcan)".
func groupTitle(f bot.ThreadFacts) string {
	group := f.Thread.State.Alert.GroupLabels
	name := group["alertname"]
	if name == "" && len(f.Episodes) > 0 && f.Counts.Live()+f.Counts.Resolved == 1 {
		name = f.Episodes[0].Name()
	}
	rest := labelsText(group, bot.Labels{"alertname": group["alertname"]})
	switch {
	case name == "" && rest == "":
		return "All alerts"
	case name == "":
		return rest
	case rest == "":
		return name
	}
	return name + " (" + rest + ")"
}

// labelsText lists labels, but for those that are known already.
func labelsText(l, known bot.Labels) string {
	var parts []string
	for _, n := range l.Names() {
		if v, ok := known[n]; !ok || v != l[n] {
			parts = append(parts, n+"="+l[n])
		}
	}
	return strings.Join(parts, ", ")
}

func matchersText(ms []bot.Matcher) string {
	parts := make([]string, len(ms))
	for i, m := range ms {
		parts[i] = m.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// join puts a separator between texts.
func join(parts []bot.Text, between string) bot.Text {
	var out bot.Text
	for i, p := range parts {
		if i > 0 {
			out = append(out, bot.T(between))
		}
		out = append(out, p...)
	}
	return out
}

// lists splits many items into lists that stay readable, and that a chat can
// divide between posts.
func lists(items []bot.Text) []bot.Block {
	const each = 20
	var out []bot.Block
	for len(items) > 0 {
		n := min(each, len(items))
		out = append(out, bot.List{Items: items[:n]})
		items = items[n:]
	}
	return out
}
