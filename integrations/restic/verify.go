package restic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

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

// Parse names every repository, the part of the data and the week.
func (o verify) Parse(_ context.Context, args bot.Arguments) (bot.Arguments, error) {
	out := bot.Arguments{}
	for name := range args {
		switch name {
		case host.RepositoryArgument, host.PartArgument, host.WeekArgument:
		default:
			return nil, bot.Errorf(bot.CodeInvalid, "backup.verify takes no argument %q.", name)
		}
	}
	names := args[host.RepositoryArgument]
	for i, n := range names {
		if _, known := o.b.c.repository(n); !known {
			return nil, o.b.noRepository(n)
		}
		if slices.Contains(names[:i], n) {
			return nil, bot.Errorf(bot.CodeInvalid, "The repository %s is named twice.", n)
		}
	}
	// In the order of the configuration, however they were named.
	for _, n := range o.b.c.names() {
		if len(names) == 0 || slices.Contains(names, n) {
			out[host.RepositoryArgument] = append(out[host.RepositoryArgument], n)
		}
	}
	w := weekOf(o.b.now())
	if text, err := single(args, host.WeekArgument); err != nil {
		return nil, err
	} else if text != "" {
		if w, err = parseWeek(text); err != nil {
			return nil, err
		}
	}
	p := w.part(o.b.c.Parts)
	if text, err := single(args, host.PartArgument); err != nil {
		return nil, err
	} else if text != "" {
		if p, err = parsePart(text); err != nil {
			return nil, err
		}
	}
	out[host.WeekArgument], out[host.PartArgument] = []string{w.String()}, []string{p.String()}
	return out, nil
}

// single is an argument's only value, "" for none.
func single(args bot.Arguments, name string) (string, error) {
	if len(args[name]) > 1 {
		return "", bot.Errorf(bot.CodeInvalid, "There can be one %s alone.", name)
	}
	return args.One(name), nil
}

func (b *Backups) noRepository(name string) error {
	if !namePattern.MatchString(name) {
		name = "of that name"
	}
	return bot.Errorf(bot.CodeNotFound, "There is no repository %s; there are: %s.", name, strings.Join(b.c.names(), ", "))
}

// request is what the arguments of a plan ask for.
type request struct {
	repositories []*Repository
	part         part
	week         week
}

func (o verify) request(args bot.Arguments) (request, error) {
	// What Parse made is its own normal form; anything else is refused.
	args, err := o.Parse(context.Background(), args)
	if err != nil {
		return request{}, err
	}
	var q request
	for _, n := range args[host.RepositoryArgument] {
		r, _ := o.b.c.repository(n)
		q.repositories = append(q.repositories, r)
	}
	if q.part, err = parsePart(args.One(host.PartArgument)); err != nil {
		return request{}, err
	}
	q.week, err = parseWeek(args.One(host.WeekArgument))
	return q, err
}

// Plan says what would be read and restored. It asks no repository.
func (o verify) Plan(_ context.Context, args bot.Arguments) (bot.Draft, error) {
	q, err := o.request(args)
	if err != nil {
		return bot.Draft{}, err
	}
	b := o.b
	program, err := b.h.Files.Resolve(b.c.Program)
	if err != nil {
		return bot.Draft{}, bot.Errorf(bot.CodeUnavailable, "The program %s is not there.", b.c.Program).Because(err)
	}
	var names, units, locations []string
	digests := map[string]string{}
	for _, r := range q.repositories {
		names = append(names, r.Name)
		if r.Unit != "" && !slices.Contains(units, r.Unit) {
			units = append(units, r.Unit)
		}
		c, err := b.open(r)
		if err != nil {
			_, why := finding(err)
			return bot.Draft{}, bot.Errorf(bot.CodeUnavailable, "The repository %s cannot be opened: %s.", r.Name, strings.TrimSuffix(why, ".")).Because(err)
		}
		if p, local := c.localPath(); local {
			locations = append(locations, p)
		}
		digests[r.Name] = c.digest()
	}
	scratch := bot.Condition{Text: "the scratch place is a mount of its own, outside backups and snapshots, with room enough", State: bot.OK}
	if b.c.Scratch == "" {
		scratch.State, scratch.Found = bot.NotOK, "none is configured: nothing is restored, and the verification stays incomplete"
	} else if scratch.Found, err = b.scratch(locations); err != nil {
		return bot.Draft{}, err
	}
	var limit time.Duration
	for _, r := range q.repositories {
		limit += b.c.CheckTime + b.c.DrillTime + b.c.LockWait + 10*time.Minute
		if len(b.waitFor(r)) > 0 {
			limit += b.unitWait(r)
		}
	}
	d := bot.Draft{
		Summary: fmt.Sprintf("verify %s on %s: structure, data part %s, restore drill", strings.Join(names, ", "), b.h.Name, q.part),
		Steps: []string{
			fmt.Sprintf("check the structure and read data part %s of each repository, for at most %s each, once its units have ended; its lock keeps backups out of that repository meanwhile", q.part, phrase.Duration(b.c.CheckTime)),
			fmt.Sprintf("restore up to %s (at most %s) of week %s's sample of each into %s, for at most %s, and compare them byte by byte with the live files or with what the snapshots hold",
				phrase.Count(b.c.DrillFiles, "file", "files"), b.c.DrillBytes, q.week, b.c.Scratch, phrase.Duration(b.c.DrillTime)),
			"keep the report; what was restored is removed at once",
		},
		Conditions: []bot.Condition{scratch},
		Undo:       "there is nothing to undo: repositories are read and locked, not changed",
		Takes:      "from minutes to hours, by what the part holds and how fast it can be read",
		Limit:      bot.SecondsOf(limit),
		Locks:      []string{verifyLock},
		WaitFor:    slices.Concat(units, slices.DeleteFunc(slices.Clone(b.c.Busy), func(u string) bool { return slices.Contains(units, u) })),
		Bound: []bot.Fact{
			{Name: "repositories", Value: strings.Join(names, " ")},
			{Name: "data part", Value: q.part.String()},
			{Name: "week", Value: q.week.String()},
		},
		Observed: []bot.Fact{{Name: "restic", Value: program}},
	}
	if b.c.Scratch == "" {
		d.Summary = strings.TrimSuffix(d.Summary, ", restore drill")
		d.Steps = slices.Delete(d.Steps, 1, 2)
	}
	for _, n := range names {
		d.Locks = append(d.Locks, "restic "+n)
		d.Bound = append(d.Bound, bot.Fact{Name: "configuration of " + n, Value: digests[n]})
	}
	return d, nil
}

// digest tells one configuration of a repository from another, without any
// secret: keys and passwords may be rotated while a plan waits.
func (c *client) digest() string {
	data, err := json.Marshal(struct {
		Name, Location, Password, Environment, Host string
		Budget                                      []int64
	}{
		c.r.Name, c.plainLocation(), c.r.PasswordFile, c.r.EnvironmentFile, c.r.Host,
		[]int64{int64(c.c.CheckTime), int64(c.c.DrillTime), int64(c.c.DrillBytes), int64(c.c.DrillFiles)},
	})
	if err != nil {
		return ""
	}
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

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
		v := b.verify(ctx, r, q, w)
		v.Plan = p.ID
		w.Say("%s: %s", r.Name, v)
		if err := b.putReport(v); err != nil {
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
		b.learn(r, snapshots, err)
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
