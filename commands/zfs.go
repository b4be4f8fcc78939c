package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// zfsStatus tells of every pool how it is, and why where it is not well.
func zfsStatus(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	p, err := host.PoolsOf(ctx, call.World, name)
	if err != nil {
		return nil, err
	}
	m := bot.Message{}
	m.Tone, m.Title = poolsHeadline(p)
	for _, x := range p.Pools {
		m.Blocks = append(m.Blocks, poolBlocks(x, call)...)
	}
	var items []bot.Text
	for _, d := range p.Datasets {
		items = append(items, bot.Line(bot.T(fmt.Sprintf("%s: %s of its quota of %s", d.Name, d.Used, d.Quota))))
	}
	if len(items) > 0 {
		m.Blocks = append(append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Nearly at their quotas"))}), lists(items)...)
	}
	m.Blocks = append(m.Blocks, doubts(p.Unknown)...)
	m.Note = bot.Line(bot.T(p.Source))
	return of(name, call, m), nil
}

// poolsHeadline is "2 pools; tank is not ok".
func poolsHeadline(p host.Pools) (bot.Tone, bot.Text) {
	var bad, unsure []string
	tone := bot.ToneOK
	for _, x := range p.Pools {
		switch x.State {
		case bot.OK:
		case bot.NotOK:
			bad = append(bad, x.Name)
			if x.Health != "ONLINE" || x.Lost != nil && *x.Lost > 0 {
				tone = bot.ToneCritical
			}
		default:
			unsure = append(unsure, x.Name)
		}
	}
	title := phrase.Count(len(p.Pools), "pool", "pools")
	switch {
	case len(p.Pools) == 0:
		return bot.ToneUnknown, bot.Line(bot.B("No pool is imported"))
	case len(bad) > 0:
		title += "; " + strings.Join(bad, ", ") + map[bool]string{true: " is", false: " are"}[len(bad) == 1] + " not ok"
		if tone != bot.ToneCritical {
			tone = bot.ToneWarning
		}
	case len(unsure) == 0 && len(p.Datasets) > 0:
		tone = bot.ToneWarning
	case len(unsure) == 0 && len(p.Unknown) == 0:
		title += "; all is well"
	}
	if len(unsure) > 0 {
		title += "; not everything is known of " + strings.Join(unsure, ", ")
	}
	if tone == bot.ToneOK && (len(unsure) > 0 || len(p.Unknown) > 0) {
		tone = bot.ToneUnknown
	}
	return tone, bot.Line(bot.B(title))
}

func poolBlocks(p host.Pool, call bot.Call) []bot.Block {
	t := bot.Line(bot.B(p.Name+" "), bot.T(p.Health))
	add := func(format string, args ...any) { t = append(t, bot.T(" · "+fmt.Sprintf(format, args...))) }
	if p.Capacity != nil && p.Size != nil && p.Free != nil {
		add("%d %% of %s used, %s free", *p.Capacity, *p.Size, *p.Free)
	}
	if p.Fragmentation != nil {
		add("the free space is fragmented to %d %%", *p.Fragmentation)
	}
	if p.Scrub != nil {
		add("%s", scanText("scrub", *p.Scrub, call))
	}
	if p.Resilver != nil {
		add("%s", scanText("resilver", *p.Resilver, call))
	}
	out := []bot.Block{bot.Para{Text: t}}
	var items []bot.Text
	for _, w := range p.Why {
		items = append(items, bot.Quoted(w))
	}
	if p.Status != "" && p.State != bot.OK {
		items = append(items, bot.Line(bot.F("zpool: "+strings.TrimSpace(p.Status+" "+p.Action))))
	}
	for _, d := range p.Devices {
		text := fmt.Sprintf("%s %s", d.Name, d.State)
		if d.Read+d.Write+d.Checksum > 0 {
			text += fmt.Sprintf(", errors: %d reading, %d writing, %d checksums", d.Read, d.Write, d.Checksum)
		}
		if d.Note != "" {
			text += " (" + d.Note + ")"
		}
		items = append(items, bot.Line(bot.M(text)))
	}
	return append(out, lists(items)...)
}

// scanText is "scrub Wed 14 Jan 03:00 CET (9 h ago), 0 errors, repaired 0 B".
func scanText(kind string, s host.Scan, call bot.Call) string {
	when := func(t time.Time) string {
		if t.IsZero() {
			return "at an unknown time"
		}
		return fmt.Sprintf("%s (%s ago)", clockText(t, call.World.Zone(), call.Now), phrase.Duration(call.Now.Sub(t)))
	}
	switch s.State {
	case host.ScanNever:
		return "no " + kind + " ever"
	case host.ScanRunning, host.ScanPaused:
		state := map[host.ScanState]string{host.ScanRunning: "since", host.ScanPaused: "paused, begun"}[s.State]
		return fmt.Sprintf("%s at %.0f %%, %s %s", kind, float64(int(s.Done)), state, when(s.Start))
	case host.ScanCanceled:
		return kind + " cancelled " + when(s.End)
	}
	errors := phrase.Count(int(s.Errors), "error", "errors")
	if s.Uncounted {
		errors = "errors unknown"
	}
	return fmt.Sprintf("%s %s, %s, repaired %s", kind, when(s.End), errors, s.Repaired)
}

// doubts tell what could not be found out.
func doubts(unknown []string) []bot.Block {
	if len(unknown) == 0 {
		return nil
	}
	items := make([]bot.Text, len(unknown))
	for i, u := range unknown {
		items[i] = bot.Quoted(u)
	}
	return append([]bot.Block{bot.Para{Text: bot.Line(bot.B("Unknown"))}}, lists(items)...)
}
