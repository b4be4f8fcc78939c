package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	simhost "watchstander/bot/sys/simulated"
	"watchstander/integrations/matrix"
)

// The bot's file of these tests, and the agent's that goes with it.
const (
	botsFile = `
version: 1
state: {path: DIR/state.db}
listen: 127.0.0.1:0
hosts: [{name: vulcan, match: ['instance="vulcan"'], agent: {}}]
chats: [{name: console, console: {socket: DIR/s}}]
people:
  - {name: alice, roles: [operator, approver], uid: [1000]}
  - {name: bob, roles: [approver], uid: [1001]}
  - {name: eve, uid: [1005]}
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
routes: [{rooms: [console]}]
`
	agentsFile = `
version: 1
host: vulcan
bot_uid: 991
people:
  - {name: alice, roles: [operator, approver], uid: [1000]}
  - {name: bob, roles: [approver], uid: [1001]}
policy:
  - name: rollback
    operations: [nixos.rollback]
    risk: high
    requesters: [operator]
    approvers: {roles: [approver], requester_counts: true}
    step_up: [host, ssh]
`
)

// checkedAgent runs check over both files.
func checkedAgent(t *testing.T, bots, agents string, change func(*agentCheck)) (string, int) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, content := range map[string]string{"config.yaml": bots, "agent.yaml": agents} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(content, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := &agentCheck{file: filepath.Join(dir, "agent.yaml"), trust: config.TrustedOf(os.Getuid()), trustState: trustState}
	if change != nil {
		change(a)
	}
	var said strings.Builder
	err = check(t.Context(), filepath.Join(dir, "config.yaml"), "", a, &said)
	code, ok := errors.AsType[exitCode](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	return strings.ReplaceAll(said.String(), dir, "DIR"), int(code)
}

// about are the lines that check says of the agent.
func about(said string) string {
	var out []string
	for line := range strings.Lines(said) {
		for _, sign := range []string{"agent.yaml", "rule    ", "exposed ", "agent's"} {
			if strings.Contains(line, sign) {
				out = append(out, strings.TrimSuffix(line, "\n"))
				break
			}
		}
	}
	return strings.Join(out, "\n")
}

func TestCheckAgent(t *testing.T) {
	replace := strings.NewReplacer
	for _, x := range []struct {
		name string
		bots *strings.Replacer
		mine *strings.Replacer
		want string
	}{
		{"both go together", replace(), replace(), `
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
exposed nothing: every approval needs somebody at the host, or a signature`},
		{"a fault hides what follows", replace(), replace("nixos.rollback", "nixos.rolback"), `
fault   DIR/agent.yaml:10:18: policy[0].operations[0]: there is no operation "nixos.rolback": known are backup.run, backup.verify, nixos.deploy, nixos.rollback, service.restart or zfs.arc.set`},
		{"no such argument", replace(), replace("    risk: high", "    arguments: {number: [\"1..9\"]}\n    risk: high"), `
fault   DIR/agent.yaml:11:25: policy[0].arguments.number: nixos.rollback takes no such argument: it takes generation`},
		{"other names", replace("name: bob", "name: Bob", "name: alice", "name: alicia"), replace(), `
fault   DIR/agent.yaml: the user 1000 is alice here and alicia in the bot's file: one human being has one name
warning DIR/agent.yaml: alice is not in the bot's file: no chat knows them, and they can agree only at the host or by signature
fault   DIR/agent.yaml: the user 1001 is bob here and Bob in the bot's file: one human being has one name
warning DIR/agent.yaml: bob is not in the bot's file (Bob is: names are compared exactly): no chat knows them, and they can agree only at the host or by signature
warning DIR/agent.yaml: Bob (approver) is in the bot's file alone: what they ask for or agree to, the agent refuses
warning DIR/agent.yaml: alicia (operator, approver) is in the bot's file alone: what they ask for or agree to, the agent refuses
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
exposed nothing: every approval needs somebody at the host, or a signature`},
		{"other roles", replace("name: bob, roles: [approver]", "name: bob, roles: [operator]", "name: eve", "name: eve, roles: [dba]"), replace(), `
warning DIR/agent.yaml: bob has other roles in the bot's file (operator) than here (approver): these count for what the agent does
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
exposed nothing: every approval needs somebody at the host, or a signature`},
		{"another host", replace("name: vulcan", "name: titan"), replace(), `
fault   DIR/agent.yaml: the bot's file has no host "vulcan": the agent's host must be one of hosts, by the same name
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
exposed nothing: every approval needs somebody at the host, or a signature`},
		{"no agent there", replace(", agent: {}", ""), replace(), `
warning DIR/agent.yaml: the bot's file gives the host vulcan no agent: write agent: {socket: /run/watchstander-agent/agent.sock} there
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
exposed nothing: every approval needs somebody at the host, or a signature`},
		{"another socket", replace("agent: {}", "agent: {socket: /run/other.sock}"), replace(), `
warning DIR/agent.yaml: the bot calls the agent of vulcan at /run/other.sock, and this one listens at /run/watchstander-agent/agent.sock
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
exposed nothing: every approval needs somebody at the host, or a signature`},
		{"what a captured bot could run", replace(), replace("    step_up: [host, ssh]", "    step_up: [host, ssh]\n  - {name: arc, operations: [\"zfs.*\"], arguments: {max: [\"8GiB..48GiB\", 64GiB]}, risk: low, requesters: [operator], approvers: {roles: [approver]}}"), `
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
rule    arc (low risk): zfs.* (zfs.arc.set) on vulcan (max: 8GiB..48GiB, 64GiB); alice may ask, 1 must agree of alice, bob
exposed rule arc: a captured bot could run zfs.arc.set on vulcan (max: 8GiB..48GiB, 64GiB). A word from a chat is enough for an approval, and a captured bot can make those up.`},
		{"standing approvals", replace(), replace("version: 1", `version: 1
services: {restart: [nginx]}
standing:
  - {name: nginx, operation: service.restart, arguments: {unit: [nginx.service]}, when: ['alertname="NginxDown"'], budget: {count: 2, per: 6h}, evidence: unit nginx.service, expires: "2026-01-01"}`), `
warning DIR/agent.yaml: the standing approval nginx ended on 2026-01-01: nothing is repaired by it any more
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
rule    standing approval nginx: service.restart on vulcan (unit: nginx.service), nobody is asked; at most 2 in 6 h, until 2026-01-01
exposed standing approval nginx: a captured bot could run service.restart on vulcan (unit: nginx.service), at most 2 times in 6 h, and not while unit nginx.service is seen to be fine. That the alert fires is the bot's word.`},
		{"what no agent would start with", replace(), replace("version: 1", `version: 1
services: {restart: [web, dbus]}
nixos: {build_lock: {path: /run/nixos/switch-to-configuration.lock, format: flock}, health_checks: [{name: web, unit: web}]}
backup:
  repositories:
    - {name: b2, repository: b2:x, environment_file: DIR/agent.yaml}
    - {name: live, repository: /backup, environment_file: DIR/agent.yaml}`), `
fault   DIR/agent.yaml:3:27: services.restart[1]: dbus.service cannot be restarted while the host runs; take it from the list.
fault   DIR/agent.yaml:4:21: nixos.build_lock: /run/nixos/switch-to-configuration.lock is the lock that switch-to-configuration takes itself; held by somebody else it could not run
fault   DIR/agent.yaml:8:7: backup.repositories[1]: no repository may have the name live, which stands for the data itself`},
		{"a standing approval for what may not be restarted", replace(), replace("version: 1", `version: 1
services: {restart: [web.service]}
standing:
  - {name: nginx, operation: service.restart, arguments: {unit: [nginx]}, when: ['alertname="NginxDown"'], budget: {count: 2, per: 6h}, evidence: unit nginx.service, expires: "2099-01-01"}`), `
fault   DIR/agent.yaml:5:65: standing[0].arguments.unit: service.restart takes no such arguments: nginx.service is not on the list of what may be restarted on vulcan: web.`},
		{"a standing approval that proves itself by nothing", replace(), replace("version: 1", `version: 1
services: {restart: [nginx.service]}
standing:
  - {name: nginx, operation: service.restart, arguments: {unit: [nginx]}, when: ['alertname="NginxDown"'], budget: {count: 1, per: 6h}, evidence: nginx, expires: "2099-01-01"}`), `
warning DIR/agent.yaml:5:147: standing[0].evidence: is nothing that service.restart with these arguments is verified by: without a proof of its first use it is not used again; write "unit nginx.service"
rule    rollback (high risk): nixos.rollback on vulcan; alice may ask, 1 must agree of alice (host), bob (host), who asked included
rule    standing approval nginx: service.restart on vulcan (unit: nginx.service), nobody is asked; at most 1 in 6 h, until 2099-01-01
exposed standing approval nginx: a captured bot could run service.restart on vulcan (unit: nginx.service), at most 1 time in 6 h, and not while nginx is seen to be fine. That the alert fires is the bot's word.`},
		{"a standing approval for what there is no section", replace(), replace("version: 1", `version: 1
standing:
  - {name: arc, operation: zfs.arc.set, arguments: {max: [1GiB]}, when: ['alertname="A"'], budget: {count: 1, per: 6h}, evidence: arc, expires: "2099-01-01"}`), `
fault   DIR/agent.yaml:4:58: standing[0].arguments.max: zfs.arc.set takes no such arguments: this file has no section for it, so that the agent does not have it.`},
	} {
		t.Run(x.name, func(t *testing.T) {
			said, _ := checkedAgent(t, x.bots.Replace(botsFile), x.mine.Replace(agentsFile), nil)
			if got := about(said); got != strings.TrimPrefix(x.want, "\n") {
				t.Errorf("got:\n%s\nwant:%s", got, x.want)
			}
		})
	}
}

// TestCheckAgentCounts: the last line counts what was said of both files, and the
// exit code knows of the agent's faults.
func TestCheckAgentCounts(t *testing.T) {
	said, code := checkedAgent(t, botsFile, strings.ReplaceAll(agentsFile, "host: vulcan", "host: titan"), nil)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	mustSay(t, said, "; 1 fault, ")
	// Faults of the bot's file do not hide those of the agent's.
	said, code = checkedAgent(t, strings.ReplaceAll(botsFile, "[console]", "[consul]"), strings.ReplaceAll(agentsFile, "host: vulcan", "hots: vulcan"), nil)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	mustSay(t, said, `there is no room "consul"`, `hots: no such key, did you mean "host"?`, "\n2 faults, ")
}

func TestCheckAgentOfSomebodyElse(t *testing.T) {
	said, code := checkedAgent(t, botsFile, agentsFile, func(a *agentCheck) { a.trust = func(string) error { return errors.New("it is eve's") } })
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	mustSay(t, said, "fault   DIR/agent.yaml: anybody could have written it: it is eve's\n")
	// A user who may not read secrets does not call them wrong.
	agents := strings.ReplaceAll(agentsFile, "uid: [1000]}", "uid: [1000], totp_seed_file: nowhere}")
	said, _ = checkedAgent(t, botsFile, agents, func(a *agentCheck) { a.withoutSecrets = true })
	mustSay(t, said, "unknown agent's secrets: not looked at (only root may read them: check as root)\n", "alice (host)", " 1 unknown; ")
	said, _ = checkedAgent(t, botsFile, agents, nil)
	mustSay(t, said, "people[0].totp_seed_file: the secret's file does not exist")
	said, code = checkedAgent(t, botsFile, agentsFile, func(a *agentCheck) { a.file += ".not" })
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	mustSay(t, said, "fault   DIR/agent.yaml.not: does not exist\n")
}

// TestAgentExampleGoesWithTheBots: the two examples are of one house.
func TestAgentExampleGoesWithTheBots(t *testing.T) {
	data, err := os.ReadFile("docs/agent.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bots, err := os.ReadFile("docs/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(bots, config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.ParseAgent(data, config.AgentOptions{Operations: agentOperations})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	a := &agentCheck{file: "agent.example.yaml", w: &said}
	a.hosts(c, cfg)
	a.people(c, cfg)
	if a.faults+a.warnings > 0 {
		t.Error(said.String())
	}
	for _, r := range cfg.Policy.Rules {
		for _, o := range r.Operations {
			if !strings.Contains(fmt.Sprint(agentOperations), strings.TrimSuffix(string(o), "*")) {
				t.Errorf("there is no %s", o)
			}
		}
	}
	if cfg.Standing[0].Expires.Before(time.Now()) {
		t.Error("the example's standing approval has ended")
	}
}

// TestAgentOperations: what check knows of the operations and their arguments is
// what the agent has.
func TestAgentOperations(t *testing.T) {
	data, err := os.ReadFile("docs/agent.example.yaml") // has every section
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.ParseAgent(data, config.AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sim, err := simhost.New(simhost.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	made, err := parts.Of(c, sim.Sys(), parts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"no-such"}
	known := map[bot.OperationName][]string{}
	for _, k := range agentOperations {
		known[k.Name] = k.Arguments
		all = append(all, k.Arguments...)
	}
	for _, op := range made.Operations {
		arguments, ok := known[op.Name()]
		if !ok {
			t.Errorf("check does not know of %s", op.Name())
		}
		delete(known, op.Name())
		for _, name := range all {
			_, err := op.Parse(t.Context(), bot.Arguments{name: {"1"}})
			refused := err != nil && strings.Contains(err.Error(), fmt.Sprintf("no argument %q", name))
			if refused == slices.Contains(arguments, name) {
				t.Errorf("%s with %s: %v, and check knows of %v", op.Name(), name, err, arguments)
			}
		}
	}
	if len(known) > 0 {
		t.Errorf("the agent has no operations %v", known)
	}
}

// TestCheckCodes: where the bot must be able to delete messages with codes is known
// from the agent's file, and only guessed without it.
func TestCheckCodes(t *testing.T) {
	bots, err := config.Parse([]byte(strings.ReplaceAll(botsFile, "DIR", "/x")), config.Options{File: "config.yaml", WithoutSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	agents := func(text string) *agentCheck {
		cfg, err := config.ParseAgent([]byte(text), config.AgentOptions{File: "agent.yaml", WithoutSecrets: true})
		if err != nil {
			t.Fatal(err)
		}
		return &agentCheck{read: cfg}
	}
	withCodes := strings.NewReplacer("step_up: [host, ssh]", "step_up: [totp]", "name: bob, roles: [approver], uid: [1001]", "name: bob, roles: [approver], uid: [1001], totp_seed_file: seed").Replace(agentsFile)
	for _, c := range []struct {
		a    *agentCheck
		want matrix.Codes
	}{{&agentCheck{}, matrix.CodesPerhaps}, {agents(agentsFile), matrix.CodesNever}, {agents(withCodes), matrix.CodesWanted}} {
		if got := c.a.codes(bots); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	bots.Hosts[0].Agent = nil
	if got := (&agentCheck{}).codes(bots); got != matrix.CodesNever {
		t.Errorf("without an agent it is %q", got)
	}
}
