package view

import (
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// What happened in a checklist's run, once each.

// ItemNews is an item whose status evidence has changed.
type ItemNews struct {
	Item bot.ItemState
	Was  bot.ItemStatus
}

// Looked tells what the evidence came to. The first look tells of all items; later ones
// of what changed.
func Looked(run bot.ChecklistState, o bot.Measure, first bool, changed []ItemNews, s Style) bot.Message {
	var ticked, reopened []string
	for _, n := range changed {
		name := fmt.Sprintf("%d. %s", n.Item.Number, n.Item.Item.Task)
		if n.Item.Status == bot.ItemDone {
			ticked = append(ticked, name)
		} else {
			reopened = append(reopened, name)
		}
	}
	bad, unknown, looked := 0, 0, 0
	for _, x := range run.Items {
		if o.Number > 0 && x.Number != o.Number || len(x.Evidence) == 0 {
			continue
		}
		looked++
		switch x.Verdict {
		case bot.NotOK:
			bad++
		case bot.OK:
		default:
			unknown++
		}
	}
	m := bot.Message{}
	head := "Looked at the evidence"
	if !first {
		head = "Looked at the evidence again"
	}
	if o.Number > 0 {
		head += fmt.Sprintf(" of item %d", o.Number)
	}
	words := []string{fmt.Sprintf("%d of %d ok", looked-bad-unknown, looked)}
	if bad > 0 {
		words = append(words, fmt.Sprintf("%d not ok", bad))
		m.Tone = bot.ToneWarning
	}
	if unknown > 0 {
		words = append(words, fmt.Sprintf("%d unknown", unknown))
	}
	m.Title = bot.Line(bot.B(head), bot.T(": "+strings.Join(words, ", ")))
	list := func(head string, names []string) {
		if len(names) == 0 {
			return
		}
		items := make([]bot.Text, len(names))
		for i, n := range names {
			items[i] = bot.Line(bot.T(n))
		}
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(head))}, bot.List{Items: items})
	}
	list("Ticked by it", ticked)
	if len(reopened) > 0 {
		m.Tone = bot.ToneWarning
	}
	list("No longer so, and open again", reopened)
	if !first && len(changed) == 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T("No tick changed."))})
	}
	for _, x := range run.Items {
		if x.Status == bot.ItemDone && x.By != "" && x.Verdict == bot.NotOK && (o.Number == 0 || o.Number == x.Number) {
			m.Tone = bot.ToneWarning
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(fmt.Sprintf("Item %d", x.Number)), bot.T(" is ticked by "+string(x.By)+", and its evidence is not ok."))})
		}
	}
	return m
}

// ItemSet tells where somebody put an item.
func ItemSet(run bot.ChecklistState, x bot.ItemState, was bot.ItemStatus, by bot.PersonID, s Style) bot.Message {
	name := fmt.Sprintf("Item %d", x.Number)
	var said string
	switch x.Status {
	case bot.ItemDone:
		said = "done by " + string(by)
		if x.Verdict == bot.NotOK {
			said += ", though its evidence is not ok"
		}
	case bot.ItemSkipped:
		said = "skipped by " + string(by)
	case bot.ItemDeferred:
		said = "deferred until " + s.Time(x.Until) + " by " + string(by)
	default:
		said = "open again, says " + string(by)
		if was == bot.ItemDeferred || was == bot.ItemSkipped {
			said += "; it was " + string(was)
		}
	}
	t := bot.Line(bot.B(name), bot.T(" is "+said+": "+x.Item.Task))
	if x.Reason != "" {
		t = append(t, bot.T(" ("+x.Reason+")"))
	}
	m := bot.Message{Title: t}
	if run.Incident != nil && x.Status == bot.ItemDone {
		m.Blocks = stepTook(run, x.Number)
	}
	return m
}

// Commented tells what somebody says of an item.
func Commented(x bot.ItemState, by bot.PersonID, text string) bot.Message {
	return bot.Message{Title: bot.Line(bot.B(fmt.Sprintf("Item %d", x.Number)), bot.T(", "+string(by)+": "+text))}
}

// Assigned tells who is to do an item.
func Assigned(x bot.ItemState, by bot.PersonID) bot.Message {
	to := "Item " + fmt.Sprint(x.Number) + " is nobody's in particular"
	if x.Assigned != "" {
		to = "Item " + fmt.Sprint(x.Number) + " is " + string(x.Assigned) + "'s"
	}
	return bot.Message{Title: bot.Line(bot.B(to), bot.T(", says "+string(by)+": "+x.Item.Task))}
}

// Undeferred tells that an item's time has come.
func Undeferred(x bot.ItemState, s Style) bot.Message {
	return bot.Message{Title: bot.Line(bot.B(fmt.Sprintf("Item %d is open again", x.Number)), bot.T(": "+x.Item.Task+". It was deferred until now by "+string(x.By)+reason(x.Reason)))}
}

// Carried tells what a run takes over from the one before, and from incidents; any is
// false where that is nothing.
func Carried(run bot.ChecklistState, dropped []bot.ItemState, s Style) (m bot.Message, any bool) {
	var items []bot.Text
	for _, x := range run.Items {
		if x.Carried == 0 && x.FollowUp == nil {
			continue
		}
		t := bot.Line(bot.B(fmt.Sprintf("%d.", x.Number)), bot.T(" "+x.Item.Task))
		if x.FollowUp != nil {
			t = append(t, bot.T(", "+FollowUpOrigin(*x.FollowUp, s)))
		}
		if x.Carried > 0 {
			t = append(t, bot.T(", "+leftSince(x, s)))
		}
		if x.Status == bot.ItemDeferred {
			t = append(t, bot.T("; deferred until "+s.Time(x.Until)))
		}
		items = append(items, t)
	}
	for _, x := range dropped {
		items = append(items, bot.Line(bot.T(x.Item.Task+": left, and no longer on the list")))
	}
	if len(items) == 0 {
		return m, false
	}
	return bot.Message{Title: bot.Line(bot.B(fmt.Sprintf("Carried over: %d", len(items)))), Blocks: []bot.Block{bot.List{Items: items}}}, true
}

// LeftOver reminds of what is open before a run ends.
func LeftOver(run bot.ChecklistState, now time.Time, s Style) bot.Message {
	m := bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B(fmt.Sprintf("%d left", run.Left())), bot.T("; the list ends "+s.Time(run.Until)))}
	var items []bot.Text
	for _, x := range run.Items {
		if x.Status == bot.ItemOpen {
			t := bot.Line(bot.B(fmt.Sprintf("%d.", x.Number)), bot.T(" "+x.Item.Task))
			if x.Assigned != "" {
				t = append(t, bot.T(" ("+string(x.Assigned)+")"))
			}
			items = append(items, t)
		}
	}
	m.Blocks = []bot.Block{bot.List{Items: items}}
	return m
}

// RunSummary tells how a run ended.
func RunSummary(run bot.ChecklistState, why string, s Style) bot.Message {
	n := map[string]int{}
	var left, skipped []bot.Text
	for _, x := range run.Items {
		switch {
		case x.Status == bot.ItemDone && x.By == "":
			n["by evidence"]++
		case x.Status == bot.ItemDone:
			n["by people"]++
		case x.Status == bot.ItemSkipped:
			n["skipped"]++
			skipped = append(skipped, itemLine(x, s))
		case x.Status == bot.ItemDeferred:
			n["deferred"]++
			left = append(left, itemLine(x, s))
		default:
			n["left"]++
			left = append(left, itemLine(x, s))
		}
	}
	var parts []string
	for _, k := range []string{"by evidence", "by people", "skipped", "deferred", "left"} {
		if n[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[k], k))
		}
	}
	m := bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B(run.Title+" ended"), bot.T(": of "+phrase.Count(len(run.Items), "item", "items")+", "+strings.Join(parts, ", ")))}
	if why != "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(why))})
	}
	var against []string
	for _, x := range run.Items {
		if x.Status == bot.ItemDone && x.By != "" && x.Verdict == bot.NotOK {
			against = append(against, fmt.Sprint(x.Number))
		}
	}
	if len(against) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Ticked against its evidence"), bot.T(": "+strings.Join(against, ", ")))})
	}
	if n["left"]+len(against) > 0 {
		m.Tone = bot.ToneWarning
	}
	if len(left) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Goes on in the next one"))}, bot.List{Items: left})
	}
	if len(skipped) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Skipped"))}, bot.List{Items: skipped})
	}
	return m
}

// Unmade tells of firings that had no run of their own.
func Unmade(x bot.Schedule, most int, s Style) string {
	if x.Unmade == 1 {
		return "Not run: the one of " + s.Time(x.UnmadeFrom) + ", since " + x.UnmadeWhy + "."
	}
	n := fmt.Sprint(x.Unmade)
	if x.Unmade >= most {
		n = fmt.Sprint(most) + " or more"
	}
	return "Not run: " + n + " from " + s.Time(x.UnmadeFrom) + " to " + s.Time(x.UnmadeTo) + ", since " + x.UnmadeWhy + "."
}

// Paused tells how a checklist's firings go on.
func Paused(title string, x bot.Schedule, s Style) bot.Message {
	if x.PausedBy == "" {
		t := bot.Line(bot.B(title + " goes on"))
		if !x.Next.IsZero() {
			t = append(t, bot.T("; next "+s.Time(x.Next)))
		}
		return bot.Message{Title: t}
	}
	until := "until somebody resumes it"
	if !x.PausedUntil.IsZero() {
		until = "until " + s.Time(x.PausedUntil)
	}
	return bot.Message{Tone: bot.ToneMuted, Title: bot.Line(bot.B(title+" is paused"), bot.T(" "+until+" by "+string(x.PausedBy)+reason(x.Reason)))}
}

// Offered tells what came of the operation that an item offered.
func Offered(x bot.ItemState, p bot.Proposal, s Style) bot.Message {
	name := fmt.Sprintf("Item %d", x.Number)
	if p.State == bot.Done && x.Status != bot.ItemDone {
		m := bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B(name+" stays open"), bot.T(": "+p.Plan.Draft.Summary+" is done, and what it found is "+string(x.Verdict)+" "), bot.M(string(p.Plan.ID)))}
		if e := readingItems(p.Evidence, s); len(e) > 0 {
			m.Blocks = append(m.Blocks, bot.List{Items: e})
		}
		return m
	}
	if p.State == bot.Done {
		m := bot.Message{Tone: bot.ToneOK, Title: bot.Line(bot.B(name+" is done"), bot.T(" by "+p.Plan.Draft.Summary+": "+x.Item.Task), bot.T(" "), bot.M(string(p.Plan.ID)))}
		if e := readingItems(p.Evidence, s); len(e) > 0 {
			m.Blocks = append(m.Blocks, bot.List{Items: e})
		}
		return m
	}
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.B(name+" stays open"), bot.T(": "+p.Plan.Draft.Summary+" ended as "+string(p.State)+" "), bot.M(string(p.Plan.ID)))}
}
