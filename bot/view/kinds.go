package view

import (
	"fmt"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

func heartbeatRoot(f bot.ThreadFacts, s Style) bot.Message {
	h := f.Thread.State.Heartbeat
	m := bot.Message{Note: idNote(f.Thread)}
	last := "never since the bot began to wait for it"
	if !h.LastAt.IsZero() {
		last = s.Time(h.LastAt)
	}
	switch {
	case !f.Thread.Open() && h.Returned.IsZero():
		m.Tone = bot.ToneMuted
		m.Title = bot.Line(bot.B("NO LONGER EXPECTED"), bot.T(" heartbeat "+h.Name))
		m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T("The configuration no longer waits for it. The last one came " + last + "."))}}
		return m
	case !f.Thread.Open():
		m.Tone = bot.ToneOK
		m.Title = bot.Line(bot.B("RETURNED"), bot.T(" heartbeat "+h.Name))
		m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T(fmt.Sprintf(
			"It came again %s. While it was away, alerts may not have reached this room.", s.Time(h.Returned))))}}
		return m
	case h.Stopped:
		m.Title = bot.Line(bot.B("STOPPED"), bot.T(" heartbeat "+h.Name))
		m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T("Alertmanager says that this alert, which must always fire, is resolved: Prometheus no longer evaluates its rules, or no longer reaches Alertmanager."))}}
	case h.LastAt.IsZero():
		m.Title = bot.Line(bot.B("MISSING"), bot.T(" heartbeat "+h.Name))
		m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T("Nothing sends it, or Prometheus, Alertmanager or the way from there to here is broken: watchstander check tells whether Alertmanager has it. Until it comes, silence in this room does not mean that all is well."))}}
	default:
		m.Title = bot.Line(bot.B("MISSING"), bot.T(" heartbeat "+h.Name))
		m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T("Until it returns, silence in this room does not mean that all is well: Prometheus, Alertmanager or the way from there to here is broken."))}}
	}
	m.Tone = bot.ToneCritical
	heard := "Last heard"
	if h.Stopped { // what was heard last is that
		heard = "Told"
	}
	m.Blocks = append(m.Blocks, bot.Fields{Fields: []bot.Field{
		{Name: heard, Value: bot.Line(bot.T(last))},
		{Name: "Expected at least every", Value: bot.Line(bot.T(phrase.Duration(h.Every)))},
	}})
	return m
}

func silenceRoot(f bot.ThreadFacts, s Style) bot.Message {
	x := f.Thread.State.Silence
	m := bot.Message{Tone: bot.ToneMuted, Note: idNote(f.Thread, bot.T(" · silence "), bot.M(x.ID))}
	word := "SILENCE"
	switch {
	case x.State == "pending":
		word = "SILENCE PLANNED"
	case !f.Thread.Open() || x.State == "expired":
		word = "SILENCE ENDED"
		m.Tone = bot.ToneOK
	}
	m.Title = bot.Line(bot.B(word), bot.T(" by "+x.CreatedBy+": "), bot.M(matchers(x.Matchers)))
	fields := []bot.Field{
		{Name: "From", Value: bot.Line(bot.T(s.Time(x.StartsAt)))},
		{Name: "Until", Value: bot.Line(bot.T(s.Time(x.EndsAt)))},
		{Name: "Made in", Value: bot.Line(bot.T("Alertmanager, not through this bot"))},
	}
	if comment(*x) != "" {
		fields = append(fields, bot.Field{Name: "Comment", Value: bot.Line(bot.T(comment(*x)))})
	}
	m.Blocks = []bot.Block{bot.Fields{Fields: fields}}
	return m
}

func rebootRoot(f bot.ThreadFacts, s Style) bot.Message {
	r := f.Thread.State.Reboot
	m := bot.Message{Tone: bot.ToneInfo, Note: idNote(f.Thread)}
	for _, g := range f.Gathered {
		if g.Counts.Live() > 0 {
			if g.Counts.Firing > 0 && g.Thread.Severity.Rank() > int(bot.SeverityInfo) {
				m.Tone = severityTone(max(g.Thread.Severity, toneSeverity(m.Tone)))
			}
		}
	}
	if r.Over {
		// Nobody edits it any more, so it says what was, and no state that may change.
		m.Tone = bot.ToneInfo
		m.Title = bot.Line(bot.B("REBOOTED"), bot.T(" "+r.Host))
		m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T(fmt.Sprintf("Booted %s; the grace time ended %s. %s fired while it came up; %s then.",
			s.Time(r.At), s.Time(f.Thread.ClosedAt), phrase.Count(len(r.Threads), "group", "groups"),
			phrase.Count(r.Still, "still did, and got a thread of its own", "still did, and got threads of their own"))))}}
		var names []bot.Text
		for _, g := range f.Gathered {
			names = append(names, bot.Line(bot.T(TitleOf(g.Thread)+" "), bot.M(string(g.Thread.ID))))
		}
		if len(names) > 0 {
			m.Blocks = append(m.Blocks, bot.List{Items: names[:min(len(names), s.limit(30))]})
		}
		return m
	}
	m.Title = bot.Line(bot.B("REBOOTED"), bot.T(" "+r.Host+": alerts gather here"))
	m.Blocks = []bot.Block{bot.Para{Text: bot.Line(bot.T(fmt.Sprintf("Booted %s. Until %s its alerts are listed here; what still fires then gets a thread of its own.",
		s.Time(r.At), s.Time(r.Until))))}}
	if items := groupItems(f.Gathered, s, 30); len(items) > 0 {
		m.Blocks = append(m.Blocks, bot.List{Items: items})
	}
	return m
}

func toneSeverity(t bot.Tone) bot.Severity {
	switch t {
	case bot.ToneCritical:
		return bot.SeverityCritical
	case bot.ToneWarning:
		return bot.SeverityWarning
	}
	return bot.SeverityInfo
}

// groupItems lists threads, one line each: state, name, since or until when.
func groupItems(fs []bot.ThreadFacts, s Style, usual int) []bot.Text {
	limit := s.limit(usual)
	var items []bot.Text
	for i, g := range fs {
		if i == limit {
			items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more; ", len(fs)-limit)), bot.M("alerts"), bot.F(" lists those that fire")))
			break
		}
		items = append(items, GroupLine(g, s))
	}
	return items
}

// GroupLine tells a thread in one line.
func GroupLine(g bot.ThreadFacts, s Style) bot.Text {
	if g.Thread.Kind != bot.ThreadAlert {
		return bot.Line(bot.T(TitleOf(g.Thread)), bot.T(" "), bot.M(string(g.Thread.ID)))
	}
	line := bot.Text{bot.B(alertHeadline(g)), bot.T(" " + titleName(g))}
	switch c := g.Counts; {
	case c.Live() > 0:
		line = append(line, bot.T(", since "+s.Time(c.Since)))
	case !c.LastEnd.IsZero():
		line = append(line, bot.T(", "+s.Time(c.LastEnd)+", after "+phrase.Duration(c.LastEnd.Sub(firstStart(g)))))
	}
	return line
}

func digestRoot(f bot.ThreadFacts, s Style) bot.Message {
	d := f.Thread.State.Digest
	m := bot.Message{Tone: bot.ToneInfo, Note: idNote(f.Thread)}
	m.Title = bot.Line(bot.B("Digest"), bot.T(" "+s.Time(d.Since)+" to "+s.Time(d.Until)))
	var live, over []bot.ThreadFacts
	for _, g := range f.Gathered {
		if g.Counts.Live() > 0 {
			live = append(live, g)
		} else {
			over = append(over, g)
		}
	}
	for _, part := range []struct {
		title string
		of    []bot.ThreadFacts
	}{
		{"Still firing", live},
		{"Over", over},
	} {
		if len(part.of) == 0 {
			continue
		}
		m.Blocks = append(m.Blocks,
			bot.Para{Text: bot.Line(bot.B(fmt.Sprintf("%s: %d", part.title, len(part.of))))},
			bot.List{Items: groupItems(part.of, s, 60)})
	}
	if len(d.Heads) > 0 {
		var items []bot.Text
		for _, h := range d.Heads {
			items = append(items, bot.Line(bot.T(h.Name+" "), bot.M(h.Value)))
		}
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Where the journals end"))}, bot.List{Items: items})
	}
	return m
}

func noticeRoot(f bot.ThreadFacts, s Style) bot.Message {
	n := f.Thread.State.Notice
	m := bot.Message{Tone: n.Tone, Title: bot.Line(bot.B(n.Title)), Note: idNote(f.Thread)}
	m.Blocks = []bot.Block{bot.Para{Text: bot.Quoted(n.Text)}}
	since := []bot.Field{{Name: "Since", Value: bot.Line(bot.T(s.Time(f.Thread.OpenedAt)))}}
	if !f.Thread.Open() {
		since = append(since, bot.Field{Name: "Over", Value: bot.Line(bot.T(s.Time(f.Thread.ClosedAt)))})
	}
	if n.Count > 1 {
		since = append(since, bot.Field{Name: "Happened", Value: bot.Line(bot.T(phrase.Count(n.Count, "time", "times") + ", last " + s.Time(n.Last)))})
	}
	m.Blocks = append(m.Blocks, bot.Fields{Fields: since})
	if !f.Thread.Open() {
		m.Tone = bot.ToneOK
		m.Title = append(bot.Line(bot.B("OVER: ")), m.Title...)
	}
	return m
}
