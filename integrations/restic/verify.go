package restic

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// verify is the operation "backup.verify".
type verify struct{ b *Backups }

var _ bot.Operation = verify{}

// Operations are what the agent can do to backups.
func (b *Backups) Operations() []bot.Operation { return []bot.Operation{verify{b}, run{b}} }

func (verify) Name() bot.OperationName { return host.BackupVerifyOperation }

// verifyLock lets one verification run at a time: they share the scratch place.
const verifyLock = "backup verification"

// Apply verifies one repository after the other. That one is broken is no error
// of the run: the others are verified all the same, and Verify tells of each.
func (o verify) Apply(ctx context.Context, p bot.Plan, w bot.Work) error {
	q, err := o.request(p.Arguments)
	if err != nil {
		return err
	}
	b := o.b
	for _, dir := range []string{b.cacheDir(), b.factsDir(), b.reportsDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return bot.Errorf(bot.CodeInternal, "The agent's own directory for backups cannot be made.").Because(err)
		}
	}
	switch n, err := b.sweep(); {
	case err != nil:
		w.Say("what earlier runs left in %s cannot be removed", b.c.Scratch)
	case n > 0:
		w.Say("removed what %s left in %s", phrase.Count(n, "interrupted run", "interrupted runs"), b.c.Scratch)
	}
	for _, r := range q.repositories {
		here := b.place(r)
		v := b.verify(ctx, r, q, w)
		v.Plan = p.ID
		w.Say("%s: %s", r.Name, v)
		if err := b.putReport(r, here, v); err != nil {
			v.Note = strings.TrimPrefix(v.Note+"; the report could not be kept among the others", "; ")
		}
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := w.Note(noteOf(r.Name), string(data)); err != nil {
			return fmt.Errorf("the report on %s cannot be kept: %w", r.Name, err)
		}
	}
	return nil
}

func noteOf(repository string) string { return "report-" + repository }

// verify verifies one repository, and never fails: what went wrong is in the
// report. A panic in it is one of its findings.
func (b *Backups) verify(ctx context.Context, r *Repository, q request, w bot.Work) (v host.Verification) {
	v = host.Verification{
		Repository: r.Name, Week: q.week.String(), Part: q.part.String(), Began: b.now().UTC(),
	}
	// skip leaves out what has not been done yet, and says why at the first of it.
	skip := func(state bot.ReadingState, why string) {
		for _, f := range []struct {
			*host.Judgement
			name string
		}{{&v.Structure, "structure not checked"}, {&v.Data, "data part " + v.Part + " not read"}, {&v.Drill, "no restore drill"}} {
			if f.State != "" {
				continue
			}
			f.State, f.Text = state, f.name
			if why != "" {
				f.Text += ": " + why
			}
			state, why = bot.Unknown, ""
		}
	}
	defer func() {
		if fault := recover(); fault != nil {
			skip(bot.Unknown, fmt.Sprintf("internal error (%T)", fault))
		}
		v.Ended = b.now().UTC()
	}()
	say := func(format string, args ...any) { w.Say("%s: "+format, append([]any{r.Name}, args...)...) }
	left := b.unitWait(r)
	left -= b.idle(ctx, r, left, say)
	if ctx.Err() != nil {
		_, why := finding(context.Cause(ctx))
		skip(bot.Unknown, why)
		return v
	}
	c, err := b.open(r)
	if err == nil {
		v.Restic, err = c.version(ctx)
	}
	var snapshots []host.Snapshot
	if err == nil {
		snapshots, err = c.snapshots(ctx, b.c.AskTime)
		b.learn(r, placeOf(c.location), snapshots, err)
	}
	if err != nil {
		state, why := finding(err)
		skip(state, why)
		return v
	}
	say("restic %s; checking structure and data part %s", v.Restic, q.part)
	var locations []string
	if p, local := c.localPath(); local {
		locations = append(locations, p)
	}
	_, noScratch := b.scratch(locations)
	b.checkInto(ctx, c, q.part, &v, say, noScratch == nil)
	say("%s; %s", v.Structure.Text, v.Data.Text)
	if noScratch != nil {
		v.Drill = host.Judgement{State: bot.Unknown, Text: "restore drill skipped: " + bot.ForPeople(noScratch)}
		return v
	}
	b.idle(ctx, r, left, say)
	d := b.drill(ctx, c, q.week, snapshots, say)
	v.Drill, v.Sample, v.Datasets = d.finding, d.sample, d.datasets
	if n := v.Sample.TooLarge; n > 0 {
		v.Note = fmt.Sprintf("never restored: %s larger than the drill's %s", phrase.Count(int(n), "file", "files"), b.c.DrillBytes)
	}
	if n := v.Sample.Unnamed; n > 0 {
		v.Note = strings.TrimPrefix(v.Note+fmt.Sprintf("; never restored: %s with names that are no UTF-8", phrase.Count(int(n), "file", "files")), "; ")
	}
	return v
}

// checkInto runs the check with a cache of its own in the scratch place, and puts
// what came of it into the report.
func (b *Backups) checkInto(ctx context.Context, c *client, p part, v *host.Verification, say func(string, ...any), scratch bool) {
	name := c.r.Name
	if b.marked(name) {
		// The check before this one was killed, and could not let go of its lock.
		say("the last check was cut off; removing locks whose process is gone")
		if err := c.unlock(ctx); err != nil {
			_, why := finding(err)
			say("they cannot be removed: %s", why)
		}
	}
	if err := b.mark(name); err != nil {
		v.Structure = host.Judgement{State: bot.Unknown, Text: "not checked: the agent's own directory cannot be written"}
		v.Data = host.Judgement{State: bot.Unknown, Text: "data part " + p.String() + " was not read"}
		return
	}
	cache := b.cacheDir() // restic makes one of its own in there
	if scratch {
		if dir, err := b.h.Files.Scratch(b.c.Scratch, scratchMark+name+"-cache-*"); err == nil {
			cache = dir
			defer func() { _ = b.h.Files.Remove(dir) }() // else the next run sweeps it
		}
	}
	r := c.check(ctx, p, v.Restic, cache, say)
	v.Structure, v.Data, v.PacksRead, v.Packs, v.Broken = r.structure, r.data, r.read, r.packs, r.broken
	// A lock that could not be cleared may be the one that was left behind: the next
	// run tries again.
	if !r.locked {
		_ = b.unmark(name)
	}
}

// Verify tells of each repository what was found, from the reports that Apply put
// down: an absent one is no evidence.
func (o verify) Verify(_ context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	q, err := o.request(p.Arguments)
	if err != nil {
		return nil, err
	}
	var out []bot.Reading
	for _, r := range q.repositories {
		reading := bot.Reading{Host: o.b.h.Name, What: "backup " + r.Name, At: o.b.now().UTC(), State: bot.Unknown, Source: "restic check and restore"}
		var v host.Verification
		note := w.Noted(noteOf(r.Name))
		switch err := json.Unmarshal([]byte(note), &v); {
		case note == "":
			reading.Note = "there is no report: the run did not come to this repository"
		case err != nil || v.Repository != r.Name || v.Part != q.part.String() || v.Ended.IsZero():
			reading.Note = "its report cannot be read"
		default:
			reading.At, reading.State = v.Ended, v.State()
			if reading.State == bot.OK {
				reading.Value, reading.Note = v.String(), ""
			} else {
				reading.Note = v.String()
			}
		}
		out = append(out, reading)
	}
	return out, nil
}
