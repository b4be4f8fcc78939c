package bottest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
)

// gauges are figures that a story sets by hand, for evidence that no simulated host has.
// They outlive the bot, as what they stand for does.
type gauges struct {
	mu       sync.Mutex
	readings []bot.Reading
	hangs    bool
}

// Name is the probe's.
func (g *gauges) Name() string { return "gauges" }

// Read gives what the story has set; or hangs until its time is over.
func (g *gauges) Read(ctx context.Context) []bot.Reading {
	g.mu.Lock()
	hangs := g.hangs
	out := append([]bot.Reading{}, g.readings...)
	g.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil
	}
	for i := range out {
		out[i].At = time.Now().UTC()
	}
	return out
}

const usageGauge = `gauge "WHAT" ok|not-ok|unknown "VALUE" [FIGURE UNIT] | gauge "WHAT" gone | gauge hangs | gauge answers`

// stepGauge sets a figure.
func (p *player) stepGauge(l line) error {
	g := &p.gauges
	g.mu.Lock()
	defer g.mu.Unlock()
	words := l.words[1:]
	switch words[0] {
	case "hangs", "answers":
		g.hangs = words[0] == "hangs"
		return nil
	}
	if len(words) < 2 {
		return fmt.Errorf("usage: %s", usageGauge)
	}
	g.readings = slices.DeleteFunc(g.readings, func(r bot.Reading) bool { return r.What == words[0] })
	r := bot.Reading{Host: "vulcan", What: words[0], Source: "the story", State: bot.ReadingState(strings.ReplaceAll(words[1], "-", " "))}
	switch r.State {
	case "gone":
		return nil
	case bot.OK, bot.NotOK, bot.Unknown:
	default:
		return fmt.Errorf("no reading is %q", words[1])
	}
	if len(words) > 2 {
		r.Value = words[2]
	}
	if len(words) > 4 {
		f, err := strconv.ParseFloat(words[3], 64)
		if err != nil {
			return err
		}
		r.Figure, r.Unit = f, words[4]
	}
	g.readings = append(g.readings, r)
	return nil
}
