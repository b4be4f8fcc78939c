package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// checklistRoot shows a run: what is left first, with what its evidence says, then what
// is dealt with, by whom or by what figure.
func checklistRoot(f bot.ThreadFacts, s Style) bot.Message {
	run := *f.Thread.State.Checklist
	if run.Incident != nil {
		return incidentRoot(f, s)
	}
	tone, word := runState(f.Thread)
	day := run.Firing.In(s.zone()).Format("Mon 2 Jan")
	m := bot.Message{Tone: tone, Note: idNote(f.Thread)}
	title := run.Title + " of " + day
	if run.Host != "" {
		title = run.Title + " of " + run.Host + ", " + day
	}
	m.Title = bot.Line(bot.B(word), bot.T(": "+title))
	if run.Cause != "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(firstUpper(run.Cause) + "."))})
	}
	if run.Unmade != "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(run.Unmade))})
	}
	m.Blocks = append(m.Blocks, itemLists(run, s)...)
	m.Blocks = append(m.Blocks, bot.Fields{Fields: runFields(f.Thread, s)})
	if f.Thread.Open() {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Quoted("Say here `done 1`, `skip 1 because …`, `defer 1 until DATE because …`, `comment 1 …`, `assign 1 NAME`, `recheck 1`; `checklist 1` tells all of an item.")})
	}
	m.Actions = runActions(f.Thread, s)
	return m
}

// runState is a run in a word or two, with its colour.
func runState(t bot.Thread) (bot.Tone, string) {
	run := t.State.Checklist
	left := run.Left()
	var bad, against, skipped, deferred int
	for _, x := range run.Items {
		switch {
		case x.Status == bot.ItemOpen && x.Verdict == bot.NotOK:
			bad++
		case x.Status == bot.ItemDone && x.By != "" && x.Verdict == bot.NotOK:
			against++
		case x.Status == bot.ItemSkipped:
			skipped++
		case x.Status == bot.ItemDeferred:
			deferred++
		}
	}
	switch {
	case left == 0 && t.Open() && deferred > 0: // or it would have ended
		return bot.ToneInfo, fmt.Sprintf("%d DEFERRED", deferred)
	case left == 0:
		tone, word := bot.ToneOK, "COMPLETE"
		for _, k := range []struct {
			n    int
			word string
			tone bot.Tone
		}{{skipped, "SKIPPED", bot.ToneOK}, {deferred, "DEFERRED", bot.ToneInfo}, {against, "AGAINST ITS EVIDENCE", bot.ToneWarning}} {
			if k.n > 0 {
				tone, word = k.tone, word+fmt.Sprintf(", %d %s", k.n, k.word)
			}
		}
		return tone, word
	case !t.Open():
		return bot.ToneMuted, fmt.Sprintf("ENDED, %d LEFT", left)
	case bad > 0:
		return bot.ToneWarning, fmt.Sprintf("%d NOT OK, %d OPEN", bad, left)
	}
	return bot.ToneInfo, fmt.Sprintf("%d OPEN", left)
}

// itemLists are the items by where they stand.
func itemLists(run bot.ChecklistState, s Style) []bot.Block {
	var out []bot.Block
	for _, g := range []struct {
		status bot.ItemStatus
		head   string
		most   int
	}{
		{bot.ItemOpen, "Left", max(s.limit(40), 5)},
		{bot.ItemDeferred, "Deferred", max(s.limit(20), 2)},
		{bot.ItemDone, "Done", s.limit(40)},
		{bot.ItemSkipped, "Skipped", max(s.limit(20), 2)},
	} {
		var of []bot.ItemState
		for _, x := range run.Items {
			if x.Status == g.status {
				of = append(of, x)
			}
		}
		if len(of) == 0 {
			continue
		}
		if g.status == bot.ItemOpen {
			// What is not ok comes first, then what is carried the longest.
			slices.SortStableFunc(of, func(a, b bot.ItemState) int {
				return cmp.Or(cmp.Compare(verdictRank(a), verdictRank(b)), b.Carried-a.Carried)
			})
		}
		var items []bot.Text
		for i, x := range of {
			if i == g.most {
				break
			}
			items = append(items, itemLine(x, s))
		}
		if more := len(of) - len(items); more > 0 {
			items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more", more))))
		}
		out = append(out, bot.Para{Text: bot.Line(bot.B(g.head))}, bot.List{Items: items})
	}
	return out
}

func verdictRank(x bot.ItemState) int {
	switch {
	case x.Verdict == bot.NotOK:
		return 0
	case x.Carried > 0:
		return 1
	}
	return 2
}

// itemLine is "3. Check last night's backups — not ok: backup b2 31 h old".
func itemLine(x bot.ItemState, s Style) bot.Text {
	t := bot.Line(bot.B(fmt.Sprintf("%d.", x.Number)), bot.T(" "+x.Item.Task))
	if x.Assigned != "" {
		t = append(t, bot.T(" ("+string(x.Assigned)+")"))
	}
	if x.FollowUp != nil {
		t = append(t, bot.T(", "+FollowUpOrigin(*x.FollowUp, s)))
	}
	switch {
	case x.Status == bot.ItemDone && x.By != "":
		t = append(t, bot.T(": "+string(x.By)+reason(x.Reason)))
	case x.Status == bot.ItemSkipped:
		t = append(t, bot.T(": "+string(x.By)+reason(x.Reason)))
	case x.Status == bot.ItemDeferred:
		t = append(t, bot.T(": until "+s.Time(x.Until)+" by "+string(x.By)+reason(x.Reason)))
	case x.Carried > 0:
		t = append(t, bot.T(", "+leftSince(x, s)))
	}
	if e := evidence(x, s); len(e) > 0 {
		t = append(append(t, bot.T(" · ")), e...)
	}
	return t
}

func leftSince(x bot.ItemState, s Style) string {
	return "left since " + x.Since.In(s.zone()).Format("Mon 2 Jan") + ", through " + phrase.Count(x.Carried, "list", "lists")
}

func reason(why string) string {
	if why == "" {
		return ""
	}
	return ", " + strings.TrimRight(why, ".")
}

// evidence is what was measured: first what is not ok, then what is unknown, then the
// rest, as far as there is room for.
func evidence(x bot.ItemState, s Style) bot.Text {
	if len(x.Evidence) == 0 {
		if x.Status == bot.ItemOpen && x.Item.Person != "" && s.Detail == 0 && x.FollowUp == nil {
			return bot.Line(bot.F("For a person: " + x.Item.Person))
		}
		return nil
	}
	sorted := slices.Clone(x.Evidence)
	slices.SortStableFunc(sorted, func(a, b bot.Reading) int { return stateRank(a.State) - stateRank(b.State) })
	most := max(s.limit(3), 1)
	var t bot.Text
	last := bot.ReadingState("")
	for i, r := range sorted[:min(len(sorted), most)] {
		if i > 0 {
			t = append(t, bot.T("; "))
		}
		if r.State != last && r.State != bot.OK {
			t = append(t, bot.B(string(r.State)+": "))
		}
		if r.State == bot.OK && last != "" && last != bot.OK {
			t = append(t, bot.T("ok: "))
		}
		last = r.State
		t = append(t, bot.T(readingText(r, x.Before, s)))
	}
	if len(sorted) > most {
		t = append(t, bot.F("; further "+bot.CountStates(sorted[most:], func(r bot.Reading) bot.ReadingState { return r.State })))
	}
	return t
}

func stateRank(s bot.ReadingState) int {
	switch s {
	case bot.NotOK:
		return 0
	case bot.OK:
		return 2
	}
	return 1
}

// readingText is "disk / 4.8 %, 3.1 % on 1 Oct (note)".
func readingText(r bot.Reading, before []bot.Reading, s Style) string {
	text := r.What
	if r.Host != "" {
		text = r.Host + " " + text
	}
	if r.Value != "" {
		text += " " + r.Value
	}
	for _, old := range before {
		if old.Host == r.Host && old.What == r.What && old.Unit != "" && old.Unit == r.Unit && figure(old) != figure(r) {
			text += ", was " + figure(old) + " on " + old.At.In(s.zone()).Format("2 Jan")
		}
	}
	if r.Note != "" {
		text += " (" + r.Note + ")"
	}
	return text
}

// figure is what a reading has as a number, as people read it: "4.8 %", "6 h".
func figure(r bot.Reading) string {
	switch r.Unit {
	case bot.FigurePercent:
		return strconv.FormatFloat(math.Round(r.Figure*10)/10, 'f', -1, 64) + " %"
	case bot.FigureSeconds:
		if r.Figure < 0 {
			return r.Value
		}
		return phrase.Duration(time.Duration(r.Figure * float64(time.Second)))
	case bot.FigureCount:
		return strconv.FormatFloat(math.Round(r.Figure*100)/100, 'f', -1, 64)
	case bot.FigureCelsius:
		return strconv.FormatFloat(math.Round(r.Figure), 'f', -1, 64) + " °C"
	}
	return r.Value
}

func runFields(t bot.Thread, s Style) []bot.Field {
	run := t.State.Checklist
	field := func(name, value string) bot.Field { return bot.Field{Name: name, Value: bot.Line(bot.T(value))} }
	var out []bot.Field
	switch {
	case !run.MeasuredAt.IsZero():
		out = append(out, field("Evidence of", s.Time(run.MeasuredAt)))
	case run.Measuring != "" && t.Open():
		out = append(out, field("Evidence", "being looked at"))
	case !run.LookAt.IsZero() && t.Open():
		out = append(out, field("Evidence", "is looked at "+s.Time(run.LookAt)+", when what has changed may have shown itself"))
	}
	switch {
	case !t.Open():
		out = append(out, field("Ended", s.Time(t.ClosedAt)))
	case !run.Until.IsZero():
		out = append(out, field("Until", s.Time(run.Until)))
	}
	return out
}

// The buttons of a checklist's thread.
var (
	ActionDone    = bot.Action{Name: "done", Emoji: "✅", Label: "Done"}
	ActionRecheck = bot.Action{Name: "recheck", Emoji: "🔄", Label: "Look again"}
)

// A reaction cannot say which item it means, so that items are ticked with a menu, or by
// a line.
func runActions(t bot.Thread, s Style) []bot.Action {
	if !t.Open() {
		return nil
	}
	done := ActionDone
	for _, x := range t.State.Checklist.Items {
		if x.Status == bot.ItemOpen && len(done.Choices) < mostChoices {
			done.Choices = append(done.Choices, bot.Choice{Name: fmt.Sprintf("done %d", x.Number), Label: cut(fmt.Sprintf("%d. %s", x.Number, x.Item.Task), 70)})
		}
	}
	if !s.Buttons {
		return []bot.Action{ActionRecheck}
	}
	var out []bot.Action
	if len(done.Choices) > 0 {
		done.Name = done.Choices[0].Name
	}
	if t.State.Checklist.Incident != nil {
		return incidentActions(done)
	}
	if len(done.Choices) > 0 {
		out = []bot.Action{done,
			actionSkip(),
			itemForm("assign", "Assign …", bot.Question{Label: "To whom?", Hint: "a name, me, or nobody"})}
	}
	return append(out, itemForm("comment", "Comment …", bot.Question{Label: "What should the others know?", Long: true}),
		itemForm("undone", "Open again …", bot.Question{Word: "because", Label: "Why?", Optional: true, Long: true}), ActionRecheck)
}

func actionSkip() bot.Action {
	return itemForm("skip", "Skip …", bot.Question{Word: "because", Label: "Why?", Hint: "Everybody in the thread reads it.", Long: true})
}

// itemForm asks for an item by its number: the thread has them, and more than a menu does.
func itemForm(name, label string, more bot.Question) bot.Action {
	return bot.Action{Name: name, Label: label, Form: &bot.Form{Questions: []bot.Question{{Label: "Which item?", Hint: "its number in the list, as 3"}, more}}}
}

// mostChoices is how many items a menu offers.
const mostChoices = 20

func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

func firstUpper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
