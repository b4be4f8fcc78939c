package view

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// alertRoot shows a group of alerts: what fires on which instances, since when,
// who is on it, what holds it back, what changed before.
func alertRoot(f bot.ThreadFacts, s Style) bot.Message {
	a := f.Thread.State.Alert
	m := bot.Message{Tone: alertTone(f)}
	m.Title = bot.Line(bot.B(alertHeadline(f)), bot.T(" "+titleName(f)))

	common := commonAnnotations(f)
	if text := common["summary"]; text != "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(text))})
	}
	if text := common["description"]; text != "" && text != common["summary"] {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(text))})
	}
	m.Blocks = append(m.Blocks, bot.Fields{Fields: alertFields(f, s)})
	if items := alertItems(f, s, common); len(items) > 0 {
		m.Blocks = append(m.Blocks, bot.List{Items: items})
	}
	if a.Truncated > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Not the whole list: "),
			bot.T(fmt.Sprintf("Alertmanager left %s out of its notice (max_alerts).", phrase.Count(a.Truncated, "alert", "alerts"))))})
	}
	m.Blocks = append(m.Blocks, changesBefore(f, s)...)
	if links := alertLinks(f); len(links) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: links})
	}
	m.Actions = alertActions(f, s)
	m.Note = idNote(f.Thread)
	return m
}

// alertTone is the worst of what fires unheld; muted when all that fires is
// held back; ok when nothing fires.
func alertTone(f bot.ThreadFacts) bot.Tone {
	switch c := f.Counts; {
	case c.Firing > 0:
		return severityTone(f.Thread.Severity)
	case c.Live() > 0, c.Moved > 0:
		return bot.ToneMuted
	}
	return bot.ToneOK
}

// alertHeadline is the state in a word or two, and the figure.
func alertHeadline(f bot.ThreadFacts) string {
	c, a := f.Counts, f.Thread.State.Alert
	state, n := "", c.Live()
	switch {
	case c.Firing > 0:
		// What is held back is counted among the fields.
		state, n = "FIRING", c.Firing
		if f.Thread.Severity == bot.SeverityCritical {
			state = "CRITICAL"
		}
		if a.Ack != nil {
			state = "ACKED"
		}
	case c.Silenced > 0:
		state = "SILENCED"
	case c.Inhibited > 0:
		state = "INHIBITED"
	case c.Moved > 0:
		state, n = "MOVED", c.Moved
	default:
		state = "RESOLVED"
	}
	if n > 1 || n == 1 && c.Live()+c.Resolved > 1 {
		state += fmt.Sprintf(" ×%d", n)
	}
	return state
}

// titleName adds to the group's name the one instance, where all alerts share it
// and the group does not name it.
func titleName(f bot.ThreadFacts) string {
	a := f.Thread.State.Alert
	name := groupName(a.GroupLabels)
	common := commonLabels(f)
	if a.GroupLabels["alertname"] == "" && common["alertname"] != "" {
		name = common["alertname"] + " (" + name + ")"
	}
	if _, grouped := a.GroupLabels["instance"]; !grouped && common["instance"] != "" {
		name += " on " + common["instance"]
	}
	return name
}

func alertFields(f bot.ThreadFacts, s Style) []bot.Field {
	c, a := f.Counts, f.Thread.State.Alert
	var out []bot.Field
	add := func(name string, value ...bot.Span) { out = append(out, bot.Field{Name: name, Value: value}) }
	add("Severity", bot.T(f.Thread.Severity.String()))
	switch {
	case c.Live() > 0:
		add("Since", bot.T(s.Time(c.Since)))
	case c.Moved > 0:
		add("Goes on", bot.T(fmt.Sprintf("in other threads: since %s Alertmanager groups %s otherwise", s.Time(c.LastEnd), phrase.Count(c.Moved, "of these alerts", "of these alerts"))))
	case !c.LastEnd.IsZero():
		first := firstStart(f)
		add("Resolved", bot.T(s.Time(c.LastEnd)+", after "+phrase.Duration(c.LastEnd.Sub(first))))
	}
	if c.Live() > 0 && (c.Silenced+c.Inhibited+c.Resolved > 0 || c.Firing > 1) {
		add("Alerts", bot.T(c.Words()))
	}
	if c.Doubt > 0 {
		add("In doubt", bot.T(phrase.Count(c.Doubt, "alert was", "alerts were")+" reported again after being resolved; asking Alertmanager"))
	}
	if a.Ack != nil {
		v := bot.Text{bot.B(string(a.Ack.By)), bot.T(", " + s.Time(a.Ack.At))}
		if a.Ack.Comment != "" {
			v = append(v, bot.T(": "+a.Ack.Comment))
		}
		add("Acked by", v...)
	}
	if n := len(a.Repairs); n > 0 {
		add("Repair", repairWords(a.Repairs[n-1], s)...)
	}
	for _, x := range f.Silences {
		v := bot.Text{bot.B(x.CreatedBy), bot.T(", until " + s.Time(x.EndsAt))}
		if comment(x) != "" {
			v = append(v, bot.T(": "+comment(x)))
		}
		add("Silenced by", v...)
	}
	for _, x := range f.Kept {
		add("Silence goes on", bot.B(x.CreatedBy), bot.T(", until "+s.Time(x.EndsAt)+": what it matches fires unheard; "), bot.M("unsilence"), bot.T(" ends it"))
	}
	if a.Host != "" {
		add("Host", bot.T(a.Host))
	}
	if own := sharedLabels(f); own != "" {
		add("Labels", bot.M(own))
	}
	if f.Thread.Former != "" {
		add("Before", bot.M(string(f.Thread.Former)))
	}
	if a.Reopened > 0 {
		add("Fired again", bot.T(phrase.Count(a.Reopened, "time", "times")+" in this thread"))
	}
	return out
}

// sharedLabels are those that all alerts have and nothing else shows.
func sharedLabels(f bot.ThreadFacts) string {
	l := commonLabels(f)
	delete(l, "alertname")
	delete(l, "instance")
	delete(l, "severity")
	for n := range f.Thread.State.Alert.GroupLabels {
		delete(l, n)
	}
	return ownLabels(l, nil, nil)
}

// firstStart is when the episode of the group began: the oldest start that the
// facts hold, or the thread's own opening.
func firstStart(f bot.ThreadFacts) (t time.Time) {
	t = f.Thread.OpenedAt
	for _, e := range f.Episodes {
		if e.Since().Before(t) {
			t = e.Since()
		}
	}
	return t
}

const linkRunbook = "Runbook"

// alertLinks are the runbook, the dashboard and the expression's page, as far as
// the alerts name them.
func alertLinks(f bot.ThreadFacts) bot.Text {
	var out bot.Text
	seen := map[string]bool{}
	add := func(name, address string) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || seen[address] {
			return
		}
		seen[address] = true
		if len(out) > 0 {
			out = append(out, bot.T(" · "))
		}
		out = append(out, bot.L(name, address))
	}
	for _, e := range f.Episodes {
		add(linkRunbook, e.Annotations["runbook_url"])
		add("Dashboard", e.Annotations["dashboard_url"])
		if len(seen) > 4 {
			break
		}
	}
	if len(f.Episodes) > 0 {
		add("Source", f.Episodes[0].GeneratorURL)
	}
	add("Alertmanager", f.Thread.State.Alert.ExternalURL)
	return out
}

// alertActions are the buttons that make sense now.
func alertActions(f bot.ThreadFacts, s Style) []bot.Action {
	if f.Counts.Live() == 0 {
		return nil
	}
	var out []bot.Action
	if f.Thread.State.Alert.Ack == nil {
		out = append(out, ActionAck)
	} else {
		out = append(out, ActionUnack)
	}
	switch {
	case f.Counts.Firing > 0:
		out = append(out, ActionSilence)
		if form := silenceForm(f); s.Buttons && form != nil {
			out = append(out, bot.Action{Name: "silence", Label: "Silence until …", Form: form})
		}
	case len(f.Silences) > 0:
		out = append(out, ActionUnsilence)
	}
	if s.Graphs {
		out = append(out, ActionGraph)
	}
	for _, l := range alertLinks(f) {
		if l.Text == linkRunbook {
			out = append(out, bot.Action{Label: l.Text, URL: l.URL})
			break
		}
	}
	return out
}

// silenceForm asks for how long and why, and tells what would be silenced; nil where a
// silence of the whole group would be refused.
func silenceForm(f bot.ThreadFacts) *bot.Form {
	a := f.Thread.State.Alert
	var matchers []string
	for _, name := range a.GroupLabels.Names() {
		if value := a.GroupLabels[name]; value != "" {
			matchers = append(matchers, bot.Matcher{Name: name, Op: "=", Value: value}.String())
		}
	}
	if len(matchers) == 0 {
		return nil
	}
	return &bot.Form{
		About: fmt.Sprintf("Silences {%s}: of this thread %s now.", strings.Join(matchers, ", "), phrase.Count(f.Counts.Live(), "alert", "alerts")),
		Questions: []bot.Question{
			{Label: "For how long?", Hint: "2h, 3d, until 18:00, until Mon 08:00"},
			{Word: "because", Label: "Why?", Hint: "Alertmanager shows it with the silence.", Optional: true, Long: true},
		},
	}
}

// Offers are the reactions that the bot puts under an alert's root where people
// have only reactions. They stay the same while it fires: taking the own ✅ away
// takes an ack back, so that no other sign is needed for it.
func Offers(s Style) []string {
	out := []string{ActionAck.Emoji, ActionSilence.Emoji}
	if s.Graphs {
		out = append(out, ActionGraph.Emoji)
	}
	return out
}

// The buttons of an alert's thread. Reactions with these emoji give the same
// commands.
var (
	ActionAck     = bot.Action{Name: "ack", Emoji: "✅", Label: "Ack"}
	ActionUnack   = bot.Action{Name: "unack", Emoji: "↩", Label: "Take the ack back"}
	ActionSilence = bot.Action{Name: "silence 1h", Emoji: "🔕", Label: "Silence for 1 h", Choices: []bot.Choice{
		{Name: "silence 30m", Label: "for 30 min"}, {Name: "silence 1h", Label: "for 1 h"}, {Name: "silence 4h", Label: "for 4 h"},
		{Name: "silence 8h", Label: "for 8 h"}, {Name: "silence 1d", Label: "for 1 day"}, {Name: "silence 7d", Label: "for 7 days"},
	}}
	ActionUnsilence = bot.Action{Name: "unsilence", Emoji: "🔔", Label: "End the silence"}
	ActionGraph     = bot.Action{Name: "graph", Emoji: "📈", Label: "Graph"}
)

// ActionFor finds the button that a reaction stands for in a thread.
func ActionFor(t bot.Thread, emoji string) (bot.Action, bool) {
	actions := []bot.Action{ActionAck, ActionUnack, ActionSilence, ActionUnsilence, ActionGraph}
	if st := t.State.Plan; st != nil {
		actions = []bot.Action{ActionApprove, ActionDeny}
		if st.Proposal.State == bot.Confirming {
			actions = []bot.Action{ActionConfirm}
		}
	}
	if t.State.Checklist != nil {
		actions = []bot.Action{ActionRecheck}
	}
	for _, a := range actions {
		if a.Emoji == emoji {
			return a, true
		}
	}
	return bot.Action{}, false
}
