package bottest

import (
	"strings"
	"testing"
	"time"

	"watchstander/integrations/slack/slackfake"
)

// TestSlackIncident has an incident's steps ticked from its menu: by two people at once, of
// whom the second hears of the first, by somebody who may not, and once more over a restart.
func TestSlackIncident(t *testing.T) {
	people := strings.NewReplacer("people:\n", `people:
  - {name: bob, roles: [operator], slack: ["T0VULCAN/U0BOB"]}
  - {name: olga, roles: [observer], slack: ["T0VULCAN/U0OLGA"]}
`, "routes:\n", "checklists: {builtin: false, lists: [{name: incident}]}\nroutes:\n").Replace(onSlack)
	inWorkspace(t, workspaceOptions{config: people}, func(w *workspace) {
		for id, name := range map[string]string{"U0BOB": "bob", "U0OLGA": "olga"} {
			w.fake.AddUser(slackfake.User{ID: id, Name: name})
		}
		w.pass(5 * time.Second)
		w.fire("WikiDown", "g1", "critical", "instance", "a")
		w.pass(20 * time.Second)
		alert := w.roots(opsChannel)[0]
		w.fake.Say(opsChannel, "U0ALICE", "incident open because pages time out", alert.TS)
		w.pass(20 * time.Second)
		root := func() slackfake.Ref {
			for _, s := range w.roots(opsChannel) {
				if strings.Contains(s.Text, "Incident WikiDown") && !s.Tombstone {
					return slackfake.Ref{Channel: opsChannel, TS: s.TS}
				}
			}
			t.Fatalf("there is no incident:\n%s\n%s", w.fake.Transcript(opsChannel), w.warned())
			return slackfake.Ref{}
		}()
		pick := func(command, user string) {
			t.Helper()
			if err := w.fake.Pick(root, command, user); err != nil {
				t.Errorf("%s of %s: %v", command, user, err)
			}
		}
		text := func() string {
			m, _ := w.fake.Message(root)
			return strings.Join(strings.Fields(m.Text), " ")
		}
		pick("done 2", "U0OLGA")
		pick("done 1", "U0ALICE")
		pick("done 1", "U0BOB")
		w.pass(20 * time.Second)
		whispers := map[string]string{}
		for _, s := range w.fake.Rendered(opsChannel) {
			if s.OnlyFor != "" {
				whispers[s.OnlyFor] += s.Text
			}
		}
		first, second := "alice", "U0BOB"
		if whispers["U0ALICE"] != "" {
			first, second = "bob", "U0ALICE"
		}
		if len(whispers) != 2 || !strings.Contains(whispers["U0OLGA"], "needs the role operator") || !strings.Contains(whispers[second], first+" put item 1 at done already") {
			t.Errorf("whispered is %q", whispers)
		}
		w.bury()
		w.start()
		w.pass(10 * time.Second)
		pick("done 3", "U0BOB")
		w.pass(20 * time.Second)
		if err := w.fake.Pick(root, "done 1", "U0BOB"); err == nil {
			t.Error("what is done is still offered")
		}
		form := func(button string, answers map[string]string) {
			t.Helper()
			if err := w.fake.Press(root, button, "U0BOB"); err != nil {
				t.Fatalf("%s: %v", button, err)
			}
			w.pass(2 * time.Second)
			asked := w.fake.Views("U0BOB")
			if len(asked) == 0 {
				t.Fatalf("%s asks nothing", button)
			}
			if err := w.fake.Submit(asked[len(asked)-1].ID, answers); err != nil {
				t.Fatalf("%s: %v", button, err)
			}
			w.pass(5 * time.Second)
		}
		w.fake.Say(opsChannel, "U0BOB", "followup order a second disk for <@U0BOB>", root.TS)
		w.pass(10 * time.Second)
		form("Finding …", map[string]string{"answer0": "the disk is full"})
		form("Follow-up …", map[string]string{"answer0": "alert before it is full", "answer1": "alice", "answer2": "2000-01-07"})
		form("Close …", map[string]string{"answer0": "pages load"})
		w.pass(30 * time.Second)
		for _, want := range []string{"CLOSED WITH 1 ALERT STILL FIRING", "Incident WikiDown: pages time out", "1. Say who leads, who types, and who tells the others: " + first + ", at", "3. Stop the harm before you look for the cause: bob, at"} {
			if !strings.Contains(strings.ReplaceAll(text(), "*", ""), want) {
				t.Errorf("the root lacks %q", want)
			}
		}
		if err := w.fake.Pick(root, "done 4", "U0BOB"); err == nil {
			t.Error("steps of what is closed are offered")
		}
		said := strings.ReplaceAll(w.fake.Transcript(opsChannel), "*", "")
		for _, want := range []string{"Follow-up 1: order a second disk (bob, no date)", "Follow-up 2: alert before it is full (alice, by Fri 7 Jan)", "Finding, bob: the disk is full", "closed by bob, pages load", "Incident WikiDown is closed"} {
			if !strings.Contains(said, want) {
				t.Errorf("nothing says %q", want)
			}
		}
		for _, f := range w.fake.Faults() {
			t.Errorf("Slack advises against this: %s", f)
		}
		if t.Failed() {
			t.Log(w.fake.Transcript(opsChannel) + w.warned())
		}
	})
}
