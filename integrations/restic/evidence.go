package restic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// newSnapshot looks for the evidence that only this run can have left: a snapshot of
// this host's, newer than the start, of which the unit said that it saved it. Others
// back up into the repository too, under the same name, so that a new snapshot alone
// tells nothing of the unit; that there is none tells enough.
func (b *Backups) newSnapshot(ctx context.Context, r *Repository, w bot.Work) bot.Reading {
	out := bot.Reading{Host: b.h.Name, What: "new snapshot in " + r.Name, Source: "restic snapshots and the log of " + r.Unit, State: bot.Unknown}
	here := b.place(r)
	list, err := b.list(ctx, r)
	b.learn(r, here, list, err)
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
	ids, logged := b.saved(ctx, r.Unit, w.Noted(noteRun), started)
	if len(ids) == 0 {
		newest, found := (host.Repository{Newest: list, Host: r.Host}).Own()
		switch {
		case !found:
			out.State, out.Note = bot.NotOK, "there is no snapshot of "+r.Host
		case !newest.At.After(started):
			out.State, out.Note = bot.NotOK, fmt.Sprintf("the newest one, %s, is from %s before the start", newest.Short(), phrase.Duration(started.Sub(newest.At)))
		default:
			why := fmt.Sprintf("the log of %s names no snapshot", r.Unit)
			if logged != nil {
				why = fmt.Sprintf("the log of %s does not tell: %s", r.Unit, strings.TrimSuffix(bot.ForPeople(logged), "."))
			}
			out.Note = fmt.Sprintf("%s of %s is newer than the start, but whether %s made it is not known: %s", newest.Short(), strings.Join(newest.Paths, ", "), r.Unit, why)
		}
		return out
	}
	made, err := b.find(ctx, r, list, ids)
	own := slices.IndexFunc(made, func(s host.Snapshot) bool { return s.Host == r.Host })
	switch {
	case err != nil:
		_, out.Note = finding(err)
	case len(made) == 0:
		out.State, out.Note = bot.NotOK, fmt.Sprintf("%s says that it saved %s, and %s has no such snapshot", r.Unit, ids[0], r.Name)
	case own < 0:
		out.State, out.Note = bot.NotOK, fmt.Sprintf("%s, which %s saved, is a snapshot of %s, and none of %s", made[0].Short(), r.Unit, made[0].Host, r.Host)
	case !made[own].At.After(started):
		out.State, out.Note = bot.NotOK, fmt.Sprintf("%s, which %s saved, is from %s before the start", made[own].Short(), r.Unit, phrase.Duration(started.Sub(made[own].At)))
	default:
		s := made[own]
		out.State, out.Value = bot.OK, fmt.Sprintf("%s of %s", s.Short(), strings.Join(s.Paths, ", "))
		if s.Size != nil {
			out.Value += fmt.Sprintf(" (%s)", *s.Size)
		}
	}
	return out
}

// find gives the snapshots of a repository that have these ids, or begin with them, the
// newest first. list are those that are known already.
func (b *Backups) find(ctx context.Context, r *Repository, list []host.Snapshot, ids []string) ([]host.Snapshot, error) {
	named := func(s host.Snapshot) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(s.ID, id) })
	}
	if made := slices.DeleteFunc(slices.Clone(list), func(s host.Snapshot) bool { return !named(s) }); len(made) > 0 {
		return made, nil
	}
	// Another may have backed up the same since.
	c, err := b.open(r)
	if err != nil {
		return nil, err
	}
	found, err := c.snapshots(ctx, b.c.AskTime, ids...)
	return slices.DeleteFunc(found, func(s host.Snapshot) bool { return !named(s) }), err
}

const (
	// mostLogged is how many of the last lines of a run are read: what restic saved it
	// says at its end, and forgetting and pruning may follow.
	mostLogged = 5000
	// mostSaved bounds the snapshots of one run.
	mostSaved = 20
	// lateLog is how long it is waited for the journal, which may have what a program
	// said some moments later, before each look but the first of lateLooks.
	lateLog, lateLooks = time.Second, 3
)

// saved reads in the journal which snapshots a unit saved in one run, by their ids or
// the first letters of them; "" for the invocation is any since then. The fields that
// choose the lines are the journal's own, which no program can set.
func (b *Backups) saved(ctx context.Context, unit, invocation string, since time.Time) ([]string, error) {
	argv := []string{b.c.Journalctl, "--output=json", "--no-pager", "--quiet", "--reverse"}
	if b.c.Journal != "" {
		argv = append(argv, "--directory="+b.c.Journal)
	}
	argv = append(argv, fmt.Sprintf("--since=@%d", since.Unix()), fmt.Sprintf("--lines=%d", mostLogged), "--output-fields=MESSAGE", "_SYSTEMD_UNIT="+unit)
	if invocation != "" {
		argv = append(argv, "_SYSTEMD_INVOCATION_ID="+invocation)
	}
	for look := 1; ; look++ {
		out, err := b.h.Run.Run(ctx, sys.Command{Argv: argv, Env: []string{"LC_ALL=C", "TZ=UTC"}, Limit: time.Minute, Most: 8 << 20})
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, bot.Errorf(bot.CodeNotFound, "There is no %s on %s.", argv[0], b.h.Name).Because(err)
		case err != nil:
			return nil, bot.Errorf(bot.CodeUnavailable, "journalctl did not answer on %s.", b.h.Name).Because(err)
		case out.Exit != 0:
			return nil, bot.Errorf(bot.CodeUnavailable, "journalctl failed on %s (exit %d).", b.h.Name, out.Exit)
		}
		switch ids := savedIn(out.Stdout); {
		case len(ids) > 0:
			return ids, nil
		case out.Cut || bytes.Count(out.Stdout, []byte("\n")) >= mostLogged:
			return nil, bot.Errorf(bot.CodeUnavailable, "its end names no snapshot, and there is more than was read.")
		case look == lateLooks:
			return nil, nil
		}
		timer := time.NewTimer(b.lateLog)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, nil
		}
	}
}

// savedText is how restic tells it for people, with the first letters of the id.
var savedText = regexp.MustCompile(`\bsnapshot ([0-9a-f]{8,64}) saved\b`)

// savedIn finds what restic saved in lines of journalctl's. Restic tells it in a
// sentence, or in JSON.
func savedIn(text []byte) (ids []string) {
	for l := range strings.Lines(string(text)) {
		var entry struct {
			Message string `json:"MESSAGE"`
		}
		if json.Unmarshal([]byte(l), &entry) != nil {
			continue // a line that is no text, or the rest of a cut one
		}
		id := ""
		var summary struct {
			Type     string `json:"message_type"`
			Snapshot string `json:"snapshot_id"`
		}
		if m := savedText.FindStringSubmatch(entry.Message); m != nil {
			id = m[1]
		} else if json.Unmarshal([]byte(entry.Message), &summary) == nil && summary.Type == "summary" && savedText.MatchString("snapshot "+summary.Snapshot+" saved") {
			id = summary.Snapshot
		}
		if id != "" && !slices.Contains(ids, id) && len(ids) < mostSaved {
			ids = append(ids, id)
		}
	}
	return ids
}
