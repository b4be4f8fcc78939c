package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/bot/journal"
)

const agentUnit = "watchstander-agent.service"

// The agent as a real service, through its life: started by its sockets, asked,
// agreed with on the host, restarted, killed and stopped while runs go on.
func TestTheAgentAsAService(t *testing.T) {
	t.Parallel()
	m := install(t, installation{})
	for socket, want := range map[string]string{"agent.sock": "srw-------", "approve.sock": "srw-rw-rw-"} {
		info, err := os.Stat(m.Path("/run/watchstander-agent/" + socket))
		m.must(err)
		if got := "s" + info.Mode().Perm().String()[1:]; got != want {
			t.Errorf("%s is %s", socket, got)
		}
	}

	t.Log("nothing runs until somebody calls")
	if s := m.show(agentUnit, "ActiveState"); s != "inactive" {
		t.Errorf("the agent is %s", s)
	}
	said, err := m.as(aliceUID, "approve")
	if err != nil || !strings.Contains(said, "Nothing waits") {
		t.Errorf("%s, %v", said, err)
	}
	m.is(agentUnit, "ActiveState", equals("active"))

	t.Log("the sockets know who calls")
	for _, x := range []struct {
		uid  int
		args []string
		want string
	}{
		{aliceUID, []string{"approve", "--socket", "/run/watchstander-agent/agent.sock"}, "does not let us in"},
		{0, []string{"approve", "--socket", "/run/watchstander-agent/agent.sock"}, "not for you"},
		{m.botUID, []string{"approve"}, "not for you"},
		{1001, []string{"approve"}, "User 1001 is nobody"},
	} {
		if said, err := m.as(x.uid, x.args...); err == nil || !strings.Contains(said, x.want) {
			t.Errorf("user %d, %v: %s, %v", x.uid, x.args, said, err)
		}
	}

	t.Log("a plan waits, whatever the bot says of it")
	a, b := m.proposed("web-a"), m.proposed("web-b")
	before := map[string]string{}
	for _, unit := range []string{"web-a.service", "web-b.service"} {
		before[unit] = m.show(unit, "InvocationID")
	}
	said, err = m.as(aliceUID, "approve")
	if err != nil || !strings.Contains(said, string(a.Plan.ID)) || !strings.Contains(said, string(b.Plan.ID)) {
		t.Errorf("%s, %v", said, err)
	}

	t.Log("alice agrees on the host; the runs are units of their own")
	for _, p := range []bot.Proposal{a, b} {
		said, err = m.as(aliceUID, "approve", "--yes", p.Digest, string(p.Plan.ID))
		if err != nil || !strings.Contains(said, "has your word: approve") {
			t.Fatalf("%s, %v", said, err)
		}
	}
	a, b = m.comesTo(a.Plan.ID, bot.Running), m.comesTo(b.Plan.ID, bot.Running)
	pids := map[string]string{}
	for _, p := range []bot.Proposal{a, b} {
		pids[p.Unit] = m.is(p.Unit, "MainPID", isNot(""))
	}
	same := func(when string) {
		t.Helper()
		for unit, pid := range pids {
			if got := m.show(unit, "MainPID"); got != pid {
				t.Errorf("%s: the process of %s was %s, and is %s", when, unit, pid, got)
			}
		}
	}

	t.Log("the agent is restarted; the runs go on")
	agent := m.show(agentUnit, "MainPID")
	m.systemctl("restart", agentUnit)
	agent = m.is(agentUnit, "MainPID", isNot(agent))
	same("after a restart")
	if p := m.proposal(a.Plan.ID); p.State != bot.Running {
		t.Errorf("%s: %s", p.State, p.Why)
	}

	t.Log("the agent is killed; who calls has it started again")
	m.systemctl("kill", "--signal=KILL", agentUnit)
	if p := m.proposal(a.Plan.ID); p.State != bot.Running {
		t.Errorf("%s: %s", p.State, p.Why)
	}
	m.is(agentUnit, "MainPID", isNot(agent))
	same("after a SIGKILL")

	t.Log("the agent is stopped; the runs end without it")
	m.systemctl("stop", agentUnit)
	same("after a stop")
	for unit := range pids {
		m.is(unit, "ActiveState", equals("inactive"))
	}
	if s := m.show(agentUnit, "ActiveState"); s != "inactive" {
		t.Errorf("the agent is %s", s)
	}

	t.Log("the next call starts it, and it tells what came of them, with evidence")
	for _, p := range []bot.Proposal{a, b} {
		p = m.comesTo(p.Plan.ID, bot.Done)
		unit := p.Plan.Arguments.One("unit")
		if len(p.Evidence) != 2 || p.Evidence[0].State != bot.OK || p.Evidence[1].State != bot.OK || p.Decisions[0].StepUp != bot.StepHost || p.Decisions[0].Person != "alice" {
			t.Errorf("%+v, %+v", p.Evidence, p.Decisions)
		}
		if m.show(unit, "InvocationID") == before[unit] || m.show(unit, "ActiveState") != "active" {
			t.Errorf("%s was not restarted", unit)
		}
		for _, kind := range []journal.Kind{journal.KindStart, journal.KindEnd} {
			if n := len(m.journaled(kind, p.Plan.ID)); n != 1 {
				t.Errorf("%s has %d entries of %s", p.Plan.ID, n, kind)
			}
		}
	}
	if out, err := m.as(0, "journal", "verify", "--file", "/var/lib/watchstander-agent/journal"); err != nil {
		t.Errorf("%s, %v", out, err)
	}
}

// The agent's unit, watched over and reloaded.
func TestTheAgentsUnit(t *testing.T) {
	t.Parallel()
	m := install(t, installation{start: []string{agentUnit}})
	m.is(agentUnit, "ActiveState", equals("active"))

	t.Log("a program in its unit reaches no network, and writes nothing but its state, and where a dry run has its lock, which is not there after a boot")
	m.must(os.RemoveAll(m.Path("/run/nixos")))
	probe := strings.NewReplacer("/usr/local/bin/watchstander agent --config /etc/watchstander/agent.yaml", "/usr/local/bin/probe",
		"Type=notify", "Type=exec", "Restart=always", "Restart=no", "StateDirectory=watchstander-agent", "StateDirectory=probe",
		"WatchdogSec=60", "Environment="+confinedEnv+"=1").Replace(sampleUnits(t)[agentUnit])
	m.WriteUnit(t, "probe.service", probe)
	own, err := os.Executable()
	m.must(err)
	m.exec("cp", own, filepath.Join(m.root, "bin", "probe"))
	m.systemctl("daemon-reload")
	m.systemctl("start", "probe.service")
	m.is("probe.service", "ActiveState", func(s string) bool { return s == "inactive" || s == "failed" })
	found, err := os.ReadFile(filepath.Join(m.root, "lib", "probe", "found"))
	m.must(err)
	if got := string(found); got != confinedWell {
		t.Errorf("%s", got)
	}
	if _, err := os.Stat(m.Path("/run/nixos/watchstander-test")); err != nil {
		t.Errorf("what a switch left to be done goes with the service: %v", err)
	}

	t.Log("SIGHUP: a good file counts at once, a faulty one not at all, and the status line says why")
	withBob := strings.Replace(installedAgent, "policy:", "  - {name: bob, roles: [operator], uid: [1001]}\npolicy:", 1)
	m.agentFile(withBob)
	m.systemctl("reload", agentUnit)
	real.Eventually(t, 20*time.Second, "bob is known", func() error {
		_, err := m.as(1001, "approve")
		return err
	})
	m.agentFile(strings.Replace(withBob, "uid: [1001]", "uid: [1000]", 1))
	m.systemctl("reload", agentUnit)
	m.is(agentUnit, "StatusText", func(s string) bool {
		return strings.Contains(s, "was not taken up") && strings.Contains(s, "another person's already")
	})
	if _, err := m.as(1001, "approve"); err != nil {
		t.Errorf("bob, after a faulty file: %v", err)
	}

	t.Log("one that hangs is ended by the watchdog, and started again")
	m.WriteUnit(t, agentUnit+".d/quick.conf", "[Service]\nWatchdogSec=1\nRestartSec=200ms\n")
	m.agentFile(withBob)
	m.systemctl("daemon-reload")
	m.systemctl("restart", agentUnit)
	agent := m.show(agentUnit, "MainPID")
	m.systemctl("kill", "--signal=STOP", "--kill-whom=main", agentUnit)
	m.is(agentUnit, "MainPID", isNot(agent))
	m.is(agentUnit, "ActiveState", equals("active"))
	if n := m.show(agentUnit, "NRestarts"); n != "1" {
		t.Errorf("it was restarted %s times", n)
	}

	t.Log("a faulty file keeps it down, but not its sockets; a mended one brings it back")
	m.agentFile(strings.Replace(withBob, "roles: [operator]", "roles: operator", 1))
	_, err = m.Do(t.Context(), "systemctl", "restart", agentUnit)
	if err == nil {
		t.Error("it starts with a faulty file")
	}
	called := make(chan error, 1)
	go func() { // somebody who waits meanwhile
		_, err := m.as(aliceUID, "approve")
		called <- err
	}()
	m.is(agentUnit, "NRestarts", func(s string) bool { return len(s) > 1 || s >= "6" })
	for _, s := range []string{"watchstander-agent.socket", "watchstander-approve.socket"} {
		if got := m.show(s, "ActiveState"); got != "active" {
			t.Errorf("%s is %s", s, got)
		}
	}
	m.agentFile(withBob)
	m.is(agentUnit, "ActiveState", equals("active"))
	if err := <-called; err != nil {
		t.Error(err)
	}

	t.Log("it says goodbye in time")
	began := time.Now()
	m.systemctl("stop", agentUnit)
	if took := time.Since(began); took > 5*time.Second || m.show(agentUnit, "Result") != "success" {
		t.Errorf("it stops after %s: %s", took, m.show(agentUnit, "Result"))
	}
}
