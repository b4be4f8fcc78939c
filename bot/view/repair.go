package view

import (
	"strings"

	"watchstander/bot"
)

// What standing approvals do, as the alert's own thread tells it.

// Repairing tells that a standing approval lets something run.
func Repairing(p bot.Proposal) bot.Message {
	return bot.Message{Tone: bot.ToneInfo, Title: bot.Line(bot.B("Repairing by itself"), bot.T(": "+p.Plan.Draft.Summary)),
		Blocks: []bot.Block{bot.Para{Text: bot.Line(bot.T(p.Why))}}, Note: bot.Line(bot.M(string(p.Plan.ID)))}
}

// RepairOver tells what came of it, with the evidence. That the alert is over is
// Alertmanager's to say.
func RepairOver(r bot.Repair, p bot.Proposal, s Style) bot.Message {
	m := bot.Message{Tone: bot.ToneCritical, Note: bot.Line(bot.M(string(p.Plan.ID)))}
	people := true
	switch p.State {
	case bot.Done:
		m.Tone, people = bot.ToneOK, false
		m.Title = bot.Line(bot.B("Repaired by itself"), bot.T(": "+p.Plan.Draft.Summary+". "+p.Why+" The alert fires until Alertmanager says that it is over."))
	case bot.Failed, bot.Undone, bot.UndoFailed, bot.Interrupted:
		m.Title = bot.Line(bot.B("The repair failed"), bot.T(" ("+string(p.State)+"): "+p.Why+" Nothing more is done by itself."))
	default:
		m.Tone = bot.ToneWarning
		m.Title = bot.Line(bot.B("Not repaired by itself"), bot.T(" ("+string(p.State)+"): "+p.Why))
	}
	if items := readingItems(p.Evidence, s); len(items) > 0 {
		m.Blocks = append(m.Blocks, bot.List{Items: items})
	}
	if people {
		m.Blocks = append(m.Blocks, bot.Para{Text: peopleNow(r)})
	}
	return m
}

// NotRepaired tells why a standing approval was not used, and, where people are
// needed, what they can do.
func NotRepaired(r bot.Repair, people bool) bot.Message {
	if !people {
		return bot.Message{Tone: bot.ToneMuted, Title: bot.Line(bot.T("The standing approval "), bot.B(r.Standing), bot.T(" is not used: "+r.Why+"."))}
	}
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("Not repaired by itself"), bot.T(": "+r.Why+".")),
		Blocks: []bot.Block{bot.Para{Text: peopleNow(r)}}}
}

// peopleNow is what people can do where nothing is done by itself.
func peopleNow(r bot.Repair) bot.Text {
	how := "ask for " + string(r.Operation) + " with people's approval"
	if unit := strings.TrimSuffix(r.Arguments.One("unit"), ".service"); r.Operation == "service.restart" && unit != "" {
		how = "`service " + unit + "` and `logs " + unit + "` show how it is, `service restart " + unit + "` asks for a restart that people approve"
	}
	return bot.Quoted("People now: `ack` says that you are on it; " + how + ".")
}

// repairWords is where the newest repair stands, for the root.
func repairWords(r bot.Repair, s Style) bot.Text {
	t := bot.Line(bot.B(r.Standing))
	plan := func() bot.Text { return bot.Line(bot.T(", "), bot.M(string(r.Plan))) }
	switch {
	case !r.Over() && r.Plan == "":
		return append(t, bot.T(", asked of the agent of "+r.Host))
	case !r.Over():
		return append(append(t, bot.T(", under way")), plan()...)
	case r.Plan == "":
		return append(t, bot.T(", not used: "+r.Why))
	case r.State == bot.Done:
		return append(append(t, bot.T(", done and verified "+s.Time(r.EndedAt))), plan()...)
	}
	return append(append(t, bot.T(", "+string(r.State)+" "+s.Time(r.EndedAt))), plan()...)
}
