package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// noiseWeek is how far back `noise` looks where nobody says.
const noiseWeek = 7 * 24 * time.Hour

// noiseMost is how many of the noisiest are listed.
const noiseMost = 20

// noise tells what fired how often over a span, what nobody answered, and for how much of
// it nothing critical fired.
func noise(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	span := noiseWeek
	if d := call.Args["span"].Duration; d > 0 {
		span = d
	}
	f, err := call.World.Noise(ctx, call.Now.Add(-span))
	if err != nil {
		return nil, err
	}
	m := bot.Message{Tone: bot.ToneOK, Title: noiseTitle(f)}
	switch {
	case f.Unread()+f.Flapping() > 0:
		m.Tone = bot.ToneWarning
	case f.Deaf > 0:
		m.Tone = bot.ToneInfo
	}
	if f.Since.After(f.Asked) {
		m.Blocks = append(m.Blocks, bot.Para{Text: append(bot.Line(bot.B("Not all of "+phrase.Duration(f.Until.Sub(f.Asked))+": ")),
			bot.Quoted("the figures reach back to "+clockText(f.Since, call.World.Zone(), call.Now)+"; "+f.Short+".")...)})
	}
	m.Blocks = append(m.Blocks, lists(noiseItems(f))...)
	if len(f.Hosts) > 0 && f.Until.After(f.Since) {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Time without a critical alert firing"))})
		m.Blocks = append(m.Blocks, lists(criticalItems(f))...)
	}
	m.Blocks = append(m.Blocks, doubts(noiseDoubts(f))...)
	m.Note = bot.Quoted("From the bot's own threads and journal. A critical alert counts as firing while it is silenced, too. Not covered: heartbeats, faults for which no alert exists, alerts that were held back from their beginning on, and what began and ended while the bot or Alertmanager was away" +
		botSince(f, call) + ".")
	return bot.Say{Message: m}, nil
}

// noiseDoubts say where the figures may be too low.
func noiseDoubts(f bot.NoiseFacts) []string {
	if f.Deaf <= 0 {
		return f.Doubts
	}
	return append([]string{"For " + phrase.Duration(f.Deaf) + " not all alerts could be heard: the bot was away, an Alertmanager did not answer, or a heartbeat was missed. What began and ended then is not counted."}, f.Doubts...)
}

// botSince says that the bot was started in the span, so that it may have missed some.
func botSince(f bot.NoiseFacts, call bot.Call) string {
	if !f.BotSince.After(f.Since) {
		return ""
	}
	return " (the bot was last started " + clockText(f.BotSince, call.World.Zone(), call.Now) + ")"
}

// noiseTitle is "3 alerts fired 9 times in 7 d; 1 critical firing was never acked, 1 flaps".
func noiseTitle(f bot.NoiseFacts) bot.Text {
	in := bot.T(" in " + phrase.Duration(f.Until.Sub(f.Since)))
	if len(f.Groups) == 0 {
		return bot.Line(bot.B("Nothing is known to have fired"), in)
	}
	t := bot.Line(bot.B(phrase.Count(len(f.Groups), "alert", "alerts")+" fired "+phrase.Count(f.Firings, "time", "times")), in)
	var bad []string
	if n := f.Unread(); n > 0 {
		bad = append(bad, phrase.Count(n, "critical firing was", "critical firings were")+" never acked")
	}
	if n := f.Flapping(); n > 0 {
		bad = append(bad, phrase.Count(n, "flaps", "flap"))
	}
	if bad != nil {
		t = append(t, bot.T("; "+strings.Join(bad, ", ")))
	}
	return t
}

// noiseItems are a line for each of the noisiest, and for those further down that hold
// what somebody should have read.
func noiseItems(f bot.NoiseFacts) []bot.Text {
	var out []bot.Text
	rest, times := 0, 0
	for i, g := range f.Groups {
		if i >= noiseMost && (g.Unread == 0 || len(out) >= 2*noiseMost) {
			rest++
			times += g.Fired
			continue
		}
		out = append(out, noiseItem(g))
	}
	if rest > 0 {
		out = append(out, bot.Line(bot.F(fmt.Sprintf("and %s, which fired %s together", phrase.Count(rest, "other", "others"), phrase.Count(times, "time", "times")))))
	}
	return out
}

// noiseItem is "DiskFull on vulcan, critical: fired 3 times, 2 h together; …".
func noiseItem(g bot.NoiseGroup) bot.Text {
	t := bot.Line(bot.B(g.Alert))
	if g.Host != "" {
		t = append(t, bot.T(" on "+g.Host))
	}
	if g.Severity != bot.SeverityUnknown {
		t = append(t, bot.T(", "+g.Severity.String()))
	}
	fired := ": fired " + phrase.Count(g.Fired, "time", "times")
	if g.Alerts > 1 {
		fired += fmt.Sprintf(" as %d different alerts", g.Alerts)
	}
	fired += ", for " + phrase.Duration(g.Firing) + " in all"
	if g.Live > 0 {
		fired += fmt.Sprintf(", %d now", g.Live)
	}
	parts := []string{fired}
	if g.NeverAcked() {
		parts = append(parts, "never acked by anybody")
	} else {
		acked := "acked " + phrase.Count(g.Acks, "time", "times") + " by " + phrase.Count(len(g.Ackers), "person", "people")
		if g.Acked < g.Fired {
			acked += fmt.Sprintf(", over %d of the %d firings", g.Acked, g.Fired)
		}
		parts = append(parts, acked)
	}
	switch {
	case g.Unread == 0:
	case g.NeverAcked() && g.Unread == g.Fired:
		parts = append(parts, "unread")
	default:
		parts = append(parts, fmt.Sprintf("%d unread", g.Unread))
	}
	if g.Flaps() {
		flaps := "flaps"
		if g.Short > 0 {
			flaps += fmt.Sprintf(", %d over within %s", g.Short, phrase.Duration(bot.NoiseShort))
		}
		if g.Again > 0 {
			flaps += fmt.Sprintf(", %d again soon after its end", g.Again)
		}
		parts = append(parts, flaps)
	}
	if g.Silenced > 0 {
		parts = append(parts, "silenced for "+percent(g.Silenced)+" of that time")
	}
	return append(t, bot.T(strings.Join(parts, "; ")))
}

// criticalItems are a line for each host.
func criticalItems(f bot.NoiseFacts) []bot.Text {
	span := f.Until.Sub(f.Since)
	var out []bot.Text
	for _, c := range f.Hosts {
		t := bot.Line(bot.B(c.Host))
		if c.Host == "" {
			t = bot.Line(bot.B("alerts of no configured host"))
		}
		s := ": " + percent(c.Without(span)) + " of " + phrase.Duration(span)
		if c.Times > 0 {
			s += "; one fired for " + phrase.Duration(c.Critical)
			if c.Times > 1 {
				s += fmt.Sprintf(" in %d spans, the longest ", c.Times) + phrase.Duration(c.Longest)
			}
		}
		out = append(out, append(t, bot.T(s)))
	}
	return out
}

// percent is a share of a whole. What is not all of it never says that it is, nor that it
// is nothing.
func percent(share float64) string {
	switch {
	case share >= 1:
		return "100 %"
	case share <= 0:
		return "0 %"
	case share > 0.9999:
		return "more than 99.99 %"
	case share < 0.001:
		return "less than 0.1 %"
	case share > 0.99:
		return fmt.Sprintf("%.2f %%", float64(int(share*10_000))/100)
	}
	return fmt.Sprintf("%.1f %%", float64(int(share*1000))/10)
}
