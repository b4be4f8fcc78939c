package bottest

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"

	"watchstander/bot"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

// A run of a story is a goroutine, and cannot be killed as its process could. What
// comes nearest: its process on the simulated host dies, so that it can do nothing
// to that any more, nothing more is told or noted, and the goroutine ends where it
// next comes back from a program, or at the latest where the operation returns:
// without an outcome.

// life is one run's.
type life struct {
	process *simulated.Process
	over    atomic.Bool
}

var errKilled = errors.New("story: the run was killed")

// kill ends the run that is on its way, as SIGKILL does.
func (s *stage) kill() error {
	s.mu.Lock()
	l := s.run
	s.mu.Unlock()
	if l == nil {
		return errors.New("nothing runs")
	}
	l.over.Store(true)
	l.process.Kill()
	return nil
}

// mortal makes operations that die with a run. What an operation cannot do besides,
// it must not seem to be able to.
func mortal(ops []bot.Operation, l *life) []bot.Operation {
	var out []bot.Operation
	for _, op := range ops {
		m := mortalOp{op, l}
		u, undoes := op.(bot.Undoer)
		c, commits := op.(bot.Committer)
		switch {
		case undoes && commits:
			out = append(out, struct {
				mortalOp
				mortalUndo
				mortalCommit
			}{m, mortalUndo{u, l}, mortalCommit{c, l}})
		case undoes:
			out = append(out, struct {
				mortalOp
				mortalUndo
			}{m, mortalUndo{u, l}})
		default:
			out = append(out, m)
		}
	}
	return out
}

type mortalOp struct {
	bot.Operation
	l *life
}

func (m mortalOp) Apply(ctx context.Context, p bot.Plan, w bot.Work) error {
	defer m.l.die()
	return m.Operation.Apply(ctx, p, mortalWork{w, m.l})
}

func (m mortalOp) Verify(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	defer m.l.die()
	return m.Operation.Verify(ctx, p, mortalWork{w, m.l})
}

type mortalUndo struct {
	u bot.Undoer
	l *life
}

func (m mortalUndo) Undo(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	defer m.l.die()
	return m.u.Undo(ctx, p, mortalWork{w, m.l})
}

type mortalCommit struct {
	c bot.Committer
	l *life
}

func (m mortalCommit) Commit(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	defer m.l.die()
	return m.c.Commit(ctx, p, mortalWork{w, m.l})
}

// die ends the run's goroutine if its process is dead.
func (l *life) die() {
	if l.over.Load() {
		runtime.Goexit()
	}
}

type mortalRunner struct {
	sys.Runner
	l *life
}

func (m mortalRunner) Run(ctx context.Context, c sys.Command) (sys.Output, error) {
	defer m.l.die()
	return m.Runner.Run(ctx, c)
}

type mortalWork struct {
	bot.Work
	l *life
}

func (w mortalWork) Say(format string, args ...any) {
	if !w.l.over.Load() {
		w.Work.Say(format, args...)
	}
}

func (w mortalWork) Note(name, value string) error {
	if w.l.over.Load() {
		return errKilled
	}
	return w.Work.Note(name, value)
}
