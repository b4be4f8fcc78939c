package bottest

import (
	"strings"
	"testing"
	"time"

	"watchstander/integrations/slack/slackfake"
)

// TestSlackRootsDeleted deletes a root, with and without replies below it, while the bot
// listens, while it is dead and while it cannot reach Slack. The root is made anew once,
// and no reply comes to stand in the channel.
func TestSlackRootsDeleted(t *testing.T) {
	for _, replies := range []bool{true, false} {
		for _, how := range []string{"listening", "dead", "cut off"} {
			for _, then := range []string{"grows", "is resolved", "stays as it is"} {
				if then == "stays as it is" && !replies && how != "listening" {
					continue // Slack keeps nothing of it: it is noticed when it changes
				}
				name := how + ", without replies, " + then
				if replies {
					name = how + ", with replies, " + then
				}
				t.Run(name, func(t *testing.T) {
					inWorkspace(t, workspaceOptions{}, func(w *workspace) { rootDeleted(w, replies, how, then) })
				})
			}
		}
	}
}

func rootDeleted(w *workspace, replies bool, how, then string) {
	t := w.t
	w.pass(5 * time.Second)
	w.fire("Trouble", "g1", "warning", "instance", "a")
	w.pass(10 * time.Second)
	if replies {
		w.fire("Trouble", "g1", "warning", "instance", "b")
		w.pass(20 * time.Second)
	}
	root, ok := w.fake.Find(opsChannel, "cluster=g1")
	was, _ := w.fake.Message(root)
	if was.Thread != "" {
		root.TS = was.Thread
		was, _ = w.fake.Message(root)
	}
	if !ok || was.Thread != "" || (was.Replies > 0) != replies {
		t.Fatalf("%d replies below %s:\n%s", was.Replies, title(was), w.fake.Transcript(opsChannel))
	}
	switch how {
	case "dead":
		w.bury()
	case "cut off":
		w.fake.Unreachable(true)
		w.fake.Cut(2)
	}
	if err := w.fake.Delete(root); err != nil {
		t.Fatal(err)
	}
	switch then {
	case "grows":
		w.fire("Trouble", "g1", "warning", "instance", "c")
	case "is resolved":
		w.resolve("Trouble", "g1", "warning", "instance", "a")
		w.resolve("Trouble", "g1", "warning", "instance", "b")
	}
	if how != "listening" {
		time.Sleep(10 * time.Minute) // longer than Slack tries to tell of it
	}
	switch how {
	case "dead":
		w.start()
	case "cut off":
		w.fake.Unreachable(false)
	}
	w.pass(2 * time.Minute)
	shown := 0
	for _, s := range w.fake.Rendered(opsChannel) {
		switch {
		case !s.Mine || s.Tombstone:
		case s.Thread == "" && strings.Contains(s.Text, "takes its place"):
			shown++
			want := map[string]string{"grows": "FIRING", "is resolved": "RESOLVED", "stays as it is": "FIRING"}[then]
			if !strings.Contains(title(s), want) {
				t.Errorf("the new root says %q", title(s))
			}
		case s.Thread == "":
			t.Errorf("this stands in the channel: %s", s.Text)
		}
	}
	over := then == "is resolved" && how != "listening" // then it need not come back
	if shown > 1 || shown == 0 && !over {
		t.Errorf("there are %d new roots", shown)
	}
	for _, r := range w.fake.Refused() {
		switch r.Error {
		case "message_not_found", "thread_not_found", "cant_update_message": // how it is noticed
		default:
			t.Errorf("Slack refused this: %+v", r)
		}
	}
	for _, f := range w.fake.Faults() {
		t.Errorf("Slack advises against this: %s", f)
	}
	if t.Failed() {
		t.Log(w.fake.Transcript(opsChannel) + w.warned())
	}
}

// TestSlackSaidBelowWhatIsGone has people go on below a root that was deleted: what
// they say counts, and they are answered where they can see it.
func TestSlackSaidBelowWhatIsGone(t *testing.T) {
	inWorkspace(t, workspaceOptions{}, func(w *workspace) {
		w.pass(5 * time.Second)
		w.fire("Trouble", "g1", "warning", "instance", "a")
		w.pass(10 * time.Second)
		w.fire("Trouble", "g1", "warning", "instance", "b")
		w.pass(20 * time.Second)
		old := w.roots(opsChannel)[0]
		if err := w.fake.Delete(slackfake.Ref{Channel: opsChannel, TS: old.TS}); err != nil {
			t.Fatal(err)
		}
		w.pass(10 * time.Second)
		w.fake.Say(opsChannel, "U0ALICE", "ack looking at it", old.TS)
		w.pass(10 * time.Second)
		w.fake.Say(opsChannel, "U0ALICE", "alerts", old.TS)
		w.pass(10 * time.Second)
		w.fake.Say(opsChannel, "U0ALICE", "silence 1h30", old.TS)
		w.pass(10 * time.Second)
		whispers := 0
		for _, s := range w.fake.Rendered(opsChannel) {
			if s.OnlyFor == "U0ALICE" {
				whispers++
				if s.Thread != "" || !strings.Contains(s.Text, "no duration") {
					t.Errorf("below %q only alice is shown %q", s.Thread, s.Text)
				}
			}
		}
		if whispers != 1 {
			t.Errorf("%d answers are for alice alone", whispers)
		}
		var roots, answers []string
		for _, s := range w.roots(opsChannel) {
			switch {
			case s.Tombstone, s.OnlyFor != "":
			case strings.Contains(s.Text, "takes its place"):
				roots = append(roots, title(s))
			default:
				answers = append(answers, title(s))
			}
		}
		if len(roots) != 1 || !strings.Contains(roots[0], "ACKED") {
			t.Errorf("the root that took its place is %q", roots)
		}
		if len(answers) != 1 || !strings.Contains(answers[0], "acked by alice") {
			t.Errorf("answered is %q", answers)
		}
		if t.Failed() {
			t.Log(w.fake.Transcript(opsChannel) + w.warned())
		}
	})
}

// TestSlackApprovalDeletedWhileAway deletes an approval, which has an answer below it,
// while the bot is dead: all that Slack shows then is that something was there. It counts
// no more.
func TestSlackApprovalDeletedWhileAway(t *testing.T) {
	people := strings.NewReplacer("people:\n", `people:
  - {name: bob, roles: [operator, approver], slack: ["T0VULCAN/U0BOB"]}
  - {name: carol, roles: [approver], slack: ["T0VULCAN/U0CAROL"]}
`).Replace(onSlack)
	two := strings.Replace(vulcan, "operations: [zfs.arc.set]\n    risk: medium\n    requesters: [operator]\n    approvers: {roles: [approver], requester_counts: true}",
		"operations: [zfs.arc.set]\n    risk: medium\n    requesters: [operator]\n    approvers: {roles: [approver], count: 2}\n    approve_within: 1h\n    valid_for: 4h", 1)
	if two == vulcan {
		t.Fatal("vulcan's agent has another file by now")
	}
	inWorkspace(t, workspaceOptions{config: people, agent: two}, func(w *workspace) {
		w.fake.AddUser(slackfake.User{ID: "U0BOB", Name: "bob"})
		w.fake.AddUser(slackfake.User{ID: "U0CAROL", Name: "carol"})
		w.pass(5 * time.Second)
		w.fake.Say(opsChannel, "U0ALICE", "zfs arc set max 24G", "")
		w.pass(20 * time.Second)
		plan := w.planShown()
		said := w.fake.Say(opsChannel, "U0BOB", "approve "+plan, "")
		w.pass(20 * time.Second)
		if m, _ := w.fake.Message(said); m.Replies == 0 || !strings.Contains(w.fake.Transcript(opsChannel), "bob agrees") {
			t.Fatalf("bob's word is not taken, or not answered:\n%s", w.fake.Transcript(opsChannel))
		}
		w.bury()
		if err := w.fake.Delete(said); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute) // longer than Slack tries to tell of it
		w.start()
		w.pass(30 * time.Second)
		w.fake.Say(opsChannel, "U0CAROL", "approve "+plan, "")
		w.pass(time.Minute)
		text := w.fake.Transcript(opsChannel)
		if !strings.Contains(text, "WAITS FOR 2 APPROVALS") || !strings.Contains(text, "bob took the word back") || strings.Contains(text, "RUNNING") {
			t.Errorf("bob's word still counts:\n%s\n%s", text, w.warned())
		}
	})
}

// planShown is the plan that the channel shows.
func (w *workspace) planShown() string {
	w.t.Helper()
	for _, s := range w.roots(opsChannel) {
		if i := strings.Index(s.Text, "pln_"); i >= 0 {
			id, _, _ := strings.Cut(s.Text[i:], " ")
			return strings.TrimRight(id, ".\n")
		}
	}
	w.t.Fatalf("no plan is shown:\n%s", w.fake.Transcript(opsChannel))
	return ""
}
