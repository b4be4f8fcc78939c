package view

import (
	"fmt"
	"slices"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// The log of a plan's thread.

// WholePlan is the plan as the agent froze it. It is said whole and alone.
func WholePlan(p bot.Proposal, rendered string) bot.Message {
	return bot.Message{Whole: true, Title: bot.Line(bot.B("The whole plan")), Blocks: []bot.Block{bot.Pre{Body: rendered}},
		Note: bot.Line(bot.T("digest "), bot.M(p.Digest))}
}

// Decided tells one person's word, once the agent has it.
func Decided(d bot.Decision) bot.Message {
	word, tone := "agrees", bot.TonePlain
	if d.Verdict == bot.Deny {
		word, tone = "denies it", bot.ToneMuted
	}
	t := bot.Line(bot.B(string(d.Person)), bot.T(" "+word+by(d)))
	if d.Reason != "" {
		t = append(t, bot.T(": "+d.Reason))
	}
	return bot.Message{Tone: tone, Title: t}
}

// Denial is the word that ended a proposal, if one did. Turned tells it.
func Denial(p bot.Proposal) (d bot.Decision, ok bool) {
	if p.State != bot.Denied {
		return d, false
	}
	for _, x := range slices.Backward(p.Decisions) {
		if x.Verdict == bot.Deny && x.Withdrawn.IsZero() {
			return x, true
		}
	}
	return d, false
}

// TakenBack tells that a word no longer counts.
func TakenBack(d bot.Decision) bot.Message {
	return bot.Message{Title: bot.Line(bot.B(string(d.Person)), bot.T(" took the word back; it no longer counts"))}
}

// Advanced tells what a run said.
func Advanced(lines []bot.Progress, s Style) bot.Message {
	if len(lines) == 1 {
		return bot.Message{Title: bot.Line(bot.T(lines[0].Text))}
	}
	m := bot.Message{Title: bot.Line(bot.T(phrase.Count(len(lines), "line", "lines") + " of the run"))}
	var items []bot.Text
	for _, l := range lines {
		items = append(items, bot.Line(bot.F(s.Seconds(l.At)+" "), bot.T(l.Text)))
	}
	m.Blocks = []bot.Block{bot.List{Items: items}}
	return m
}

// Drifted tells what was found otherwise than the plan shows, of what does not
// forbid the run.
func Drifted(lines []string) bot.Message {
	m := bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B("Not as the plan shows"), bot.T(", and not bound by it:"))}
	var items []bot.Text
	for _, l := range lines {
		items = append(items, bot.Line(bot.T(l)))
	}
	m.Blocks = []bot.Block{bot.List{Items: items}}
	return m
}

// Turned tells that a proposal came into another state.
func Turned(st bot.PlanState, s Style) bot.Message {
	p := st.Proposal
	tone, word := planState(st)
	m := bot.Message{Tone: tone, Title: bot.Line(bot.B(word))}
	switch p.State {
	case bot.Running:
		m.Title = append(m.Title, bot.T(" in "), bot.M(p.Unit))
	case bot.Queued:
		m.Title = append(m.Title, bot.T(" until "+s.Time(p.QueuedFor)))
	}
	if d, ok := Denial(p); ok {
		m.Title = append(m.Title, bot.T(" by "), bot.B(string(d.Person)), bot.T(by(d)))
		if d.Reason != "" {
			m.Title = append(m.Title, bot.T(": "+d.Reason))
		}
	} else if p.Why != "" {
		m.Title = append(m.Title, bot.T(": "+p.Why))
	}
	if p.State.Over() && !p.StartedAt.IsZero() && !p.EndedAt.IsZero() {
		m.Title = append(m.Title, bot.T(fmt.Sprintf(" (%s after its start)", phrase.Duration(p.EndedAt.Sub(p.StartedAt)))))
	}
	if p.State.Over() {
		if items := readingItems(p.Evidence, s); len(items) > 0 {
			m.Blocks = []bot.Block{bot.List{Items: items}}
		}
	}
	return m
}

// NotErased asks the writer of a message with a code to delete it, since we could
// not.
func NotErased(why string) bot.Message {
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.T("I could not delete your message with the code: "+why+" "), bot.B("Please delete it yourself.")),
		Note: bot.Line(bot.T("Deleting it now takes no word back."))}
}

// AgentSilent tells somebody who waits for a host's agent that it does not answer
// yet.
func AgentSilent(host, why string) bot.Message {
	return bot.Message{Tone: bot.ToneUnknown, Title: bot.Line(bot.T("On "+host+": "), bot.T(why)),
		Blocks: []bot.Block{bot.Para{Text: bot.Quoted("I try again for some minutes, and say here what comes of it. On the host: `systemctl status watchstander-agent`.")}}}
}

// GivenUp tells that an agent did not answer in all that time. What it was told may
// have come through all the same.
func GivenUp(why string) bot.Message {
	return bot.Message{Tone: bot.ToneUnknown, Title: bot.Line(bot.B("Given up: "), bot.T(why)),
		Blocks: []bot.Block{bot.Para{Text: bot.Quoted("Whether it came through is unknown. If it did, its thread tells as soon as the agent is back: look at `approvals` before you say it again.")}}}
}

// NotAsked tells why nothing was planned.
func NotAsked(op bot.OperationName, reason string) bot.Message {
	return bot.Message{Title: bot.Line(bot.T("Nothing was planned ("), bot.M(string(op)), bot.T("): ")), Blocks: []bot.Block{bot.Para{Text: bot.Quoted(reason)}}}
}
