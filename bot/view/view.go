// Package view says what a thread shows: it turns the state's facts into
// messages, and decides nothing. Every function is pure; the same facts give
// the same words, on every platform.
//
// Root is what stands at a thread's head and is edited in place: only what is
// true now, with absolute times, since nobody edits a message when a minute has
// passed. The functions in log.go make the replies: what happened, once each.
//
// Neighbours: bot/flow renders with it; the chats turn its messages into their
// platform's form.
package view

import (
	"strings"
	"time"

	"watchstander/bot"
)

// Style is what rendering depends on beside the facts.
type Style struct {
	// Zone that people read times in.
	Zone *time.Location
	// Detail bounds how many alerts, groups and fields are listed: 0 for the
	// usual, more for less. What is left out is counted.
	Detail int
	// Graphs: there is something that can draw them.
	Graphs bool
	// Buttons: the room's platform has them, and forms.
	Buttons bool
}

// Details is the number of levels; a root that does not fit at the last one is
// a fault of the platform's limits.
const Details = 4

// limit is how many of something are listed: a quarter at each level, and none
// at the last for most.
func (s Style) limit(usual int) int { return usual >> (2 * s.Detail) }

// Time is an instant as people read it, in the operator's zone, with its date:
// a message may be read days later.
func (s Style) Time(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.In(s.zone()).Format("Mon 2 Jan 15:04 MST")
}

// Clock is an instant without its date, for log lines, which the platform dates
// itself.
func (s Style) Clock(t time.Time) string {
	return t.In(s.zone()).Format("15:04 MST")
}

// Seconds is an instant among others of the same minutes, in lines that a message
// with its own time holds.
func (s Style) Seconds(t time.Time) string { return t.In(s.zone()).Format("15:04:05") }

func (s Style) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// Root is what stands at the head of a thread now.
func Root(f bot.ThreadFacts, s Style) bot.Message {
	m := root(f, s)
	m.Over = !f.Thread.Open()
	if f.Remade {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.F("The former message of this thread was deleted here; this one takes its place."))})
	}
	return m
}

func root(f bot.ThreadFacts, s Style) bot.Message {
	switch f.Thread.Kind {
	case bot.ThreadAlert:
		return alertRoot(f, s)
	case bot.ThreadHeartbeat:
		return heartbeatRoot(f, s)
	case bot.ThreadSilence:
		return silenceRoot(f, s)
	case bot.ThreadReboot:
		return rebootRoot(f, s)
	case bot.ThreadDigest:
		return digestRoot(f, s)
	case bot.ThreadStorm:
		return stormRoot(f, s)
	case bot.ThreadNotice:
		return noticeRoot(f, s)
	case bot.ThreadPlan:
		return planRoot(f, s)
	case bot.ThreadBrief:
		return briefRoot(f, s)
	case bot.ThreadChecklist:
		return checklistRoot(f, s)
	case bot.ThreadMaintenance:
		return maintenanceRoot(f, s)
	}
	return bot.Message{Title: bot.Line(bot.T(string(f.Thread.Kind)))}
}

// TitleOf names a thread in one line, without its state: for lists and links.
func TitleOf(t bot.Thread) string {
	switch st := t.State; {
	case st.Alert != nil:
		return groupName(st.Alert.GroupLabels)
	case st.Heartbeat != nil:
		return "Heartbeat " + st.Heartbeat.Name
	case st.Silence != nil:
		return "Silence " + matchers(st.Silence.Matchers)
	case st.Reboot != nil:
		return "After the reboot of " + st.Reboot.Host
	case st.Notice != nil:
		return st.Notice.Title
	case st.Plan != nil:
		return st.Plan.Proposal.Plan.Draft.Summary
	case st.Checklist != nil && st.Checklist.Incident != nil:
		return st.Checklist.IncidentName()
	case st.Checklist != nil:
		return st.Checklist.Title
	case st.Maintenance != nil:
		return "Maintenance of " + MaintenanceOf(*st.Maintenance)
	case st.Brief != nil:
		return "Morning brief"
	}
	return string(t.Kind)
}

// groupName is "DiskFull (instance=vulcan, job=node)".
func groupName(l bot.Labels) string {
	var rest []string
	for _, n := range l.Names() {
		if n != "alertname" {
			rest = append(rest, n+"="+l[n])
		}
	}
	name := l["alertname"]
	switch {
	case name == "" && len(rest) == 0:
		return "All alerts"
	case name == "":
		return strings.Join(rest, ", ")
	case len(rest) == 0:
		return name
	}
	return name + " (" + strings.Join(rest, ", ") + ")"
}

func matchers(ms []bot.Matcher) string {
	parts := make([]string, len(ms))
	for i, m := range ms {
		parts[i] = m.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func severityTone(s bot.Severity) bot.Tone {
	switch s {
	case bot.SeverityCritical:
		return bot.ToneCritical
	case bot.SeverityInfo:
		return bot.ToneInfo
	}
	return bot.ToneWarning
}

// idNote is the small print with the thread's id, by which a command outside
// the thread can name it.
func idNote(t bot.Thread, more ...bot.Span) bot.Text {
	return append(bot.Text{bot.M(string(t.ID))}, more...)
}

// Marker stands for what a platform takes in no other form: of an alert it says
// the least that people need, in our own words alone.
func Marker(t bot.Thread) bot.Message {
	m := bot.Message{Over: !t.Open(), Tone: bot.ToneUnknown, Title: bot.Line(bot.T("This message cannot be shown here; ask for "), bot.M("alerts "+string(t.ID)))}
	if t.State.Plan != nil {
		_, word := planState(*t.State.Plan)
		m.Title = bot.Line(bot.B(word), bot.T(": cannot be shown here; ask for "), bot.M("approvals "+string(t.State.Plan.Proposal.Plan.ID)))
	}
	switch run := t.State.Checklist; {
	case run != nil && run.Incident != nil:
		m.Title = bot.Line(bot.T("This incident cannot be shown here; ask for "), bot.M("incident"))
	case run != nil:
		m.Title = bot.Line(bot.T("This checklist cannot be shown here; ask for "), bot.M("checklist "+t.State.Checklist.Name))
	}
	if t.Kind != bot.ThreadAlert {
		return m
	}
	state := "RESOLVED"
	if t.Open() {
		m.Tone, state = severityTone(t.Severity), "FIRING"
		if t.Severity == bot.SeverityCritical {
			state = "CRITICAL"
		}
	}
	m.Title = bot.Line(bot.B(state), bot.T(": cannot be shown here; ask for "), bot.M("alerts "+string(t.ID)))
	return m
}

// comment is a silence's comment without the key at its end, by which the bot
// finds what it made.
func comment(x bot.Silence) string {
	text := strings.TrimSpace(x.Comment)
	if i := strings.LastIndex(text, "[eff_"); i >= 0 && strings.HasSuffix(text, "]") {
		text = strings.TrimSpace(text[:i])
	}
	return text
}
