package commands

import (
	"errors"
	"testing"
	"time"

	"watchstander/bot"
)

func TestNoise(t *testing.T) {
	const day = 24 * time.Hour
	week := func(groups ...bot.NoiseGroup) bot.NoiseFacts {
		f := bot.NoiseFacts{Asked: noon.Add(-7 * day), Since: noon.Add(-7 * day), Until: noon, BotSince: noon.Add(-30 * day), Groups: groups,
			Hosts: []bot.CriticalTime{{Host: "vulcan"}}}
		for _, g := range groups {
			f.Firings += g.Fired
		}
		return f
	}
	const note = "(From the bot's own threads and journal. A critical alert counts as firing while it is silenced, too. " +
		"Not covered: heartbeats, faults for which no alert exists, alerts that were held back from their beginning on, and what began and ended while the bot or Alertmanager was away"
	busy := week(
		bot.NoiseGroup{Alert: "Flaps", Severity: bot.SeverityWarning, Alerts: 1, Fired: 9, Firing: 40 * time.Minute, Short: 9, Again: 5},
		bot.NoiseGroup{Alert: "DiskFull", Host: "vulcan", Severity: bot.SeverityCritical, Alerts: 2, Fired: 3, Live: 1, Firing: 26 * time.Hour,
			Acks: 2, Ackers: []bot.PersonID{"alice"}, Acked: 2, Unread: 1, Silenced: 0.25},
		bot.NoiseGroup{Alert: "PoolDegraded", Host: "mars", Severity: bot.SeverityCritical, Alerts: 1, Fired: 1, Firing: time.Hour, Unread: 1},
		bot.NoiseGroup{Alert: "Slow", Alerts: 1, Fired: 1, Firing: time.Minute, Acks: 3, Ackers: []bot.PersonID{"alice", "bob"}, Acked: 1})
	busy.Hosts = []bot.CriticalTime{{Host: "vulcan", Critical: 26 * time.Hour, Longest: 20 * time.Hour, Times: 3}, {Host: "mars", Critical: time.Hour, Longest: time.Hour, Times: 1}, {Host: "idle"}, {Critical: 7 * day, Times: 1}}
	away := week()
	away.Deaf = 2 * day
	busy.Doubts = []string{"Only the newest 5000 acks are counted."}
	young := week()
	young.Since, young.Short, young.BotSince = noon.Add(-day), "before that the bot's state knows nothing", noon.Add(-time.Hour)
	for name, c := range map[string]struct {
		facts bot.NoiseFacts
		want  string
		tone  bot.Tone
	}{
		"quiet": {week(), `Nothing is known to have fired in 7 d
Time without a critical alert firing
- vulcan: 100 % of 7 d
` + note + ".)\n", bot.ToneOK},
		"away": {away, `Nothing is known to have fired in 7 d
Time without a critical alert firing
- vulcan: 100 % of 7 d
Unknown
- For 2 d not all alerts could be heard: the bot was away, an Alertmanager did not answer, or a heartbeat was missed. What began and ended then is not counted.
` + note + ".)\n", bot.ToneInfo},
		"busy": {busy, `4 alerts fired 14 times in 7 d; 2 critical firings were never acked, 1 flaps
- Flaps, warning: fired 9 times, for 40 min in all; never acked by anybody; flaps, 9 over within 10 min, 5 again soon after its end
- DiskFull on vulcan, critical: fired 3 times as 2 different alerts, for 1 d 2 h in all, 1 now; acked 2 times by 1 person, over 2 of the 3 firings; 1 unread; silenced for 25.0 % of that time
- PoolDegraded on mars, critical: fired 1 time, for 1 h in all; never acked by anybody; unread
- Slow: fired 1 time, for 1 min in all; acked 3 times by 2 people
Time without a critical alert firing
- vulcan: 84.5 % of 7 d; one fired for 1 d 2 h in 3 spans, the longest 20 h
- mars: 99.40 % of 7 d; one fired for 1 h
- idle: 100 % of 7 d
- alerts of no configured host: 0 % of 7 d; one fired for 7 d
Unknown
- Only the newest 5000 acks are counted.
` + note + ".)\n", bot.ToneWarning},
		"young": {young, `Nothing is known to have fired in 1 d
Not all of 7 d: the figures reach back to Tue 13 Jan 15:00 CET; before that the bot's state knows nothing.
Time without a critical alert firing
- vulcan: 100 % of 1 d
` + note + " (the bot was last started Wed 14 Jan 14:00 CET).)\n", bot.ToneOK},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.noise = c.facts
			out, err := ask(t, w, observer, "", "noise")
			if got := said(t, out, err); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if tone := out.(bot.Say).Message.Tone; tone != c.tone {
				t.Errorf("the tone is %v", tone)
			}
		})
	}
}

// A long list is cut, but for the critical ones that nobody acked.
func TestNoiseIsCut(t *testing.T) {
	w := newWorld(t)
	w.noise = bot.NoiseFacts{Asked: noon.Add(-time.Hour), Since: noon.Add(-time.Hour), Until: noon}
	for range 100 {
		w.noise.Groups = append(w.noise.Groups, bot.NoiseGroup{Alert: "Common", Alerts: 1, Fired: 2})
	}
	w.noise.Groups[90] = bot.NoiseGroup{Alert: "Rare", Severity: bot.SeverityCritical, Alerts: 1, Fired: 1, Unread: 1}
	out, err := ask(t, w, observer, "", "noise")
	mustContain(t, said(t, out, err), "\n- Rare, critical: fired 1 time", "\n- and 79 others, which fired 158 times together\n")
}

func TestNoiseSpan(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]time.Duration{"noise": 168 * time.Hour, "noise 1d": 24 * time.Hour, "noise 2 weeks": 336 * time.Hour, "Noise 1h30m": 90 * time.Minute, "noise 365d": 365 * 24 * time.Hour} {
		if out, err := ask(t, w, observer, "", line); err != nil || !w.since.Equal(noon.Add(-want)) {
			t.Errorf("%q looked back to %v: %v, %v", line, w.since, out, err)
		}
	}
	for line, want := range map[string]string{
		"noise 366d": "`366d` (word 2) is no span that I can look back; write from `1h` to `365d`.",
		"noise 5m":   "`5m` (word 2) is no span that I can look back; write from `1h` to `365d`.",
		"noise -2d":  "`-2d` (word 2) is no span that I can look back; write from `1h` to `365d`.",
		"noise 7":    "`7` (word 2) is no span; write how far back, e.g. `noise 7d`.",
		"noise loud": "`loud` (word 2) is no span; write how far back, e.g. `noise 7d`.",
	} {
		_, err := ask(t, w, observer, "", line)
		wantError(t, err, bot.CodeInvalid, want)
	}
	w.noiseErr = errors.New("the disk is gone")
	if _, err := ask(t, w, observer, "", "noise"); !errors.Is(err, w.noiseErr) {
		t.Errorf("the error is %v", err)
	}
}

// Nothing is rounded to all or to none.
func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{1: "100 %", 0: "0 %", 0.99999: "more than 99.99 %", 0.9996: "99.96 %", 0.9899: "98.9 %", 0.5: "50.0 %", 0.0001: "less than 0.1 %", 0.0011: "0.1 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v is %s, not %s", share, got, want)
		}
	}
}
