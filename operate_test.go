package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
	simhost "watchstander/bot/sys/simulated"
)

// operated is the simulated host with its agent behind real sockets.
type operated struct {
	*testing.T
	core   *agent.Core
	socket string       // for people
	uid    atomic.Int64 // who connects there
	key    ed25519.PrivateKey
	keyPEM string // its file
}

func operate(t *testing.T) *operated {
	t.Helper()
	o := &operated{T: t}
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	o.must(err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	_, o.key, err = ed25519.GenerateKey(rand.Reader)
	o.must(err)
	block, err := ssh.MarshalPrivateKey(o.key, "")
	o.must(err)
	o.keyPEM = filepath.Join(dir, "key")
	o.must(os.WriteFile(o.keyPEM, pem.EncodeToMemory(block), 0o600))
	public, err := ssh.NewPublicKey(o.key.Public())
	o.must(err)
	c, err := config.ParseAgent(fmt.Appendf(nil, `
version: 1
host: vulcan
bot_uid: 991
people:
  - {name: alice, roles: [operator, approver], uid: [1000], ssh_keys: [%q]}
  - {name: bob, roles: [operator], uid: [1001]}
policy:
  - name: cache
    operations: [zfs.arc.set]
    risk: medium
    requesters: [operator]
    approvers: {roles: [approver]}
    step_up: [host, ssh]
zfs: {}
`, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))), config.AgentOptions{File: "agent.yaml", WithoutSecrets: true})
	o.must(err)
	sim, err := simhost.New(simhost.Options{})
	o.must(err)
	p, err := parts.Of(c, sim.Sys(), parts.Options{})
	o.must(err)
	state, hide, quiet := filepath.Join(dir, "state"), func(s string) string { return s }, slog.New(slog.DiscardHandler)
	o.must(os.Mkdir(state, 0o700))
	log, err := journal.OpenFile(filepath.Join(state, "journal"), hide)
	o.must(err)
	spawner := &agent.InProcess{Do: func(ctx context.Context, s agent.Spawn) error {
		return agent.Perform(ctx, agent.PerformOptions{State: state, Plan: s.Plan, Host: sim.Sys(), Operations: p.Operations, Redact: hide, Log: quiet})
	}}
	o.core, err = agent.New(agent.Options{Host: sim.Sys(), Settings: parts.Settings(c), Operations: p.Operations, Busy: c.Busy, State: state, Journal: log, Spawner: spawner,
		Redact: hide, IDs: bot.RandomIDs, Log: quiet})
	o.must(err)
	o.socket = filepath.Join(dir, "approve.sock")
	sockets, err := agent.Listen(t.Context(), agent.ListenOptions{Bot: filepath.Join(dir, "agent.sock"), Human: o.socket, Owner: -1})
	o.must(err)
	server := agent.NewServer(agent.ServerOptions{Core: o.core, Bot: sockets.Bot, Human: sockets.Human, BotUID: 991, Log: quiet,
		Peer: func(net.Conn) (int, error) { return int(o.uid.Load()), nil }})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- server.Run(ctx) }()
	go func() { done <- o.core.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		o.must(errors.Join(<-done, <-done, spawner.Close(), log.Close(), sim.Close()))
	})
	return o
}

func (o *operated) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// proposed is bob's wish for a larger cache.
func (o *operated) proposed() bot.Proposal {
	o.Helper()
	p, err := o.core.Propose(o.Context(), agent.Bot(), api.Propose{Key: bot.EffectKey("eff_" + rand.Text()), Operation: "zfs.arc.set",
		Arguments: bot.Arguments{"max": {"33GiB"}}, Requester: "bob"})
	o.must(err)
	return p
}

// run runs approve as a user, with what they type.
func (o *operated) run(uid int, typed string, change func(*approving), args ...string) (string, error) {
	o.uid.Store(int64(uid))
	var out strings.Builder
	a := approving{in: strings.NewReader(typed), out: &out, terminal: true, socket: o.socket, signer: signer}
	if change != nil {
		change(&a)
	}
	err := a.here(o.Context(), strings.Join(args, " "))
	return out.String(), err
}

func (o *operated) ends(id bot.PlanID) bot.Proposal {
	o.Helper()
	ctx, cancel := context.WithTimeout(o.Context(), 60*time.Second)
	defer cancel()
	for q := (api.Since{Wait: api.MaxWait}); ctx.Err() == nil; {
		page, err := o.core.Proposals(ctx, agent.Bot(), q)
		o.must(err)
		q.Stamp = page.Top
		for _, p := range page.Proposals {
			if p.Plan.ID == id && p.State.Over() {
				return p
			}
		}
	}
	o.Fatalf("%s does not end", id)
	return bot.Proposal{}
}

func mustRefuse(t *testing.T, err error, words string) {
	t.Helper()
	if e, ok := errors.AsType[*bot.Error](err); !ok || !strings.Contains(e.Message, words) {
		t.Errorf("%v, and should say %q", err, words)
	}
}

func TestApproveOnTheHost(t *testing.T) {
	o := operate(t)
	said, err := o.run(1000, "", nil)
	if err != nil || !strings.Contains(said, "Nothing waits") {
		t.Errorf("%s, %v", said, err)
	}
	p := o.proposed()
	id := string(p.Plan.ID)
	said, err = o.run(1000, "", nil)
	if err != nil || !strings.Contains(said, id+"  proposed: ") || !strings.Contains(said, "asked for by bob") {
		t.Errorf("%s, %v", said, err)
	}
	short := strings.ToLower(id[4:12])
	for name, x := range map[string]struct {
		uid   int
		typed string
		do    func(*approving)
		id    string
		words string
	}{
		"a plan that is not there":    {1000, "", nil, "pln_NOTHING", "no plan pln_NOTHING"},
		"nothing typed":               {1000, "\n", nil, short, "Nothing was agreed to"},
		"end of input":                {1000, "", nil, short, "Nothing was agreed to"},
		"yes":                         {1000, "yes\n", nil, short, "Nothing was agreed to"},
		"too little":                  {1000, p.Digest[:7] + "\n", nil, short, "Nothing was agreed to"},
		"another digest":              {1000, "00000000\n", nil, short, "Nothing was agreed to"},
		"no terminal":                 {1000, p.Digest + "\n", func(a *approving) { a.terminal = false }, short, "no terminal"},
		"another plan's whole digest": {1000, "", func(a *approving) { a.yes = strings.Repeat("0", 64) }, short, "not that of this plan"},
		"who asked":                   {1001, p.Digest[:8] + "\n", nil, short, "does not count"},
		"root":                        {0, p.Digest[:8] + "\n", nil, short, "Root is nobody in particular"},
		"a stranger":                  {4711, "", nil, short, "4711"},
		"the bot":                     {991, "", nil, short, "not for you"},
	} {
		said, err := o.run(x.uid, x.typed, x.do, x.id)
		mustRefuse(t, err, x.words)
		if strings.Contains(said, "has your word") {
			t.Errorf("%s: %s", name, said)
		}
	}
	said, err = o.run(1000, p.Digest[:4]+" "+p.Digest[4:8]+"\n", nil, short)
	if err != nil || !strings.Contains(said, "PLAN "+id) || !strings.Contains(said, p.Digest[:4]+" "+p.Digest[4:8]) || !strings.Contains(said, "has your word: approve") {
		t.Errorf("%s, %v", said, err)
	}
	if p = o.ends(p.Plan.ID); p.State != bot.Done || p.Decisions[0].StepUp != bot.StepHost || p.Decisions[0].Person != "alice" {
		t.Errorf("%s: %s, %+v", p.State, p.Why, p.Decisions)
	}
	_, err = o.run(1000, p.Digest, nil, short)
	mustRefuse(t, err, "Nothing can be decided any more: it is done")
}

// systemd holds the socket of an agent that does not come up.
func TestApproveWhereNobodyAnswers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "approve.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := approving{out: &strings.Builder{}, socket: socket, patience: 50 * time.Millisecond}
	mustRefuse(t, a.here(t.Context(), ""), "The agent does not answer. Look at it: systemctl status watchstander-agent.")
}

// Where there is no agent, that is said once, and what to do about it.
func TestApproveWhereThereIsNoAgent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "approve.sock")
	err := approving{out: &strings.Builder{}, socket: socket}.here(t.Context(), "")
	want := "No agent answers at " + socket + " (no such file or directory). This is for the host that is operated, where its agent runs: systemctl status watchstander-agent. Elsewhere, give the bot's statement with --slip."
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestDenyOnTheHost(t *testing.T) {
	o := operate(t)
	p := o.proposed()
	said, err := o.run(1000, "", func(a *approving) { a.terminal, a.denies, a.deny = false, true, "the cache is fine" }, string(p.Plan.ID))
	if err != nil || !strings.Contains(said, "It is denied. alice denied it: the cache is fine") {
		t.Errorf("%s, %v", said, err)
	}
	// Of more than a page of proposals the newest is found too.
	for range 3 {
		p = o.proposed()
	}
	said, err = o.run(1000, "", func(a *approving) { a.yes = p.Digest }, string(p.Plan.ID))
	if err != nil || !strings.Contains(said, "has your word") {
		t.Errorf("%s, %v", said, err)
	}
}

// The slip that the bot gives becomes a signature that the agent counts.
func TestApproveWithAKey(t *testing.T) {
	o := operate(t)
	p := o.proposed()
	s, err := o.core.Statement(t.Context(), agent.Bot(), api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: bot.Approve})
	o.must(err)
	slip, err := plan.EncodeSlip(s, p.Plan)
	o.must(err)
	file := filepath.Join(t.TempDir(), "slip")
	o.must(os.WriteFile(file, []byte("the bot wrote: harmless\n"+slip), 0o600))
	sign := func(typed string, change func(*approving), file string) (string, error) {
		var out strings.Builder
		a := approving{in: strings.NewReader(typed), out: &out, terminal: true, key: o.keyPEM, signer: signer}
		if change != nil {
			change(&a)
		}
		err := a.sign(t.Context(), file)
		return out.String(), err
	}
	said, err := sign("no\n", nil, file)
	mustRefuse(t, err, "Nothing was agreed to")
	if strings.Contains(said, "BEGIN SSH SIGNATURE") || strings.Contains(said, "harmless") {
		t.Errorf("%s", said)
	}
	_, err = sign(slip, nil, "-")
	mustRefuse(t, err, "Standard input is taken")
	o.must(os.WriteFile(file+".bad", []byte(strings.Replace(slip, slip[60:64], "AAAA", 1)), 0o600))
	_, err = sign(p.Digest, nil, file+".bad")
	mustRefuse(t, err, "")
	t.Setenv("SSH_AUTH_SOCK", "")
	_, err = sign(p.Digest, func(a *approving) { a.key = "" }, file)
	mustRefuse(t, err, "no ssh-agent")

	said, err = sign(s.Digest[:8]+"\n", nil, file)
	if err != nil || !strings.Contains(said, "What is signed") || !strings.Contains(said, "approve "+string(p.Plan.ID)) {
		t.Errorf("%s, %v", said, err)
	}
	_, armored, _ := strings.Cut(said, "approve "+string(p.Plan.ID)+"\n")
	_, err = o.core.Decide(t.Context(), agent.Bot(), api.Decide{Plan: p.Plan.ID, Digest: p.Digest, ID: "m1", Person: "alice", Verdict: bot.Approve, Signature: armored})
	o.must(err)
	if p = o.ends(p.Plan.ID); p.State != bot.Done || p.Decisions[0].StepUp != bot.StepSSH {
		t.Errorf("%s: %s", p.State, p.Why)
	}
}

// A key of the ssh-agent signs as well; one that may not is passed over.
func TestKeysOfTheAgent(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring := sshagent.NewKeyring()
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = sshagent.ServeAgent(ring, conn)
			_ = conn.Close()
		}
	}()
	t.Setenv("SSH_AUTH_SOCK", socket)
	_, _, err = signer(t.Context(), "")
	mustRefuse(t, err, "no key that may sign")
	if err := ring.Add(sshagent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	key, done, err := signer(t.Context(), "")
	if err != nil || key.PublicKey().Type() != ssh.KeyAlgoED25519 {
		t.Fatalf("%v, %v", key, err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
}

func TestBreakGlassCommand(t *testing.T) {
	o := operate(t)
	run := func(uid int, typed string, change func(*breakingGlass), args ...string) (string, error) {
		o.uid.Store(int64(uid))
		var out strings.Builder
		b := breakingGlass{approving: approving{out: &out, terminal: true, socket: o.socket}, reason: "the machine swaps, and nobody answers"}
		b.in = typing{typed, &out}
		if change != nil {
			change(&b)
		}
		err := b.run(t.Context(), args)
		return out.String(), err
	}
	_, err := run(1000, "", nil, "zfs.arc.set", "max=33GiB")
	mustRefuse(t, err, "This is not for user 1000")
	_, err = run(0, "", func(b *breakingGlass) { b.reason = "" }, "zfs.arc.set", "max=33GiB")
	mustRefuse(t, err, "Say why")
	_, err = run(0, "", func(b *breakingGlass) { b.terminal = false }, "zfs.arc.set", "max=33GiB")
	mustRefuse(t, err, "no terminal")
	_, err = run(0, "", nil, "zfs.arc.set", "33GiB")
	mustRefuse(t, err, "write NAME=VALUE")
	_, err = run(0, "no", nil, "zfs.arc.set", "max=33GiB")
	mustRefuse(t, err, "Nothing was agreed to")
	said, err := run(0, "digest", nil, "zfs.arc.set", "max=33GiB")
	if err != nil || !strings.Contains(said, "break-glass") || !strings.Contains(said, "Applying.") || !strings.Contains(said, "It is done.") {
		t.Errorf("%s, %v", said, err)
	}
}

// typing types the beginning of the digest that is shown, or something else.
type typing struct {
	what string
	out  *strings.Builder
}

func (t typing) Read(p []byte) (int, error) {
	text := t.what
	if text == "digest" {
		_, after, _ := strings.Cut(t.out.String(), "Digest of all this")
		text = strings.Join(strings.Fields(after)[2:4], "")
	}
	return copy(p, text+"\n"), nil
}
