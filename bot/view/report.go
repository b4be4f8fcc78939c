package view

import (
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Report tells a month as a whole: in the room in short, with pictures, and all of it as
// a file.
func Report(r bot.Report, trends []bot.Picture, s Style) bot.Message {
	if r.Review != nil {
		return Since(r, trends, s)
	}
	month := r.From.In(s.zone()).Format("January 2006")
	n := newNotes(bot.Line(bot.B("Report of "+month), bot.T(", "+s.Time(r.From)+" to "+s.Time(r.To))), "Report of "+month)
	fmt.Fprintf(&n.file, "%s to %s\n", s.Time(r.From), s.Time(r.To))
	if !r.Known.IsZero() && r.Known.Before(r.To) {
		n.text("Alerts, plans and changes are known since " + s.Time(r.Known) + " alone.")
	}
	if card := Scorecard(r.Scores, s); card != nil {
		n.m.Blocks = append(n.m.Blocks, card...)
		fmt.Fprint(&n.file, "\n## Scorecard\n\n")
		for _, x := range r.Scores {
			fmt.Fprintf(&n.file, "- %s\n  Plan: %s. Counted: %s From: %s\n", scoreItem(x, s).String(), x.Metric.Plan, x.Metric.How, x.Metric.Source)
		}
	}
	n.part("Checklists", listLines(r), 10)
	n.part("Incidents and drills", incidentLines(r, s), 10)
	n.part("Alerts and changes", happened(r, s), 10)
	n.part("Trends", trendLines(r, s), 12)
	return n.message("report-"+r.From.In(s.zone()).Format("2006-01")+".md", trends)
}

// notes are a message in parts of which a file has the whole.
type notes struct {
	m    bot.Message
	file strings.Builder
}

func newNotes(title bot.Text, head string) *notes {
	n := &notes{m: bot.Message{Tone: bot.ToneInfo, Title: title}}
	fmt.Fprintf(&n.file, "# %s\n\n", head)
	return n
}

// text is a paragraph of both.
func (n *notes) text(line string) {
	n.m.Blocks = append(n.m.Blocks, bot.Para{Text: bot.Line(bot.T(line))})
	fmt.Fprintf(&n.file, "%s\n", line)
}

// part is a heading with lines, of which the message has at most so many.
func (n *notes) part(head string, lines []string, most int) {
	fmt.Fprintf(&n.file, "\n## %s\n\n", head)
	n.m.Blocks = append(n.m.Blocks, bot.Para{Text: bot.Line(bot.B(head))})
	var items []bot.Text
	for i, l := range lines {
		fmt.Fprintf(&n.file, "- %s\n", l)
		if i < most {
			items = append(items, bot.Line(bot.T(l)))
		}
	}
	if more := len(lines) - len(items); more > 0 {
		items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more, in the file", more))))
	}
	if items != nil {
		n.m.Blocks = append(n.m.Blocks, bot.List{Items: items})
	}
}

func (n *notes) message(file string, pictures []bot.Picture) bot.Message {
	for _, p := range pictures {
		n.m.Blocks = append(n.m.Blocks, p)
	}
	n.m.Blocks = append(n.m.Blocks, bot.File{Name: file, Type: "text/markdown", Data: []byte(n.file.String())})
	return n.m
}

func listLines(r bot.Report) []string {
	var out []string
	for _, l := range r.Lists {
		var parts []string
		for _, k := range []struct {
			n    int
			word string
		}{{l.ByEvidence, "ticked by evidence"}, {l.ByPeople, "by people"}, {l.Skipped, "skipped"}, {l.Left, "left"}} {
			if k.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", k.n, k.word))
			}
		}
		text := fmt.Sprintf("%s: %s, items %s", l.Title, phrase.Count(l.Runs, "run", "runs"), strings.Join(parts, ", "))
		if l.Longest != "" {
			text += fmt.Sprintf("; left the longest, through %s: %s", phrase.Count(l.Carried, "list", "lists"), l.Longest)
		}
		out = append(out, text)
	}
	if out == nil && !r.Known.Before(r.To) {
		out = []string{"unknown, as the alerts"}
	}
	if out == nil {
		out = []string{"no checklist had a run"}
	}
	return out
}

func incidentLines(r bot.Report, s Style) []string {
	if len(r.Incidents) == 0 && !r.Known.Before(r.To) {
		return []string{"unknown, as the alerts"}
	}
	if len(r.Incidents) == 0 {
		return []string{"none was opened"}
	}
	var took time.Duration
	var out []string
	todo, open := 0, 0
	var lists []string
	n := map[string]int{}
	for _, x := range r.Incidents {
		took, todo, open = took+x.Took, todo+x.FollowUps, open+x.FollowUpsOpen
		if n[x.List]++; n[x.List] == 1 {
			lists = append(lists, x.List)
		}
		state := "took "
		if x.Open {
			state = "still open, for "
		}
		out = append(out, fmt.Sprintf("%s of %s %s%s, %d of %s done, %s: %s", x.Title, x.OpenedAt.In(s.zone()).Format("2 Jan"), state, phrase.Duration(x.Took),
			x.Done, phrase.Count(x.All, "step", "steps"), followUpCount(x.FollowUps, x.FollowUpsOpen), cut(x.What, mostShown)))
	}
	for i, l := range lists {
		lists[i] = fmt.Sprintf("%s %d", l, n[l])
	}
	all := fmt.Sprintf("%d in all: %s; %s together; %s", len(r.Incidents), strings.Join(lists, ", "), phrase.Duration(took), followUpCount(todo, open))
	return append([]string{all}, out...)
}

// followUpCount is "3 follow-ups, 1 open".
func followUpCount(all, open int) string {
	if all == 0 {
		return "no follow-ups"
	}
	return phrase.Count(all, "follow-up", "follow-ups") + fmt.Sprintf(", %d open", open)
}

func happened(r bot.Report, s Style) []string {
	if !r.Known.Before(r.To) {
		return []string{"unknown: what is told begins " + s.Time(r.Known)}
	}
	out := []string{phrase.Count(r.Alerts, "thread of alerts", "threads of alerts") + fmt.Sprintf(", %d critical", r.Criticals)}
	for _, k := range []struct {
		what string
		of   []bot.Tally
	}{{"plans", r.Plans}, {"changes", r.Changes}} {
		var parts []string
		for _, t := range k.of {
			parts = append(parts, fmt.Sprintf("%d %s", t.N, t.What))
		}
		if parts == nil {
			parts = []string{"none"}
		}
		out = append(out, k.what+": "+strings.Join(parts, ", "))
	}
	if r.Approvals != "" {
		out = append(out, "approvals: "+r.Approvals)
	}
	return out
}

func trendLines(r bot.Report, s Style) []string {
	var out []string
	for _, t := range r.Trends {
		name := t.What
		if t.Host != "" {
			name = t.Host + " " + t.What
		}
		day := func(x bot.Reading) string { return x.At.In(s.zone()).Format("2 Jan") }
		was, is := figure(t.First), figure(t.Last)
		if was == is {
			out = append(out, fmt.Sprintf("%s: %s, as on %s", name, is, day(t.First)))
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s, was %s on %s", name, is, was, day(t.First)))
	}
	if out == nil {
		out = []string{"no figure was measured twice yet"}
	}
	return out
}
