package agent

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
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
