package zfs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// ARCSet is the operation zfs.arc.set: it sets the limits of the ARC while ZFS
// runs. What makes them last belongs to the host's configuration, and is told.
type ARCSet struct{ z *ZFS }

var (
	_ bot.Operation = ARCSet{}
	_ bot.Undoer    = ARCSet{}
)

// ARCSet is the operation on this host.
func (z *ZFS) ARCSet() ARCSet { return ARCSet{z} }

// Name is zfs.arc.set.
func (ARCSet) Name() bot.OperationName { return host.ARCSetOperation }

// Parse wants "max" or "min" or both, and writes each in the form of Bytes.Exact:
// "32G" and "34359738368" become "32GiB", which people can read, policies can
// name, and no rounding stands behind. A limit that is not given is left as it is.
func (ARCSet) Parse(_ context.Context, args bot.Arguments) (bot.Arguments, error) {
	out := bot.Arguments{}
	for name, values := range args {
		if name != host.ARCMax && name != host.ARCMin {
			return nil, bot.Errorf(bot.CodeInvalid, "%s has no argument %q; it takes max and min.", host.ARCSetOperation, line(name))
		}
		if len(values) != 1 {
			return nil, bot.Errorf(bot.CodeInvalid, "Give one %s.", name)
		}
		b, err := host.ParseBytes(values[0])
		if err != nil {
			return nil, bot.Errorf(bot.CodeInvalid, "The %s `%s` is wrong. %s", name, line(values[0]), bot.ForPeople(err)).Because(err)
		}
		out[name] = []string{b.Exact()}
	}
	if len(out) == 0 {
		return nil, bot.Errorf(bot.CodeInvalid, "Say which limit: `zfs arc set max 32G min 4G`, or one of them.")
	}
	return out, nil
}

// wanted are the limits that arguments ask for, from those that hold.
func wanted(args bot.Arguments, k kernel) (to limits, givenMin, givenMax bool, err error) {
	to = k.limits
	for _, a := range []struct {
		name  string
		to    *host.Bytes
		given *bool
	}{{host.ARCMin, &to.min, &givenMin}, {host.ARCMax, &to.max, &givenMax}} {
		if text := args.One(a.name); text != "" {
			if *a.to, err = host.ParseBytes(text); err != nil {
				return to, false, false, err
			}
			*a.given = true
		}
	}
	return to, givenMin, givenMax, nil
}

// Facts that a plan binds, by their names.
const (
	factMin      = "c_min"
	factMax      = "c_max"
	factWroteMin = string(arcMin)
	factWroteMax = string(arcMax)
)

func (k kernel) facts() []bot.Fact {
	text := func(b host.Bytes) string { return strconv.FormatInt(int64(b), 10) }
	return []bot.Fact{
		{Name: factMin, Value: text(k.min)}, {Name: factMax, Value: text(k.max)},
		{Name: factWroteMin, Value: text(k.wroteMin)}, {Name: factWroteMax, Value: text(k.wroteMax)},
	}
}

// Plan checks everything that the kernel would check, and says what it found.
func (s ARCSet) Plan(_ context.Context, args bot.Arguments) (bot.Draft, error) {
	z := s.z
	k, f, err := z.kernel()
	if err != nil {
		return bot.Draft{}, err
	}
	to, givenMin, givenMax, err := wanted(args, k)
	if err != nil {
		return bot.Draft{}, err
	}
	if err := z.allowed(to, givenMin, givenMax); err != nil {
		return bot.Draft{}, err
	}
	if to == k.limits {
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "The ARC of %s has these limits already: %s to %s. To make them last: `%s`", z.h.Name, to.min.Precise(), to.max.Precise(), nixLine(to))
	}
	if err := k.refusal(to, givenMin, givenMax); err != nil {
		return bot.Draft{}, err
	}
	ws, _ := k.way(to)
	size := host.Bytes(f["size"])
	d := bot.Draft{
		Summary:      fmt.Sprintf("set the ARC of %s to %s (now %s)", z.h.Name, to.wordsOf(givenMin, givenMax), k.limits.wordsOf(givenMin, givenMax)),
		Steps:        steps(ws, to),
		Conditions:   append(z.conditions(k, to, size), z.lasting(to)),
		Irreversible: k.irreversible(to),
		Undo:         "If the kernel does not take both limits exactly, the former ones are written back at once. " + z.later(k.limits),
		Takes:        "less than a second", Limit: bot.SecondsOf(time.Minute),
		Bound: k.facts(),
		Observed: []bot.Fact{
			{Name: "size of the ARC", Value: rounded(size)}, {Name: "memory of the host", Value: k.ram.Precise()},
		},
		Locks: []string{"zfs arc"},
	}
	if to.min != k.min {
		d.Differences = append(d.Differences, fmt.Sprintf("minimum (c_min): %s → %s", k.min.Precise(), to.min.Precise()))
	}
	if to.max != k.max {
		d.Differences = append(d.Differences, fmt.Sprintf("maximum (c_max): %s → %s", k.max.Precise(), to.max.Precise()))
	}
	return d, nil
}

// rounded is a size that changes all the time, so that only large drifts are told.
func rounded(b host.Bytes) string {
	if b < host.GiB {
		return "below 1 GiB"
	}
	return fmt.Sprintf("about %d GiB", (b+host.GiB/2)/host.GiB)
}

func (l limits) words() string {
	return fmt.Sprintf("at least %s and at most %s", l.min, l.max)
}

// wordsOf is words of those limits that somebody wants another of.
func (l limits) wordsOf(minimum, maximum bool) string {
	switch {
	case !maximum:
		return fmt.Sprintf("at least %s", l.min)
	case !minimum:
		return fmt.Sprintf("at most %s", l.max)
	}
	return l.words()
}

// later says how to go back to limits afterwards, or that these may not be asked for.
func (z *ZFS) later(back limits) string {
	if z.allowed(back, true, true) != nil {
		return fmt.Sprintf("Later they cannot be asked for, since zfs.arc in the agent's file does not allow %s to %s: only root on the host, or the next boot, brings them back.", back.min.Precise(), back.max.Precise())
	}
	return fmt.Sprintf("Later: `zfs arc set max %s min %s`.", back.max.Exact(), back.min.Exact())
}

// allowed holds the wish against what the configuration lets be set.
func (z *ZFS) allowed(to limits, givenMin, givenMax bool) error {
	for _, a := range []struct {
		given bool
		what  string
		v     host.Bytes
		r     Range
	}{{givenMin, "minimum", to.min, z.o.Min}, {givenMax, "maximum", to.max, z.o.Max}} {
		switch {
		case !a.given:
		case a.r.From > 0 && a.v < a.r.From:
			return bot.Errorf(bot.CodeForbidden, "zfs.arc in the file of %s's agent allows a %s of %s or more, not %s.", z.h.Name, a.what, a.r.From.Precise(), a.v.Precise())
		case a.r.To > 0 && a.v > a.r.To:
			return bot.Errorf(bot.CodeForbidden, "zfs.arc in the file of %s's agent allows a %s of %s or less, not %s.", z.h.Name, a.what, a.r.To.Precise(), a.v.Precise())
		}
	}
	return nil
}

func steps(ws []write, to limits) []string {
	var out []string
	for _, w := range ws {
		out = append(out, fmt.Sprintf("write %d (%s) to %s", int64(w.value), w.value, w.to.path()))
	}
	return append(out, fmt.Sprintf("read c_min and c_max back from %s: they must be %d and %d, exactly", arcstats, int64(to.min), int64(to.max)))
}

// conditions are the kernel's rules and what speaks for caution, as found.
func (z *ZFS) conditions(k kernel, to limits, size host.Bytes) []bot.Condition {
	out := []bot.Condition{{
		Text: fmt.Sprintf("the kernel takes the limits: at least %s, at most below the memory of the host, the maximum at least %s and above the minimum",
			leastMin, leastMax),
		Found: fmt.Sprintf("%s and %s, of %s of memory", to.min.Precise(), to.max.Precise(), k.ram.Precise()), State: bot.OK,
	}}
	room := bot.Condition{Text: "programs keep the memory that they use now, even when the cache is at its maximum", State: bot.Unknown}
	m, err := z.memory()
	free, known := m["MemAvailable"]
	switch {
	case err != nil || !known:
		room.Found = meminfo + " does not tell how much they use"
	default:
		// The cache counts as used to the kernel, and is none of the programs'.
		used := max(0, k.ram-free-size)
		room.Found = fmt.Sprintf("they use about %s; %s is left beside the maximum", used, k.ram-to.max)
		room.State = bot.OK
		if used > k.ram-to.max {
			room.State = bot.NotOK
		}
	}
	out = append(out, room)
	if to.max < size {
		out = append(out, bot.Condition{Text: "the cache is within the new maximum", State: bot.NotOK,
			Found: fmt.Sprintf("it holds %s; it shrinks only when memory is asked for, which can take long", size)})
	}
	return out
}

// irreversible is what going back does not bring back.
func (k kernel) irreversible(to limits) []string {
	var out []string
	for _, p := range []struct {
		name           parameter
		wrote, now, to host.Bytes
	}{{arcMin, k.wroteMin, k.min, to.min}, {arcMax, k.wroteMax, k.max, to.max}} {
		switch {
		case p.now == p.to:
		case p.wrote == 0:
			out = append(out, fmt.Sprintf("%s is 0 now, which leaves the limit to the kernel. While ZFS runs, 0 cannot be made to hold again: going back writes the value that holds now, %s, and the parameter keeps a number until the next boot.",
				p.name, p.now.Precise()))
		case p.wrote != p.now:
			out = append(out, fmt.Sprintf("%s holds %s now, which the kernel ignores. Going back writes the value that holds, %s.", p.name, p.wrote.Precise(), p.now.Precise()))
		}
	}
	if to.max < k.max {
		out = append(out, "What the cache lets go is read from the disks again; nothing is lost.")
	}
	if _, ok := (kernel{limits: to, wroteMin: to.min, wroteMax: to.max, ram: k.ram}).way(k.limits); !ok {
		out = append(out, fmt.Sprintf("The former limits (%s) cannot be set again while ZFS runs: the kernel's rules allow no way back.", k.limits.words()))
	}
	return out
}

// nixLine is what makes limits last on NixOS.
func nixLine(l limits) string {
	return fmt.Sprintf(`boot.extraModprobeConfig = "options zfs zfs_arc_max=%d zfs_arc_min=%d";`, int64(l.max), int64(l.min))
}

// Where the running system says with what the next boot loads ZFS: NixOS writes
// boot.extraModprobeConfig into the one, boot.kernelParams into the other.
const (
	modprobeConf = "/etc/modprobe.d/nixos.conf"
	kernelParams = "/run/current-system/kernel-params"
)

// lasting finds out whether the next boot sets the same limits.
func (z *ZFS) lasting(to limits) bot.Condition {
	c := bot.Condition{Text: "the configuration sets the same limits at the next boot", State: bot.Unknown}
	conf, err := z.h.Files.Read(modprobeConf, 1<<20)
	if err != nil {
		c.Found = fmt.Sprintf("%s cannot be read; this line makes them last: %s", modprobeConf, nixLine(to))
		return c
	}
	params, _ := z.h.Files.Read(kernelParams, 1<<20) // absent on what is no NixOS
	set := configured(string(conf), string(params))
	var found []string
	for _, p := range []struct {
		name parameter
		to   host.Bytes
	}{{arcMax, to.max}, {arcMin, to.min}} {
		switch v, ok := set[p.name]; {
		case !ok:
			found = append(found, string(p.name)+" is not set")
		case v != strconv.FormatInt(int64(p.to), 10):
			found = append(found, fmt.Sprintf("%s is set to %s", p.name, line(v)))
		}
	}
	if len(found) == 0 {
		c.Found, c.State = "it does", bot.OK
		return c
	}
	c.Found, c.State = fmt.Sprintf("it does not: %s. This line makes them last: %s", strings.Join(found, ", "), nixLine(to)), bot.NotOK
	return c
}

// configured reads what modprobe's configuration and the kernel's command line
// set of the two parameters; the command line wins.
func configured(conf, cmdline string) map[parameter]string {
	out := map[parameter]string{}
	take := func(setting string) {
		name, value, ok := strings.Cut(setting, "=")
		if p := parameter(name); ok && (p == arcMin || p == arcMax) {
			out[p] = value
		}
	}
	for l := range strings.Lines(conf) {
		if f := strings.Fields(l); len(f) > 2 && f[0] == "options" && f[1] == "zfs" {
			for _, s := range f[2:] {
				take(s)
			}
		}
	}
	for s := range strings.FieldsSeq(cmdline) {
		if rest, ok := strings.CutPrefix(s, "zfs."); ok {
			take(rest)
		}
	}
	return out
}
