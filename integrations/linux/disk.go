package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/prometheus/procfs"

	"watchstander/bot"
)

// mostDisks is how many disks that are well get a line of their own.
const mostDisks = 12

// disks gives one reading for each filesystem and each pool.
func (p *Probe) disks(ctx context.Context) []bot.Reading {
	source := p.proc("self", "mountinfo")
	all, err := within(ctx, &p.bound, "part disks", p.o.Timeout, func() ([]volume, error) {
		kernel, err := procfs.NewFS(p.o.Proc)
		if err != nil {
			return nil, err
		}
		mounts, err := kernel.GetMounts()
		if err != nil {
			return nil, err
		}
		return volumes(mounts, readFstab(p.o.Fstab)), nil
	})
	if err != nil {
		return []bot.Reading{unknown(noDisks, source, err)}
	}
	readings := make([]bot.Reading, len(all))
	var wg sync.WaitGroup
	for i, v := range all {
		wg.Go(func() { readings[i] = p.disk(ctx, v) })
	}
	wg.Wait()
	shown := condense(readings)
	if len(shown) == 0 {
		return []bot.Reading{unknown(noDisks, source, errors.New("it names no disk that can be seen from here"))}
	}
	return shown
}

// answer is what a mount point told.
type answer struct {
	path string
	room Room
}

// disk gives the reading of one volume; the zero reading when there is nothing
// to say.
func (p *Probe) disk(ctx context.Context, v volume) bot.Reading {
	what := "disk " + v.name
	if len(v.paths) == 0 {
		if v.quiet {
			return bot.Reading{}
		}
		return unknown(what, p.proc("self", "mountinfo"), fmt.Errorf(
			"%s is mounted over it where the bot looks (ProtectHome= or the like in its unit)", v.cover))
	}
	// The key is the volume, not the path: all askers of a dead server wait on
	// one goroutine.
	got, err := within(ctx, &p.bound, "statfs "+what, p.o.Timeout, func() ([]answer, error) { return p.ask(v) })
	source := "statfs " + line(v.paths[0])
	switch {
	case err != nil && (v.kind == "fuse" || strings.HasPrefix(v.kind, "fuse.")) && errors.Is(err, fs.ErrPermission):
		// Its owner keeps it to himself, which is how FUSE is by default.
		return bot.Reading{}
	case err != nil:
		return unknown(what, source, err)
	case len(got) == 0:
		return bot.Reading{}
	case v.pool:
		return p.datasets(what, v, got) // without a figure: how full the pool is it does not know
	}
	r := p.filesystem(what, "statfs "+line(got[0].path), v, got[0].room).With(got[0].room.used(), bot.FigurePercent)
	if v.quiet && r.State == bot.OK {
		return bot.Reading{}
	}
	return r
}

// ask runs where it can hang. Of several mount points of one filesystem the
// first that answers will do; of a pool each dataset is asked, one after the
// other, so that a suspended pool holds one goroutine and not forty. No answer
// and no error is of what has no room at all, and so is no disk.
func (p *Probe) ask(v volume) ([]answer, error) {
	var got []answer
	var refusal error
	for _, path := range v.paths {
		room, err := p.o.Statfs(path)
		if err == nil {
			err = room.check()
		}
		switch {
		case err != nil:
			if refusal == nil {
				refusal = err
			}
			continue
		case room.Size > 0:
			got = append(got, answer{path, room})
		}
		if !v.pool {
			return got, nil
		}
	}
	if len(got) > 0 {
		return got, nil
	}
	return nil, refusal
}

func (p *Probe) filesystem(what, source string, v volume, room Room) bot.Reading {
	value := fmt.Sprintf("%s of %s, %s left", whole(room.used()), size(room.held()+room.Available), size(room.Available))
	if room.Files > 0 {
		value += ", inodes " + whole(room.inodesUsed())
	}
	var why []string
	if v.writing != written {
		value += ", read-only"
	}
	switch v.writing {
	case fallen:
		why = append(why, "it was mounted to be written and is read-only now, as after errors")
	case unexpected:
		why = append(why, "it is to be written by /etc/fstab and is read-only now, as after errors")
	case asWished:
		// Nothing can be written anyhow, so being full is no trouble.
		return judged(what, source, value)
	case unclear:
		r := unknown(what, source, errUnclear)
		r.Value = value
		return r
	}
	if room.used() >= p.o.Limits.DiskUsed {
		why = append(why, border(p.o.Limits.DiskUsed)+" or more is used")
	}
	if room.Files > 0 && room.inodesUsed() >= p.o.Limits.InodesUsed {
		why = append(why, border(p.o.Limits.InodesUsed)+" or more of the inodes are used")
	}
	return judged(what, source, value, why...)
}

// datasets sums up a pool. What its snapshots, volumes and unmounted datasets
// hold cannot be asked of statfs, so no share of the pool is claimed; it is not
// ok when the mounted datasets alone fill it, or one of them its quota.
func (p *Probe) datasets(what string, v volume, got []answer) bot.Reading {
	var held, available uint64
	var tight []answer
	for _, a := range got {
		held += a.room.held()
		available = max(available, a.room.Available)
		if a.room.used() >= p.o.Limits.DiskUsed {
			tight = append(tight, a)
		}
	}
	n := len(got)
	value := fmt.Sprintf("%s left, %d %s %s without snapshots",
		size(available), n, plural(n, "dataset holds", "datasets hold"), size(held))
	if missing := len(v.paths) - n; missing > 0 {
		value += fmt.Sprintf(", %d did not answer", missing)
	}
	if v.covered > 0 {
		value += fmt.Sprintf(", %d not seen from here (%s is mounted over %s)", v.covered, v.cover, plural(v.covered, "it", "them"))
	}
	source := "statfs of the mounted datasets"
	share := percent(held, held+available)
	switch {
	case share >= p.o.Limits.DiskUsed:
		return judged(what, source, value, fmt.Sprintf("%s or more of what they can have is used", border(p.o.Limits.DiskUsed)))
	case len(tight) > 0:
		why := fmt.Sprintf("%s is full to %s, by its quota", line(tight[0].path), whole(tight[0].room.used()))
		if more := len(tight) - 1; more > 0 {
			why += fmt.Sprintf(", and so are %d more", more)
		}
		return judged(what, source, value, why)
	}
	return judged(what, source, value)
}

// condense drops what has nothing to say, and sums up the disks that are well
// beyond a handful: an answer of a hundred lines is read by nobody.
func condense(readings []bot.Reading) []bot.Reading {
	var shown []bot.Reading
	well, more := 0, 0
	for _, r := range readings {
		if r.What == "" {
			continue
		}
		if r.State == bot.OK {
			if well++; well > mostDisks {
				more++
				continue
			}
		}
		shown = append(shown, r)
	}
	if more > 0 {
		shown = append(shown, judged("more disks", "statfs", fmt.Sprintf("%d, all below the limits", more)).With(float64(more), bot.FigureCount))
	}
	return shown
}
