package agent

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/sys"
)

// TestMain runs the tests, or plays a process of which a test needs another one.
func TestMain(m *testing.M) {
	switch os.Getenv("WATCHSTANDER_TEST") {
	case "listen":
		listened()
		return
	case "agent":
		agentProcess()
		return
	case "worker":
		workerProcess()
		return
	}
	goleak.VerifyTestMain(m)
}

// world is a host with a lamp, an agent for it, and people who ask and agree.
type world struct {
	t       testing.TB
	dir     string // the host's tree
	state   string
	host    sys.Host
	units   *fakeUnits
	lamp    *lamp
	policy  gate.Policy
	people  []Person
	stand   []gate.Standing
	probes  []bot.Probe
	looks   []bot.Look
	limits  Limits
	redact  func(string) string
	spawner *InProcess
	busy    []string
	fail    func(step string) error // of the agent
	failRun func(step string) error // of workers
	key     ssh.Signer              // alice's

	core    *Core
	journal *journal.File
	stop    func()
}

const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" // alice's and carol's; made up

func newWorld(t testing.TB) *world {
	w := &world{t: t, dir: t.TempDir(), state: filepath.Join(t.TempDir(), "state"), redact: func(s string) string { return s }}
	w.put("/etc/machine-id", strings.Repeat("a", 32)+"\n")
	w.put("/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
	w.put("/run/lamp", "off")
	w.put("/run/oil", "full")
	tree, err := sys.OpenTree(w.dir)
	w.ok(err)
	t.Cleanup(func() { w.ok(tree.Close()) })
	w.units = &fakeUnits{}
	w.host = sys.Host{Name: "vulcan", Files: tree, Units: w.units}
	w.lamp = &lamp{host: w.host}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	w.ok(err)
	w.key, err = ssh.NewSignerFromKey(private)
	w.ok(err)
	w.usual(w.key.PublicKey())
	w.spawner = &InProcess{Do: w.perform}
	return w
}

// usual are the people and the policy, with alice's key.
func (w *world) usual(key ssh.PublicKey) {
	good := func() (string, error) { return seed, nil }
	w.people = []Person{
		{Person: bot.Person{ID: "alice", Roles: []bot.Role{bot.RoleOperator, bot.RoleApprover}}, UIDs: []int{1001}, Keys: []ssh.PublicKey{key}, Seed: good},
		{Person: bot.Person{ID: "bob", Roles: []bot.Role{bot.RoleOperator}}, UIDs: []int{1002}},
		{Person: bot.Person{ID: "carol", Roles: []bot.Role{bot.RoleApprover}}, UIDs: []int{1003}, Seed: good},
		{Person: bot.Person{ID: "dave", Roles: []bot.Role{bot.RoleAdmin}}, UIDs: []int{1004}},
	}
	w.policy = gate.Policy{Rules: []gate.PolicyRule{{Operations: []bot.OperationName{"lamp.set"}, Hosts: []string{"vulcan"}, Rule: bot.Rule{
		Name: "lamps", Risk: bot.RiskHigh, Requesters: []bot.Role{bot.RoleOperator}, Approvers: []bot.Role{bot.RoleApprover}, Count: 1,
		ApproveWithin: 3600, ValidFor: 4 * 3600}}}}
}

// rule changes the policy's only rule.
func (w *world) rule(change func(*bot.Rule)) *world {
	change(&w.policy.Rules[0].Rule)
	return w
}

// person changes one of the people. The agent may read the former list meanwhile, which
// stays as it is.
func (w *world) person(i int, change func(*Person)) {
	w.people = slices.Clone(w.people)
	change(&w.people[i])
}

func (w *world) perform(ctx context.Context, s Spawn) error {
	return Perform(ctx, PerformOptions{State: w.state, Plan: s.Plan, Host: w.host, Operations: []bot.Operation{w.lamp}, Redact: w.redact, Log: quiet(), fail: w.failRun})
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (w *world) settings() Settings {
	return Settings{Policy: w.policy, People: w.people, Standing: w.stand, Source: "test"}
}

// open makes the agent, without running it.
func (w *world) open() error {
	if err := os.MkdirAll(w.state, 0o700); err != nil {
		return err
	}
	j, err := journal.OpenFile(filepath.Join(w.state, "journal"), w.redact)
	if err != nil {
		return err
	}
	w.journal = j
	w.core, err = New(Options{Host: w.host, Settings: w.settings(), Operations: []bot.Operation{w.lamp}, Looks: w.looks, Probes: w.probes, Busy: w.busy, State: w.state,
		Journal: j, Spawner: w.spawner, Redact: w.redact, IDs: bot.RandomIDs, Log: quiet(), Limits: w.limits, fail: w.fail})
	if err != nil {
		return errors.Join(err, j.Close())
	}
	return nil
}

// run starts the agent; stopped ends it, and leaves its workers.
func (w *world) run() {
	w.t.Helper()
	w.ok(w.open())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	core, j := w.core, w.journal
	go func() {
		defer close(done)
		_ = core.Run(ctx)
	}()
	w.stop = func() {
		cancel()
		<-done
		w.ok(j.Close())
		w.stop = func() {}
	}
}

// close ends everything.
func (w *world) close() {
	w.stop()
	w.ok(w.spawner.Close())
}

// played runs a test on fake time with an agent that runs.
func played(t *testing.T, make func(*world) *world, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := make(newWorld(t))
		w.run()
		defer w.close()
		f(w)
	})
}

func plain(w *world) *world { return w }

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(path, text string) {
	w.t.Helper()
	path = filepath.Join(w.dir, path)
	w.ok(os.MkdirAll(filepath.Dir(path), 0o755))
	w.ok(os.WriteFile(path, []byte(text), 0o644))
}

func (w *world) get(path string) string {
	b, err := os.ReadFile(filepath.Join(w.dir, path))
	if err != nil {
		return ""
	}
	return string(b)
}

var ctx = context.Background()

var keys atomic.Int64

func newKey() bot.EffectKey { return bot.EffectKey(fmt.Sprintf("eff_%d", keys.Add(1))) }

func (w *world) ask(to string) api.Propose {
	return api.Propose{Key: newKey(), Operation: "lamp.set", Arguments: bot.Arguments{"to": {to}}, Requester: "bob", Said: api.Said{Door: "matrix"}}
}

// proposed asks for the lamp and shows the plan.
func (w *world) proposed() bot.Proposal {
	w.t.Helper()
	p, err := w.core.Propose(ctx, Bot(), w.ask("on"))
	w.ok(err)
	p, err = w.core.Shown(ctx, Bot(), api.Shown{Plan: p.Plan.ID, At: time.Now()})
	w.ok(err)
	return p
}

// yes is a person's approval by chat.
func yes(p bot.Proposal, who bot.PersonID) api.Decide {
	return api.Decide{Plan: p.Plan.ID, Digest: p.Digest, ID: fmt.Sprintf("msg-%s-%d", who, keys.Add(1)), Person: who, Verdict: bot.Approve, Said: api.Said{Door: "matrix"}}
}

func no(p bot.Proposal, who bot.PersonID) api.Decide {
	d := yes(p, who)
	d.Verdict, d.Digest = bot.Deny, ""
	return d
}

func (w *world) now(id bot.PlanID) bot.Proposal {
	w.core.mu.Lock()
	defer w.core.mu.Unlock()
	return w.core.records[id].Proposal
}

// ends waits until the proposal is over, and says how.
func (w *world) ends(id bot.PlanID, want bot.ProposalState) bot.Proposal {
	w.t.Helper()
	p := w.reaches(id, func(p bot.Proposal) bool { return p.State.Over() })
	if p.State != want {
		w.t.Fatalf("it is %s (%s), and should be %s; it said %.300q", p.State, p.Why, want, said(p))
	}
	return p
}

func said(p bot.Proposal) (lines []string) {
	for _, l := range p.Progress {
		lines = append(lines, l.Text)
	}
	return lines
}

func (w *world) reaches(id bot.PlanID, there func(bot.Proposal) bool) bot.Proposal {
	w.t.Helper()
	since, end := int64(0), time.Now().Add(30*24*time.Hour)
	for time.Now().Before(end) {
		page, err := w.core.Proposals(ctx, Bot(), api.Since{Stamp: since, Wait: api.MaxWait})
		w.ok(err)
		since = page.Top
		for _, p := range page.Proposals {
			if p.Plan.ID == id && there(p) {
				return p
			}
		}
	}
	p := w.now(id)
	w.t.Fatalf("it stays %s (%s)", p.State, p.Why)
	return p
}

// entries are the journal's, by kind.
func (w *world) entries(kinds ...journal.Kind) (out []journal.Entry) {
	w.t.Helper()
	for e, err := range w.journal.Entries(0) {
		w.ok(err)
		if slices.Contains(kinds, e.Kind) {
			out = append(out, e)
		}
	}
	return out
}

// refuses checks an error that people get.
func refuses(t testing.TB, err error, code bot.Code, words string) {
	t.Helper()
	e, ok := errors.AsType[*bot.Error](err)
	if !ok || e.Code != code || !strings.Contains(e.Message, words) {
		t.Errorf("%v (%T), and should be %s: …%s…", err, err, code, words)
	}
}

// fakeUnits are the units that a plan may wait for.
type fakeUnits struct {
	sys.Units
	active atomic.Pointer[string]
	state  atomic.Pointer[string] // of the active one; nil for "active"
}

func (u *fakeUnits) Unit(_ context.Context, name string) (sys.Unit, error) {
	if a := u.active.Load(); a != nil && *a == name {
		state := "active"
		if s := u.state.Load(); s != nil {
			state = *s
		}
		return sys.Unit{Name: name, Active: state, Sub: "running"}, nil
	}
	return sys.Unit{Name: name, Active: "inactive"}, nil
}
