package restic

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// Looks are the questions that are answered here.
func (b *Backups) Looks() []bot.Look {
	return []bot.Look{
		{Name: host.LookBackups, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if err := noArguments(args); err != nil {
				return nil, err
			}
			return b.Status(ctx), nil
		}},
		{Name: host.LookThreeTwoOne, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if err := noArguments(args); err != nil {
				return nil, err
			}
			return b.ThreeTwoOne(ctx), nil
		}},
	}
}

func noArguments(args bot.Arguments) error {
	for name := range args {
		return bot.Errorf(bot.CodeInvalid, "This question takes no argument %q.", name)
	}
	return nil
}

// Status tells of every repository what is known, and asks those that have not
// been asked for a while, all at once: one that hangs holds up no other. Where they
// are asked elsewhere, it waits for that for a while.
func (b *Backups) Status(ctx context.Context) host.Backups {
	if b.c.Elsewhere != nil {
		b.await(ctx)
	}
	return b.status(ctx, b.c.AskEvery)
}

func (b *Backups) status(ctx context.Context, every time.Duration) host.Backups {
	out := host.Backups{At: b.now().UTC(), Repositories: make([]host.Repository, len(b.c.Repositories))}
	var all sync.WaitGroup
	for i := range b.c.Repositories {
		all.Go(func() {
			r := &b.c.Repositories[i]
			f := b.known(r)
			if b.c.Elsewhere == nil {
				f = b.ask(ctx, r, every)
			}
			out.Repositories[i] = b.repository(ctx, r, f)
		})
	}
	all.Wait()
	return out
}

// repository puts together what is known of one, and judges it.
func (b *Backups) repository(ctx context.Context, r *Repository, f facts) host.Repository {
	out := host.Repository{
		Name: r.Name, Medium: r.Medium, OffSite: r.OffSite, Host: r.Host,
		AskedAt: f.Asked, TriedAt: f.Tried, Reach: bot.OK, Newest: f.Snapshots,
		Parts: b.c.Parts, PartsRead: []int{},
		MaxAge: bot.SecondsOf(r.MaxAge), VerifyAge: bot.SecondsOf(r.VerifyAge),
	}
	if f.Fault != nil {
		out.Reach, out.ReachWhy = f.Fault.State, f.Fault.Why
	}
	if r.Unit != "" {
		out.Unit = b.unit(ctx, r.Unit)
	}
	reports, lost, err := b.reports(r)
	now := b.now()
	for i, v := range reports {
		if i == 0 {
			out.Last = &v
		}
		if v.State() == bot.OK && out.VerifiedAt.IsZero() {
			out.VerifiedAt = v.Ended
		}
		if v.Drill.State == bot.OK && out.DrilledAt.IsZero() {
			out.DrilledAt = v.Ended
		}
		p, bad := parsePart(v.Part)
		if bad == nil && p.total == b.c.Parts && v.Data.State == bot.OK && now.Sub(v.Ended) <= time.Duration(b.c.Parts)*7*24*time.Hour &&
			!slices.Contains(out.PartsRead, p.n) {
			out.PartsRead = append(out.PartsRead, p.n)
		}
	}
	slices.Sort(out.PartsRead)
	judge(&out, now)
	if err != nil || lost > 0 {
		out.State = worse(out.State, bot.Unknown)
		out.Why = append(out.Why, "some reports of earlier verifications cannot be read")
	}
	return out
}

// judge says whether a repository is as it should be.
func judge(r *host.Repository, now time.Time) {
	r.State, r.Why = bot.OK, nil
	find := func(s bot.ReadingState, format string, args ...any) {
		r.State = worse(r.State, s)
		r.Why = append(r.Why, fmt.Sprintf(format, args...))
	}
	switch {
	case r.Reach == bot.Unknown && !r.AskedAt.IsZero():
		find(r.Reach, "no answer for %s: %s", phrase.Duration(now.Sub(r.AskedAt)), r.ReachWhy)
	case r.Reach != bot.OK:
		find(r.Reach, "%s", r.ReachWhy)
	}
	own, found := r.Own()
	switch age := now.Sub(own.At); {
	case r.AskedAt.IsZero() && r.Reach != bot.OK: // which says it all
	case r.AskedAt.IsZero():
		find(bot.Unknown, "which snapshots there are was never found out")
	case !found && len(r.Newest) > 0:
		find(bot.NotOK, "there is no snapshot of %s, only of %s", r.Host, r.Newest[0].Host)
	case !found:
		find(bot.NotOK, "there is no snapshot")
	case age <= r.MaxAge.Duration():
	case now.Sub(r.AskedAt) > r.MaxAge.Duration():
		// There may be newer ones by now.
		find(bot.Unknown, "what is known of its snapshots is %s old", phrase.Duration(now.Sub(r.AskedAt)))
	default:
		find(bot.NotOK, "the newest snapshot is %s old, more than %s", phrase.Duration(age), phrase.Duration(r.MaxAge.Duration()))
	}
	for _, s := range r.Newest {
		if s.Host == r.Host && s.Shrunk() && now.Sub(s.At) <= r.MaxAge.Duration() {
			find(bot.NotOK, "its snapshot %s of %s has %s, less than half of what %s had %s before (%s): a source may not have been mounted",
				s.Short(), strings.Join(s.Paths, ", "), extent(s), s.Before.Short(), phrase.Duration(s.At.Sub(s.Before.At)), extent(*s.Before))
		}
	}
	if u := r.Unit; u != nil {
		switch {
		case u.Unknown != "":
			find(bot.Unknown, "%s: %s", u.Name, u.Unknown)
		case u.Active == "failed" || u.Result != "" && u.Result != "success":
			find(bot.NotOK, "%s failed: %s", u.Name, u.Result)
		}
	}
	v := r.Last
	switch {
	case v == nil:
		find(bot.Unknown, "it was never verified")
	case v.State() == bot.NotOK:
		find(bot.NotOK, "its last verification, %s ago, found it wrong", phrase.Duration(now.Sub(v.Ended)))
	case r.VerifiedAt.IsZero():
		find(bot.Unknown, "no verification has gone through so far")
	case now.Sub(r.VerifiedAt) > r.VerifyAge.Duration():
		find(bot.NotOK, "it was last verified %s ago, more than %s", phrase.Duration(now.Sub(r.VerifiedAt)), phrase.Duration(r.VerifyAge.Duration()))
	}
}

// extent is how much a snapshot holds, "3 files, 1.2 GiB", as far as it is recorded.
func extent(s host.Snapshot) string {
	var parts []string
	if s.Files != nil {
		parts = append(parts, phrase.Count(int(*s.Files), "file", "files"))
	}
	if s.Size != nil {
		parts = append(parts, s.Size.String())
	}
	return strings.Join(parts, ", ")
}

// unit asks systemd how the last backup ended.
func (b *Backups) unit(ctx context.Context, name string) *host.BackupUnit {
	out := &host.BackupUnit{Name: name}
	u, err := b.h.Units.Unit(ctx, name)
	switch {
	case err != nil:
		out.Unknown = "systemd cannot be asked"
	case u.Load == "not-found":
		out.Unknown = "there is no such unit"
	default:
		out.Active, out.Result, out.Began = u.Active, u.Result, u.Started
		if u.Started.IsZero() {
			// Since it was loaded; what was before the boot is forgotten.
			out.Result = ""
		}
	}
	return out
}
