package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/host"
	"watchstander/bot/sys"
	simhost "watchstander/bot/sys/simulated"
)

// TestAgentSendsForBackups: the agent of a simulated host has its repositories asked
// by units, at intervals and when somebody wants to know; it tells what they learnt,
// and why nothing was.
func TestAgentSendsForBackups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := config.ParseAgent([]byte(strings.ReplaceAll(privilegedFile, "DIR", t.TempDir())+`
backup:
  program: /opt/restic
  ask: {every: 2h, at_most_every: 5m, time: 20s}
  repositories: [{name: b2, repository: "b2:x", environment_file: /etc/b2, limit_download: 1MiB}]
`), config.AgentOptions{WithoutSecrets: true})
		if err != nil {
			t.Fatal(err)
		}
		var hang, changed atomic.Bool // the unit's own program; the file, since the agent read it
		var mu sync.Mutex
		var all []sys.Transient
		units := func() []sys.Transient {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all)
		}
		sim, err := simhost.New(simhost.Options{Exec: func(ctx context.Context, as sys.Host, x sys.Transient) int {
			mu.Lock()
			all = append(all, x)
			mu.Unlock()
			if hang.Load() {
				<-ctx.Done()
				return 143
			}
			if i := slices.Index(x.Argv, "--digest"); changed.Load() || i < 0 || x.Argv[i+1] != c.Digest {
				return int(exitAnotherFile) // as TestAskBackups has it from the real one
			}
			worker, err := parts.Of(c, as, parts.Options{}) // which asks itself
			if err == nil {
				_ = worker.AskBackups(ctx)
			}
			return 0
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		var restic atomic.Pointer[simhost.Program]
		does := func(p simhost.Program) { restic.Store(&p) }
		program := func(ctx context.Context, call *simhost.Call) int { return (*restic.Load())(ctx, call) }
		answers := func(_ context.Context, call *simhost.Call) int {
			if !slices.Contains(call.Argv, "--limit-download=1024") {
				fmt.Fprintln(call.Stderr, "Fatal: unlimited")
				return 1
			}
			fmt.Fprintf(call.Stdout, `[{"id":"%064d","time":%q,"hostname":"vulcan","paths":["/home"]}]`, 7, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
			return 0
		}
		does(answers)
		if err := sim.Program("/opt/restic", program); err != nil {
			t.Fatal(err)
		}
		if err := sim.Program("/etc/b2", program); err != nil { // any file will do
			t.Fatal(err)
		}

		h := &agentHouse{config: c, o: agentOptions{file: "/etc/watchstander/agent.yaml"}, log: slog.New(slog.DiscardHandler), host: sim.Sys()}
		if err := h.spawns(); err != nil {
			t.Fatal(err)
		}
		made, err := parts.Of(c, h.host, parts.Options{AskBackups: h.sendForBackups(c)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var tasks sync.WaitGroup
		for _, task := range made.Tasks {
			tasks.Go(func() { task(ctx) })
		}
		defer tasks.Wait()
		defer stop()
		status := func() host.Repository {
			t.Helper()
			for _, l := range made.Looks {
				if l.Name == host.LookBackups {
					v, err := l.Run(t.Context(), nil)
					if err != nil {
						t.Fatal(err)
					}
					return v.(host.Backups).Repositories[0]
				}
			}
			t.Fatal("there is no look at backups")
			return host.Repository{}
		}

		r := status()
		if _, ok := r.Own(); !ok || r.Reach != bot.OK || len(units()) != 1 {
			t.Fatalf("%+v; %+v", r, units())
		}
		x := units()[0]
		if x.Name != "watchstander-backup-ask.service" || !x.Network || x.Limit != 80*time.Second || !slices.Equal(x.Writable, []string{parts.BackupState(c)}) ||
			!slices.Contains(x.Argv, "ask-backups") || !slices.Contains(x.Argv, "/etc/watchstander/agent.yaml") {
			t.Errorf("%+v", x)
		}
		if time.Sleep(2*time.Hour + time.Minute); len(units()) != 2 {
			t.Errorf("%d units after two hours", len(units()))
		}

		// The network is gone: restic says why.
		does(func(_ context.Context, call *simhost.Call) int {
			fmt.Fprintln(call.Stderr, "Fatal: dial tcp: lookup api.backblazeb2.com: no such host")
			return 1
		})
		time.Sleep(10 * time.Minute)
		r = status()
		if why := strings.Join(r.Why, "; "); r.State != bot.Unknown || !strings.HasPrefix(why, "no answer for 11 min 2 s: the repository does not answer (exit code 1): dial tcp: ") {
			t.Errorf("%s: %s", r.State, why)
		}
		// Restic hangs: the question is given up, and the unit ends well.
		does(func(ctx context.Context, _ *simhost.Call) int { <-ctx.Done(); return 130 })
		time.Sleep(6 * time.Minute)
		if r = status(); r.Reach != bot.Unknown || !strings.Contains(r.ReachWhy, "the time for listing its snapshots (20 s) was over") {
			t.Errorf("%+v", r)
		}
		// The whole unit hangs: systemd ends it at its time, and nothing is left of it.
		hang.Store(true)
		time.Sleep(6 * time.Minute)
		status()
		time.Sleep(2 * time.Minute)
		r = status()
		if u, err := h.host.Units.Unit(t.Context(), x.Name); r.Reach != bot.Unknown || r.ReachWhy != "watchstander-backup-ask.service was ended after 1 min 20 s" || err != nil || u.Load != "not-found" {
			t.Errorf("%+v; %+v, %v", r, u, err)
		}
		if _, ok := r.Own(); !ok {
			t.Error("what was known is forgotten")
		}
		hang.Store(false)
		does(answers)
		// Somebody has changed the file: who knows what has that name there?
		changed.Store(true)
		time.Sleep(6 * time.Minute)
		if r = status(); r.Reach != bot.Unknown || r.ReachWhy != "the agent's file was changed since the agent read it. Restart the agent, or have it reload" {
			t.Errorf("%+v", r)
		}
		changed.Store(false)
		time.Sleep(6 * time.Minute)
		if r = status(); r.Reach != bot.OK || time.Since(r.AskedAt) > time.Minute {
			t.Errorf("%+v", r)
		}
	})
}

// What reads others' files for a backup's sake has no device; what installs a boot
// loader or speaks to ZFS has them.
func TestBackupsHaveNoDevices(t *testing.T) {
	for operation, want := range map[bot.OperationName]bool{
		"backup.verify": false, "backup.run": false, askingBackups: false, "nixos.rollback": true, "zfs.arc.set": true, "service.restart": true,
	} {
		if got := needsDevices(agent.Spawn{Operation: operation}); got != want {
			t.Errorf("%s: devices %v", operation, got)
		}
	}
}

// An errand goes by the file that was taken up last, as runs do.
func TestErrandsGoByTheFileInForce(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the agent's file belongs to root")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	write("agent.yaml", privilegedFile)
	h, err := openAgent(agentOptions{file: filepath.Join(dir, "agent.yaml")}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	log, err := h.journal()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	core, err := h.core(log, agent.RootsDir(filepath.Join(dir, "roots")), h.spawner)
	if err != nil {
		t.Fatal(err)
	}
	first := *h.digest.Load()
	write("agent.yaml", strings.Replace(privilegedFile, "name: restart", "name: restarts", 1))
	if err := h.takeUp(core); err != nil {
		t.Fatal(err)
	}
	c, err := h.o.load()
	if err != nil {
		t.Fatal(err)
	}
	if got := *h.digest.Load(); got == first || got != c.Digest {
		t.Errorf("the errand would go by %s, the file in force is %s", got, c.Digest)
	}
}
