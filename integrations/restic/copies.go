package restic

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// What 3-2-1 asks for.
const (
	wantCopies  = 3
	wantMedia   = 2
	wantOffSite = 1
)

// ThreeTwoOne tells of every dataset which copies there is evidence for. A copy in
// a repository counts when its newest snapshot is fresh, covers the dataset, and
// the repository was verified not too long ago; anything less is told, and does
// not count.
func (b *Backups) ThreeTwoOne(ctx context.Context) host.ThreeTwoOne {
	status := b.Status(ctx)
	out := host.ThreeTwoOne{At: status.At, Datasets: []host.DatasetCopies{}}
	for _, d := range b.c.Datasets {
		c := host.DatasetCopies{Name: d.Name, Paths: d.Paths, Copies: []host.Copy{b.liveCopy(d)}}
		for i, r := range status.Repositories {
			c.Copies = append(c.Copies, copyIn(d, r, b.c.Repositories[i].Exclude, status.At))
		}
		judgeCopies(&c)
		out.Datasets = append(out.Datasets, c)
	}
	if len(b.c.Datasets) > 0 {
		out.Unknown = append(out.Unknown, "What --one-file-system, --exclude-caches, --exclude-if-present and --exclude-larger-than leave out is not recorded in snapshots, and is not told here.")
	}
	return out
}

// liveCopy looks whether the dataset itself is there.
func (b *Backups) liveCopy(d Dataset) host.Copy {
	c := host.Copy{Where: host.LiveCopy, Medium: d.Medium, State: bot.OK}
	for _, p := range d.Paths {
		switch _, err := b.h.Files.Stat(p); {
		case err == nil:
		case errors.Is(err, fs.ErrNotExist):
			c.State = bot.NotOK
			c.Why = append(c.Why, p+" does not exist")
		default:
			c.State = worse(c.State, bot.Unknown)
			c.Why = append(c.Why, p+" cannot be looked at")
		}
	}
	return c
}

// copyIn judges the copy of a dataset in one repository.
func copyIn(d Dataset, r host.Repository, exclude []string, now time.Time) host.Copy {
	c := host.Copy{Where: r.Name, Medium: r.Medium, OffSite: r.OffSite, State: bot.OK, Verified: r.VerifiedAt}
	find := func(s bot.ReadingState, format string, args ...any) {
		c.State = worse(c.State, s)
		c.Why = append(c.Why, fmt.Sprintf(format, args...))
	}
	if r.AskedAt.IsZero() {
		find(bot.Unknown, "which snapshots there are was never found out: %s", r.ReachWhy)
		return c
	}
	if r.Reach == bot.NotOK {
		find(bot.NotOK, "%s", r.ReachWhy)
	}
	var shrunk []string
	// Each path may be in another set; the copy is as old as the oldest of them.
	for _, p := range d.Paths {
		s, how, found := newestFor(p, r, exclude)
		if !found {
			find(bot.NotOK, "%s is not backed up into it", p)
			continue
		}
		if c.Snapshot.IsZero() || s.At.Before(c.Snapshot) {
			c.Snapshot = s.At
		}
		for _, u := range how.uncovered {
			if !slices.Contains(c.Uncovered, u) {
				c.Uncovered = append(c.Uncovered, u)
			}
		}
		switch {
		case how.by != "" && how.inverted:
			find(bot.Unknown, "%s is left out by the pattern %s, and others take some of it in again", p, how.by)
		case how.by != "":
			find(bot.NotOK, "%s is left out by the pattern %s", p, how.by)
		case how.part:
			find(bot.NotOK, "only a part of %s is backed up into it", p)
		}
		if s.Shrunk() {
			shrunk = append(shrunk, p)
		}
	}
	maxAge := r.MaxAge.Duration()
	switch age := now.Sub(c.Snapshot); {
	case c.Snapshot.IsZero() || age <= maxAge:
	case now.Sub(r.AskedAt) > maxAge:
		find(bot.Unknown, "what is known of its snapshots is %s old", phrase.Duration(now.Sub(r.AskedAt)))
	default:
		find(bot.NotOK, "its snapshot is %s old, more than %s", phrase.Duration(age), phrase.Duration(maxAge))
	}
	verifyAge := r.VerifyAge.Duration()
	switch {
	case r.Last != nil && r.Last.State() == bot.NotOK:
		find(bot.NotOK, "the last verification of the repository found it wrong")
	case r.VerifiedAt.IsZero():
		find(bot.Unknown, "the repository was never verified as a whole")
	case now.Sub(r.VerifiedAt) > verifyAge:
		find(bot.Unknown, "the repository was last verified %s ago, more than %s", phrase.Duration(now.Sub(r.VerifiedAt)), phrase.Duration(verifyAge))
	}
	// A path that is backed up may have been empty then: not mounted, for one.
	if r.Last != nil {
		for _, n := range r.Last.Datasets {
			if n.Name != d.Name {
				continue
			}
			c.Holds = &n
			if n.Files == 0 && c.State == bot.OK {
				find(bot.NotOK, "the last verification found no file of it in the snapshots")
			}
		}
	}
	if len(shrunk) > 0 { // of which of its paths something is missing, the figures do not tell
		find(bot.Unknown, "the snapshot with %s holds less than half of what one before it held", strings.Join(shrunk, ", "))
	}
	return c
}

// newestFor finds the newest snapshot of the repository's own host that holds a
// path best: whole, or else a part of it.
func newestFor(path string, r host.Repository, exclude []string) (host.Snapshot, coverage, bool) {
	var best host.Snapshot
	var how coverage
	found := false
	for _, s := range r.Newest {
		if s.Host != r.Host {
			continue
		}
		c := cover(path, s.Paths, slices.Concat(exclude, s.Excludes))
		switch {
		case !c.whole && !c.part:
			continue
		case found && rank(how) >= rank(c):
			continue // the list begins with the newest
		}
		best, how, found = s, c, true
	}
	return best, how, found
}

func rank(c coverage) int {
	switch {
	case c.whole && c.by == "":
		return 2
	case c.whole:
		return 1
	}
	return 0
}

// judgeCopies counts what there is evidence for, and what there could be at best.
func judgeCopies(d *host.DatasetCopies) {
	d.Media = []string{}
	var bestMedia []string
	best, bestOff := 0, 0
	for _, c := range d.Copies {
		if c.State == bot.NotOK {
			continue
		}
		best++
		if !slices.Contains(bestMedia, c.Medium) {
			bestMedia = append(bestMedia, c.Medium)
		}
		if c.OffSite {
			bestOff++
		}
		if c.State != bot.OK {
			continue
		}
		d.Count++
		if !slices.Contains(d.Media, c.Medium) {
			d.Media = append(d.Media, c.Medium)
		}
		if c.OffSite {
			d.OffSite++
		}
	}
	d.State = bot.OK
	short := func(have, atBest, want int, singular, plural string) {
		if have >= want {
			return
		}
		state := bot.Unknown
		text := fmt.Sprintf("there is evidence for %s of %d", phrase.Count(have, singular, plural), want)
		if atBest < want {
			state = bot.NotOK
		} else {
			text += ", and the rest is unknown"
		}
		d.State = worse(d.State, state)
		d.Why = append(d.Why, text)
	}
	short(d.Count, best, wantCopies, "copy", "copies")
	short(len(d.Media), len(bestMedia), wantMedia, "medium", "media")
	short(d.OffSite, bestOff, wantOffSite, "copy off-site", "copies off-site")
}
