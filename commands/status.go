package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/probing"
)

// status measures and tells. Its headline is the whole truth in a line: it never
// says that all is well while something could not be found out. With a word or a
// host it tells of that alone, and where each figure comes from.
func status(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	w := call.World
	readings := probing.Measure(ctx, w.Probes(), call.Now)
	health := w.Health(ctx)
	if call.Args[argTopic.Name].Text != "" || on(call) != "" {
		return statusOf(call, readings, health)
	}
	open, err := w.OpenThreads(ctx)
	s := summary{untold: w.Untold()}
	if err != nil {
		s.blind = true
	}
	for _, f := range open {
		s.add(f)
	}
	plans, err := w.Plans(ctx)
	if s.plans = waitingPlans(plans); err != nil {
		s.plansUnknown = true
	}
	both := slices.Concat(readings, health)
	var t tally
	for _, r := range both {
		t.add(r)
	}
	m := bot.Message{Tone: s.tone(t), Title: bot.Line(bot.B(s.headline()), bot.T(readingsHeadline(both, t)))}
	m.Blocks = append(m.Blocks, firingBlocks(open, call)...)
	m.Blocks = append(m.Blocks, s.untoldBlocks()...)
	m.Blocks = append(m.Blocks, planBlocks(plans, call)...)
	m.Blocks = append(m.Blocks, readingBlocks(readings, "Elsewhere")...)
	m.Blocks = append(m.Blocks, readingBlocks(health, "The bot")...)
	m.Note = bot.Quoted("`status zfs`, `status backup`, `status units` and their like tell where the figures come from.")
	return bot.Say{Message: m}, nil
}

// summary counts what open threads say.
type summary struct {
	critical, warning, info int // groups that fire
	alerts                  int // that fire in them
	untold                  int // alerts that fire and stand in no thread yet
	held                    int // groups of which all that fires is held back
	missed                  int // heartbeats
	notices                 int
	doubt                   int
	plans                   []string // how many wait for what, in words
	plansUnknown            bool
	// blind: the state could not be read.
	blind bool
}

func (s *summary) add(f bot.ThreadFacts) {
	st := f.Thread.State
	switch {
	case st.Heartbeat != nil:
		if st.Heartbeat.Returned.IsZero() {
			s.missed++
		}
	case st.Notice != nil:
		s.notices++
	case st.Alert == nil:
	case f.Counts.Firing > 0:
		s.alerts += f.Counts.Firing
		switch f.Thread.Severity.Rank() {
		case int(bot.SeverityCritical):
			s.critical++
		case int(bot.SeverityInfo):
			s.info++
		default:
			s.warning++
		}
	case f.Counts.Live() > 0:
		s.held++
	}
	if st.Alert != nil {
		s.doubt += f.Counts.Doubt
	}
}

// untoldBlocks say why something fires that has no thread.
func (s summary) untoldBlocks() []bot.Block {
	if s.untold == 0 {
		return nil
	}
	return []bot.Block{bot.Para{Text: bot.Line(bot.T("Alertmanager lists what has no thread yet, and no webhook has told of it. That comes when Alertmanager has waited for its group; without one the thread comes after a while by itself (alerts.adopt_after)."))}}
}

func (s summary) firing() int { return s.critical + s.warning + s.info }

// headline is "2 critical and 1 warning groups fire (9 alerts); 1 held back".
func (s summary) headline() string {
	if s.blind {
		return "What fires is unknown: my state cannot be read"
	}
	var parts, kinds []string
	for _, k := range []struct {
		n    int
		name string
	}{{s.critical, "critical"}, {s.warning, "warning"}, {s.info, "info"}} {
		if k.n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", k.n, k.name))
		}
	}
	switch n := s.firing(); {
	case n == 0 && s.untold > 0:
		parts = append(parts, phrase.Count(s.untold, "alert fires", "alerts fire")+" without a thread yet")
	case n == 0 && s.held > 0:
		parts = append(parts, fmt.Sprintf("All that fires is held back (%d)", s.held))
	case n == 0:
		parts = append(parts, "Nothing fires")
	default:
		// "2 warning" alone is no English: warning what?
		noun := "alert"
		if s.alerts != n {
			noun = "group"
		}
		if n == 1 {
			noun += " fires"
		} else {
			noun += "s fire"
		}
		last := len(kinds) - 1
		if last > 0 {
			kinds = []string{strings.Join(kinds[:last], ", ") + " and " + kinds[last]}
		}
		text := kinds[0] + " " + noun
		if s.alerts != n {
			text += " (" + phrase.Count(s.alerts, "alert", "alerts") + ")"
		}
		parts = append(parts, text)
	}
	if s.untold > 0 && s.firing() > 0 {
		parts = append(parts, fmt.Sprintf("%d more without a thread yet", s.untold))
	}
	if s.held > 0 && s.firing()+s.untold > 0 {
		parts = append(parts, fmt.Sprintf("%d held back", s.held))
	}
	if s.missed > 0 {
		parts = append(parts, phrase.Count(s.missed, "heartbeat is", "heartbeats are")+" missed")
	}
	if s.notices > 0 {
		parts = append(parts, phrase.Count(s.notices, "trouble", "troubles")+" of my own")
	}
	if s.doubt > 0 {
		parts = append(parts, phrase.Count(s.doubt, "alert", "alerts")+" in doubt")
	}
	parts = append(parts, s.plans...)
	if s.plansUnknown {
		parts = append(parts, "which plans wait is unknown")
	}
	return strings.Join(parts, "; ")
}

// readingsHeadline goes on with the readings: the worst by name, the unknown by
// number.
func readingsHeadline(rs []bot.Reading, t tally) string {
	switch {
	case t.all() == 0:
		return "; nothing is measured"
	case t.ok == 1 && t.all() == 1:
		return "; the one reading is ok"
	case t.ok == t.all():
		return fmt.Sprintf("; all %d readings are ok", t.ok)
	}
	var out string
	if bad := worstReadings(rs, 2); bad != "" {
		out = "; " + bad
	}
	if t.unknown > 0 {
		out += fmt.Sprintf("; %d of %s unknown", t.unknown, phrase.Count(t.all(), "reading", "readings"))
	}
	return out
}

func (s summary) tone(t tally) bot.Tone {
	switch {
	case s.critical > 0:
		return bot.ToneCritical
	case s.blind:
		return bot.ToneUnknown
	case s.warning > 0 || s.untold > 0 || s.missed > 0 || s.notices > 0 || t.notOK > 0:
		return bot.ToneWarning
	case t.unknown > 0 || s.doubt > 0 || t.all() == 0 || s.plansUnknown:
		return bot.ToneUnknown
	case s.info > 0 || len(s.plans) > 0:
		return bot.ToneInfo
	case s.held > 0:
		return bot.ToneMuted
	}
	return bot.ToneOK
}

// firingBlocks list what fires, the worst first, as far as a status should.
func firingBlocks(open []bot.ThreadFacts, call bot.Call) []bot.Block {
	const most = 12
	var items []bot.Text
	more := 0
	for _, f := range byRank(open) {
		if rankOf(f) >= rankHeld {
			continue
		}
		if len(items) == most {
			more++
			continue
		}
		items = append(items, threadItem(f, call))
	}
	if more > 0 {
		items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more; ", more)), bot.M("alerts all"), bot.F(" lists them")))
	}
	return lists(items)
}
