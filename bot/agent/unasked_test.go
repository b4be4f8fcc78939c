package agent

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// Breaking the glass is for root alone, at the host, with a reason, and after root
// has seen the plan; everybody is told.
func TestBreakGlass(t *testing.T) {
	played(t, func(w *world) *world { w.policy.Rules = nil; return w }, func(w *world) {
		q := api.BreakGlass{Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Reason: "nobody answers, and it is dark"}
		for _, c := range []Caller{Bot(), Human(1004), {}} {
			_, err := w.core.BreakGlass(ctx, c, q)
			refuses(t, err, bot.CodeForbidden, "not for")
		}
		silent := q
		silent.Reason = ""
		_, err := w.core.BreakGlass(ctx, Root(), silent)
		refuses(t, err, bot.CodeInvalid, "Say why")
		p, err := w.core.BreakGlass(ctx, Root(), q)
		w.ok(err)
		if p.State != bot.Proposed || !strings.Contains(p.Why, "Break-glass by root: nobody answers") {
			t.Errorf("%s: %s", p.State, p.Why)
		}
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		refuses(t, err, bot.CodeConflict, "Nobody is asked")
		run := api.BreakGlassRun{Plan: p.Plan.ID, Digest: p.Digest}
		_, err = w.core.BreakGlassRun(ctx, Bot(), run)
		refuses(t, err, bot.CodeForbidden, "not for the bot")
		_, err = w.core.BreakGlassRun(ctx, Root(), api.BreakGlassRun{Plan: p.Plan.ID, Digest: "other"})
		refuses(t, err, bot.CodeConflict, "another plan")
		time.Sleep(time.Minute)
		if n, _ := w.lamp.counts(); n > 0 {
			t.Error("it ran before root said so")
		}
		_, err = w.core.BreakGlassRun(ctx, Root(), run)
		w.ok(err)
		p = w.ends(p.Plan.ID, bot.Done)
		if e := w.entries(journal.KindBreakGlass); len(e) != 1 || e[0].By != "root" || !strings.Contains(e[0].Text, "it is dark") {
			t.Errorf("%+v", e)
		}
		_, err = w.core.BreakGlassRun(ctx, Root(), run)
		refuses(t, err, bot.CodeConflict, "is over (done)")

		p, err = w.core.BreakGlass(ctx, Root(), q)
		w.ok(err)
		p = w.ends(p.Plan.ID, bot.Expired)
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("applied %d times", n)
		}
	})
	played(t, plain, func(w *world) {
		p := w.proposed()
		_, err := w.core.BreakGlassRun(ctx, Root(), api.BreakGlassRun{Plan: p.Plan.ID, Digest: p.Digest})
		refuses(t, err, bot.CodeConflict, "in the usual way")
	})
}
