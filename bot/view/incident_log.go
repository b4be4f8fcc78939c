package view

import (
	"fmt"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// What happened in an incident, once each.

// IncidentOpened tells an alert's thread that an incident was opened from it.
func IncidentOpened(t bot.Thread) bot.Message {
	in := t.State.Checklist.Incident
	return bot.Message{Title: bot.Line(bot.B(t.State.Checklist.IncidentName()+" is open"), bot.T(", "+string(in.Lead)+" leads; its thread has the steps "), bot.M(string(t.ID)))}
}

// IncidentOver tells an alert's thread that its incident was closed.
func IncidentOver(t bot.Thread) bot.Message {
	return bot.Message{Title: bot.Line(bot.B(t.State.Checklist.IncidentName()+" is closed"), bot.T(" "), bot.M(string(t.ID)))}
}

// AlertTurned tells an incident that its alert is over, or fires again.
func AlertTurned(alert bot.Thread) bot.Message {
	m := bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B(TitleOf(alert) + " no longer fires"))}
	if alert.Open() {
		m.Tone = severityTone(alert.Severity)
		m.Title = bot.Line(bot.B(TitleOf(alert)+" fires again"), bot.T(" "), bot.M(string(alert.ID)))
	}
	return m
}

// Leads tells who leads now.
func Leads(in bot.IncidentState, by bot.PersonID) bot.Message {
	t := bot.Line(bot.B(string(in.Lead) + " leads now"))
	if by != in.Lead {
		t = append(t, bot.T(", says "+string(by)))
	}
	return bot.Message{Title: t}
}

// Found tells a finding.
func Found(c bot.Comment) bot.Message {
	return bot.Message{Title: bot.Line(bot.B("Finding"), bot.T(", "+string(c.By)+": "+c.Text))}
}

// ToFollowUp tells what is to be done, and where it will stand; list is the title of the
// checklist that takes it, "" where none can, and next when that comes.
func ToFollowUp(x bot.FollowUp, list string, next time.Time, s Style) bot.Message {
	return bot.Message{Title: bot.Line(bot.B(fmt.Sprintf("Follow-up %d", x.Number)), bot.T(": "+FollowUpWords(x, s))),
		Blocks: []bot.Block{bot.Para{Text: bot.Quoted(whereItGoes(list, next, s))}}}
}

func whereItGoes(list string, next time.Time, s Style) string {
	switch {
	case list == "":
		return "No checklist comes round that could take it: it stands here, and in `incident`."
	case next.IsZero():
		return "It goes into the next " + list + "."
	}
	return "It goes into the " + list + " of " + next.In(s.zone()).Format("Mon 2 Jan") + "."
}

// FollowedUp tells an incident what became of one of its follow-ups.
func FollowedUp(x bot.FollowUp) bot.Message {
	text := " is open again"
	if x.Status != bot.ItemOpen {
		text = " is " + string(x.Status) + " by " + string(x.EndedBy) + reason(x.Reason)
	}
	return bot.Message{Title: bot.Line(bot.B(fmt.Sprintf("Follow-up %d", x.Number)), bot.T(text+": "+x.Text))}
}

// AllStepsDone tells that nothing is left but to close it.
func AllStepsDone() bot.Message {
	return bot.Message{Title: bot.Quoted("No step is left. `incident close because …` ends it; findings and follow-ups can be said after it, too.")}
}

// StillOpen tells that an incident goes on.
func StillOpen(run bot.ChecklistState, now time.Time) bot.Message {
	return bot.Message{Tone: bot.ToneWarning, Title: append(bot.Line(bot.B("Open for "+phrase.Duration(now.Sub(run.Firing))),
		bot.T(fmt.Sprintf(", %s leads, %s left. ", run.Incident.Lead, phrase.Count(run.Left(), "step", "steps")))), bot.Quoted("`incident close because …` ends it.")...)}
}

// IncidentSummary tells how an incident, or a drill, ended.
func IncidentSummary(t bot.Thread, todo []bot.FollowUp, s Style) bot.Message {
	run := *t.State.Checklist
	in := run.Incident
	took := phrase.Duration(t.ClosedAt.Sub(run.Firing))
	by := ", its time was over"
	if in.EndedBy != "" {
		by = ", closed by " + string(in.EndedBy)
	}
	m := bot.Message{Title: bot.Line(bot.B(run.IncidentName()+" took "+took), bot.T(by+reason(in.Why)))}
	m.Tone, _ = incidentState(t)
	left := stepsLeft(run, s)
	if len(left) > 0 && m.Tone == bot.ToneOK {
		m.Tone = bot.ToneMuted
	}
	para := func(head, text string) {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(head), bot.T(": "+text))})
	}
	part := func(head string, items []bot.Text) {
		if len(items) > 0 {
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(head))}, bot.List{Items: items})
		}
	}
	para("What happened", in.What)
	if in.Still != nil {
		para("Fired at the closing", stillWords(*in.Still))
	}
	part("Done", stepsDone(run, s))
	part("Not done", left)
	part("Skipped", stepsSkipped(run, s))
	found := findings(run, 1<<20)
	part("Found", found)
	if len(found) == 0 {
		para("Found", "nothing was written down")
	}
	part("To follow up", followUps(todo, s))
	if len(todo) == 0 {
		para("To follow up", "no follow-ups were written down")
	}
	return m
}
