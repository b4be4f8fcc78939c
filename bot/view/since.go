package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Since tells what a review begins with: what is otherwise than at the one before.
func Since(r bot.Report, trends []bot.Picture, s Style) bot.Message {
	n := newNotes(bot.Line(bot.B("What changed since "+s.Time(r.From))), "What changed since "+s.Time(r.From))
	v := r.Review
	if !v.Known.IsZero() {
		n.text("Nothing is known from before " + s.Time(v.Known) + ".")
	}
	var changes []string
	kinds := map[bot.ChangeKind]int{}
	for _, x := range v.Changes {
		kinds[x.Kind]++
		text := s.Time(x.At) + " " + x.Text
		if x.Host != "" && !strings.Contains(x.Text, x.Host) {
			text += " (" + x.Host + ")"
		}
		changes = append(changes, text)
	}
	head := "Hosts: no switch, reboot or new image is known"
	if len(changes) > 0 {
		head = "Hosts: " + strings.Join([]string{phrase.Count(kinds[bot.ChangeSwitch], "switch", "switches"),
			phrase.Count(kinds[bot.ChangeReboot], "reboot", "reboots"), phrase.Count(kinds[bot.ChangeImage], "new image", "new images")}, ", ")
	}
	n.part(head, changes, 8)
	var runs []string
	for _, x := range v.Runs {
		text := fmt.Sprintf("%s %s: %s (%s", s.Time(x.At), x.Summary, x.State, x.Plan)
		if x.Host != "" && !strings.Contains(x.Summary, x.Host) {
			text += ", " + x.Host
		}
		runs = append(runs, text+")")
	}
	n.part(phrase.Count(len(runs), "plan", "plans")+" ran", runs, 8)
	n.part(fmt.Sprintf("Alerts: %s, %d critical", phrase.Count(r.Alerts, "thread", "threads"), r.Criticals), alertsCompared(v, s), 8)
	n.part("Figures that moved the most", trendLines(bot.Report{Trends: movedMost(r.Trends)}, s), 8)
	m := n.message("since-"+r.From.In(s.zone()).Format("2006-01-02")+".md", trends)
	m.Note = bot.Quoted("Changes of hosts are what their agents told; restarts of units are not listed. `changes` asks an agent now.")
	return m
}

func alertsCompared(v *bot.Review, s Style) []string {
	if v.EarlierKnown.IsZero() {
		return []string{"which of them are new is unknown: of the time before nothing is known"}
	}
	some := func(names []string) string {
		if len(names) == 0 {
			return "none"
		}
		return strings.Join(names, ", ")
	}
	return []string{
		"new, as they did not fire from " + s.Time(v.EarlierKnown) + " until then: " + some(v.New),
		"fired in that time, and did not any more: " + some(v.Gone),
	}
}

// movedMost are the figures by how far they moved, against the larger of their two ends.
func movedMost(trends []bot.Trend) []bot.Trend {
	far := func(t bot.Trend) float64 {
		largest := max(math.Abs(t.First.Figure), math.Abs(t.Last.Figure))
		if largest == 0 {
			return 0
		}
		return math.Abs(t.Last.Figure-t.First.Figure) / largest
	}
	out := slices.Clone(trends)
	slices.SortStableFunc(out, func(a, b bot.Trend) int { return cmp.Compare(far(b), far(a)) })
	return out
}
