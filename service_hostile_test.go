package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
)

// A captured bot has the bot's own user, and says at its socket whatever it likes. It
// may ask, deny and cancel in people's names. Nothing that wants a word on the host or
// a signature runs, however much is forged.
func TestACapturedBotAtARealSocket(t *testing.T) {
	t.Parallel()
	m := install(t, installation{})
	units := []string{"web-a.service", "web-b.service", "web-c.service"}
	before := map[string]string{}
	for _, u := range units {
		before[u] = m.show(u, "InvocationID")
	}
	ctx := t.Context()
	p, other := m.proposed("web-a"), m.proposed("web-b")
	// Whenever it says that it showed the plan, that was not before it was made.
	shown, err := m.bot.Shown(ctx, api.Shown{Plan: p.Plan.ID, At: time.Now().Add(-time.Hour)})
	if m.must(err); shown.ShownAt.Before(p.Plan.MintedAt) {
		t.Errorf("shown at %v, made at %v", shown.ShownAt, p.Plan.MintedAt)
	}

	sign := func(s bot.Statement, key any) string {
		t.Helper()
		signer, err := ssh.NewSignerFromKey(key)
		m.must(err)
		armored, err := plan.Sign(s, signer)
		m.must(err)
		return armored
	}
	_, mallory, err := ed25519.GenerateKey(rand.Reader)
	m.must(err)
	statement := func(id bot.PlanID, v bot.Verdict) bot.Statement {
		t.Helper()
		s, err := m.bot.Statement(ctx, api.Statement{Plan: id, Person: "alice", Verdict: v})
		m.must(err)
		return s
	}
	mine, denial, others := statement(p.Plan.ID, bot.Approve), statement(p.Plan.ID, bot.Deny), statement(other.Plan.ID, bot.Approve)
	elsewhere := mine
	elsewhere.Host = "titan"
	invented := mine
	invented.Nonce = strings.Repeat("A", len(mine.Nonce))

	approve := api.Decide{Plan: p.Plan.ID, Digest: p.Digest, Person: "alice", Verdict: bot.Approve, At: time.Now(), Said: api.Said{Door: "host"}}
	for name, change := range map[string]func(*api.Decide){
		"alice's name":                     func(*api.Decide) {},
		"the door of the host":             func(d *api.Decide) { d.Said = api.Said{Door: "host", Account: "uid:1000"} },
		"the door of signatures":           func(d *api.Decide) { d.Said.Door = "ssh" },
		"nobody's name":                    func(d *api.Decide) { d.Person = "" },
		"root's name":                      func(d *api.Decide) { d.Person = "root" },
		"a code":                           func(d *api.Decide) { d.Code = "123456" },
		"no signature":                     func(d *api.Decide) { d.Signature = "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n" },
		"mallory's key":                    func(d *api.Decide) { d.Signature = sign(mine, mallory) },
		"alice's key on a denial":          func(d *api.Decide) { d.Signature = sign(denial, m.key) },
		"alice's key on another plan":      func(d *api.Decide) { d.Signature = sign(others, m.key) },
		"alice's key on another host":      func(d *api.Decide) { d.Signature = sign(elsewhere, m.key) },
		"alice's key on an invented nonce": func(d *api.Decide) { d.Signature = sign(invented, m.key) },
		"another plan's digest":            func(d *api.Decide) { d.Digest = other.Digest },
	} {
		d := approve
		d.ID = "forged " + name
		change(&d)
		if got, err := m.bot.Decide(ctx, d); err == nil || got.State == bot.Running {
			t.Errorf("%s: taken: %s", name, got.State)
		}
	}
	_, err = m.bot.BreakGlass(ctx, api.BreakGlass{Operation: "service.restart", Arguments: bot.Arguments{"unit": {"web-c"}}, Reason: "urgent"})
	mustRefuse(t, err, "not for the bot")
	_, err = m.bot.BreakGlassRun(ctx, api.BreakGlassRun{Plan: p.Plan.ID, Digest: p.Digest})
	mustRefuse(t, err, "not for the bot")
	_, err = m.bot.Trigger(ctx, api.Trigger{Key: "eff_X", Standing: "restart", Alert: bot.Labels{"alertname": "NginxDown"}, Since: time.Now()})
	if err == nil {
		t.Error("a standing approval that is not there is used")
	}
	for _, unit := range []string{"sshd.service", "watchstander-agent.service", "-h", "web-a.service web-b.service", "../web-a.service"} {
		if _, err := m.bot.Propose(ctx, api.Propose{Key: bot.EffectKey("eff_" + rand.Text()), Operation: "service.restart", Arguments: bot.Arguments{"unit": {unit}}, Requester: "alice"}); err == nil {
			t.Errorf("%s may be asked for", unit)
		}
	}

	// A good signature counts once, and for its plan alone, also when a bot replays it.
	signed := sign(others, m.key)
	d := api.Decide{Plan: other.Plan.ID, Digest: other.Digest, ID: "signed", Person: "alice", Verdict: bot.Approve, Signature: signed}
	if _, err := m.bot.Decide(ctx, d); err != nil {
		t.Fatal(err)
	}
	again := m.proposed("web-c")
	for _, id := range []bot.PlanID{other.Plan.ID, again.Plan.ID, p.Plan.ID} {
		d.Plan, d.ID = id, "replayed "+string(id)
		if got, err := m.bot.Decide(ctx, d); err == nil && got.Plan.ID != other.Plan.ID {
			t.Errorf("replayed on %s: %s", id, got.State)
		}
	}
	m.comesTo(other.Plan.ID, bot.Done)

	var started []string
	for _, e := range m.entries() {
		if e.Kind == journal.KindStart {
			started = append(started, e.Subject)
		}
	}
	if !slices.Equal(started, []string{string(other.Plan.ID)}) {
		t.Errorf("started were %v", started)
	}
	for _, u := range units {
		if again := m.show(u, "InvocationID") != before[u]; again != (u == "web-b.service") {
			t.Errorf("%s was restarted: %v", u, again)
		}
	}
	for _, id := range []bot.PlanID{p.Plan.ID, again.Plan.ID} {
		if p := m.proposal(id); !p.State.Open() || len(p.Decisions) > 0 {
			t.Errorf("%s: %s, %+v", id, p.State, p.Decisions)
		}
	}
	if n := len(m.journaled(journal.KindRefusal, p.Plan.ID)); n < 10 {
		t.Errorf("the journal has %d refusals", n)
	}
}
