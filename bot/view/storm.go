package view

import (
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// stormRoot lists what a room is behind with: every group, the worst first, by
// severity with counts. Groups of one alert name share a line, so that all of
// them are named even when there are hundreds. Where a platform's post does not
// hold that, names that differ in a number alone are written as ranges; and where
// that does not do, it is told how many are counted and not named.
func stormRoot(f bot.ThreadFacts, s Style) bot.Message {
	st := f.Thread.State.Storm
	m := bot.Message{Note: idNote(f.Thread)}
	if !f.Thread.Open() {
		m.Tone = bot.ToneOK
		m.Title = bot.Line(bot.B("STORM OVER"), bot.T(": every group has its thread, or its line in the digest"))
		m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T(fmt.Sprintf("It began %s and ended %s; at most %s at once.",
			s.Time(f.Thread.OpenedAt), s.Time(f.Thread.ClosedAt), phrase.Count(st.Peak, "thread waited", "threads waited"))))}}
		return m
	}
	bySeverity := map[bot.Severity][]bot.ThreadFacts{}
	var over []bot.ThreadFacts
	for _, g := range f.Gathered {
		if g.Thread.Kind == bot.ThreadAlert && g.Counts.Live() == 0 {
			over = append(over, g)
			continue
		}
		bySeverity[g.Thread.Severity] = append(bySeverity[g.Thread.Severity], g)
	}
	m.Tone = bot.ToneOK
	l := stormList{style: s, left: stormRoom[min(s.Detail, len(stormRoom)-1)]}
	section := func(title string, groups []bot.ThreadFacts) {
		if len(groups) > 0 {
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(title + ": " + phrase.Count(len(groups), "group", "groups")))}, bot.List{Items: l.items(groups)})
		}
	}
	for _, sev := range []bot.Severity{bot.SeverityCritical, bot.SeverityWarning, bot.SeverityUnknown, bot.SeverityInfo} {
		if len(bySeverity[sev]) > 0 && m.Tone == bot.ToneOK {
			m.Tone = severityTone(sev)
		}
		section(sev.String(), bySeverity[sev])
	}
	section("resolved", over)
	how := "all of them, as they are now"
	if l.unnamed > 0 {
		how = fmt.Sprintf("%d of them by name, as they are now", len(f.Gathered)-l.unnamed)
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.F(fmt.Sprintf("%d of them are only counted here: one message does not hold more; ", l.unnamed)), bot.M("alerts"), bot.F(" lists those that fire."))})
	}
	m.Title = bot.Line(bot.B("STORM"), bot.T(fmt.Sprintf(": %s wait for this room's pace; %s", phrase.Count(len(f.Gathered), "thread", "threads"), how)))
	return m
}

// stormRoom is how many bytes the list may have at each level of detail. What is
// worst takes its part first.
var stormRoom = []int{1 << 20, 1 << 20, 5000, 1000}

// stormFrame is more than what a platform needs around one line.
const stormFrame = 160

// stormList writes the lines of a storm, as long as there is room.
type stormList struct {
	style   Style
	left    int // bytes
	unnamed int // groups that are counted alone
}

// items are the lines of one section; the names with most groups come first.
func (l *stormList) items(groups []bot.ThreadFacts) []bot.Text {
	type bucket struct {
		name   string
		groups []bot.ThreadFacts
	}
	var buckets []*bucket
	index := map[string]*bucket{}
	for _, g := range groups {
		name := TitleOf(g.Thread)
		if a := g.Thread.State.Alert; a != nil && a.GroupLabels["alertname"] != "" {
			name = a.GroupLabels["alertname"]
		}
		b := index[name]
		if b == nil {
			b = &bucket{name: name}
			index[name], buckets = b, append(buckets, b)
		}
		b.groups = append(b.groups, g)
	}
	slices.SortStableFunc(buckets, func(a, b *bucket) int { return len(b.groups) - len(a.groups) })
	short := l.style.Detail > 0
	var items []bot.Text
	var single []string // in the short form
	for i, b := range buckets {
		if len(b.groups) == 1 && short {
			single = append(single, TitleOf(b.groups[0].Thread))
			continue
		}
		if len(b.groups) == 1 {
			items = append(items, GroupLine(b.groups[0], l.style))
			continue
		}
		head := fmt.Sprintf("%s ×%d", b.name, len(b.groups))
		if l.left < stormFrame+len(head) {
			n := 0
			for _, rest := range buckets[i:] {
				n += len(rest.groups)
			}
			l.unnamed += n
			return append(items, bot.Line(bot.F(fmt.Sprintf("and %d more", n))))
		}
		l.left -= stormFrame + len(head)
		var which []string
		for _, g := range b.groups {
			which = append(which, restOfGroup(g))
		}
		items = append(items, bot.Line(bot.B(head), bot.T(": "+l.names(which))))
	}
	if len(single) > 0 {
		l.left -= stormFrame
		items = append(items, bot.Line(bot.T(l.names(single))))
	}
	return items
}

// names writes as many names as there is room for, and counts the others.
func (l *stormList) names(all []string) string {
	if l.style.Detail == 0 {
		return strings.Join(all, ", ")
	}
	var out []string
	done := 0
	for _, r := range ranges(all) {
		if l.left -= len(r.text) + 2; l.left < 0 {
			break
		}
		out, done = append(out, r.text), done+r.names
	}
	if n := len(all) - done; n > 0 {
		l.unnamed += n
		out = append(out, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(out, ", ")
}

// restOfGroup tells groups of one alert name apart.
func restOfGroup(g bot.ThreadFacts) string {
	a := g.Thread.State.Alert
	if a == nil {
		return string(g.Thread.ID)
	}
	var parts []string
	for _, n := range a.GroupLabels.Names() {
		if n != "alertname" {
			parts = append(parts, a.GroupLabels[n])
		}
	}
	if len(parts) == 0 {
		return a.Receiver
	}
	return strings.Join(parts, "/")
}
