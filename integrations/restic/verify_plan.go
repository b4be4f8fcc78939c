package restic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

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
