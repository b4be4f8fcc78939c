package commands

import (
	"context"
	"fmt"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// backup321 tells of every dataset which copies there is evidence for, and what
// they leave out.
func backup321(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	all, err := host.ThreeTwoOneOf(ctx, call.World, name)
	if err != nil {
		return nil, err
	}
	m := bot.Message{}
	m.Tone, m.Title = copiesHeadline(all)
	for _, d := range all.Datasets {
		m.Blocks = append(m.Blocks, datasetBlocks(d, call)...)
	}
	m.Blocks = append(m.Blocks, doubts(all.Unknown)...)
	m.Note = bot.Quoted("A copy counts while its snapshot is fresh and its repository was verified lately.")
	return of(name, call, m), nil
}

// copiesHeadline is "3-2-1: 1 of 2 datasets; mail is not".
func copiesHeadline(all host.ThreeTwoOne) (bot.Tone, bot.Text) {
	var bad, unsure []string
	for _, d := range all.Datasets {
		switch d.State {
		case bot.OK:
		case bot.NotOK:
			bad = append(bad, d.Name)
		default:
			unsure = append(unsure, d.Name)
		}
	}
	n := len(all.Datasets)
	if n == 0 {
		return bot.ToneUnknown, bot.Line(bot.B("No dataset is configured"))
	}
	title := fmt.Sprintf("3-2-1: there is evidence for %d of %s", n-len(bad)-len(unsure), phrase.Count(n, "dataset", "datasets"))
	tone := bot.ToneOK
	switch {
	case len(bad) > 0:
		tone = bot.ToneWarning
		title += "; not for " + strings.Join(bad, ", ")
	case len(unsure) > 0:
		tone = bot.ToneUnknown
	}
	if len(unsure) > 0 {
		title += "; unknown for " + strings.Join(unsure, ", ")
	}
	return tone, bot.Line(bot.B(title))
}

func datasetBlocks(d host.DatasetCopies, call bot.Call) []bot.Block {
	head := bot.Line(bot.B(d.Name), bot.T(fmt.Sprintf(": %s, %s, %d off-site", phrase.Count(d.Count, "copy", "copies"),
		phrase.Count(len(d.Media), "medium", "media"), d.OffSite)), bot.F(" ("+strings.Join(d.Paths, ", ")+")"))
	var items []bot.Text
	for _, w := range d.Why {
		items = append(items, bot.Line(bot.B(w)))
	}
	for _, c := range d.Copies {
		items = append(items, copyItem(c, call))
	}
	return append([]bot.Block{bot.Para{Text: head}}, lists(items)...)
}

// copyItem is "b2 on b2, off-site: snapshot 6 h old, verified 3 d ago; leaves out
// *.tmp".
func copyItem(c host.Copy, call bot.Call) bot.Text {
	head := c.Where + " on " + c.Medium
	if c.Where == host.LiveCopy {
		head = "the data itself on " + c.Medium
	}
	if c.OffSite {
		head += ", off-site"
	}
	var parts []string
	if !c.Snapshot.IsZero() {
		parts = append(parts, "snapshot "+phrase.Duration(call.Now.Sub(c.Snapshot))+" old")
	}
	if !c.Verified.IsZero() {
		parts = append(parts, "verified "+phrase.Duration(call.Now.Sub(c.Verified))+" ago")
	}
	if c.Holds != nil {
		parts = append(parts, fmt.Sprintf("%s (%s) counted in it", phrase.Count(int(c.Holds.Files), "file", "files"), c.Holds.Bytes))
	}
	t := bot.Line(bot.T(head))
	if len(parts) > 0 {
		t = append(t, bot.T(": "+strings.Join(parts, ", ")))
	}
	if c.State != bot.OK {
		word := "; it does not count: "
		if c.State != bot.NotOK {
			word = "; whether it counts is unknown: "
		}
		t = append(t, bot.B(word), bot.T(strings.Join(c.Why, "; ")))
	}
	const most = 8
	if n := len(c.Uncovered); n > 0 {
		left := strings.Join(c.Uncovered[:min(n, most)], " ")
		if n > most {
			left += fmt.Sprintf(" and %d more", n-most)
		}
		t = append(t, bot.T("; leaves out "), bot.M(left))
	}
	return t
}
