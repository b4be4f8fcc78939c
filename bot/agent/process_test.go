package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/journal"
	"watchstander/bot/sys"
)

// What a process of the test below is given.
const (
	envDir  = "WATCHSTANDER_TEST_DIR"  // with the host's tree, the state and the sockets
	envPlan = "WATCHSTANDER_TEST_PLAN" // a worker's
)

func dirOf(name string) string { return filepath.Join(os.Getenv(envDir), name) }

// processHost is the host as these processes have it.
func processHost() (sys.Host, *lamp) {
	tree, err := sys.OpenTree(dirOf("host"))
	if err != nil {
		panic(err)
	}
	h := sys.Host{Name: "vulcan", Files: tree, Units: &fakeUnits{}}
	return h, &lamp{host: h, takes: 100 * time.Millisecond}
}

// children start each run as a process that outlives this one. What says that one
// is there is a lock that only its death lets go.
type children struct{}

func (children) Start(_ context.Context, s Spawn) error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"WATCHSTANDER_TEST=worker", envDir + "=" + os.Getenv(envDir), envPlan + "=" + string(s.Plan)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // what came of it is in its files
	return nil
}

func (children) Running(_ context.Context, unit string) (bool, error) {
	f, err := os.OpenFile(dirOf(unit), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

func (children) Ended(context.Context, string) {}

// workerProcess performs one run.
func workerProcess() {
	h, l := processHost()
	id := bot.PlanID(os.Getenv(envPlan))
	f, err := os.OpenFile(dirOf(unitName(bot.Plan{ID: id, Operation: l.Name()})), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	if err == nil {
		err = Perform(context.Background(), PerformOptions{State: dirOf("state"), Plan: id, Host: h, Operations: []bot.Operation{l}, Redact: strings.Clone, Log: quiet()})
	}
	if err != nil {
		os.Exit(1)
	}
}

// agentProcess is the agent, until it is killed or told to stop.
func agentProcess() {
	unitGrace = 2 * time.Second
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	h, l := processHost()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	err := os.MkdirAll(dirOf("state"), 0o700)
	j, jerr := journal.OpenFile(filepath.Join(dirOf("state"), "journal"), strings.Clone)
	if err := errors.Join(err, jerr); err != nil {
		log.Error("no journal", "err", err)
		os.Exit(1)
	}
	w := newWorldOf(l)
	core, err := New(Options{Host: h, Settings: w.settings(), Operations: []bot.Operation{l}, State: dirOf("state"), Journal: j, Spawner: children{},
		Redact: strings.Clone, IDs: bot.RandomIDs, Log: log})
	if err != nil {
		log.Error("no agent", "err", err)
		os.Exit(1)
	}
	s, err := Listen(ctx, ListenOptions{Bot: dirOf("b"), Human: dirOf("h"), Owner: -1})
	if err != nil {
		log.Error("no sockets", "err", err)
		os.Exit(1)
	}
	done := make(chan error)
	go func() {
		done <- NewServer(ServerOptions{Core: core, Bot: s.Bot, Human: s.Human, BotUID: os.Getuid(), Log: log}).Run(ctx)
	}()
	if err := errors.Join(core.Run(ctx), <-done, j.Close()); err != nil {
		log.Error("the agent fails", "err", err)
		os.Exit(1)
	}
}

// newWorldOf has the usual people and policy, and no test.
func newWorldOf(l *lamp) *world {
	w := &world{lamp: l}
	w.usual(nil)
	return w
}

// killed is an agent of its own process, with a client that asks until it is
// answered.
type killed struct {
	*testing.T
	dir    string
	cmd    *exec.Cmd
	client *client.Client
	deaths int // of the agent
	during int // deaths of anybody while a run acted: after its marker, before its outcome
}

func (k *killed) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *killed) start() {
	k.Helper()
	k.cmd = exec.Command(os.Args[0])
	k.cmd.Env = []string{"WATCHSTANDER_TEST=agent", envDir + "=" + k.dir}
	k.cmd.Stderr = os.Stderr
	if err := k.cmd.Start(); err != nil {
		k.Error(err) // and all that follows fails
	}
}

func (k *killed) kill() {
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait()
	k.deaths++
	k.start()
}

// try asks until something is answered that is no lack of an agent.
func (k *killed) try(f func() (bot.Proposal, error)) (bot.Proposal, error) {
	k.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		p, err := f()
		if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeUnavailable || time.Now().After(end) {
			return p, err
		}
	}
}

// rounds is how often processes are killed while a run acts: 50 in CI, fewer in
// everyday work.
func rounds(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("WATCHSTANDER_CRASH_ROUNDS")); err == nil {
		return n
	}
	if os.Getenv("WATCHSTANDER_REQUIRE_REAL") == "1" {
		return 50
	}
	if testing.Short() {
		return 3
	}
	return 8
}

// TestKilledProcesses kills real processes of the agent and of its workers, with
// SIGKILL: in every other round while the run acts, else at random moments. Nothing is ever applied twice, every plan comes to
// an end that is told, and the end that is told is true.
func TestKilledProcesses(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for file, text := range map[string]string{"etc/machine-id": strings.Repeat("a", 32), "proc/sys/kernel/random/boot_id": "boot", "run/lamp": "off", "run/oil": "full"} {
		file = filepath.Join(dir, "host", file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	k := &killed{T: t, dir: dir, client: client.New(filepath.Join(dir, "b"))}
	defer k.client.Close()
	k.start()
	defer func() { _ = k.cmd.Process.Kill(); _ = k.cmd.Wait() }()
	ends := map[bot.ProposalState]int{}
	n, round := rounds(t), 0
	for ; k.during < n; round++ {
		if round >= 6*n {
			t.Fatalf("in %d rounds only %d deaths came while a run acted", round, k.during)
		}
		ends[k.round(round)]++
	}
	t.Logf("%d rounds, %d deaths while a run acted, the agent died %d times: %v", round, k.during, k.deaths, ends)
	if n >= 8 && (ends[bot.Done] == 0 || ends[bot.Interrupted] == 0) {
		t.Errorf("not all kinds of ends came: %v", ends)
	}
	k.must(k.cmd.Process.Signal(syscall.SIGTERM))
	if err := k.cmd.Wait(); err != nil {
		t.Errorf("the agent does not end well: %v", err)
	}
	j, err := journal.OpenFile(filepath.Join(dir, "state", "journal"), strings.Clone)
	k.must(err)
	defer j.Close()
	starts, told := map[string]int{}, map[string]int{}
	for e, err := range j.Entries(0) {
		k.must(err)
		switch e.Kind {
		case journal.KindStart:
			starts[e.Subject]++
		case journal.KindEnd, journal.KindInterrupted:
			told[e.Subject]++
		}
	}
	for id, n := range starts {
		if n != 1 || told[id] == 0 {
			t.Errorf("%s has %d starts and %d ends in the journal", id, n, told[id])
		}
	}
}

// acting tells whether the run has begun, and not ended.
func (k *killed) acting(id bot.PlanID) bool {
	run := filepath.Join(k.dir, "state", runsDir, string(id))
	_, begun := os.Stat(filepath.Join(run, fileBegun))
	_, ended := os.Stat(filepath.Join(run, fileOutcome))
	return begun == nil && errors.Is(ended, fs.ErrNotExist)
}

// wait waits as long as it is told, and tells whether the round goes on.
func wait(d time.Duration, stop <-chan struct{}) bool {
	select {
	case <-time.After(d):
		return true
	case <-stop:
		return false
	}
}

// reap kills who is to be killed in the round. Of an even one it is while the run acts.
func (k *killed) reap(n int, made <-chan bot.PlanID, stop <-chan struct{}) {
	var id bot.PlanID
	for range 1 + n%2 {
		most := 400 * time.Millisecond
		if n%2 == 0 {
			select {
			case id = <-made:
			case <-stop:
				return
			}
			for !k.acting(id) {
				if !wait(5*time.Millisecond, stop) {
					return
				}
			}
			most = 120 * time.Millisecond
		}
		if !wait(time.Duration(rand.Int64N(int64(most))), stop) {
			return
		}
		if id == "" {
			select {
			case id = <-made:
			default: // it was not even asked for
			}
		}
		acts, died := id != "" && k.acting(id), 0
		if n%3 != 0 {
			died = k.killWorkers()
		}
		if n%3 != 1 {
			k.kill()
			died++
		}
		if acts && died > 0 {
			k.during++
		}
	}
}

// round is one plan, with a death or several.
func (k *killed) round(n int) bot.ProposalState {
	k.Helper()
	read := func() string {
		b, err := os.ReadFile(filepath.Join(k.dir, "host/run/lamp"))
		k.must(err)
		return string(b)
	}
	before := read()
	to := map[string]string{"off": "on", "on": "off"}[before]
	stop, dead := make(chan struct{}), make(chan struct{})
	made := make(chan bot.PlanID, 1)
	go func() {
		defer close(dead)
		k.reap(n, made, stop)
	}()
	q := api.Propose{Key: bot.EffectKey(fmt.Sprintf("eff_%d", n)), Operation: "lamp.set", Arguments: bot.Arguments{"to": {to}}, Requester: "bob"}
	p, err := k.try(func() (bot.Proposal, error) { return k.client.Propose(ctx, q) })
	k.must(err)
	made <- p.Plan.ID
	_, err = k.try(func() (bot.Proposal, error) { return k.client.Shown(ctx, api.Shown{Plan: p.Plan.ID, At: time.Now()}) })
	k.must(err)
	d := yes(p, "carol")
	if _, err = k.try(func() (bot.Proposal, error) { return k.client.Decide(ctx, d) }); err != nil {
		// The answer to a first try may have been lost: then it runs already, or did.
		refuses(k, err, bot.CodeConflict, "")
	}
	for since := int64(0); !p.State.Over(); {
		_, err := k.try(func() (bot.Proposal, error) {
			page, err := k.client.Proposals(ctx, api.Since{Stamp: since, Wait: time.Second})
			if err != nil {
				return bot.Proposal{}, err
			}
			since = page.Top
			for _, x := range page.Proposals {
				if x.Plan.ID == p.Plan.ID {
					p = x
				}
			}
			return p, nil
		})
		k.must(err)
	}
	close(stop)
	<-dead
	b, err := os.ReadFile(filepath.Join(k.dir, "state", runsDir, string(p.Plan.ID), dirWork, "applied"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.Fatal(err)
	}
	applied, now := len(b), read()
	switch {
	case applied > 1:
		k.Errorf("round %d: applied %d times", n, applied)
	case p.State == bot.Done && (applied != 1 || now != to):
		k.Errorf("round %d: done, applied %d times, the lamp is %s", n, applied, now)
	case p.State == bot.Failed && (applied != 0 || now != before || !strings.Contains(p.Why, "Nothing was done")):
		k.Errorf("round %d: applied %d times, the lamp is %s: %s", n, applied, now, p.Why)
	case p.State != bot.Done && p.State != bot.Failed && p.State != bot.Interrupted:
		k.Errorf("round %d: %s: %s", n, p.State, p.Why)
	}
	return p.State
}

// killWorkers kills those that have begun, and tells how many.
func (k *killed) killWorkers() (n int) {
	runs, _ := filepath.Glob(filepath.Join(k.dir, "state", runsDir, "*"))
	for _, run := range runs {
		var b begun
		d := disk{dir: run}
		if there, err := os.Stat(filepath.Join(run, fileOutcome)); err == nil && there != nil {
			continue // its number may be another process's by now
		}
		if d.readJSON(fileBegun, 4096, &b) == nil && b.By == "worker" && isWorker(b.PID) {
			if syscall.Kill(b.PID, syscall.SIGKILL) == nil {
				n++
			}
		}
	}
	return n
}

// isWorker looks whether the process is one of this test's.
func isWorker(pid int) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && strings.Contains(string(env), "WATCHSTANDER_TEST=worker")
}
