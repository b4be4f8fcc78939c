package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/prometheus/procfs"

	"watchstander/bot"
)

// memory gives two readings, memory and swap.
func (p *Probe) memory() []bot.Reading {
	source := p.proc("meminfo")
	kernel, err := procfs.NewFS(p.o.Proc)
	if err != nil {
		return []bot.Reading{unknown("memory", source, err), unknown("swap", source, err)}
	}
	info, err := kernel.Meminfo()
	if err != nil {
		return []bot.Reading{unknown("memory", source, err), unknown("swap", source, err)}
	}
	return []bot.Reading{p.ram(info, source), p.swap(info, source)}
}

func (p *Probe) ram(info procfs.Meminfo, source string) bot.Reading {
	const what = "memory"
	if info.MemTotalBytes == nil || info.MemAvailableBytes == nil {
		return unknown(what, source, errors.New("it lacks MemTotal or MemAvailable"))
	}
	total, available := *info.MemTotalBytes, *info.MemAvailableBytes
	if total == 0 || available > total {
		return unknown(what, source, errors.New("the kernel gives figures that cannot be"))
	}

	arcSource := p.proc("spl", "kstat", "zfs", "arcstats")
	cache, err := readARC(arcSource)
	without := ""
	switch {
	case err == nil:
		// The kernel counts a little of the cache's bookkeeping as available
		// already, so the sum is kept below the whole.
		cache = min(cache, total-available)
		available += cache
		source += ", " + arcSource
		without = " without " + size(cache) + " of ZFS cache"
	case errors.Is(err, fs.ErrNotExist):
		err = nil // a host without ZFS
	default:
		without = " with the ZFS cache, whose size is unknown"
	}
	value := fmt.Sprintf("%s of %s%s", whole(percent(total-available, total)), size(total), without)
	share, used := percent(available, total), percent(total-available, total)
	if share >= p.o.Limits.MemoryAvailable {
		return judged(what, source, value).With(used, bot.FigurePercent)
	}
	// What the kernel counts is a floor then, and a low one proves nothing.
	if err != nil {
		r := unknown(what, source, err)
		r.Value, r.Note = value, line("little is available beside the ZFS cache, and how far that would shrink is unknown: "+r.Note)
		return r.With(used, bot.FigurePercent)
	}
	return judged(what, source, value,
		fmt.Sprintf("only %s available, less than %s", size(available), border(p.o.Limits.MemoryAvailable))).With(used, bot.FigurePercent)
}

func (p *Probe) swap(info procfs.Meminfo, source string) bot.Reading {
	const what = "swap"
	if info.SwapTotalBytes == nil || info.SwapFreeBytes == nil {
		return unknown(what, source, errors.New("it lacks SwapTotal or SwapFree"))
	}
	total, free := *info.SwapTotalBytes, *info.SwapFreeBytes
	switch {
	case total == 0:
		return judged(what, source, "none")
	case free > total:
		return unknown(what, source, errors.New("the kernel gives figures that cannot be"))
	}
	used := percent(total-free, total)
	var why string
	if used >= p.o.Limits.SwapUsed {
		why = fmt.Sprintf("%s or more; %s left", border(p.o.Limits.SwapUsed), size(free))
	}
	return judged(what, source, fmt.Sprintf("%s of %s", whole(used), size(total)), why).With(used, bot.FigurePercent)
}

// readARC gives how many bytes of ZFS' cache would be given back to programs.
func readARC(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	figures, err := kstat(text)
	if err != nil {
		return 0, err
	}
	return reclaimable(figures)
}

// reclaimable is what the ARC holds above its floor (c_min), as far as it is
// evictable: what is dirty or in use right now cannot go. Old versions do not
// tell what is evictable.
func reclaimable(figures map[string]uint64) (uint64, error) {
	held, ok := figures["size"]
	floor, ok2 := figures["c_min"]
	if !ok || !ok2 {
		return 0, errors.New("arcstats lacks size or c_min")
	}
	free := held - min(floor, held)
	var evictable uint64
	for _, name := range []string{
		"mru_evictable_data", "mru_evictable_metadata",
		"mfu_evictable_data", "mfu_evictable_metadata",
	} {
		v, ok := figures[name]
		if !ok {
			return free, nil
		}
		// No sum beyond what is held can be, so none can overflow.
		evictable += min(v, held)
		evictable = min(evictable, held)
	}
	return min(free, evictable), nil
}
