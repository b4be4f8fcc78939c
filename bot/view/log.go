package view

import (
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// The log's messages: what happened, once each, in the order in which it did.

// Fired tells of alerts that joined an open thread, or fired again in it.
func Fired(es []bot.Episode, group bot.Labels, s Style) bot.Message {
	return logLine(es, group, s, severityTone(worst(es)), "fires", "fire")
}

// Resolved tells of alerts that are over, while others may still fire.
func Resolved(es []bot.Episode, group bot.Labels, s Style) bot.Message {
	how := "is resolved"
	many := "are resolved"
	if all(es, func(e bot.Episode) bool { return e.Ended == bot.EndedByMove }) {
		return logLine(es, group, s, bot.ToneMuted, "goes on in another thread: Alertmanager groups it otherwise now",
			"go on in other threads: Alertmanager groups them otherwise now")
	}
	if all(es, func(e bot.Episode) bool { return e.Ended == bot.EndedByAbsence }) {
		how, many = "is over: Alertmanager no longer lists it", "are over: Alertmanager no longer lists them"
	}
	m := logLine(es, group, s, bot.ToneOK, how, many)
	if len(es) == 1 {
		m.Title = append(m.Title, bot.T(", after "+phrase.Duration(es[0].EndsAt.Sub(es[0].Since()))))
	}
	return m
}

// Over tells that nothing of the thread fires any more.
func Over(first, last time.Time) bot.Message {
	return bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B("All resolved"),
		bot.T(", "+phrase.Duration(last.Sub(first))+" after the first one fired"))}
}

// InDoubt tells of alerts that were reported again after they were resolved.
func InDoubt(es []bot.Episode, group bot.Labels, s Style) bot.Message {
	return logLine(es, group, s, bot.ToneUnknown,
		"was reported again with its old start after it was resolved (a late copy, or it fires again); asking Alertmanager",
		"were reported again with their old start after they were resolved (late copies, or they fire again); asking Alertmanager")
}

// Confirmed tells what Alertmanager answered about alerts in doubt.
func Confirmed(es []bot.Episode, group bot.Labels, s Style) bot.Message {
	return logLine(es, group, s, severityTone(worst(es)), "does fire: Alertmanager confirms it", "do fire: Alertmanager confirms it")
}

// Held tells that Alertmanager now holds alerts back.
func Held(es []bot.Episode, group bot.Labels, silences []bot.Silence, s Style) bot.Message {
	if all(es, func(e bot.Episode) bool { return len(e.SilencedBy) == 0 && len(e.MutedBy) == 0 }) {
		return logLine(es, group, s, bot.ToneMuted, "is inhibited by another alert; it still fires", "are inhibited by another alert; they still fire")
	}
	if all(es, func(e bot.Episode) bool { return len(e.SilencedBy) == 0 }) {
		return logLine(es, group, s, bot.ToneMuted, "is muted by a time interval; it still fires", "are muted by a time interval; they still fire")
	}
	m := logLine(es, group, s, bot.ToneMuted, "is silenced; it still fires", "are silenced; they still fire")
	for _, x := range silences {
		m.Blocks = append(m.Blocks, bot.Para{Text: silenceLine(x, s)})
	}
	return m
}

// Freed tells that Alertmanager no longer holds alerts back while they fire, and
// which silence's end did it, where it is known.
func Freed(es []bot.Episode, group bot.Labels, ended []bot.Silence, s Style) bot.Message {
	m := logLine(es, group, s, severityTone(worst(es)), "still fires and is no longer held back", "still fire and are no longer held back")
	for _, x := range ended {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T("The silence of "), bot.B(x.CreatedBy), bot.T(" ended "+s.Time(x.EndsAt)+"."))})
	}
	return m
}

// SilenceChanged tells that a silence over the thread's alerts was changed.
func SilenceChanged(x bot.Silence, s Style) bot.Message {
	return bot.Message{Tone: bot.ToneMuted, Title: bot.Line(bot.T("The silence was changed")), Blocks: []bot.Block{bot.Para{Text: silenceLine(x, s)}}}
}

// SilenceEnds warns that a silence ends while alerts still fire beneath it.
func SilenceEnds(x bot.Silence, firing int, s Style) bot.Message {
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("The silence ends "+s.Time(x.EndsAt)),
		bot.T("; "+phrase.Count(firing, "alert beneath it still fires", "alerts beneath it still fire")))}
}

func silenceLine(x bot.Silence, s Style) bot.Text {
	t := bot.Line(bot.T("Silenced by "), bot.B(x.CreatedBy), bot.T(" until "+s.Time(x.EndsAt)))
	if comment(x) != "" {
		t = append(t, bot.T(": "+comment(x)))
	}
	return append(t, bot.T(" "), bot.M(matchers(x.Matchers)))
}

// Acked tells who is on it: of the covered alerts, held are held back now.
func Acked(by bot.PersonID, comment string, covered, held int) bot.Message {
	t := bot.Line(bot.B("Acked by "+string(by)), bot.T(": covers "+phrase.Count(covered, "alert that fires", "alerts that fire")+" now"))
	switch {
	case held > 0 && held == covered:
		t = append(t, bot.T(", held back"))
	case held > 0:
		t = append(t, bot.T(fmt.Sprintf(", %d of them held back", held)))
	}
	if comment != "" {
		t = append(t, bot.T(". "+comment))
	}
	return bot.Message{Title: t}
}

// Unacked tells that nobody is on it any more, and why.
func Unacked(by bot.PersonID, why string) bot.Message {
	if by == "" {
		return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("No longer acked: "), bot.T(why))}
	}
	return bot.Message{Title: bot.Line(bot.B("Ack taken back by " + string(by)))}
}

// Forgotten reminds of an ack while alerts still fire.
func Forgotten(a bot.Ack, firing int, s Style) bot.Message {
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(
		bot.B("Still firing: "+phrase.Count(firing, "alert", "alerts")), bot.T(", acked by "), bot.B(string(a.By)), bot.T(" since "+s.Time(a.At)))}
}

// Worse tells that the thread's severity rose.
func Worse(from, to bot.Severity) bot.Message {
	return bot.Message{Tone: severityTone(to), Title: bot.Line(bot.T("Severity rose from "+from.String()+" to "), bot.B(to.String()))}
}

// Silenced tells what became of a silence that was asked for here.
func Silenced(x bot.Silence, id string, s Style) bot.Message {
	t := bot.Line(bot.T("Alertmanager has the silence by "), bot.B(x.CreatedBy), bot.T(" until "+s.Time(x.EndsAt)))
	if comment(x) != "" {
		t = append(t, bot.T(": "+comment(x)))
	}
	return bot.Message{Tone: bot.ToneMuted, Title: t, Blocks: []bot.Block{
		bot.Para{Text: bot.Line(bot.M(matchers(x.Matchers)))}}, Note: bot.Line(bot.T("silence "), bot.M(id))}
}

// Unsilenced tells that a silence was ended on somebody's word.
func Unsilenced(by bot.PersonID, ids []string) bot.Message {
	return bot.Message{Title: bot.Line(bot.T("Silence ended by "), bot.B(string(by))),
		Note: bot.Line(bot.M(strings.Join(ids, " ")))}
}

// Failed tells that something that was asked for did not come about.
func Failed(what string, reason string) bot.Message {
	return bot.Message{Tone: bot.ToneCritical, Title: bot.Line(bot.B(what+" failed: "), bot.T(reason))}
}

// Heard tells that a missed heartbeat is back, or that one went missing again.
func Heard(h bot.HeartbeatState, s Style) bot.Message {
	return bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B("The heartbeat is back"), bot.T(" since "+s.Time(h.Returned)))}
}

// PictureOf puts a picture into the log.
func PictureOf(p bot.Picture) bot.Message {
	return bot.Message{Blocks: []bot.Block{p}}
}

// NoPicture says why there is none.
func NoPicture(reason string) bot.Message {
	return bot.Message{Title: bot.Line(bot.F("No graph: " + reason))}
}

// logLine is one sentence for one alert, a headline and a list for several.
func logLine(es []bot.Episode, group bot.Labels, s Style, tone bot.Tone, singular, plural string) bot.Message {
	m := bot.Message{Tone: tone}
	if len(es) == 1 {
		m.Title = bot.Line(bot.F(fmt.Sprintf("#%d ", es[0].Number)), bot.B(nameOf(es[0], es, group)), bot.T(" "+singular))
		return m
	}
	m.Title = bot.Line(bot.B(phrase.Count(len(es), "alert", "alerts")), bot.T(" "+plural))
	limit := s.limit(20)
	var items []bot.Text
	for i, e := range es {
		if i == limit {
			items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more", len(es)-limit))))
			break
		}
		items = append(items, bot.Line(bot.F(fmt.Sprintf("#%d ", e.Number)), bot.T(nameOf(e, es, group))))
	}
	m.Blocks = []bot.Block{bot.List{Items: items}}
	return m
}

func nameOf(e bot.Episode, among []bot.Episode, group bot.Labels) string {
	shared := bot.Labels{}
	if len(among) > 1 {
		shared = common(among, func(e bot.Episode) bot.Labels { return e.Labels })
	}
	delete(shared, "instance")
	own := ownLabels(e.Labels, shared, group)
	if len(among) == 1 {
		// One alert is named by its instance, where it has one.
		if i := e.Labels["instance"]; i != "" {
			own = i
		}
	}
	name := e.Name()
	if _, grouped := group["alertname"]; grouped || own == "" {
		if own == "" {
			return name
		}
		return name + " (" + own + ")"
	}
	return own
}

func worst(es []bot.Episode) bot.Severity {
	w := bot.SeverityInfo
	for _, e := range es {
		if e.Severity.Rank() > w.Rank() {
			w = e.Severity
		}
	}
	return w
}

func all(es []bot.Episode, f func(bot.Episode) bool) bool {
	for _, e := range es {
		if !f(e) {
			return false
		}
	}
	return len(es) > 0
}

// Merge joins log entries into one message, for a room that is far behind.
func Merge(es []bot.Entry, s Style) bot.Message {
	if len(es) == 1 {
		return es[0].Message
	}
	m := bot.Message{Title: bot.Line(bot.B(fmt.Sprintf("%d entries", len(es))), bot.T(", as they came"))}
	for _, e := range es {
		m.Blocks = append(m.Blocks, bot.Para{Text: append(bot.Line(bot.F(s.Clock(e.At)+" ")), e.Message.Title...)})
		m.Blocks = append(m.Blocks, e.Message.Blocks...)
	}
	return m
}
