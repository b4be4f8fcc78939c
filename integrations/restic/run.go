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
	if f, _ := b.facts(r.Name); !f.Asked.IsZero() {
		newest = "none of " + r.Host
		if s, ok := (host.Repository{Newest: f.Snapshots, Host: r.Host}).Own(); ok {
			newest = s.Short() + " of " + s.At.Format("2006-01-02 15:04 UTC")
		}
	}
	return bot.Draft{
		Summary: fmt.Sprintf("back up %s into %s now (%s)", b.h.Name, r.Name, r.Unit),
		Steps: []string{
			fmt.Sprintf("start %s and wait for its end, for at most %s", r.Unit, phrase.Duration(r.RunTime)),
			"look for a snapshot of " + r.Host + " that is newer than the start",
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

// Verify wants the unit's own success and a snapshot that is newer than its start.
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

// newSnapshot looks for the evidence that only this run can have left.
func (b *Backups) newSnapshot(ctx context.Context, r *Repository, w bot.Work) bot.Reading {
	out := bot.Reading{Host: b.h.Name, What: "new snapshot in " + r.Name, Source: "restic snapshots", State: bot.Unknown}
	list, err := b.list(ctx, r)
	b.learn(r, list, err)
	out.At = b.now().UTC()
	if err != nil {
		_, out.Note = finding(err) // whether there is one, nobody knows
		return out
	}
	started, err := time.Parse(time.RFC3339Nano, w.Noted(noteStarted))
	if err != nil {
		out.Note = "when the unit was started was not kept"
		return out
	}
	s, found := (host.Repository{Newest: list, Host: r.Host}).Own()
	switch {
	case !found:
		out.State, out.Note = bot.NotOK, "there is no snapshot of "+r.Host
	case !s.At.After(started):
		out.State, out.Note = bot.NotOK, fmt.Sprintf("the newest one, %s, is from %s before the start", s.Short(), phrase.Duration(started.Sub(s.At)))
	default:
		out.State = bot.OK
		out.Value = fmt.Sprintf("%s of %s", s.Short(), strings.Join(s.Paths, ", "))
		if s.Size != nil {
			out.Value += fmt.Sprintf(" (%s)", *s.Size)
		}
	}
	return out
}
