package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// silences lists what every Alertmanager has. One that does not answer is said.
// In a thread they are those over its alerts, as a command without a subject means
// that thread.
func silences(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	_, ended := call.Args["all"]
	if call.Thread != "" && !ended {
		f, err := call.World.Thread(ctx, call.Thread)
		if err != nil {
			return nil, err
		}
		if f.Thread.State.Alert != nil {
			return silencesOver(ctx, call, f)
		}
	}
	managers := call.World.Alertmanagers()
	if len(managers) == 0 {
		return nil, noAlertmanager()
	}
	m := bot.Message{}
	active, pending, expired, mute := 0, 0, 0, 0
	listed, failed := map[string][]bot.Silence{}, map[string]error{}
	var everyone []bot.Silence
	for _, am := range managers {
		listed[am], failed[am] = call.World.Silences(ctx, am)
		everyone = append(everyone, listed[am]...)
	}
	short := shortSilences(everyone)
	for _, am := range managers {
		if err := failed[am]; err != nil {
			mute++
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(am+": "), bot.T(bot.ForPeople(err)))})
			continue
		}
		var items []bot.Text
		for _, s := range listed[am] {
			switch s.State {
			case "active":
				active++
			case "pending":
				pending++
			default:
				if expired++; !ended {
					continue
				}
			}
			items = append(items, silenceItem(s, short[s.ID], call))
		}
		if len(managers) > 1 && len(items) > 0 {
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(am))})
		}
		m.Blocks = append(m.Blocks, lists(items)...)
	}
	m.Title = bot.Line(bot.B(silencesHeadline(active, pending, expired, mute, len(managers), ended)))
	switch {
	case mute > 0:
		m.Tone = bot.ToneUnknown
	case active+pending > 0:
		m.Note = bot.Quoted("`unsilence ID` ends one; as much of its id as stands here is enough.")
	}
	return bot.Say{Message: m}, nil
}

// silencesOver lists the silences that hold a thread's alerts, or will: those that
// are known to, and those whose matchers fit, since one that was just made has
// not been seen to hold anything.
func silencesOver(ctx context.Context, call bot.Call, f bot.ThreadFacts) (bot.Outcome, error) {
	am, err := alertmanagerOf(call, f)
	if err != nil {
		return nil, err
	}
	all, err := call.World.Silences(ctx, am)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, s := range slices.Concat(f.Silences, f.Kept) {
		known[s.ID] = true
	}
	short := shortSilences(all)
	active, pending := 0, 0
	var items []bot.Text
	for _, s := range holding(all, call) {
		if !known[s.ID] && !slices.ContainsFunc(f.Episodes, func(e bot.Episode) bool { return fits(s.Matchers, e.Labels) }) {
			continue
		}
		if s.State == "pending" {
			pending++
		} else {
			active++
		}
		items = append(items, silenceItem(s, short[s.ID], call))
	}
	head := "No silence is over this thread's alerts"
	if active > 0 {
		head = phrase.Count(active, "silence is", "silences are") + " over this thread's alerts"
	}
	if pending > 0 {
		head += fmt.Sprintf(", %d will be", pending)
	}
	m := bot.Message{Title: bot.Line(bot.B(head)), Blocks: lists(items)}
	note := "`silences all` lists all there are, those that ended too."
	if len(items) > 0 {
		note = "`unsilence ID` ends one; " + note
	}
	m.Note = bot.Quoted(note)
	return bot.Say{Message: m}, nil
}

func silencesHeadline(active, pending, expired, mute, managers int, ended bool) string {
	if mute == managers {
		return "Which silences there are is unknown"
	}
	parts := []string{"No silence holds"}
	if active > 0 {
		parts[0] = phrase.Count(active, "silence holds", "silences hold")
	}
	if pending > 0 {
		parts = append(parts, fmt.Sprintf("%d will", pending))
	}
	if ended {
		parts = append(parts, fmt.Sprintf("%d ended", expired))
	}
	if mute > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d Alertmanagers did not answer", mute, managers))
	}
	return strings.Join(parts, ", ")
}
