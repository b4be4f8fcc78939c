package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// mostShown is how many letters of somebody's words a root shows; the log has all.
const mostShown = 300

// incidentRoot shows an incident, or a drill: who leads, what comes next, how long each
// step took, what was found and what is to be done.
func incidentRoot(f bot.ThreadFacts, s Style) bot.Message {
	run := *f.Thread.State.Checklist
	in := run.Incident
	tone, word := incidentState(f.Thread)
	m := bot.Message{Tone: tone, Note: idNote(f.Thread)}
	m.Title = bot.Line(bot.B(word), bot.T(": "+run.IncidentName()+": "+cut(strings.TrimRight(in.What, "."), mostShown)))
	m.Blocks = append(m.Blocks, bot.Fields{Fields: incidentFields(f.Thread, s)})
	list := func(head string, items []bot.Text, most int) {
		if len(items) == 0 {
			return
		}
		if more := len(items) - most; more > 0 {
			items = append(slices.Clone(items[:most]), bot.Line(bot.F(fmt.Sprintf("and %d more", more))))
		}
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(head))}, bot.List{Items: items})
	}
	left := stepsLeft(run, s)
	if f.Thread.Open() {
		list("Next", left, max(s.limit(40), 5))
	}
	list("Done", stepsDone(run, s), max(s.limit(40), 3))
	if !f.Thread.Open() {
		list("Not done", left, max(s.limit(40), 5))
	}
	list("Skipped", stepsSkipped(run, s), max(s.limit(20), 2))
	list("Found", findings(run, mostShown), max(s.limit(20), 2))
	list("To follow up", followUps(f.FollowUps, s), max(s.limit(20), 3))
	m.Blocks = append(m.Blocks, changesBefore(f, s)...)
	if f.Thread.Open() {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Quoted("Say here `done 1`, `skip 1 because …`, `finding …`, `followup … for NAME by DAY`, `incident lead NAME`, `incident close because …`; `checklist 1` tells all of a step.")})
	}
	m.Actions = runActions(f.Thread, s)
	return m
}

// incidentState is an incident in a word or two. What fired at its closing is told as
// what was then: nobody edits it when that changes.
func incidentState(t bot.Thread) (bot.Tone, string) {
	in := t.State.Checklist.Incident
	switch {
	case t.Open() && t.Severity == bot.SeverityUnknown:
		return bot.ToneWarning, "OPEN"
	case t.Open() && t.Severity == bot.SeverityInfo:
		return bot.ToneInfo, "OPEN"
	case t.Open():
		return severityTone(t.Severity), "OPEN, " + strings.ToUpper(t.Severity.String())
	case in.Still == nil:
		return bot.ToneMuted, "CLOSED"
	case in.Still.Alerts > 0:
		return bot.ToneWarning, "CLOSED WITH " + strings.ToUpper(phrase.Count(in.Still.Alerts, "alert", "alerts")) + " STILL FIRING"
	case in.Still.Unknown != "":
		return bot.ToneUnknown, "CLOSED, WHETHER ALERTS FIRED IS UNKNOWN"
	}
	return bot.ToneOK, "CLOSED"
}

// incidentActions are the buttons where there are some. Closing asks why, so that no slip
// of a thumb does it.
func incidentActions(done bot.Action) []bot.Action {
	form := func(name, label string, questions ...bot.Question) bot.Action {
		return bot.Action{Name: name, Label: label, Form: &bot.Form{Questions: questions}}
	}
	var out []bot.Action
	if len(done.Choices) > 0 {
		out = []bot.Action{done, actionSkip()}
	}
	return append(out,
		form("finding", "Finding …", bot.Question{Label: "What was found?", Long: true}),
		form("followup", "Follow-up …", bot.Question{Label: "What is to be done?", Long: true},
			bot.Question{Word: "for", Label: "Who does it?", Hint: "a name, or me", Optional: true}, bot.Question{Word: "by", Label: "By when?", Hint: "a day, as friday or 2026-12-24", Optional: true}),
		form("incident close", "Close …", bot.Question{Word: "because", Label: "Why is it over?", Hint: "The summary begins with it.", Long: true}),
		ActionRecheck)
}

func incidentFields(t bot.Thread, s Style) []bot.Field {
	run := t.State.Checklist
	in := run.Incident
	field := func(name string, value ...bot.Span) bot.Field {
		return bot.Field{Name: name, Value: bot.Line(value...)}
	}
	opened := s.Time(run.Firing)
	if in.By != in.Lead {
		opened += ", opened by " + string(in.By)
	}
	out := []bot.Field{field("Since", bot.T(opened)), field("Leads", bot.B(string(in.Lead)))}
	if in.About != "" {
		out = append(out, field("Alert", bot.T(in.AboutTitle+" "), bot.M(string(in.About))))
	}
	switch {
	case !t.Open():
		out = append(out, field("Closed", bot.T(s.Time(t.ClosedAt)+", after "+phrase.Duration(t.ClosedAt.Sub(run.Firing)))))
		if in.Still != nil {
			out = append(out, field("Fired at the closing", bot.T(stillWords(*in.Still))))
		}
	case !run.Until.IsZero():
		out = append(out, field("Ends by itself", bot.T(s.Time(run.Until))))
	}
	switch {
	case !run.MeasuredAt.IsZero():
		out = append(out, field("Evidence of", bot.T(s.Time(run.MeasuredAt))))
	case run.Measuring != "" && t.Open():
		out = append(out, field("Evidence", bot.T("being looked at")))
	}
	return out
}

// stillWords is "2 alerts: DiskFull, Slow", "no alert", or why that is unknown.
func stillWords(x bot.Still) string {
	text := "no alert"
	if x.Alerts > 0 {
		text = phrase.Count(x.Alerts, "alert", "alerts") + ": " + strings.Join(x.Names, ", ")
	}
	switch {
	case x.Unknown == "":
	case x.Alerts == 0:
		text = "unknown: " + x.Unknown
	default:
		text += "; whether that is all is unknown: " + x.Unknown
	}
	if x.Others > 0 {
		text += "; elsewhere " + phrase.Count(x.Others, "other fires", "others fire")
	}
	return text
}

// step is a step that is done.
type step struct {
	item        bot.ItemState
	since, last time.Duration // from the beginning, and from the step before
}

// steps are those that are done, in the order in which they were.
func steps(run bot.ChecklistState) []step {
	var out []step
	for _, x := range run.Items {
		if x.Status == bot.ItemDone {
			out = append(out, step{item: x, since: x.At.Sub(run.Firing)})
		}
	}
	slices.SortStableFunc(out, func(a, b step) int { return cmp.Compare(a.since, b.since) })
	for i := range out {
		out[i].last = out[i].since
		if i > 0 {
			out[i].last -= out[i-1].since
		}
	}
	return out
}

// stepTook tells how long a step took that is done now.
func stepTook(run bot.ChecklistState, number int) []bot.Block {
	for _, l := range steps(run) {
		if l.item.Number == number {
			return []bot.Block{bot.Para{Text: bot.Line(bot.T("At " + phrase.Duration(l.since) + " from the beginning, " + phrase.Duration(l.last) + " after the step before."))}}
		}
	}
	return nil
}

// stepsDone are the steps with who did them, when, and how long each took.
func stepsDone(run bot.ChecklistState, s Style) (out []bot.Text) {
	for _, l := range steps(run) {
		by := string(l.item.By)
		if by == "" {
			by = "by its evidence"
		}
		t := bot.Line(bot.B(fmt.Sprintf("%d.", l.item.Number)), bot.T(" "+l.item.Item.Task+": "+by+reason(l.item.Reason)+", at "+phrase.Duration(l.since)+", took "+phrase.Duration(l.last)))
		if l.item.Verdict == bot.NotOK {
			t = append(append(t, bot.T(" · ")), evidence(l.item, s)...)
		}
		out = append(out, t)
	}
	return out
}

// stepsLeft are those that nobody has dealt with, and then the deferred ones.
func stepsLeft(run bot.ChecklistState, s Style) []bot.Text {
	return append(stepsThat(run, bot.ItemOpen, s), stepsThat(run, bot.ItemDeferred, s)...)
}

func stepsSkipped(run bot.ChecklistState, s Style) []bot.Text {
	return stepsThat(run, bot.ItemSkipped, s)
}

func stepsThat(run bot.ChecklistState, are bot.ItemStatus, s Style) (out []bot.Text) {
	for _, x := range run.Items {
		if x.Status == are {
			x.Item.Person = "" // why a person is needed is no help now
			out = append(out, itemLine(x, s))
		}
	}
	return out
}

// findings are what was found, and what was said of single steps, each with at most so
// many letters.
func findings(run bot.ChecklistState, most int) (out []bot.Text) {
	for _, c := range run.Incident.Findings {
		out = append(out, bot.Line(bot.B(string(c.By)), bot.T(": "+cut(c.Text, most))))
	}
	for _, x := range run.Items {
		for _, c := range x.Comments {
			out = append(out, bot.Line(bot.B(string(c.By)), bot.T(fmt.Sprintf(", of step %d: %s", x.Number, cut(c.Text, most)))))
		}
	}
	return out
}

func followUps(all []bot.FollowUp, s Style) (out []bot.Text) {
	for _, x := range all {
		t := bot.Line(bot.B(fmt.Sprintf("%d.", x.Number)), bot.T(" "+FollowUpWords(x, s)))
		switch x.Status {
		case bot.ItemDone, bot.ItemSkipped:
			t = append(t, bot.T(": "+string(x.Status)+" by "+string(x.EndedBy)+reason(x.Reason)))
		}
		out = append(out, t)
	}
	return out
}

// FollowUpWords is "Order a disk (bob, by Fri 7 Jan)"; what nobody said is said, too.
func FollowUpWords(x bot.FollowUp, s Style) string {
	who, when := "nobody's yet", "no date"
	if x.Owner != "" {
		who = string(x.Owner)
	}
	if !x.Due.IsZero() {
		when = "by " + x.Due.In(s.zone()).Format("Mon 2 Jan")
	}
	return x.Text + " (" + who + ", " + when + ")"
}

// FollowUpOrigin is "of Incident wiki, Fri 31 Dec, by Fri 7 Jan".
func FollowUpOrigin(x bot.FollowUp, s Style) string {
	text := "of " + x.OriginTitle + ", " + x.At.In(s.zone()).Format("Mon 2 Jan")
	if !x.Due.IsZero() {
		text += ", by " + x.Due.In(s.zone()).Format("Mon 2 Jan")
	}
	return text
}
