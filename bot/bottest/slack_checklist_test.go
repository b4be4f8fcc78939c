package bottest

import (
	"strings"
	"testing"
	"time"
)

// TestSlackChecklist works a list through with nothing but what Slack has for it: the menu
// that ticks, and forms for an item's reason, owner and comment; a wrong number is said to
// whoever gave it.
func TestSlackChecklist(t *testing.T) {
	config := onSlack + `
checklists:
  builtin: false
  lists:
    - name: rounds
      title: Rounds
      cron: "0 * * * *"
      rooms: [ops]
      items:
        - {id: one, task: Look at the dashboards, person: p}
        - {id: two, task: Walk past the host, person: p}
        - {id: three, task: Feed the cat, person: p}
`
	inWorkspace(t, workspaceOptions{config: config}, func(w *workspace) {
		w.pass(time.Hour + 10*time.Second)
		root, ok := w.fake.Find(opsChannel, "Rounds")
		if !ok {
			t.Fatalf("there is no list:\n%s", w.fake.Transcript(opsChannel))
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			w.pass(5 * time.Second)
		}
		form := func(button string, answers ...string) {
			t.Helper()
			must(w.fake.Press(root, button, "U0ALICE"))
			asked := w.fake.Views("U0ALICE")
			if len(asked) == 0 {
				t.Fatalf("%s asks nothing", button)
			}
			given := map[string]string{"answer0": answers[0]}
			if len(answers) > 1 {
				given["answer1"] = answers[1]
			}
			must(w.fake.Submit(asked[len(asked)-1].ID, given))
		}
		shows := func(want string) {
			t.Helper()
			for _, s := range w.fake.Rendered(opsChannel) {
				if (s.TS == root.TS || s.Thread == root.TS) && strings.Contains(s.Text, want) {
					return
				}
			}
			t.Errorf("nothing says %q:\n%s", want, w.fake.Transcript(opsChannel))
		}
		must(w.fake.Pick(root, "done 1", "U0ALICE"))
		shows("2 OPEN")
		form("Assign …", "2", "me")
		shows("2. Walk past the host (alice)")
		form("Comment …", "2", "it hums <!channel> *loudly*")
		shows("Item 2, alice: it hums <!channel> *loudly*")
		form("Skip …", "2", "I am away")
		shows("1 OPEN")
		shows("Item 2 is skipped by alice: Walk past the host (I am away)")
		form("Open again …", "1")
		shows("2 OPEN")
		form("Skip …", "seven", "x")
		form("Skip …", "7", "x")
		told := 0
		for _, s := range w.fake.Rendered(opsChannel) {
			if strings.Contains(s.Text, "there is no item 7") || strings.Contains(s.Text, "seven") {
				told++
			}
		}
		if told < 2 {
			t.Errorf("of two wrong numbers %d are answered:\n%s", told, w.fake.Transcript(opsChannel))
		}
		must(w.fake.Pick(root, "done 1", "U0ALICE"))
		must(w.fake.Pick(root, "done 3", "U0ALICE"))
		shows("COMPLETE")
		if pings := w.fake.Pings(); len(pings) > 0 {
			t.Errorf("somebody is pinged: %+v", pings)
		}
		if f := w.fake.Figures(); f.LateAcks > 0 {
			t.Errorf("%d presses are acknowledged late", f.LateAcks)
		}
		w.sound()
	})
}
