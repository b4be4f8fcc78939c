package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/journal"
	simhost "watchstander/bot/sys/simulated"
)

//go:embed demo_agent.yaml
var demoAgentFile []byte

// In the demo nobody wants to wait for as long as on a host that matters: how far
// apart two looks at units are, and how long a switch takes.
const (
	demoLooks  = 2 * time.Second
	demoSwitch = 4 * time.Second
)

// demoOperated is the simulated host with its agent: the real one, made as
// `watchstander agent` makes it, but in this process and without sockets.
type demoOperated struct {
	sim     *simhost.Host
	house   *agentHouse
	core    *agent.Core
	journal *journal.File
	runs    *agent.InProcess
	proofs  demoProofs
}

// newDemoOperated makes both below a folder.
func newDemoOperated(d demoDir) (*demoOperated, error) {
	o := &demoOperated{proofs: newDemoProofs()}
	c, err := o.proofs.agentConfig(d)
	if err == nil {
		err = o.begin(d, c)
	}
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

// begin makes host and agent, of an agent's file.
func (o *demoOperated) begin(d demoDir, c *config.Agent) (err error) {
	tree := d.file("host")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return err
	}
	if o.sim, err = simhost.New(simhost.Options{Dir: tree}); err != nil {
		return err
	}
	for _, g := range simhost.Vulcan() {
		a := simhost.Activation{Takes: demoSwitch}
		if g.Number == demoBroken {
			// Its switch looks well, and a moment later it is not: only looking tells.
			a.Break, a.Later = []string{"nginx.service"}, time.Second
		}
		o.sim.Script(g.Number, a)
	}
	if _, err := o.sim.Propose(simhost.Newer()); err != nil { // for `deploy`
		return err
	}
	o.writeJournal()
	c.State = d.file("agent")
	o.house = &agentHouse{config: c, log: slog.New(slog.DiscardHandler), host: o.sim.Sys()}
	if err := o.house.furnish(parts.Options{Looks: demoLooks}); err != nil {
		return err
	}
	if o.journal, err = o.house.journal(); err != nil {
		return err
	}
	o.runs = &agent.InProcess{Do: o.perform}
	o.core, err = o.house.core(o.journal, agent.RootsDir(d.file("roots")), o.runs)
	return err
}

// writeJournal gives the host a day and a half of what its people and strangers did, so
// that the security events of the checklists have something to count.
func (o *demoOperated) writeJournal() {
	now := time.Now().UTC()
	line := func(ago time.Duration, unit, name, text string) {
		o.sim.Write(simhost.Line{At: now.Add(-ago), Unit: unit, Text: text, Fields: map[string]string{"_UID": "0", "SYSLOG_IDENTIFIER": name, "_COMM": name, "_TRANSPORT": "syslog"}})
	}
	line(36*time.Hour, "sshd.service", "sshd", "Server listening on :: port 22.")
	line(9*time.Hour, "sshd.service", "sshd-session", "Accepted publickey for alice from 192.0.2.4 port 50022 ssh2: ED25519 SHA256:zJ0demo")
	line(9*time.Hour-time.Minute, "session-3.scope", "sudo", "alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/run/current-system/sw/bin/zpool status")
	for i := range 4 {
		line(7*time.Hour-time.Duration(i)*time.Minute, "sshd.service", "sshd-session", "Failed password for invalid user admin from 203.0.113.9 port 40000 ssh2")
	}
}

// demoBroken is the generation whose nginx does not stay up.
const demoBroken = 40

// perform does one run as a process of the simulated host, which has operations of
// its own: on a real one it would be in a unit of its own.
func (o *demoOperated) perform(ctx context.Context, s agent.Spawn) error {
	p := o.sim.Start("watchstander")
	defer p.Kill()
	w := &agentHouse{o: agentOptions{worker: true}, config: o.house.config, log: o.house.log, host: p.Sys()}
	if err := w.furnish(parts.Options{Looks: demoLooks}); err != nil {
		return err
	}
	return w.perform(ctx, s.Plan)
}

// agents is what the bot of the demo has in place of a socket.
func (o *demoOperated) agents() map[string]api.Agent {
	return map[string]api.Agent{o.sim.Name(): o.bots()}
}

// bots is the agent as the bot has it.
func (o *demoOperated) bots() api.Agent { return o.core.For(agent.Bot()) }

// close switches the host off, so that whatever runs on it comes to an end; whoever
// leaves the demo does not want to wait for its undoing.
func (o *demoOperated) close() error {
	const patience = 2 * time.Second
	var errs []error
	if o.sim != nil {
		errs = append(errs, o.sim.Close())
	}
	if o.runs != nil {
		ended := make(chan error, 1)
		go func() { ended <- o.runs.Close() }()
		select {
		case err := <-ended:
			errs = append(errs, err)
		case <-time.After(patience):
		}
	}
	if o.journal != nil {
		errs = append(errs, o.journal.Close())
	}
	return errors.Join(errs...)
}

// hasGeneration tells whether a generation is what the host runs and would start next: what
// the tour believes, beside what the thread says.
func (o *demoOperated) hasGeneration(n int) error {
	if running, next := o.sim.Running(), o.sim.NextBoot(); running != n || next != n {
		return fmt.Errorf("the host runs generation %d and would start %d, not %d", running, next, n)
	}
	return nil
}

// hasARCMax tells whether the kernel holds a limit of the cache, in bytes.
func (o *demoOperated) hasARCMax(want int64) error {
	b, err := o.sim.Sys().Files.Read("/proc/spl/kstat/zfs/arcstats", 64<<10)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "c_max" {
			if f[2] != strconv.FormatInt(want, 10) {
				return fmt.Errorf("the kernel holds the cache to %s bytes, not to %d", f[2], want)
			}
			return nil
		}
	}
	return errors.New("the kernel tells no limit of the cache")
}

// put makes a file of the host.
func (o *demoOperated) put(path string, content []byte) error {
	where := o.sim.Outside(path)
	if err := os.MkdirAll(filepath.Dir(where), 0o755); err != nil {
		return err
	}
	return os.WriteFile(where, content, 0o644)
}
