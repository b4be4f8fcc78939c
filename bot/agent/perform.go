package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/plan"
	"watchstander/bot/sys"
)

// ErrStopped is the cause of a worker's context when somebody stopped its unit
// (SIGTERM). What was begun is then undone, as far as the time allows.
var ErrStopped = errors.New("it was told to stop")

// ErrBegun is what Perform says of a run that was begun before: nothing runs
// twice. The run's files are left as they are.
var ErrBegun = errors.New("this run was begun before, and nothing runs twice")

// maxWhy is the longest sentence on a state, in characters.
const maxWhy = 2000

// Limits of a run's parts beside the plan's own.
const (
	defaultLimit = 24 * time.Hour   // of Apply, where the plan has none
	leastAfter   = 10 * time.Minute // of each part after Apply
	stoppedUndo  = 75 * time.Second // of Undo after SIGTERM; systemd kills after 90 s
	lookAtUnits  = 15 * time.Second
	lookAtWord   = time.Second
)

// PerformOptions are what a worker is made of.
type PerformOptions struct {
	State      string // the agent's
	Plan       bot.PlanID
	Host       sys.Host
	Operations []bot.Operation
	Redact     func(string) string
	Log        *slog.Logger

	fail func(step string) error
}

// Perform is what the unit of a run does: it makes the marker, so that nothing
// runs twice; waits for the units that the plan waits for; applies, verifies, has
// it confirmed where the rule wants that, and commits; or undoes. The outcome is
// in the run's files, and an error says that there is none.
//
// It succeeds by evidence alone: at least one reading, and none that is not OK.
// A failure, a panic, a time limit or a stop leads to Undo; the only thing that
// leaves no outcome is a death.
func Perform(ctx context.Context, o PerformOptions) error {
	w := &worker{o: o, disk: disk{dir: o.State, fail: o.fail}}
	if err := w.read(); err != nil {
		return err
	}
	err := w.disk.createJSON(runName(o.Plan, fileBegun), begun{By: "worker", At: time.Now().UTC(), PID: os.Getpid(), BootID: w.plan.BootID})
	if errors.Is(err, fs.ErrExist) {
		return ErrBegun
	}
	if err != nil {
		return err
	}
	out := w.run(ctx)
	out.Plan, out.EndedAt, out.Why, out.Evidence = o.Plan, time.Now().UTC(), clean.Line(o.Redact(out.Why), maxWhy), tellable(out.Evidence, o.Redact)
	return errors.Join(w.disk.writeJSON(runName(o.Plan, fileOutcome), out), w.close())
}

// worker performs one run.
type worker struct {
	o     PerformOptions
	disk  disk
	plan  bot.Plan
	order order
	op    bot.Operation
	work  *work
	acted time.Time // when Apply, or Commit, ended
}

// read reads what the agent wrote, before anything is made.
func (w *worker) read() error {
	if err := w.disk.readJSON(runName(w.o.Plan, fileOrder), 64<<10, &w.order); err != nil {
		return fmt.Errorf("there is no order for %s: %w", w.o.Plan, err)
	}
	b, err := w.disk.read(runName(w.o.Plan, filePlan), plan.MaxBytes)
	if err != nil {
		return err
	}
	if w.plan, err = plan.Parse(b); err != nil {
		return err
	}
	switch {
	case w.plan.ID != w.o.Plan || w.order.Plan != w.o.Plan:
		return fmt.Errorf("the files of %s are those of another plan", w.o.Plan)
	case plan.Digest(b) != w.order.Digest:
		return fmt.Errorf("the plan %s is not the one that was agreed to: its digest is another", w.o.Plan)
	}
	return nil
}

func (w *worker) close() error {
	if w.work == nil {
		return nil
	}
	return w.work.close()
}

// run does it, and tells how it ended.
func (w *worker) run(ctx context.Context) outcome {
	nothing := func(why string) outcome { return outcome{State: bot.Failed, Why: "Nothing was done: " + why} }
	if why := w.unfit(); why != "" {
		return nothing(why)
	}
	var err error
	if w.work, err = newWork(w.disk, w.o.Plan, w.o.Redact, w.o.Log); err != nil {
		w.o.Log.Error("a run's files cannot be made", "plan", w.o.Plan, "err", err)
		return nothing("the agent's disk takes no files.")
	}
	if err := w.wait(ctx); err != nil {
		return nothing(bot.ForPeople(err))
	}
	evidence, err := w.try(ctx)
	if err == nil {
		return outcome{State: bot.Done, Why: doneWords(evidence), Evidence: evidence, ActedAt: w.acted}
	}
	w.o.Log.Error("the run fails", "plan", w.o.Plan, "err", err)
	w.work.tell("It failed: %s", told(err))
	undoer, ok := w.op.(bot.Undoer)
	if !ok {
		return outcome{State: bot.Failed, Why: told(err) + " It cannot be undone.", Evidence: evidence, ActedAt: w.acted}
	}
	out := w.undo(ctx, undoer, err)
	out.ActedAt = time.Now().UTC()
	return out
}

// unfit says why nothing may be done at all, or "".
func (w *worker) unfit() string {
	for _, op := range w.o.Operations {
		if op.Name() == w.plan.Operation {
			w.op = op
		}
	}
	machine, boot, err := identity(w.o.Host.Files)
	switch {
	case w.op == nil:
		return fmt.Sprintf("this watchstander does not know how to do %s.", w.plan.Operation)
	case err != nil:
		return "which machine this is cannot be found out."
	case machine != w.plan.MachineID || w.plan.Host != w.o.Host.Name:
		return "this is another machine than the plan's."
	case boot != w.plan.BootID:
		return "the machine was rebooted since."
	case !time.Now().Before(w.order.BeginBy):
		return "the time for it was over."
	}
	return ""
}

// wait waits until the units that the plan names are no longer active, and not
// longer than until the run must have begun.
func (w *worker) wait(ctx context.Context) error {
	told := ""
	for {
		busy := ""
		for _, name := range w.plan.Draft.WaitFor {
			u, err := w.o.Host.Units.Unit(ctx, name)
			if err != nil {
				return bot.Errorf(bot.CodeUnavailable, "Whether %s is busy cannot be found out.", name).Because(err)
			}
			switch u.Active {
			case "active", "activating", "reloading", "refreshing", "deactivating":
				// A oneshot that went through and stays is not busy.
				if u.Sub != "exited" {
					busy = name
				}
			}
		}
		if busy == "" {
			if told != "" {
				w.work.tell("The units that it waited for are no longer busy.")
			}
			return nil
		}
		if busy != told {
			told = busy
			w.work.tell("It waits for %s, until %s at the latest.", busy, w.order.BeginBy.UTC().Format("15:04 UTC"))
		}
		left := time.Until(w.order.BeginBy)
		if left <= 0 {
			return bot.Errorf(bot.CodeConflict, "%s was still busy when the time for it was over.", busy)
		}
		select {
		case <-ctx.Done():
			return bot.Errorf(bot.CodeConflict, "It was stopped while it waited for %s.", busy)
		case <-time.After(min(left, lookAtUnits)):
		}
	}
}

func applyLimit(d bot.Draft) time.Duration {
	if d.Limit <= 0 {
		return defaultLimit
	}
	return d.Limit.Duration()
}

func afterLimit(d bot.Draft) time.Duration {
	if d.Limit <= 0 {
		return defaultLimit
	}
	return max(leastAfter, d.Limit.Duration())
}
