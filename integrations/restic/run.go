package restic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// run is the operation "backup.run".
type run struct{ b *Backups }

var _ bot.Operation = run{}

func (run) Name() bot.OperationName { return host.BackupRunOperation }

// Parse wants one repository that has a unit.
func (o run) Parse(_ context.Context, args bot.Arguments) (bot.Arguments, error) {
	for name := range args {
		if name != host.RepositoryArgument {
			return nil, bot.Errorf(bot.CodeInvalid, "backup.run takes no argument %q.", name)
		}
	}
	names := args[host.RepositoryArgument]
	if len(names) != 1 {
		return nil, bot.Errorf(bot.CodeInvalid, "Say into which repository: %s.", strings.Join(o.b.c.names(), ", "))
	}
	r, known := o.b.c.repository(names[0])
	switch {
	case !known:
		return nil, o.b.noRepository(names[0])
	case r.Unit == "":
		return nil, bot.Errorf(bot.CodeInvalid, "For the repository %s no unit is configured that backs up into it.", r.Name)
	}
	return bot.Arguments{host.RepositoryArgument: {r.Name}}, nil
}

func (o run) repository(ctx context.Context, args bot.Arguments) (*Repository, error) {
	args, err := o.Parse(ctx, args)
	if err != nil {
		return nil, err
	}
	r, _ := o.b.c.repository(args.One(host.RepositoryArgument))
	return r, nil
}

// Plan looks at the unit.
func (o run) Plan(ctx context.Context, args bot.Arguments) (bot.Draft, error) {
	r, err := o.repository(ctx, args)
	if err != nil {
		return bot.Draft{}, err
	}
	b := o.b
	u, err := b.h.Units.Unit(ctx, r.Unit)
	switch {
	case err != nil:
		return bot.Draft{}, bot.Errorf(bot.CodeUnavailable, "systemd does not tell of %s.", r.Unit).Because(err)
	case u.Load != "loaded":
		return bot.Draft{}, bot.Errorf(bot.CodeNotFound, "systemd has no unit %s that could be started (%s).", r.Unit, u.Load)
	case busy(u):
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "%s runs already; ask again when it has ended.", r.Unit)
	}
	last := "it has not run since the host was started"
	if !u.Started.IsZero() {
		last = fmt.Sprintf("last started %s, result %s", u.Started.UTC().Format("2006-01-02 15:04 UTC"), u.Result)
	}
	newest := "unknown"
	if f, _ := b.facts(r); !f.Asked.IsZero() {
		newest = "none of " + r.Host
		if s, ok := (host.Repository{Newest: f.Snapshots, Host: r.Host}).Own(); ok {
			newest = s.Short() + " of " + s.At.Format("2006-01-02 15:04 UTC")
		}
	}
	return bot.Draft{
		Summary: fmt.Sprintf("back up %s into %s now (%s)", b.h.Name, r.Name, r.Unit),
		Steps: []string{
			fmt.Sprintf("start %s and wait for its end, for at most %s", r.Unit, phrase.Duration(r.RunTime)),
			fmt.Sprintf("look for a snapshot of %s that is newer than the start, and that the log of %s names", r.Host, r.Unit),
		},
		Irreversible: []string{"what the unit itself does beside backing up, such as forgetting and pruning old snapshots"},
		Undo:         "there is none; a snapshot too many does no harm",
		Takes:        "as long as the unit takes by itself",
		Limit:        bot.SecondsOf(r.RunTime + b.c.AskTime + 5*time.Minute),
		Locks:        []string{"restic " + r.Name},
		WaitFor:      slices.DeleteFunc(slices.Clone(b.c.Busy), func(unit string) bool { return unit == r.Unit }),
		Bound:        []bot.Fact{{Name: "unit", Value: r.Unit}, {Name: "unit file", Value: u.Fragment}},
		Observed:     []bot.Fact{{Name: "last run", Value: last}, {Name: "newest snapshot known", Value: newest}},
	}, nil
}

func busy(u sys.Unit) bool {
	switch u.Active {
	case "activating", "deactivating", "reloading", "refreshing":
		return true
	}
	return u.Active == "active" && u.Sub == "running"
}

const (
	noteStarted    = "started"
	noteInvocation = "invocation before"
	noteRun        = "invocation"
)

// Apply starts the unit. Whether that was a success, Verify finds out.
func (o run) Apply(ctx context.Context, p bot.Plan, w bot.Work) error {
	r, err := o.repository(ctx, p.Arguments)
	if err != nil {
		return err
	}
	b := o.b
	before, err := b.h.Units.Unit(ctx, r.Unit)
	if err != nil {
		return bot.Errorf(bot.CodeUnavailable, "systemd does not tell of %s.", r.Unit).Because(err)
	}
	if busy(before) {
		return bot.Errorf(bot.CodeConflict, "%s runs already; nothing was started.", r.Unit)
	}
	if err := w.Note(noteInvocation, before.Invocation); err != nil {
		return err
	}
	if err := w.Note(noteStarted, b.now().UTC().Format(time.RFC3339Nano)); err != nil {
		return err
	}
	w.Say("starting %s", r.Unit)
	ctx, cancel := withBudget(ctx, r.Unit, r.RunTime)
	defer cancel()
	if err := b.h.Units.Start(ctx, r.Unit); err != nil {
		if j, ok := errors.AsType[*sys.JobError](err); ok {
			return bot.Errorf(bot.CodeUnavailable, "%s failed (the job's result is %s); `logs %s` tells why.", r.Unit, j.Result, r.Unit).Because(err)
		}
		return bot.Errorf(bot.CodeUnavailable, "%s did not come to its end; it may still run.", r.Unit).Because(err)
	}
	// A oneshot has ended when its start has; another service runs on.
	for {
		u, err := b.h.Units.Unit(ctx, r.Unit)
		if err == nil && !busy(u) {
			// It may be started again before anybody looks at what this run left.
			if u.Invocation != before.Invocation {
				if err := w.Note(noteRun, u.Invocation); err != nil {
					return err
				}
			}
			w.Say("%s has ended: %s", r.Unit, u.Result)
			return nil
		}
		timer := time.NewTimer(5 * time.Second)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return bot.Errorf(bot.CodeUnavailable, "%s has not ended in time, and still runs.", r.Unit).Because(context.Cause(ctx))
		}
	}
}

// Verify wants the unit's own success and a snapshot that this run of it made.
func (o run) Verify(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	r, err := o.repository(ctx, p.Arguments)
	if err != nil {
		return nil, err
	}
	b := o.b
	unit := bot.Reading{Host: b.h.Name, What: r.Unit, Source: "systemd over D-Bus", State: bot.Unknown}
	switch u, err := b.h.Units.Unit(ctx, r.Unit); {
	case err != nil:
		unit.Note = "systemd does not tell of it"
	case u.Invocation != "" && u.Invocation == w.Noted(noteInvocation):
		unit.State, unit.Note = bot.NotOK, "it was not started"
	case u.Active == "failed" || u.Result != "success":
		unit.State, unit.Value, unit.Note = bot.NotOK, u.Result, fmt.Sprintf("it failed, with exit code %d", u.ExitCode)
	case busy(u):
		unit.Note = "it still runs"
	default:
		unit.State, unit.Value = bot.OK, "success"
	}
	unit.At = b.now().UTC()
	snapshot := b.newSnapshot(ctx, r, w)
	return []bot.Reading{unit, snapshot}, nil
}
