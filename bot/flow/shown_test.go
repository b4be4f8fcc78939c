package flow

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/plan"
	"watchstander/bot/store"
)

// A plan counts as shown whole when what was posted is the plan, word for word:
// whatever became a secret since it was minted, and whatever form the room took.
func TestAPlanIsShownWholeWordForWord(t *testing.T) {
	p := bot.Plan{Version: bot.PlanVersion, ID: "pln_BCDEFGHIJKLMNOPQRSTUVWXYZ2", Host: "vulcan", MachineID: "0123456789abcdef0123456789abcdef",
		Operation: "backup.run", Requester: "alice", MintedAt: time.Now().UTC().Truncate(time.Millisecond), NotAfter: time.Now().UTC().Add(time.Hour).Truncate(time.Millisecond),
		Rule: bot.Rule{Name: "backups", Risk: bot.RiskLow, Requesters: []bot.Role{bot.RoleOperator}, Approvers: []bot.Role{bot.RoleOperator},
			Count: 1, RequesterCounts: true, ApproveWithin: 600, ValidFor: 3600},
		Draft: bot.Draft{Summary: "back vulcan up now"}}
	canonical, err := plan.Canonical(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name          string
		trouble       func(c *paper, secret *atomic.Bool)
		shown, closed bool
	}{
		{"as it is", func(*paper, *atomic.Bool) {}, true, false},
		{"a secret has become known", func(_ *paper, secret *atomic.Bool) { secret.Store(true) }, false, true},
		{"a secret was known while it was posted", func(c *paper, secret *atomic.Bool) {
			secret.Store(true)
			c.onSend = func(_ context.Context, s bot.Sending) error {
				secret.Store(s.Kind != bot.SendReply) // its root goes first
				return nil
			}
		}, false, true},
		{"too long for the room", func(c *paper, _ *atomic.Bool) { c.longest = 1200 }, false, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			f, take := newFlow(t)
			var secret atomic.Bool
			f.o.Redact = func(s string) string {
				if secret.Load() {
					return strings.ReplaceAll(s, "0123456789abcdef", "[redacted]")
				}
				return s
			}
			c, r := withPaper(f)
			f.settings.Load().ApprovalsRoom = "ops"
			take(bot.Told{Host: "vulcan", At: time.Now(), Proposals: []bot.Proposal{{Plan: p, Digest: plan.Digest(canonical), State: bot.Proposed, Stamp: 1}}})
			x.trouble(c, &secret)
			post(t, r)
			if all := strings.Join(c.said(), "\n"); x.closed && strings.Contains(all, "0123456789abcdef") {
				t.Error("the room has the secret")
			}
			var st bot.PlanState
			var due []string
			if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
				th, _, err := tx.LatestThread("plan:" + string(p.ID))
				if err != nil {
					return err
				}
				st = *th.State.Plan
				due, err = tx.DueLanes(time.Now().Add(time.Hour))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if shown := !st.Shown["ops"].IsZero(); shown != x.shown || (len(due) > 0) != x.shown {
				t.Errorf("it counts as shown: %v, and the agent is to be told in %q; said: %q", st.Shown, due, c.said())
			}
			if (st.Closed != "") != x.closed {
				t.Errorf("closed: %q", st.Closed)
			}
		})
	}
}
