package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/bottest/real"
	"watchstander/bot/config"
	"watchstander/bot/host"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
)

// capturedArguments are what the attack asks for, of each operation that an agent knows.
var capturedArguments = map[bot.OperationName]bot.Arguments{
	host.RollbackOperation:     {host.GenerationArgument: {"41"}},
	host.DeployOperation:       {},
	host.ARCSetOperation:       {host.ARCMax: {"33GiB"}},
	host.RestartOperation:      {host.UnitArgument: {"nginx"}},
	host.BackupVerifyOperation: {host.RepositoryArgument: {"local"}},
	host.BackupRunOperation:    {host.RepositoryArgument: {"local"}},
}

// capturedFile is a file in which all operations have one rule: PROOF is its step-up.
const capturedFile = `
version: 1
host: vulcan
bot_uid: 991
people:
  - {name: alice, roles: [operator, approver], uid: [1000], ssh_keys: ["KEY"]}
  - {name: bob, roles: [operator, approver], uid: [1001]}
policy:
  - name: guarded
    operations: ["*"]
    risk: high
    requesters: [operator]
    approvers: {roles: [approver], requester_counts: true}
    step_up: [PROOF]
nixos: {loader: grub, state_version: "25.05", settle: 2s, proposed: {link: /var/lib/watchstander-updates/proposed}}
zfs: {}
backup:
  program: /demo/restic
  scratch: /tmp
  repositories:
    - {name: local, repository: /tank/backups/restic, password_file: /run/secrets/restic-local, unit: restic-backups-home.service}
services: {restart: [nginx.service]}
`

// captured is an agent of a simulated host behind real sockets, at which the kernel
// says who calls, and an attacker who has the bot's whole process: its user, and all
// that it can say.
type captured struct {
	*testing.T
	*demoOperated
	dir string
	key ed25519.PrivateKey // alice's
	bot api.Agent
}

const capturedUID = 991

func capture(t *testing.T, op bot.OperationName, proof string) *captured {
	t.Helper()
	if os.Geteuid() != 0 {
		real.Missing(t, "only root can call as another user")
	}
	c := &captured{T: t, demoOperated: &demoOperated{}}
	var err error
	c.dir, err = os.MkdirTemp("", "ws") // a socket's path has little room
	c.must(err)
	t.Cleanup(func() { _ = os.RemoveAll(c.dir) })
	c.must(os.Chmod(c.dir, 0o711)) // for users
	_, c.key, err = ed25519.GenerateKey(rand.Reader)
	c.must(err)
	public, err := ssh.NewPublicKey(c.key.Public())
	c.must(err)
	file := strings.NewReplacer("KEY", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))), "PROOF", proof).Replace(capturedFile)
	settings, err := config.ParseAgent([]byte(file), config.AgentOptions{File: "agent.yaml", Operations: agentOperations})
	c.must(err)
	t.Cleanup(func() { c.must(c.close()) })
	c.must(c.begin(demoDir{path: c.dir}, settings))
	if opensRepositories(op) {
		if err := c.backUp(t.Context()); errors.Is(err, errNoRestic) {
			real.Missing(t, "restic")
		} else {
			c.must(err)
		}
	}
	sockets, err := agent.Listen(t.Context(), agent.ListenOptions{Bot: c.socket("agent"), Human: c.socket("approve"), Owner: capturedUID})
	c.must(err)
	server := agent.NewServer(agent.ServerOptions{Core: c.core, Bot: sockets.Bot, Human: sockets.Human, BotUID: capturedUID, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- server.Run(ctx) }()
	go func() { done <- c.core.Run(ctx) }()
	t.Cleanup(func() { stop(); c.must(errors.Join(<-done, <-done)) })
	c.bot = c.as(capturedUID, "agent")
	return c
}

func (c *captured) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *captured) socket(name string) string { return filepath.Join(c.dir, name+".sock") }

// as is one of the sockets as a user has it, through a relay: what connects is that
// user, by the kernel's word.
func (c *captured) as(uid int, socket string) api.Agent {
	c.Helper()
	path := c.socket(fmt.Sprint(socket, uid))
	l, err := net.Listen("unix", path)
	c.must(err)
	c.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			asked, err := l.Accept()
			if err != nil {
				return
			}
			conn, err := real.DialAs(uid, c.socket(socket))
			if err != nil {
				_ = asked.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{asked, conn}, {conn, asked}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_, _ = way[0].Close(), way[1].Close()
				}()
			}
		}
	}()
	a := client.New(path)
	c.Cleanup(a.Close)
	return a
}

func (c *captured) proposed(op bot.OperationName) bot.Proposal {
	c.Helper()
	p, err := c.bot.Propose(c.Context(), api.Propose{Key: bot.EffectKey("eff_" + rand.Text()), Operation: op, Arguments: capturedArguments[op], Requester: "alice"})
	c.must(err)
	return p
}

func (c *captured) statement(p bot.Proposal, v bot.Verdict) bot.Statement {
	c.Helper()
	s, err := c.bot.Statement(c.Context(), api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: v})
	c.must(err)
	return s
}

func (c *captured) sign(s bot.Statement, key any) string {
	c.Helper()
	signer, err := ssh.NewSignerFromKey(key)
	c.must(err)
	armored, err := plan.Sign(s, signer)
	c.must(err)
	return armored
}

// raw asks in words of the attacker's own, which no client of ours would send.
func (c *captured) raw(path string, body map[string]any) error {
	c.Helper()
	b, err := json.Marshal(body)
	c.must(err)
	h := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return real.DialAs(capturedUID, c.socket("agent"))
	}}}
	q, err := http.NewRequestWithContext(c.Context(), http.MethodPost, "http://agent"+path, bytes.NewReader(b))
	c.must(err)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Remote-User", "alice")
	answer, err := h.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	c.must(err)
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("%d: %s", answer.StatusCode, text)
}

// attack says all that could have a plan run without a word that proves itself. What
// was refused otherwise than for what it is, as for too many words at once, tried nothing.
// It tells what was taken.
func (c *captured) attack(p, other bot.Proposal) (taken []string) {
	c.Helper()
	ctx, id, op := c.Context(), p.Plan.ID, p.Plan.Operation
	said := func(name string, err error) {
		c.Helper()
		if e, ok := errors.AsType[*bot.Error](err); ok && (e.Code == bot.CodeUnavailable || e.Code == bot.CodeInternal) && !errors.Is(err, api.ErrAway) {
			c.Errorf("%s was not tried: %v", name, err)
		}
		if err == nil {
			taken = append(taken, name)
		}
	}
	_, mallory, err := ed25519.GenerateKey(rand.Reader)
	c.must(err)
	mine, denial, others := c.statement(p, bot.Approve), c.statement(p, bot.Deny), c.statement(other, bot.Approve)
	elsewhere, harmless, invented := mine, mine, mine
	elsewhere.Host = "titan"
	harmless.Rendered = "PLAN\n  look at the weather\n"
	invented.Nonce = strings.Repeat("A", len(mine.Nonce))

	_, err = c.bot.Shown(ctx, api.Shown{Plan: id, At: time.Now().Add(-time.Hour)})
	c.must(err) // it may say that it showed it
	for name, change := range map[string]func(*api.Decide){
		"alice's name":                     func(*api.Decide) {},
		"bob's name":                       func(d *api.Decide) { d.Person = "bob" },
		"the door of the host":             func(d *api.Decide) { d.Said = api.Said{Door: "host", Account: "uid:1000"} },
		"the door of signatures":           func(d *api.Decide) { d.Said.Door = "ssh" },
		"nobody's name":                    func(d *api.Decide) { d.Person = "" },
		"root's name":                      func(d *api.Decide) { d.Person = "root" },
		"a code":                           func(d *api.Decide) { d.Code = "123456" },
		"no signature":                     func(d *api.Decide) { d.Signature = "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n" },
		"mallory's key":                    func(d *api.Decide) { d.Signature = c.sign(mine, mallory) },
		"mallory's key for bob":            func(d *api.Decide) { d.Person, d.Signature = "bob", c.sign(mine, mallory) },
		"alice's key for bob":              func(d *api.Decide) { d.Person, d.Signature = "bob", c.sign(mine, c.key) },
		"alice's key on a denial":          func(d *api.Decide) { d.Signature = c.sign(denial, c.key) },
		"alice's key on another plan":      func(d *api.Decide) { d.Signature = c.sign(others, c.key) },
		"alice's key on another host":      func(d *api.Decide) { d.Signature = c.sign(elsewhere, c.key) },
		"alice's key below other words":    func(d *api.Decide) { d.Signature = c.sign(harmless, c.key) },
		"alice's key on an invented nonce": func(d *api.Decide) { d.Signature = c.sign(invented, c.key) },
		"another plan's digest":            func(d *api.Decide) { d.Digest = other.Digest },
	} {
		d := api.Decide{Plan: id, Digest: p.Digest, ID: "forged " + name, Person: "alice", Verdict: bot.Approve, At: time.Now(), Said: api.Said{Door: "matrix", Account: "@alice:example.org"}}
		change(&d)
		_, err := c.bot.Decide(ctx, d)
		said(name, err)
	}
	decide := map[string]any{"plan": id, "digest": p.Digest, "id": "forged raw", "person": "alice", "verdict": "approve"}
	for name, more := range map[string]map[string]any{
		"a proof of its own": {"step_up": "host", "step": "host", "door": "host", "proof": map[string]any{"step": "host"}},
		"a uid of its own":   {"uid": 1000, "caller": map[string]any{"kind": "human", "uid": 1000}},
	} {
		body := map[string]any{}
		for _, m := range []map[string]any{decide, more} {
			for k, v := range m {
				body[k] = v
			}
		}
		body["id"] = "forged " + name
		said(name, c.raw(api.PathDecide, body))
	}

	_, err = c.bot.Confirm(ctx, api.Confirm{Plan: id, Person: "alice"})
	said("a confirmation", err)
	_, err = c.bot.BreakGlass(ctx, api.BreakGlass{Operation: op, Arguments: capturedArguments[op], Reason: "urgent"})
	said("the glass", err)
	_, err = c.bot.BreakGlassRun(ctx, api.BreakGlassRun{Plan: id, Digest: p.Digest})
	said("the glass of a plan", err)
	_, err = c.bot.Trigger(ctx, api.Trigger{Key: bot.EffectKey("eff_" + rand.Text()), Standing: "guarded", Alert: bot.Labels{"alertname": "Down"}, Since: time.Now()})
	said("a standing approval", err)
	for _, who := range []bot.PersonID{"", "root", "standing:guarded", "@root"} {
		_, err := c.bot.Propose(ctx, api.Propose{Key: bot.EffectKey("eff_" + rand.Text()), Operation: op, Arguments: capturedArguments[op], Requester: who})
		said(fmt.Sprintf("%q asks", who), err)
	}

	// At the door of people it has no business, whatever it says.
	door := c.as(capturedUID, "approve")
	_, err = door.Decide(ctx, api.Decide{Plan: id, Digest: p.Digest, ID: "at the door", Verdict: bot.Approve})
	said("a word at the door of people", err)
	_, err = door.BreakGlassRun(ctx, api.BreakGlassRun{Plan: id, Digest: p.Digest})
	said("the glass at the door of people", err)
	return taken
}

// agrees is alice herself, where the rule wants her.
func (c *captured) agrees(p bot.Proposal, proof string) {
	c.Helper()
	d := api.Decide{Plan: p.Plan.ID, Digest: p.Digest, ID: "alice herself", Verdict: bot.Approve}
	by := c.as(1000, "approve")
	if proof == "ssh" {
		by, d.Person, d.Signature = c.bot, "alice", c.sign(c.statement(p, bot.Approve), c.key)
	}
	_, err := by.Decide(c.Context(), d)
	c.must(err)
}

// started are the plans of which the journal says so.
func (c *captured) started() (out []bot.PlanID) {
	c.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "agent", "journal"))
	c.must(err)
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		e, err := journal.Decode(bytes.TrimSuffix(line, []byte("\n")))
		c.must(err)
		if e.Kind == journal.KindStart {
			out = append(out, bot.PlanID(e.Subject))
		}
	}
	return out
}

func (c *captured) starts(id bot.PlanID) {
	c.Helper()
	real.Eventually(c, 30*time.Second, string(id)+" is started", func() error {
		if !slices.Contains(c.started(), id) {
			return errors.New("it is not")
		}
		return nil
	})
}

// TestACapturedBotRunsNothing: of no operation that an agent knows does a captured bot
// have a plan run whose rule wants a word on the host, or a signature. That the plan
// could run, and would be seen to, its twin shows, to which alice agrees afterwards:
// whatever was agreed to before it started before it.
func TestACapturedBotRunsNothing(t *testing.T) {
	for _, known := range agentOperations {
		for _, proof := range []string{"host", "ssh"} {
			t.Run(string(known.Name)+" "+proof, func(t *testing.T) {
				t.Parallel()
				c := capture(t, known.Name, proof)
				p, twin := c.proposed(known.Name), c.proposed(known.Name)
				if taken := c.attack(p, twin); len(taken) > 0 {
					t.Errorf("was taken: %q", taken)
				}
				if got := c.started(); len(got) > 0 {
					t.Errorf("started are %v", got)
				}
				c.agrees(twin, proof)
				c.starts(twin.Plan.ID)
				if got := c.started(); !slices.Equal(got, []bot.PlanID{twin.Plan.ID}) {
					t.Errorf("started are %v, and agreed to is %s", got, twin.Plan.ID)
				}
			})
		}
	}
}

// TestACapturedBotRunsWhatIsUnguarded: the same attack has everything run whose rule
// wants no proof, so that the test above would see it. `check` names these.
func TestACapturedBotRunsWhatIsUnguarded(t *testing.T) {
	for _, known := range agentOperations {
		t.Run(string(known.Name), func(t *testing.T) {
			t.Parallel()
			c := capture(t, known.Name, "")
			p, twin := c.proposed(known.Name), c.proposed(known.Name)
			if taken := c.attack(p, twin); len(taken) == 0 {
				t.Error("nothing was taken")
			}
			c.starts(p.Plan.ID)
		})
	}
}
