package bottest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"watchstander/integrations/slack/slackfake"
)

// TestSlackLateEdits loses the answers of edits, and has one land after its successor: in
// the end the root says what is true, and once.
func TestSlackLateEdits(t *testing.T) {
	for _, c := range []struct {
		name    string
		trouble slackfake.Trouble
		dies    bool
	}{
		{"the answer is lost", slackfake.Trouble{What: slackfake.TakeAndDrop, Method: "chat.update", Times: 2}, false},
		{"an error comes after it", slackfake.Trouble{What: slackfake.TakeAndFail, Method: "chat.update"}, false},
		{"it hangs", slackfake.Trouble{What: slackfake.TakeAndHang, Method: "chat.update"}, false},
		{"it lands after its successor", slackfake.Trouble{What: slackfake.Late, Method: "chat.update", Delay: 45 * time.Second}, false},
		{"it lands after its successor and a death", slackfake.Trouble{What: slackfake.Late, Method: "chat.update", Delay: 45 * time.Second}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorkspace(t, workspaceOptions{}, func(w *workspace) {
				w.pass(5 * time.Second)
				w.fire("Trouble", "g1", "warning", "instance", "a")
				w.pass(10 * time.Second)
				w.fake.Trouble(c.trouble)
				w.fire("Trouble", "g1", "warning", "instance", "b")
				w.pass(25 * time.Second) // until the bot has given up and tried again
				w.resolve("Trouble", "g1", "warning", "instance", "a")
				w.resolve("Trouble", "g1", "warning", "instance", "b")
				if c.dies {
					w.pass(10 * time.Second)
					w.bury()
					w.start()
				}
				w.pass(3 * time.Minute)
				roots := w.roots(opsChannel)
				if len(roots) != 1 || !strings.Contains(title(roots[0]), "RESOLVED") {
					t.Errorf("%d roots\n%s\n%s", len(roots), w.fake.Transcript(opsChannel), w.warned())
				}
				replies := map[string]int{}
				for _, r := range w.under(roots[0]) {
					if replies[title(r)]++; replies[title(r)] > 1 {
						t.Errorf("%q was said twice", title(r))
					}
				}
				w.sound()
			})
		})
	}
}

// TestSlackLimited refuses one channel for half a minute: the other goes on at its pace,
// the first is left alone for as long as Slack asks, and then the answer to a person goes
// before the alerts that wait.
func TestSlackLimited(t *testing.T) {
	inWorkspace(t, workspaceOptions{}, func(w *workspace) {
		w.pass(5 * time.Second)
		w.fake.Trouble(slackfake.Trouble{What: slackfake.TooMany, Method: "chat.", Channel: opsChannel, RetryAfter: 30 * time.Second})
		w.fire("Trouble", "first", "warning")
		w.pass(3 * time.Second)
		began := time.Now()
		for i := range 20 {
			w.fire("Trouble", fmt.Sprintf("o%02d", i), "critical")
			w.fire("Trouble", fmt.Sprintf("w%02d", i), "warning", "team", "web")
		}
		w.pass(2 * time.Second)
		asked := w.fake.Mention(opsChannel, "U0ALICE", "alerts", "")
		w.pass(23 * time.Second)
		if n := len(w.roots(opsChannel)); n != 0 {
			t.Errorf("%d posts in the channel that asked for a pause", n)
		}
		if n := len(w.roots(webChannel)); n < 20 {
			t.Errorf("the other channel has %d of 20 roots %s after they fired", n, time.Since(began))
		}
		w.pass(2 * time.Minute)
		var refused, next time.Time
		order := ""
		for _, c := range w.fake.Calls() {
			if c.Channel != opsChannel || !strings.HasPrefix(c.Method, "chat.") {
				continue
			}
			switch {
			case c.Status == http.StatusTooManyRequests:
				refused = c.At
			case next.IsZero():
				next = c.At
				if m, ok := w.fake.Message(slackfake.Ref{Channel: opsChannel, TS: c.TS}); ok {
					order = m.Thread
				}
			}
		}
		if wait := next.Sub(refused); wait < 30*time.Second || wait > 32*time.Second {
			t.Errorf("after a 429 that asks for 30 s, the next call came %s later", wait)
		}
		if order != asked.TS {
			t.Errorf("the answer to a person did not go first:\n%s", w.fake.Transcript(opsChannel))
		}
		if n := len(w.roots(opsChannel)); n != 22 { // the storm's message is one
			t.Errorf("%d roots of 22:\n%s", n, w.fake.Transcript(opsChannel))
		}
		if n := w.mostPerSecond(webChannel, 3); n > 1 {
			t.Errorf("%d posts a second in the other channel", n)
		}
		t.Logf("refused: %v", w.limited())
		w.sound()
	})
}
