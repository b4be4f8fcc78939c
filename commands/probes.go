package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// probeTime bounds one probe. All run at once, so it bounds them together.
const probeTime = 10 * time.Second

// measure runs the probes. One that does not answer in time is unknown, with the
// reason; it holds nobody else up. A probe that ignores its context keeps its
// goroutine until it returns by itself.
func measure(ctx context.Context, probes []bot.Probe, now time.Time) []bot.Reading {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	answers := make([]chan []bot.Reading, len(probes))
	for i, p := range probes {
		answers[i] = make(chan []bot.Reading, 1)
		go func() {
			defer func() {
				if recover() != nil {
					answers[i] <- []bot.Reading{unknown(p, now, "the probe failed inside")}
				}
			}()
			answers[i] <- p.Read(ctx)
		}()
	}
	var out []bot.Reading
	for i, p := range probes {
		out = append(out, answerOf(ctx, p, answers[i], now)...)
	}
	return out
}

func answerOf(ctx context.Context, p bot.Probe, answer <-chan []bot.Reading, now time.Time) []bot.Reading {
	var got []bot.Reading
	select {
	case got = <-answer:
	case <-ctx.Done():
		// It may have answered at the same moment, and then that counts.
		select {
		case got = <-answer:
		default:
			return []bot.Reading{unknown(p, now, "no answer within "+phrase.Duration(probeTime))}
		}
	}
	if len(got) == 0 {
		return []bot.Reading{unknown(p, now, "it told nothing")}
	}
	return got
}

func unknown(p bot.Probe, now time.Time, why string) bot.Reading {
	return bot.Reading{What: p.Name(), Note: why, At: now, State: bot.Unknown}
}

// tally counts readings by what they say. A state that nobody has heard of is
// unknown, not ok.
type tally struct{ ok, notOK, unknown int }

func (t tally) all() int { return t.ok + t.notOK + t.unknown }

func (t *tally) add(r bot.Reading) {
	switch r.State {
	case bot.OK:
		t.ok++
	case bot.NotOK:
		t.notOK++
	default:
		t.unknown++
	}
}

func rank(r bot.Reading) int {
	switch r.State {
	case bot.NotOK:
		return 0
	case bot.OK:
		return 2
	}
	return 1
}

// readingBlocks show readings by host, the hosts with trouble first: what is not
// ok, then what is unknown, one line each; what is ok together in one.
func readingBlocks(rs []bot.Reading, rest string) []bot.Block {
	byHost := map[string][]bot.Reading{}
	var hosts []string
	for _, r := range rs {
		if _, known := byHost[r.Host]; !known {
			hosts = append(hosts, r.Host)
		}
		byHost[r.Host] = append(byHost[r.Host], r)
	}
	worst := map[string]int{}
	for h, rs := range byHost {
		slices.SortStableFunc(rs, func(a, b bot.Reading) int { return cmp.Compare(rank(a), rank(b)) })
		worst[h] = rank(rs[0])
	}
	slices.SortStableFunc(hosts, func(a, b string) int { return cmp.Compare(worst[a], worst[b]) })
	var out []bot.Block
	for _, h := range hosts {
		var items, fine []bot.Text
		for _, r := range byHost[h] {
			if r.State == bot.OK {
				fine = append(fine, bot.Line(bot.T(what(r))))
				continue
			}
			items = append(items, badReading(r))
		}
		if len(fine) > 0 {
			items = append(items, append(bot.Line(bot.T("ok: ")), join(fine, " · ")...))
		}
		out = append(out, bot.Para{Text: bot.Line(bot.B(cmp.Or(h, rest)))}, bot.List{Items: items})
	}
	return out
}

func badReading(r bot.Reading) bot.Text {
	state := "unknown"
	if r.State == bot.NotOK {
		state = "not ok"
	}
	t := bot.Line(bot.B(state+": "), bot.T(what(r)))
	if r.Note != "" {
		t = append(t, bot.T(" ("+r.Note+")"))
	}
	return t
}

// what is "disk / 91 % of 1 TiB".
func what(r bot.Reading) string { return strings.TrimSpace(r.What + " " + r.Value) }

// worstReadings are the ones for a headline: the first that are not ok, and how
// many more there are.
func worstReadings(rs []bot.Reading, most int) string {
	var parts []string
	more := 0
	for _, r := range rs {
		switch {
		case r.State != bot.NotOK:
		case len(parts) == most:
			more++
		case r.Host == "":
			parts = append(parts, what(r))
		default:
			parts = append(parts, r.Host+": "+what(r))
		}
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("%d more not ok", more))
	}
	return strings.Join(parts, ", ")
}
