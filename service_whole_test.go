package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/bot/plan"
)

// wholeAgentFile has three rules: what needs a word on the host, what needs a
// signature, and what somebody else may agree to in the room.
const wholeAgentFile = `
version: 1
host: vulcan
bot_user: watchstander
people:
  - {name: alice, roles: [operator, approver], uid: [1000], ssh_keys: ["KEY"]}
  - {name: bob, roles: [operator, approver], uid: [1001]}
policy:
  - name: on-the-host
    operations: [service.restart]
    arguments: {unit: [web-a.service]}
    risk: high
    requesters: [operator]
    approvers: {roles: [approver], requester_counts: true}
    step_up: [host]
  - name: signed
    operations: [service.restart]
    arguments: {unit: [web-b.service]}
    risk: high
    requesters: [operator]
    approvers: {roles: [approver], requester_counts: true}
    step_up: [ssh]
  - name: two-people
    operations: [service.restart]
    arguments: {unit: [web-c.service]}
    risk: low
    requesters: [operator]
    approvers: {roles: [approver]}
services: {restart: [web-a, web-b, web-c], logs: [web-a]}
`

// talking is an installed machine whose bot sits in a room of a real homeserver.
type talking struct {
	*installed
	hs         *real.Homeserver
	account    *real.User // the bot's
	alice, bob *real.User
	room       string
}

func talk(t *testing.T) *talking {
	t.Helper()
	if testing.Short() {
		t.Skip("a whole machine takes long")
	}
	hs := real.StartHomeserver(t, real.HomeserverOptions{})
	w := &talking{hs: hs, account: hs.NewUser(t, "watchstander"), alice: hs.NewUser(t, "alice"), bob: hs.NewUser(t, "bob")}
	w.room = w.alice.CreateRoom(t, real.RoomOptions{Name: "ops", Invite: []*real.User{w.account, w.bob}})
	w.bob.Join(t, w.room)
	w.installed = install(t, installation{network: true, agentFile: wholeAgentFile, files: map[string]string{
		"secrets/matrix-token":  w.account.Token + "\n",
		"secrets/webhook-token": rand.Text() + "\n",
	}})
	addr := real.FreeAddr(t)
	config := filepath.Join(w.root, "etc", "watchstander", "config.yaml")
	w.put("watchstander/config.yaml", fmt.Sprintf(`
version: 1
zone: Europe/Berlin
listen: %s
hosts:
  - {name: vulcan, match: ['instance="vulcan"'], local: true, agent: {}}
chats:
  - name: matrix
    matrix: {homeserver: %q, user: %q, token_file: matrix-token, pace: {per_second: 20, burst: 50}}
  - {name: console, console: {}}
rooms:
  - {name: ops, chat: matrix, id: %q}
alertmanagers:
  - {name: main, urls: ["http://127.0.0.1:1"], receivers: [watchstander]}
webhooks:
  - {name: main, alertmanager: main, bearer_token_file: webhook-token}
routes: [{rooms: [ops]}]
notices_room: ops
approvals_room: ops
people:
  - {name: alice, roles: [operator, approver], matrix: [%q], uid: [1000]}
  - {name: bob, roles: [operator, approver], matrix: [%q], uid: [1001]}
`, addr, hs.URL, w.account.ID, w.room, w.alice.ID, w.bob.ID), 0o640)
	w.must(os.Chown(config, 0, w.botUID))
	w.systemctl("start", "watchstander.service")
	// What was said before it came into the room is history to it.
	real.Eventually(t, 60*time.Second, "the bot listens in the room", func() error {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !slices.Contains(w.alice.Members(t, w.room), w.account.ID) {
			return fmt.Errorf("it answers %d, and in the room are %v", resp.StatusCode, w.alice.Members(t, w.room))
		}
		return nil
	})
	return w
}

// seen is what alice sees of the bot in the room now.
func (w *talking) seen() []real.Seen {
	w.Helper()
	return slices.DeleteFunc(real.See(w.alice.Messages(w, w.room)), func(s real.Seen) bool { return s.Sender != w.account.ID || s.Redacted })
}

// await waits for a message of the bot that holds all of the texts; root is the
// thread that it must stand in, "" for the room itself.
func (w *talking) await(root string, texts ...string) (found real.Seen) {
	w.Helper()
	real.Eventually(w, 60*time.Second, fmt.Sprintf("a message with %q", texts), func() error {
		all := w.seen()
		for _, s := range slices.Backward(all) {
			if s.Thread == root && holdsAll(s.Body, texts) {
				found = s
				return nil
			}
		}
		return fmt.Errorf("the room shows:\n%s", transcript(all))
	})
	return found
}

// asked has somebody ask for a restart, and gives the plan's root in the room, and
// the agent's own plan.
func (w *talking) asked(by *real.User, unit string) (root real.Seen, p bot.Proposal) {
	w.Helper()
	by.Say(w, w.room, "service restart "+unit)
	real.Eventually(w, 30*time.Second, "a plan to restart "+unit, func() error {
		all, _, err := everything(w.Context(), w.bot)
		for _, x := range all {
			if x.Plan.Arguments.One("unit") == unit+".service" && !x.State.Over() {
				p = x
				return nil
			}
		}
		return errors.Join(err, errors.New("there is none"))
	})
	root = w.await("", "restart "+unit+".service on vulcan", string(p.Plan.ID))
	// The plan stands in the thread as our own program renders it, to the last line.
	words, err := plan.Render(p.Plan)
	w.must(err)
	whole := w.await(root.ID, "The whole plan", p.Digest)
	for line := range strings.Lines(words) {
		if line = strings.TrimSpace(line); !strings.Contains(whole.Body, line) {
			w.Errorf("the plan in the room lacks %q:\n%s", line, whole.Body)
		}
	}
	w.comesTo(p.Plan.ID, bot.Waiting)
	w.await("", string(p.Plan.ID), "WAITS FOR AN APPROVAL", "Read the whole plan below. To agree:")
	return root, p
}

// Everything real: people in a room of a real homeserver, the bot and the agent as
// services of a real systemd, and what they restart.
func TestPlansWithRealParts(t *testing.T) {
	t.Parallel()
	w := talk(t)

	t.Log("what needs a word on the host takes none from the room")
	rootA, a := w.asked(w.alice, "web-a")
	w.alice.React(t, w.room, rootA.ID, "✅")
	w.await(rootA.ID, "does not count", "To agree: watchstander approve "+string(a.Plan.ID)[:10]+" on vulcan itself")

	t.Log("what somebody else may agree to takes none of who asked")
	rootC, c := w.asked(w.alice, "web-c")
	w.alice.React(t, w.room, rootC.ID, "✅")
	w.await(rootC.ID, "does not count: alice asked for it")

	t.Log("what needs a signature gives a statement to sign")
	rootB, b := w.asked(w.bob, "web-b")
	w.alice.Reply(t, w.room, rootB.ID, "statement")
	slip := w.await(rootB.ID, "BEGIN WATCHSTANDER")
	w.put("slip", slip.Body, 0o644)
	said, err := w.as(aliceUID, "approve", "--slip", "/etc/slip", "--identity", "/etc/alice-key", "--yes", b.Digest)
	if err != nil || !strings.Contains(said, "What is signed") || !strings.Contains(said, b.Digest[:4]+" "+b.Digest[4:8]) {
		t.Fatalf("%s, %v", said, err)
	}
	_, signature, _ := strings.Cut(said, "all of it:\n\n")
	for _, p := range []bot.Proposal{a, b, c} {
		if p = w.proposal(p.Plan.ID); p.State != bot.Waiting || len(p.Decisions) > 0 {
			t.Errorf("%s: %+v", p.State, p.Decisions)
		}
	}

	t.Log("each gets the word that it needs, and runs")
	before := map[string]string{}
	for _, unit := range []string{"web-a", "web-b", "web-c"} {
		before[unit] = w.show(unit+".service", "InvocationID")
	}
	if said, err := w.as(aliceUID, "approve", "--yes", a.Digest, string(a.Plan.ID)); err != nil || !strings.Contains(said, "has your word") {
		t.Errorf("%s, %v", said, err)
	}
	w.alice.Reply(t, w.room, rootB.ID, signature)
	w.bob.React(t, w.room, rootC.ID, "✅")
	for _, root := range []real.Seen{rootA, rootB, rootC} {
		w.await(root.ID, "RUNNING in watchstander-service-restart-")
	}

	t.Log("bot and agent are killed meanwhile")
	w.systemctl("kill", "--signal=KILL", "watchstander.service", agentUnit)

	t.Log("the threads come to tell the outcome, with evidence")
	for _, x := range []struct {
		root real.Seen
		p    bot.Proposal
		unit string
		by   bot.PersonID
		how  bot.StepUp
	}{{rootA, a, "web-a", "alice", bot.StepHost}, {rootB, b, "web-b", "alice", bot.StepSSH}, {rootC, c, "web-c", "bob", ""}} {
		if root := w.await("", "DONE", x.unit, string(x.p.Plan.ID)); root.ID != x.root.ID {
			t.Errorf("the outcome stands in another message:\n%s", root.Body)
		}
		w.await(x.root.ID, "ok · "+x.unit+".service after 5 s", "ok · unit "+x.unit+".service", "after 10 s")
		p := w.proposal(x.p.Plan.ID)
		if p.State != bot.Done || len(p.Decisions) != 1 || p.Decisions[0].Person != x.by || p.Decisions[0].StepUp != x.how {
			t.Errorf("%s: %s, %+v", x.unit, p.State, p.Decisions)
		}
		if w.show(x.unit+".service", "InvocationID") == before[x.unit] {
			t.Errorf("%s was not restarted", x.unit)
		}
	}

	t.Log("one is denied, and journal and approvals tell")
	rootD, _ := w.asked(w.alice, "web-c")
	w.bob.Reply(t, w.room, rootD.ID, "deny because it was restarted a minute ago")
	w.await("", "DENIED", "web-c")
	w.alice.Say(t, w.room, "approvals")
	w.await("", "Nothing waits for an approval")
	w.alice.Say(t, w.room, "journal 5")
	w.await("", "it was restarted a minute ago")

	t.Log("bot and agent stop by themselves, and nothing of theirs goes on")
	w.systemctl("stop", "watchstander.service", "watchstander-agent.socket", "watchstander-approve.socket")
	if got := w.show("watchstander.service", "Result") + w.show(agentUnit, "Result") + w.show(agentUnit, "ActiveState"); got != "successsuccessinactive" {
		t.Error(got)
	}
	t.Logf("the room at the end:\n%s", transcript(w.seen()))
	for _, argv := range [][]string{
		{"journal", "verify", "--file", "/var/lib/watchstander-agent/journal"},
		{"journal", "verify", "--config", "/etc/watchstander/config.yaml", "--agent-file", "/var/lib/watchstander-agent/journal"},
	} {
		if said, err := w.as(0, argv...); err != nil {
			t.Errorf("%s, %v", said, err)
		}
	}
	seen := map[string]int{}
	for _, s := range w.seen() {
		seen[s.Thread+"\n"+s.Body]++
		if seen[s.Thread+"\n"+s.Body] == 2 {
			t.Errorf("said twice:\n%s", s.Body)
		}
	}
	if _, err := os.Stat(w.Path("/run/watchstander/console.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the console's socket is left: %v", err)
	}
}
