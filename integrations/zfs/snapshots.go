package zfs

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Snapshots tells how deep the snapshots of each pool go: how many of each kind every
// dataset has at least, how old the oldest is, and whether new ones come.
type Snapshots struct{ z *ZFS }

var _ bot.Probe = Snapshots{}

// Snapshots is for status and checklists.
func (z *ZFS) Snapshots() Snapshots { return Snapshots{z} }

// noSnapshots is what the reading of no pool in particular is called, so that who waits for
// "snapshots *" hears of it.
const noSnapshots = "snapshots of all pools"

// Name is "snapshots" and the host's name.
func (s Snapshots) Name() string { return strings.TrimSpace("snapshots " + s.z.h.Name) }

// Tells are what its readings are called (bot/probing, Teller).
func (s Snapshots) Tells() []string { return []string{noSnapshots} }

// kinds are those of sanoid and zfs-auto-snapshot, with how old the newest of each may
// be: half as long again as from one to the next, and an hour for the work.
var kinds = []struct {
	name  string
	fresh time.Duration
}{
	{"hourly", 150 * time.Minute}, {"daily", 37 * time.Hour}, {"weekly", 11 * 24 * time.Hour}, {"monthly", 47 * 24 * time.Hour}, {"yearly", 549 * 24 * time.Hour},
}

// kindOf finds the kind in a snapshot's name: "autosnap_2026-11-28_10:00:01_hourly",
// "zfs-auto-snap_hourly-2026-11-28-10h00".
var kindOf = regexp.MustCompile(`^(?:autosnap_.*_|zfs-auto-snap_)(hourly|daily|weekly|monthly|yearly)(?:-[0-9].*)?$`)

// kept is what one dataset has of one kind.
type kept struct {
	n              int
	oldest, newest time.Time
}

// Read gives a reading for each pool that has such snapshots, or one that there are
// none. Those with other names, which people make, and what comes several times an hour
// are not counted.
func (s Snapshots) Read(ctx context.Context) []bot.Reading {
	const source = "zfs list -t snapshot"
	at := now()
	one := func(note string) []bot.Reading {
		return []bot.Reading{{Host: s.z.h.Name, What: noSnapshots, Note: note, Source: source, At: at, State: bot.Unknown}}
	}
	out, err := s.z.run(ctx, s.z.o.ZFS, "list", "-Hp", "-t", "snapshot", "-o", "name,creation")
	if err != nil {
		return one(bot.ForPeople(err))
	}
	found := map[string]map[string]map[string]kept{} // pool, kind, dataset
	for l := range strings.Lines(string(out.Stdout)) {
		name, creation, _ := strings.Cut(strings.TrimRight(l, "\n"), "\t")
		dataset, snapshot, _ := strings.Cut(name, "@")
		m := kindOf.FindStringSubmatch(snapshot)
		seconds, err := strconv.ParseInt(creation, 10, 64)
		if m == nil || err != nil {
			continue
		}
		pool, _, _ := strings.Cut(dataset, "/")
		if found[pool] == nil {
			found[pool] = map[string]map[string]kept{}
		}
		if found[pool][m[1]] == nil {
			found[pool][m[1]] = map[string]kept{}
		}
		k, made := found[pool][m[1]][dataset], time.Unix(seconds, 0)
		if k.n++; k.n == 1 || made.Before(k.oldest) {
			k.oldest = made
		}
		if made.After(k.newest) {
			k.newest = made
		}
		found[pool][m[1]][dataset] = k
	}
	if len(found) == 0 {
		return one("there are none by the names of sanoid or zfs-auto-snapshot; whether there should be some is not known here")
	}
	var rs []bot.Reading
	for _, pool := range slices.Sorted(maps.Keys(found)) {
		r := depth(found[pool], at)
		r.Host, r.What, r.Source, r.At = s.z.h.Name, "snapshots "+line(pool), source, at
		rs = append(rs, r)
	}
	return rs
}

// depth tells of one pool. Its figure is how many snapshots were counted.
func depth(of map[string]map[string]kept, at time.Time) bot.Reading {
	r := bot.Reading{State: bot.OK}
	all, datasets := 0, map[string]bool{}
	var parts, why []string
	for _, k := range kinds {
		if len(of[k.name]) == 0 {
			continue
		}
		// A dataset's own least counts: one that has few is not hidden by others.
		names := slices.Sorted(maps.Keys(of[k.name]))
		least, late := of[k.name][names[0]].n, ""
		var oldest, newest time.Time
		for _, d := range names {
			x := of[k.name][d]
			all += x.n
			datasets[d] = true
			least = min(least, x.n)
			if oldest.IsZero() || x.oldest.Before(oldest) {
				oldest = x.oldest
			}
			if at.Sub(x.newest) > k.fresh && (late == "" || x.newest.Before(newest)) {
				late, newest = d, x.newest
			}
		}
		parts = append(parts, fmt.Sprintf("%d %s back %s", least, k.name, phrase.Duration(at.Sub(oldest).Truncate(time.Hour))))
		if late != "" {
			why = append(why, fmt.Sprintf("the newest %s one of %s is %s old", k.name, line(late), phrase.Duration(at.Sub(newest))))
		}
	}
	each := ""
	if len(datasets) > 1 {
		each = fmt.Sprintf(" at least, in each of %d datasets", len(datasets))
	}
	r.Value = strings.Join(parts, ", ") + each
	if r.Note = strings.Join(why, "; "); r.Note != "" {
		r.State = bot.NotOK
	}
	return r.With(float64(all), bot.FigureCount)
}
