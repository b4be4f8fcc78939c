package zfs

import (
	"fmt"
	"strings"

	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// Borders of what counts as a sign, in percent.
const (
	// nearlyFull: a cache that holds this much of its maximum is limited by it.
	nearlyFull = 95
	// roomLeft: one that holds less than this is not.
	roomLeft = 80
	// ghosts: this share of the misses would have been hits in a larger cache.
	ghosts = 10
	// fewReads is how many reads a sample needs to say anything.
	fewReads = 1000
)

// signs read from the figures what speaks for a larger or a smaller cache, each
// with its figure. They are evidence for people, and no verdict. What cannot be
// told is said too.
func signs(a host.ARC) []host.ARCSign {
	var out []host.ARCSign
	say := func(direction, format string, args ...any) {
		out = append(out, host.ARCSign{For: direction, Text: fmt.Sprintf(format, args...)})
	}
	full := percent(int64(a.Size), int64(a.Max))
	switch {
	case full >= nearlyFull:
		say("raise", "it holds %s of its maximum of %s, so the maximum is what limits it", wholePercent(full), a.Max)
	case full < roomLeft:
		say("keep", "it holds %s of its maximum of %s: raising the maximum would change nothing now", wholePercent(full), a.Max)
	}
	ghostSigns(a, full >= nearlyFull, say)
	hitSigns(a, say)
	memorySigns(a, say)
	return out
}

// ghostSigns tell of misses that a larger cache would have served.
func ghostSigns(a host.ARC, full bool, say func(string, string, ...any)) {
	s := a.Sample
	switch {
	case s == nil:
		say("unknown", "how many misses a larger cache would have served was not measured")
	case s.MRUGhost == nil || s.MFUGhost == nil:
		say("unknown", "this version of ZFS does not tell how many misses a larger cache would have served (mru_ghost_hits, mfu_ghost_hits)")
	case s.All.Total() < fewReads:
		say("unknown", "only %s within %d s: too few to tell whether a larger cache would serve more", phrase.Count(int(s.All.Total()), "read", "reads"), a.SampleSeconds)
	default:
		n := *s.MRUGhost + *s.MFUGhost
		share := percent(n, s.All.Misses)
		text := fmt.Sprintf("%d of %d misses within %d s were of data that had been in the cache shortly before (%d used once, %d used often)",
			n, s.All.Misses, a.SampleSeconds, *s.MRUGhost, *s.MFUGhost)
		switch {
		case share >= ghosts && full:
			say("raise", "%s: a larger one would have served them", text)
		case share >= ghosts:
			say("keep", "%s, though it is not at its maximum", text)
		default:
			say("keep", "%s: a larger one would serve hardly more", text)
		}
	}
}

func hitSigns(a host.ARC, say func(string, string, ...any)) {
	if s := a.Sample; s != nil && s.All.Total() >= fewReads {
		if r, ok := s.All.Ratio(); ok && r >= 99 {
			say("keep", "%s of the reads within %d s were hits: there is little to gain", tenthPercent(r), a.SampleSeconds)
		}
	}
}

// memorySigns tell how much the others are short of.
func memorySigns(a host.ARC, say func(string, string, ...any)) {
	switch s := a.Sample; {
	case a.Throttled == nil:
		say("unknown", "this version of ZFS does not tell how often writes waited for memory (memory_throttle_count)")
	case s != nil && s.Throttled != nil && *s.Throttled > 0:
		say("lower", "%s for memory within %d s (memory_throttle_count)", phrase.Count(int(*s.Throttled), "write waited", "writes waited"), a.SampleSeconds)
	case *a.Throttled > 0:
		say("lower", "%s for memory since ZFS was loaded (memory_throttle_count), none of them just now", phrase.Count(int(*a.Throttled), "write waited", "writes waited"))
	}
	switch {
	case a.Available == nil:
		say("unknown", "this version of ZFS does not tell how much memory is free for it (memory_available_bytes)")
	case *a.Available < 0:
		say("lower", "the host is short of %s: ZFS must give memory back (memory_available_bytes)", -*a.Available)
	}
	if a.RAM != nil && a.Max > 0 && percent(int64(a.Max), int64(*a.RAM)) > 90 {
		say("lower", "its maximum leaves programs only %s of %s", *a.RAM-a.Max, *a.RAM)
	}
}

func percent(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole) * 100
}

// wholePercent rounds down: 89.9 is not yet 90.
func wholePercent(p float64) string { return fmt.Sprintf("%d %%", int(p)) }

// tenthPercent rounds down to tenths, so that nothing becomes 100 that is not.
func tenthPercent(p float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(int(p*10))/10), ".0") + " %"
}
