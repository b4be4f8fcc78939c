package bottest

import (
	"strings"
	"testing"
	"time"

	"watchstander/integrations/slack/slackfake"
)

// TestSlackPressedWhileReadingBack has the bot return from an absence to a Slack that wants
// a pause before it gives the history, and carol press Approve meanwhile. Slack hears at
// once that her press is taken; but what bob did while the bot was away counts first.
func TestSlackPressedWhileReadingBack(t *testing.T) {
	people := strings.NewReplacer("people:\n", `people:
  - {name: bob, roles: [operator, approver], slack: ["T0VULCAN/U0BOB"]}
  - {name: carol, roles: [approver], slack: ["T0VULCAN/U0CAROL"]}
`).Replace(onSlack)
	const rule = "operations: [zfs.arc.set]\n    risk: medium\n    requesters: [operator]\n    approvers: {roles: [approver], "
	for name, x := range map[string]struct {
		count  string
		before func(w *workspace, plan string) slackfake.Ref
		away   func(w *workspace, plan string, before slackfake.Ref)
		want   string
		runs   bool
	}{
		"a denial": {count: "1", want: "bob denied",
			away: func(w *workspace, plan string, _ slackfake.Ref) {
				w.fake.Say(opsChannel, "U0BOB", "deny "+plan+" because not today", "")
			}},
		"an approval deleted": {count: "2", want: "bob took the word back",
			before: func(w *workspace, plan string) slackfake.Ref {
				return w.fake.Say(opsChannel, "U0BOB", "approve "+plan, "")
			},
			away: func(w *workspace, _ string, before slackfake.Ref) {
				if err := w.fake.Delete(before); err != nil {
					w.t.Fatal(err)
				}
			}},
		"nothing": {count: "1", want: "carol agrees", runs: true},
	} {
		t.Run(name, func(t *testing.T) {
			agent := strings.Replace(vulcan, rule+"requester_counts: true}", rule+"count: "+x.count+"}\n    approve_within: 1h\n    valid_for: 4h", 1)
			if agent == vulcan {
				t.Fatal("vulcan's agent has another file by now")
			}
			inWorkspace(t, workspaceOptions{config: people, agent: agent}, func(w *workspace) {
				w.fake.AddUser(slackfake.User{ID: "U0BOB", Name: "bob"})
				w.fake.AddUser(slackfake.User{ID: "U0CAROL", Name: "carol"})
				w.pass(5 * time.Second)
				w.fake.Say(opsChannel, "U0ALICE", "zfs arc set max 24G", "")
				w.pass(20 * time.Second)
				plan := w.planShown()
				var before slackfake.Ref
				if x.before != nil {
					before = x.before(w, plan)
					w.pass(20 * time.Second)
				}
				w.bury()
				if x.away != nil {
					x.away(w, plan, before)
				}
				time.Sleep(20 * time.Second)
				w.fake.Trouble(slackfake.Trouble{What: slackfake.TooMany, Method: "conversations.history", Channel: opsChannel, RetryAfter: 40 * time.Second})
				w.start()
				w.pass(5 * time.Second)
				acked := w.fake.Figures().Acked
				for _, s := range w.roots(opsChannel) {
					if strings.Contains(s.Text, plan) {
						if err := w.fake.Press(slackfake.Ref{Channel: s.Channel, TS: s.TS}, "Approve", "U0CAROL"); err != nil {
							t.Fatal(err)
						}
					}
				}
				w.pass(2 * time.Second)
				if n := w.fake.Figures().Acked - acked; n != 1 {
					t.Errorf("%d are acknowledged, want carol's press", n)
				}
				if text := w.fake.Transcript(opsChannel); strings.Contains(text, "carol agrees") {
					t.Errorf("carol's press counts before the history is read:\n%s", text)
				}
				w.pass(time.Minute)
				text := w.fake.Transcript(opsChannel)
				if !strings.Contains(text, x.want) || strings.Contains(text, "RUNNING") != x.runs {
					t.Errorf("it does not say %q, or what runs is not right:\n%s\n%s", x.want, text, w.warned())
				}
			})
		})
	}
}
