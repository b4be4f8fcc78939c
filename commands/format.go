package commands

import (
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// clockText is an instant as people read it in their zone; the year is said
// when it is not the one of now.
func clockText(t time.Time, zone *time.Location, now time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return phrase.Moment(t, zone, now)
}

// shortThread is as much of a thread's id as people need to type.
func shortThread(id bot.ThreadID) string {
	const enough = len("thr_") + 8
	if len(id) > enough {
		return string(id[:enough])
	}
	return string(id)
}

// shortSilences is as much of each silence's id as people need to type: what
// tells it from the others, and enough for it to be still alone tomorrow.
func shortSilences(all []bot.Silence) map[string]string {
	const enough = 8
	ids := make([]string, len(all))
	for i, s := range all {
		ids[i] = s.ID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	out := map[string]string{}
	for i, id := range ids {
		n := enough
		if i > 0 {
			n = max(n, common(ids[i-1], id)+1)
		}
		if i+1 < len(ids) {
			n = max(n, common(ids[i+1], id)+1)
		}
		if n < len(id) && id[n-1] == '-' {
			n++ // nothing ends in a dash
		}
		out[id] = id[:min(n, len(id))]
	}
	return out
}

// common is how many bytes two ids begin with alike.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// shortList names the first silences of several.
func shortList(all []bot.Silence) string {
	const most = 5
	short := shortSilences(all)
	var parts []string
	for _, s := range all[:min(most, len(all))] {
		parts = append(parts, "`"+short[s.ID]+"`")
	}
	if len(all) > most {
		parts = append(parts, "…")
	}
	return strings.Join(parts, ", ")
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

// titleInList is the title of a thread in a list, where the severity follows: of
// two groups with one name, it tells where each is.
func titleInList(f bot.ThreadFacts) string {
	a := f.Thread.State.Alert
	if a == nil {
		return title(f)
	}
	shown := withoutSeverity(a.GroupLabels, f.Thread.Severity)
	where := ""
	if !slices.ContainsFunc(whereLabels, func(n string) bool { return shown[n] != "" }) {
		where = whereIs(f)
	}
	if where == "" && len(shown) == len(a.GroupLabels) {
		return title(f)
	}
	state := *a
	state.GroupLabels = shown
	f.Thread.State.Alert = &state
	return title(f) + where
}

// whereLabels are the labels that commonly tell where an alert is.
var whereLabels = []string{"instance", "host", "hostname", "nodename", "node"}

// whereIs is where a group's alerts are: of a single one its label, of several
// the configured host that all of them speak of.
func whereIs(f bot.ThreadFacts) string {
	if len(f.Episodes) == 1 && f.Counts.Live()+f.Counts.Resolved == 1 {
		for _, n := range whereLabels {
			if v := f.Episodes[0].Labels[n]; v != "" {
				return " on " + v
			}
		}
	}
	if host := f.Thread.State.Alert.Host; host != "" {
		return " on " + host
	}
	return ""
}

// withoutSeverity leaves out a label that says what the severity says already.
func withoutSeverity(l bot.Labels, s bot.Severity) bot.Labels {
	if !strings.EqualFold(l["severity"], s.String()) {
		return l
	}
	l = maps.Clone(l)
	delete(l, "severity")
	return l
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
