package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/plan"
)

// lampPlan is a plan as an agent mints it.
func lampPlan() bot.Plan {
	at := time.Date(2026, 1, 14, 14, 0, 0, 0, time.UTC)
	return bot.Plan{Version: bot.PlanVersion, ID: "pln_K7QF2MX4AAAAAAAAAAAAAAAAAA", Host: "vulcan", MachineID: strings.Repeat("a", 32), BootID: "11111111-2222-3333-4444-555555555555",
		Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Requester: "alice", MintedAt: at, NotAfter: at.Add(time.Hour),
		Rule:  bot.Rule{Name: "lamps", Risk: bot.RiskLow, Requesters: []bot.Role{"operator"}, Approvers: []bot.Role{"approver"}, Count: 1, ApproveWithin: 600, ValidFor: 3600},
		Draft: bot.Draft{Summary: "set the lamp to on", Steps: []string{"turn it"}, Undo: "turn it back", Takes: "a moment", Limit: 60}}
}

func digestOf(t *testing.T, p bot.Plan) string {
	t.Helper()
	b, err := plan.Canonical(p)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Digest(b)
}

// standIn answers at a socket as an agent with one plan does, and keeps what it
// was told.
type standIn struct {
	proposal bot.Proposal
	locks    []api.Lock
	readings []bot.Reading
	mu       sync.Mutex
	told     []api.Decide
	words    []string // paths of other questions that change something
}

func (s *standIn) listen(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = api.Page{Proposals: []bot.Proposal{s.proposal}, Locks: s.locks}
		if r.URL.Path == api.PathConfirm || r.URL.Path == api.PathCancel {
			s.mu.Lock()
			s.words = append(s.words, r.URL.Path)
			s.mu.Unlock()
			answer = s.proposal
		}
		if r.URL.Path == api.PathDecide {
			var q api.Decide
			if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
				t.Error(err)
			}
			s.mu.Lock()
			s.told = append(s.told, q)
			s.mu.Unlock()
			answer = s.proposal
		}
		if r.URL.Path == api.PathReadings {
			answer = s.readings
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return path
}

// On the host, the digest that is agreed to is that of the plan which was shown,
// whatever stands beside it.
func TestApproveHere(t *testing.T) {
	p := lampPlan()
	digest := digestOf(t, p)
	for _, c := range []struct {
		what     string
		typed    string
		terminal bool
		yes      string
		deny     string
		state    bot.ProposalState
		fails    string
		verdict  bot.Verdict
	}{
		{what: "typed", typed: digest[:8] + "\n", terminal: true, state: bot.Waiting, verdict: bot.Approve},
		{what: "typed in groups", typed: digest[:4] + " " + digest[4:8] + "\n", terminal: true, state: bot.Waiting, verdict: bot.Approve},
		{what: "too little", typed: digest[:7] + "\n", terminal: true, state: bot.Waiting, fails: "not the beginning of the digest"},
		{what: "yes", typed: "yes\n", terminal: true, state: bot.Waiting, fails: "not the beginning of the digest"},
		{what: "nothing", terminal: true, state: bot.Waiting, fails: "not the beginning of the digest"},
		{what: "nobody there", typed: digest + "\n", state: bot.Waiting, fails: "no terminal"},
		{what: "by flag", yes: digest, state: bot.Waiting, verdict: bot.Approve},
		{what: "by another digest", yes: strings.Repeat("0", 64), state: bot.Waiting, fails: "not that of this plan"},
		{what: "denied", deny: "not tonight", state: bot.Waiting, verdict: bot.Deny},
		{what: "over", yes: digest, state: bot.Done, fails: "it is done"},
	} {
		t.Run(c.what, func(t *testing.T) {
			// The agent's own word of the digest is a lie here; nobody asks for it.
			s := &standIn{proposal: bot.Proposal{Plan: p, Digest: strings.Repeat("f", 64), State: c.state}}
			var out strings.Builder
			a := approving{in: strings.NewReader(c.typed), out: &out, terminal: c.terminal, socket: s.listen(t), yes: c.yes, denies: c.deny != "", deny: c.deny}
			err := a.here(t.Context(), "k7qf")
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("it says %v, want %q", err, c.fails)
				}
				if len(s.told) > 0 {
					t.Errorf("the agent was told %+v", s.told)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(s.told) != 1 || s.told[0].Verdict != c.verdict || s.told[0].Digest != digest || s.told[0].Person != "" || s.told[0].Reason != c.deny {
				t.Errorf("the agent was told %+v", s.told)
			}
			if !strings.Contains(out.String(), "set the lamp to on") || !strings.Contains(out.String(), "turn it back") {
				t.Errorf("the plan was not shown:\n%s", out.String())
			}
		})
	}
	t.Run("another plan", func(t *testing.T) {
		s := &standIn{proposal: bot.Proposal{Plan: p, State: bot.Waiting}}
		a := approving{in: strings.NewReader(""), out: &strings.Builder{}, socket: s.listen(t), yes: digest}
		if err := a.here(t.Context(), "ABCD"); err == nil || !strings.Contains(err.Error(), "no plan ABCD") {
			t.Errorf("it says %v", err)
		}
	})
}

// A denial is one whatever its reason holds, and what says two things says nothing:
// the agent hears no word then.
func TestApproveFlags(t *testing.T) {
	p := lampPlan()
	digest := digestOf(t, p)
	for _, c := range []struct {
		args    []string
		state   bot.ProposalState
		fails   string
		verdict bot.Verdict
	}{
		{[]string{"k7qf", "--yes", digest}, bot.Waiting, "", bot.Approve},
		{[]string{"k7qf", "--deny", "not tonight"}, bot.Waiting, "", bot.Deny},
		{[]string{"k7qf", "--deny", ""}, bot.Waiting, "--deny needs a reason", ""},
		{[]string{"k7qf", "--deny="}, bot.Waiting, "--deny needs a reason", ""},
		{[]string{"k7qf", "--deny", " \t"}, bot.Waiting, "--deny needs a reason", ""},
		{[]string{"k7qf", "--deny", "", "--yes", digest}, bot.Waiting, "[deny yes] were all set", ""},
		{[]string{"k7qf", "--deny", "not tonight", "--yes", digest}, bot.Waiting, "[deny yes] were all set", ""},
		{[]string{"k7qf", "--deny", "", "--confirm"}, bot.Confirming, "[confirm deny] were all set", ""},
		{[]string{"k7qf", "--deny", ""}, bot.Confirming, "--deny needs a reason", ""},
		{[]string{"k7qf", "--yes", digest}, bot.Confirming, "give --confirm, or --deny", ""},
		{[]string{"k7qf", "--yes", ""}, bot.Waiting, "--yes needs the plan's whole digest", ""},
		{[]string{"--deny", "not tonight"}, bot.Waiting, "Which plan?", ""},
		{[]string{"--yes", digest}, bot.Waiting, "Which plan?", ""},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			s := &standIn{proposal: bot.Proposal{Plan: p, State: c.state}}
			cmd := approveCommand()
			cmd.SilenceUsage, cmd.SilenceErrors = true, true
			cmd.SetOut(io.Discard)
			// What would be typed at a terminal that is asked: the digest.
			cmd.SetIn(strings.NewReader(digest + "\n"))
			cmd.SetArgs(append([]string{"--socket", s.listen(t)}, c.args...))
			err := cmd.ExecuteContext(t.Context())
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) || c.fails == "" && err != nil {
				t.Errorf("%v, want %q", err, c.fails)
			}
			if c.fails == "" && (len(s.told) != 1 || s.told[0].Verdict != c.verdict) || c.fails != "" && len(s.told)+len(s.words) > 0 {
				t.Errorf("the agent was told %+v %q", s.told, s.words)
			}
		})
	}
}

// bobsWord is Bob's approval as a statement and as a slip, and a key of his in a
// directory to sign it with.
func bobsWord(t *testing.T, p bot.Plan, dir string) (st bot.Statement, slip, key string, theirs ssh.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err = ssh.NewPublicKey(public); err != nil {
		t.Fatal(err)
	}
	key = filepath.Join(dir, "key")
	if err := os.WriteFile(key, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	now := p.MintedAt.Add(time.Minute)
	if st, err = plan.NewStatement(p, "bob", bot.Approve, "", "nonce-1234567890123456", now, now.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if slip, err = plan.EncodeSlip(st, p); err != nil {
		t.Fatal(err)
	}
	return st, slip, key, theirs
}

// Away from the host, what is signed is what our own program shows of the plan.
func TestApproveSign(t *testing.T) {
	dir := t.TempDir()
	p := lampPlan()
	st, text, key, theirs := bobsWord(t, p, dir)
	slip := filepath.Join(dir, "slip")
	if err := os.WriteFile(slip, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	a := approving{in: strings.NewReader(st.Digest[:12] + "\n"), out: &out, terminal: true, key: key, signer: signer}
	if err := a.sign(t.Context(), slip); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"set the lamp to on", "bob", "approve " + string(p.ID) + "\n-----BEGIN SSH SIGNATURE-----"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	armored := out.String()[strings.Index(out.String(), "-----BEGIN SSH"):]
	if err := plan.VerifySignature(st, strings.TrimSpace(armored), []ssh.PublicKey{theirs}); err != nil {
		t.Errorf("the agent would not take it: %v", err)
	}

	for _, c := range []struct {
		what, slip, says string
		a                approving
	}{
		{"nobody there", slip, "no terminal", approving{in: strings.NewReader(""), signer: signer, key: key}},
		{"from standard input, and nobody to ask", "-", "Standard input is taken", approving{in: strings.NewReader(text), terminal: true, signer: signer, key: key}},
		{"changed on its way", "-", "", approving{in: strings.NewReader(strings.Replace(text, "A", "B", 1)), yes: st.Digest, signer: signer, key: key}},
		{"no such key", slip, "no such file", approving{in: strings.NewReader(""), yes: st.Digest, signer: signer, key: filepath.Join(dir, "none")}},
		{"no statement", "-", "", approving{in: strings.NewReader("hello"), yes: st.Digest, signer: signer, key: key}},
	} {
		c.a.out = &strings.Builder{}
		err := c.a.sign(t.Context(), c.slip)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: it says %v, want %q", c.what, err, c.says)
		}
	}
	if _, _, err := signer(context.Background(), ""); os.Getenv("SSH_AUTH_SOCK") == "" && (err == nil || !strings.Contains(err.Error(), "no ssh-agent")) {
		t.Errorf("without a key it says %v", errors.Unwrap(err))
	}
}
