package agent

import (
	"encoding/json"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

// The windows that are told are those of the policy in force, now.
func TestNextWindows(t *testing.T) {
	ask := func(w *world) (out []bot.NextWindow) {
		b, err := w.core.Look(ctx, Bot(), api.Look{Name: bot.LookWindows})
		w.ok(err)
		w.ok(json.Unmarshal(b, &out))
		return out
	}
	played(t, func(w *world) *world {
		return w.rule(func(r *bot.Rule) { r.Windows = []bot.Window{{Start: "0 2 * * *", Lasts: 7200, Zone: "UTC"}} })
	}, func(w *world) {
		got := ask(w)
		two := time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC)
		if len(got) != 1 || got[0].Rule != "lamps" || len(got[0].Operations) != 1 || got[0].Operations[0] != "lamp.set" || got[0].Words != "cron 0 2 * * * for 2 h (UTC)" ||
			!got[0].From.Equal(two) || !got[0].Until.Equal(two.Add(2*time.Hour)) {
			t.Errorf("%+v", got)
		}
		time.Sleep(3 * time.Hour)
		if got := ask(w); len(got) != 1 || !got[0].From.Equal(two) {
			t.Errorf("while it is open: %+v", got)
		}
		w.rule(func(r *bot.Rule) { r.Windows = nil })
		w.ok(w.core.Reload(w.settings()))
		if got := ask(w); len(got) != 0 {
			t.Errorf("without any: %+v", got)
		}
	})
}
