package bot_test

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func TestItemFits(t *testing.T) {
	for _, x := range []struct {
		pattern, what string
		fits          bool
	}{
		{"load", "load", true},
		{"load", "loads", false},
		{"backup *", "backup b2", true},
		{"backup *", "backup", false},
		{"disk *", "disk /", true},
		{"disk *", "disk /var/lib", true},
		{"*", "load", true},
		{"certificate *:443*", "certificate of vulcan.lan:443 for wiki.lan", true},
		{"certificate *:443*", "certificate of vulcan.lan:8443", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "acb", false},
		{"a*b*b", "ab", false},
		{"failed units|unit *", "failed units", true},
		{"failed units | unit *", "unit nginx.service", true},
		{"failed units|unit *", "flapping units", false},
		{"[a-z]?", "b1", false}, // nothing but * and | means something else than itself
	} {
		r := bot.Reading{What: x.what, State: bot.OK}
		if got := (bot.Item{Evidence: []string{x.pattern}}).Fits(r); got != x.fits {
			t.Errorf("%q fits %q: %v", x.pattern, x.what, got)
		}
		if got := (bot.Item{Optional: []string{x.pattern}}).Fits(r); got != x.fits {
			t.Errorf("optional %q fits %q: %v", x.pattern, x.what, got)
		}
	}
}

func TestItemJudge(t *testing.T) {
	now := time.Date(2026, 1, 10, 8, 0, 0, 0, time.UTC)
	item := bot.Item{Evidence: []string{"failed units|unit *", "load"}, Optional: []string{"pool *"}}
	for _, x := range []struct {
		name, readings string // "what=state, …"
		chosen         string
		state          bot.ReadingState
	}{
		{"all is well", "load=ok, failed units=ok, temperature=not ok", "load, failed units", bot.OK},
		{"optional evidence counts where it is", "load=ok, failed units=ok, pool tank=not ok", "load, failed units, pool tank", bot.NotOK},
		{"a failed unit stands for the failed units", "load=ok, unit nginx.service=not ok", "load, unit nginx.service", bot.NotOK},
		{"unknown", "load=unknown, failed units=ok", "load, failed units", bot.Unknown},
		{"what is not ok outweighs what is unknown", "load=unknown, unit a=not ok, unit b=ok", "load, unit a, unit b", bot.NotOK},
		{"missing", "failed units=ok, pool tank=ok", "failed units, pool tank, load", bot.Unknown},
		{"nothing is measured", "", "failed units, load", bot.Unknown},
	} {
		t.Run(x.name, func(t *testing.T) {
			var all []bot.Reading
			for r := range strings.SplitSeq(x.readings, ", ") {
				if what, state, ok := strings.Cut(r, "="); ok {
					all = append(all, bot.Reading{What: what, State: bot.ReadingState(state)})
				}
			}
			got, state := item.Judge(all, nil, now)
			var chosen []string
			for _, r := range got {
				chosen = append(chosen, r.What)
			}
			if c := strings.Join(chosen, ", "); c != x.chosen || state != x.state {
				t.Errorf("%s: %s; want %s: %s", c, state, x.chosen, x.state)
			}
		})
	}
	if _, state := (bot.Item{Optional: []string{"pool *"}}).Judge(nil, nil, now); state != bot.Unknown {
		t.Error("without any evidence it is", state)
	}
}

// Where nothing could be read, what was measured there before is unknown now, and so is what
// is needed of its host: another host's well-being says nothing of it.
func TestItemJudgeBlank(t *testing.T) {
	now := time.Date(2026, 1, 10, 8, 0, 0, 0, time.UTC)
	item := bot.Item{Evidence: []string{"failed units|unit *"}, Optional: []string{"pool *"}}
	on := func(host, what string) bot.Reading { return bot.Reading{Host: host, What: what, State: bot.OK} }
	blank := func(host, what string) bot.Reading {
		return bot.Reading{Host: host, What: what, Note: "it does not answer", State: bot.Unknown, Blank: true}
	}
	known := []bot.Reading{on("mars", "pool tank"), on("vulcan", "pool rpool"), on("vulcan", "load")}
	for _, x := range []struct {
		name       string
		all, known []bot.Reading
		chosen     string // unknown ones with a "?"
		state      bot.ReadingState
	}{
		{"another host is silent", []bot.Reading{on("mars", "failed units"), blank("vulcan", "agent")}, nil, "mars failed units, vulcan failed units?", bot.Unknown},
		{"it had a pool", []bot.Reading{on("mars", "failed units"), on("vulcan", "failed units"), blank("vulcan", "zfs")}, known,
			"mars failed units, vulcan failed units, vulcan pool rpool?", bot.Unknown},
		{"whose it is nobody knows", []bot.Reading{on("mars", "failed units"), on("vulcan", "failed units"), on("vulcan", "pool rpool"), blank("", "agent mars")}, known,
			"mars failed units, vulcan failed units, vulcan pool rpool, mars pool tank?", bot.Unknown},
		{"all is there all the same", []bot.Reading{on("mars", "failed units"), on("mars", "pool tank"), blank("mars", "load")}, known,
			"mars failed units, mars pool tank", bot.OK},
		{"what is for all hosts is there", []bot.Reading{on("", "failed units"), blank("vulcan", "agent")}, nil, "failed units", bot.OK},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, state := item.Judge(x.all, x.known, now)
			var chosen []string
			for _, r := range got {
				words := strings.TrimSpace(r.Host + " " + r.What)
				if r.State == bot.Unknown {
					words += "?"
					if r.Note != "it does not answer" {
						t.Errorf("%s says %q", r.What, r.Note)
					}
				}
				chosen = append(chosen, words)
			}
			if c := strings.Join(chosen, ", "); c != x.chosen || state != x.state {
				t.Errorf("%s: %s; want %s: %s", c, state, x.chosen, x.state)
			}
		})
	}
}
