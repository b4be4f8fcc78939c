package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/host"
	simhost "watchstander/bot/sys/simulated"
)

// The agent has no network (its unit sees to that), and its runs have: what a URL
// answers only a run can find out, and the agent's plan does not say that it fails.
func TestURLsAreAskedByRunsAlone(t *testing.T) {
	c, err := config.ParseAgent([]byte(`
version: 1
host: vulcan
bot_uid: 991
people: [{name: alice, roles: [operator], uid: [1000]}, {name: bob, roles: [operator], uid: [1001]}]
policy: [{name: back, operations: [nixos.rollback], risk: high, requesters: [operator], approvers: {roles: [operator]}, step_up: [host]}]
nixos:
  health_checks: [{name: web, url: "http://127.0.0.1:1/healthz"}]
`), config.AgentOptions{File: "agent.yaml", WithoutSecrets: true, Operations: agentOperations})
	if err != nil {
		t.Fatal(err)
	}
	sim, err := simhost.New(simhost.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	for _, worker := range []bool{false, true} {
		h := &agentHouse{o: agentOptions{worker: worker}, config: c, log: slog.New(slog.DiscardHandler), host: sim.Sys()}
		if err := h.furnish(h.furniture(io.Discard)); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, op := range h.parts.Operations {
			if op.Name() != host.RollbackOperation {
				continue
			}
			d, err := op.Plan(t.Context(), bot.Arguments{host.GenerationArgument: {"41"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range d.Conditions {
				if strings.Contains(x.Text, "health checks") {
					found = append(found, string(x.State)+": "+x.Found)
				}
			}
		}
		want := "unknown: web: asked when it starts, before the switch. Unless all hold afterwards, it is undone"
		if worker { // nothing listens there
			want = "not ok: not web. Unless all hold afterwards, it is undone"
		}
		if len(found) != 1 || found[0] != want {
			t.Errorf("worker %v: %q, want %q", worker, found, want)
		}
	}
}
