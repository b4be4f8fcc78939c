package restic

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/plan"
	"watchstander/bot/redact"
	"watchstander/bot/sys"
)

// A plan that the redactor would alter cannot be approved; and what is told of
// backups must reach people as it was written.
func TestNothingOfOursIsASecret(t *testing.T) {
	redactor, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
	must(t, err)
	d := newDesk(t, Config{Repositories: []Repository{remote("b2"), remote("password-store"), {Name: "tank", Location: "rest:https://u:Sommer2026!@nas/x", Unit: "restic-tank"}}})
	d.withScratch(t)
	for _, n := range d.c.names() {
		d.units.set(sys.Unit{Name: "restic-" + n + ".service", Load: "loaded", Active: "inactive", Result: "success", Started: noon, Fragment: "/etc/systemd/system/restic-" + n + ".service"})
		must(t, d.putFacts(n, facts{Asked: noon, Tried: noon, Snapshots: []host.Snapshot{snapshotOf(0x7f3a9c01, time.Hour, "/srv")}}))
	}
	var texts []string
	for _, o := range d.Operations() {
		args := bot.Arguments{}
		if o.Name() == host.BackupRunOperation {
			args[host.RepositoryArgument] = []string{"tank"}
		}
		p := planned(t, o, args)
		p.Version, p.ID, p.MachineID, p.BootID, p.MintedAt, p.NotAfter = bot.PlanVersion, "pln_K7QF2MAAAABBBBCCCCDDDDEEEE", strings.Repeat("a1", 16), strings.Repeat("b2", 16), noon, noon.Add(time.Hour)
		p.Requester, p.Rule = "alice", bot.Rule{Name: "backups", Risk: bot.RiskLow, Requesters: []bot.Role{bot.RoleOperator}, Approvers: []bot.Role{bot.RoleOperator}, Count: 1, ApproveWithin: 3600, ValidFor: 7200}
		text, err := plan.Render(p)
		must(t, err)
		asJSON, err := json.Marshal(p.Draft)
		must(t, err)
		texts = append(texts, text, string(asJSON))
		for _, f := range append(p.Draft.Bound, p.Draft.Observed...) {
			if redactor.Alters(f.Name) || redactor.Alters(f.Value) {
				t.Errorf("the fact %s is %q", f.Name, f.Value)
			}
		}
	}
	c := &client{c: &d.c, location: "b2:x"}
	id := strings.Repeat("8b363a5479", 7)[:64]
	texts = append(texts, c.strike("pack "+id+" contains 2 errors: [blob "+id+": decrypting blob <data/40f2e3cf> failed]"),
		c.fault(sys.Output{Exit: 12, Stderr: []byte("Fatal: wrong password or no key found")}).Why(),
		c.fault(sys.Output{Exit: 1, Stderr: []byte("Resolving password failed: Fatal: /run/secrets/restic-password does not exist")}).Why())
	for _, text := range texts {
		if out, found := redactor.Redact(text); out != text {
			t.Errorf("%v\n%s", found, out)
		}
	}
}
