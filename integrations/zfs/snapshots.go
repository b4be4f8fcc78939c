package zfs

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Snapshots tells how deep the snapshots of each pool go: how many of each kind every
// dataset has at least, how far back the shallowest goes, whether new ones come, and which
// datasets have none.
type Snapshots struct {
	z *ZFS

	mu   sync.Mutex
	seen map[string]bool // datasets that had some
}

var _ bot.Probe = (*Snapshots)(nil)

// Snapshots is for status and checklists.
func (z *ZFS) Snapshots() *Snapshots { return &Snapshots{z: z, seen: map[string]bool{}} }

// noSnapshots is what the reading of no pool in particular is called, so that who waits for
// "snapshots *" hears of it.
const noSnapshots = "snapshots of all pools"

// Name is "snapshots" and the host's name.
func (s *Snapshots) Name() string { return strings.TrimSpace("snapshots " + s.z.h.Name) }

// Tells are what its readings are called (bot/probing, Teller).
func (s *Snapshots) Tells() []string { return []string{noSnapshots} }

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

// Read gives a reading for each pool that has such snapshots or ought to, or one that there
// are none. Those with other names, which people make, and what comes several times an hour
// are not counted.
func (s *Snapshots) Read(ctx context.Context) []bot.Reading {
	const source = "zfs list -t snapshot"
	at := now()
	one := func(note string) []bot.Reading {
		return []bot.Reading{{Host: s.z.h.Name, What: noSnapshots, Note: note, Source: source, At: at, State: bot.Unknown}}
	}
	out, err := s.z.run(ctx, s.z.o.ZFS, "list", "-Hp", "-t", "snapshot", "-o", "name,creation")
	if err != nil {
		return one(bot.ForPeople(err))
	}
	found := map[string]pool{}
	of := func(dataset string) pool {
		name, _, _ := strings.Cut(dataset, "/")
		if found[name] == nil {
			found[name] = pool{}
		}
		return found[name]
	}
	for l := range strings.Lines(string(out.Stdout)) {
		name, creation, _ := strings.Cut(strings.TrimRight(l, "\n"), "\t")
		dataset, snapshot, _ := strings.Cut(name, "@")
		m := kindOf.FindStringSubmatch(snapshot)
		seconds, err := strconv.ParseInt(creation, 10, 64)
		if m == nil || err != nil {
			continue
		}
		p := of(dataset)
		if p[dataset] == nil {
			p[dataset] = map[string]kept{}
		}
		k, made := p[dataset][m[1]], time.Unix(seconds, 0)
		if k.n++; k.n == 1 || made.Before(k.oldest) {
			k.oldest = made
		}
		if made.After(k.newest) {
			k.newest = made
		}
		p[dataset][m[1]] = k
	}
	wanted, others, doubt := s.without(ctx, found)
	for d := range wanted {
		of(d)
	}
	if len(found) == 0 {
		return one("there are none by the names of sanoid or zfs-auto-snapshot; whether there should be some is not known here")
	}
	var rs []bot.Reading
	for _, name := range slices.Sorted(maps.Keys(found)) {
		r := depth(found[name], at)
		in := func(d string) bool { p, _, _ := strings.Cut(d, "/"); return p == name }
		var none, why []string
		for _, d := range others {
			if in(d) {
				none = append(none, line(d))
			}
		}
		if len(none) > 0 {
			r.Value += "; none of " + phrase.Some(none, 3)
		}
		for _, d := range slices.Sorted(maps.Keys(wanted)) {
			if in(d) {
				r.State = bot.NotOK
				why = append(why, line(d)+" "+wanted[d])
			}
		}
		if doubt != "" && r.State == bot.OK {
			r.State, why = bot.Unknown, append(why, doubt)
		}
		if r.Note != "" {
			why = append([]string{r.Note}, why...)
		}
		r.Note = strings.Join(why, "; ")
		r.Host, r.What, r.Source, r.At = s.z.h.Name, "snapshots "+line(name), source, at
		rs = append(rs, r)
	}
	return rs
}

// without finds the datasets that have no such snapshot: wanted, with why, those that ought
// to, since the configuration says so or they had some before, and the others that exist.
// Doubt says why that is not known, "" where it is.
func (s *Snapshots) without(ctx context.Context, found map[string]pool) (wanted map[string]string, others []string, doubt string) {
	has := func(d string) bool { p, _, _ := strings.Cut(d, "/"); return found[p][d] != nil }
	there := map[string]bool{}
	out, err := s.z.run(ctx, s.z.o.ZFS, "list", "-Hp", "-t", "filesystem,volume", "-o", "name")
	if err != nil {
		doubt = "whether a dataset has none is unknown: " + bot.ForPeople(err)
	}
	for l := range strings.Lines(string(out.Stdout)) {
		there[strings.TrimRight(l, "\n")] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted = map[string]string{}
	for d := range s.seen {
		switch {
		case has(d):
		case there[d]:
			wanted[d] = "had some, and has none any more"
		case err == nil: // it was destroyed, and they with it
			delete(s.seen, d)
		}
	}
	for _, d := range s.z.o.Snapshots {
		switch {
		case has(d):
		case err == nil && !there[d]:
			wanted[d] = "ought to have some, and is not there itself"
		default:
			wanted[d] = "ought to have some, and has none"
		}
	}
	for _, p := range found {
		for d := range p {
			s.seen[d] = true
		}
	}
	for _, d := range slices.Sorted(maps.Keys(there)) {
		if wanted[d] == "" && !has(d) {
			others = append(others, d)
		}
	}
	return wanted, others, doubt
}

// pool is what its datasets have of each kind.
type pool map[string]map[string]kept

// depth tells of one pool. Its figure is how many snapshots were counted.
func depth(of pool, at time.Time) bot.Reading {
	r := bot.Reading{State: bot.OK}
	all := 0
	var parts, why []string
	for _, k := range kinds {
		// A dataset's own least counts, and the shallowest: one that has few, or none of
		// long ago, is not hidden by others.
		var names []string
		least, late, shallow := 0, "", ""
		var oldest, shallowest, newest time.Time
		for _, d := range slices.Sorted(maps.Keys(of)) {
			x := of[d][k.name]
			if x.n == 0 {
				continue
			}
			names = append(names, d)
			all += x.n
			if least == 0 || x.n < least {
				least = x.n
			}
			if oldest.IsZero() || x.oldest.Before(oldest) {
				oldest = x.oldest
			}
			if x.oldest.After(shallowest) {
				shallow, shallowest = d, x.oldest
			}
			if at.Sub(x.newest) > k.fresh && (late == "" || x.newest.Before(newest)) {
				late, newest = d, x.newest
			}
		}
		if len(names) == 0 {
			continue
		}
		back := at.Sub(shallowest)
		if back > time.Hour {
			back = back.Truncate(time.Hour)
		}
		part := fmt.Sprintf("%d %s back %s", least, k.name, phrase.Duration(back))
		if shallowest.Sub(oldest) > k.fresh {
			part += " (" + line(shallow) + ")"
		}
		if len(names) < len(of) {
			part += fmt.Sprintf(" in %d", len(names))
		}
		parts = append(parts, part)
		if late != "" {
			why = append(why, fmt.Sprintf("the newest %s one of %s is %s old", k.name, line(late), phrase.Duration(at.Sub(newest))))
		}
	}
	switch {
	case len(parts) == 0:
		parts = []string{"none"}
	case len(of) > 1:
		parts[len(parts)-1] += fmt.Sprintf(" at least, in each of %d datasets", len(of))
	}
	r.Value = strings.Join(parts, ", ")
	if r.Note = strings.Join(why, "; "); r.Note != "" {
		r.State = bot.NotOK
	}
	return r.With(float64(all), bot.FigureCount)
}
