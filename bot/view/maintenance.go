package view

import (
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// MaintenanceOf names what a maintenance is of.
func MaintenanceOf(x bot.MaintenanceState) string {
	if x.Host != "" {
		return x.Host
	}
	return matchers(x.Matchers)
}

func maintenanceRoot(f bot.ThreadFacts, s Style) bot.Message {
	x := *f.Thread.State.Maintenance
	m := bot.Message{Tone: bot.ToneMuted, Note: idNote(f.Thread)}
	word := "MAINTENANCE"
	if !f.Thread.Open() {
		word = "MAINTENANCE ENDED"
	}
	switch {
	case f.Thread.Open() && x.Silence == "" && x.Trouble != "", !f.Thread.Open() && x.Silence != "" && x.Trouble != "", x.Still != nil && x.Still.Alerts > 0:
		m.Tone = bot.ToneWarning
	case f.Thread.Open():
	case x.Still == nil || x.Unsure:
		m.Tone = bot.ToneUnknown
	default:
		m.Tone = bot.ToneOK
	}
	m.Title = bot.Line(bot.B(word), bot.T(" "+MaintenanceOf(x)+": "+x.Reason))
	fields := []bot.Field{
		{Name: "By", Value: bot.Line(bot.T(string(x.By)))},
		{Name: "Since", Value: bot.Line(bot.T(s.Time(x.Since)))},
	}
	field := func(name, text string) {
		fields = append(fields, bot.Field{Name: name, Value: bot.Line(bot.T(text))})
	}
	if f.Thread.Open() {
		field("Until", s.Time(x.Until))
	} else {
		field("Ended", s.Time(x.EndedAt)+", after "+phrase.Duration(x.EndedAt.Sub(x.Since))+endedBy(x))
	}
	fields = append(fields, bot.Field{Name: "Scope", Value: bot.Line(bot.M(matchers(x.Matchers)))})
	field("Silence", silenceOf(f.Thread, s))
	if f.Thread.Open() {
		field("Covers, as last told", coveredWords(x.Covers, "unknown until Alertmanager answers"))
	} else {
		field("Still firing", coveredWords(x.Still, "unknown until Alertmanager answers"))
	}
	m.Blocks = []bot.Block{bot.Fields{Fields: fields}}
	if len(x.Ran) > 0 {
		shown := x.Ran[max(0, len(x.Ran)-max(s.limit(bot.MaintenanceRan), 3)):]
		var items []bot.Text
		if more := len(x.Ran) - len(shown) + x.RanMore; more > 0 {
			items = append(items, bot.Line(bot.F(fmt.Sprintf("%d before these", more))))
		}
		for _, r := range shown {
			items = append(items, ranLine(r, s))
		}
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("What ran in it"))}, bot.List{Items: items})
	} else if !f.Thread.Open() && x.Host != "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T("Nothing is known to have run in it."))})
	}
	if f.Thread.Open() {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Quoted("Say here `maintenance stop` to end it now. It opens no window of any policy.")})
	}
	return m
}

func endedBy(x bot.MaintenanceState) string {
	if x.EndedBy == "" {
		return "; its time was over"
	}
	return ", by " + string(x.EndedBy)
}

// silenceOf is where a maintenance's silence stands.
func silenceOf(t bot.Thread, s Style) string {
	x := t.State.Maintenance
	switch {
	case !t.Open() && x.Unsure:
		return "whether it was made is unknown until Alertmanager answers; it is ended then"
	case !t.Open() && x.Silence != "" && x.Trouble != "":
		return "not ended yet, and ends by itself " + s.Time(x.SilenceUntil) + ": " + x.Trouble
	case !t.Open() && x.Silence != "":
		return "is being ended"
	case !t.Open():
		return "over"
	case x.Silence != "" && x.SilenceUntil.Before(x.Until):
		text := "there until " + s.Time(x.SilenceUntil) + "; the rest of the time it does not hold"
		if x.Trouble != "" {
			text += " yet: " + x.Trouble
		}
		return text
	case x.Silence != "":
		return "there, until " + s.Time(x.SilenceUntil)
	case x.Trouble != "":
		return "not there, notices come: " + x.Trouble
	}
	return "not there yet"
}

func coveredWords(x *bot.Covered, unknown string) string {
	if x == nil {
		return unknown
	}
	text := "none"
	if x.Alerts > 0 {
		text = phrase.Count(x.Alerts, "alert", "alerts")
	}
	if x.Critical > 0 {
		text += fmt.Sprintf(", %d critical", x.Critical)
	}
	if len(x.Names) > 0 {
		text += ": " + strings.Join(x.Names, ", ")
	}
	return text
}

// CoveredWords counts alerts for a list: "2 alerts, 1 critical".
func CoveredWords(x *bot.Covered) string { return coveredWords(x, "unknown") }

func ranLine(r bot.RanIn, s Style) bot.Text {
	return bot.Line(bot.T(s.Time(r.At)+" "), bot.T(r.Text))
}

// RanIn tells what ran in a maintenance.
func RanIn(r bot.RanIn, s Style) bot.Message { return bot.Message{Title: ranLine(r, s)} }

// MaintenanceExtended tells that one goes on for longer.
func MaintenanceExtended(x bot.MaintenanceState, by bot.PersonID, why string, s Style) bot.Message {
	t := bot.Line(bot.B("Until "+s.Time(x.Until)), bot.T(", says "+string(by)))
	if why != "" {
		t = append(t, bot.T(": "+why))
	}
	return bot.Message{Title: t}
}

// MaintenanceAgain tells that another silence is asked for, in the place of one that is gone.
func MaintenanceAgain(by bot.PersonID) bot.Message {
	return bot.Message{Title: bot.Line(bot.B("Another silence is asked for"), bot.T(", says "+string(by)))}
}

// MaintenanceEnded tells how one ended, and what ran in it.
func MaintenanceEnded(x bot.MaintenanceState, why string, s Style) bot.Message {
	m := bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B("Maintenance ended"), bot.T(" "+s.Time(x.EndedAt)+", after "+phrase.Duration(x.EndedAt.Sub(x.Since))+endedBy(x)))}
	if why != "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(why))})
	}
	if n := len(x.Ran) + x.RanMore; n > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(phrase.Count(n, "thing is", "things are") + " known to have run in it; what still fires is told when Alertmanager answers."))})
	} else {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T("What still fires is told when Alertmanager answers."))})
	}
	return m
}

// StillAfter tells what fires when a maintenance is over.
func StillAfter(x bot.Covered) bot.Message {
	if x.Alerts == 0 {
		return bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B("Nothing that it covered fires"), bot.T(" now."))}
	}
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("Still firing"), bot.T(": "+coveredWords(&x, "")))}
}

// MaintenanceSilenceWaits tells that a silence is not there, or not gone, yet.
func MaintenanceSilenceWaits(x bot.MaintenanceState, making bool, s Style) bot.Message {
	if making {
		return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("The silence is not there yet"), bot.T(": "+x.Trouble+" It is tried again; until then notices come."))}
	}
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("The silence cannot be ended yet"), bot.T(": "+x.Trouble+" It is tried again, and ends by itself "+s.Time(x.SilenceUntil)+"."))}
}

// MaintenanceSilenceGone tells that it could be ended after all.
func MaintenanceSilenceGone(at time.Time, s Style) bot.Message {
	return bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B("The silence has ended"), bot.T(" "+s.Time(at)+"."))}
}

// EndedElsewhere is a maintenance's trouble when somebody ended its silence in
// Alertmanager.
const EndedElsewhere = "it was ended in Alertmanager, not through this bot."

// RanOut is a maintenance's trouble when its silence has come to its own end before the
// maintenance has, and nothing else is known of why.
const RanOut = "the last one has come to its end."

// MaintenanceSilenceRanOut tells that the silence came to its own end, and the maintenance
// goes on.
func MaintenanceSilenceRanOut(x bot.MaintenanceState, until time.Time, s Style) bot.Message {
	t := bot.Line(bot.B("The silence ran out"), bot.T(" "+s.Time(until)+": notices come again. The maintenance goes on until "+s.Time(x.Until)+"; `maintenance start` again makes another silence."))
	if x.Trouble != RanOut {
		t = append(t, bot.T(" The longer one is not there: "+x.Trouble))
	}
	return bot.Message{Tone: bot.ToneWarning, Title: t}
}

// MaintenanceSilenceEnded tells that somebody ended it elsewhere.
func MaintenanceSilenceEnded(x bot.MaintenanceState, s Style) bot.Message {
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("The silence was ended in Alertmanager, not through this bot"),
		bot.T(": notices come again. The maintenance goes on until "+s.Time(x.Until)+"; `maintenance start` again makes another silence."))}
}
