package zfs

import (
	"watchstander/bot"
	"watchstander/bot/host"
)

// What the kernel (module/zfs/arc.c, arc_tuning_update) asks of the limits.
const (
	leastMin = 32 * host.MiB
	leastMax = 64 * host.MiB
)

// limits are the two limits of the ARC.
type limits struct{ min, max host.Bytes }

// kernel is what decides over the limits: those that hold (c_min, c_max), what
// the parameters' files hold, and all memory that ZFS could have.
type kernel struct {
	limits
	wroteMin, wroteMax host.Bytes
	ram                host.Bytes
}

// parameter is a module parameter's name.
type parameter string

const (
	arcMin parameter = "zfs_arc_min"
	arcMax parameter = "zfs_arc_max"
)

func (p parameter) path() string { return "/sys/module/zfs/parameters/" + string(p) }

// write is one value for one parameter.
type write struct {
	to    parameter
	value host.Bytes
}

// after is the kernel once it has taken a write. Every write has it look at both
// parameters again, min first: a value that it ignored before may hold now.
func (k kernel) after(w write) kernel {
	switch w.to {
	case arcMin:
		k.wroteMin = w.value
	case arcMax:
		k.wroteMax = w.value
	}
	if v := k.wroteMin; v != 0 && v != k.min && v >= leastMin && v <= k.max {
		k.min = v
	}
	if v := k.wroteMax; v != 0 && v != k.max && v >= leastMax && v < k.ram && v > k.min {
		k.max = v
	}
	return k
}

// way finds the shortest writes that take the kernel to other limits, such that
// on the way neither limit is ever anything but what it was or what it shall be:
// a cache that is told to shrink for a moment has thrown its contents away. Nor
// may a value that somebody wrote and the kernel ignored lie in wait for the next
// write. Of equally short ways the one that begins with the minimum counts. ok is
// false where there is none.
func (k kernel) way(to limits) (ws []write, ok bool) {
	if k.limits == to {
		return nil, true
	}
	lo, hi := write{arcMin, to.min}, write{arcMax, to.max}
	for _, ws := range [][]write{{lo}, {hi}, {lo, hi}, {hi, lo}, {lo, hi, lo}, {hi, lo, hi}} {
		if k.leads(ws, to) {
			return ws, true
		}
	}
	return nil, false
}

func (k kernel) leads(ws []write, to limits) bool {
	from := k.limits
	for _, w := range ws {
		k = k.after(w)
		if k.min != from.min && k.min != to.min || k.max != from.max && k.max != to.max {
			return false
		}
	}
	// The next write of anything has the kernel look at both parameters again.
	return k.limits == to && k.after(write{}).limits == to
}

// refusal says which of the kernel's rules limits break, with the figures; nil
// where they break none. given tells which of the two somebody asked for.
func (k kernel) refusal(to limits, givenMin, givenMax bool) error {
	switch {
	case givenMin && to.min < leastMin:
		return bot.Errorf(bot.CodeInvalid, "The minimum must be at least %s; the kernel ignores %s.", leastMin.Precise(), to.min.Precise())
	case givenMax && to.max < leastMax:
		return bot.Errorf(bot.CodeInvalid, "The maximum must be at least %s; the kernel ignores %s.", leastMax.Precise(), to.max.Precise())
	case givenMax && to.max >= k.ram:
		return bot.Errorf(bot.CodeInvalid, "The maximum must be below the memory of this host, %s; the kernel ignores %s.", k.ram.Precise(), to.max.Precise())
	case to.min > to.max && givenMin && givenMax:
		return bot.Errorf(bot.CodeInvalid, "The minimum, %s, is above the maximum, %s.", to.min.Precise(), to.max.Precise())
	case to.max <= to.min && givenMax && !givenMin:
		return bot.Errorf(bot.CodeInvalid, "The maximum must be above the minimum that holds, %s; the kernel ignores %s. Lower the minimum too: `zfs arc set max %s min …`.",
			to.min.Precise(), to.max.Precise(), to.max.Exact())
	case to.min > to.max:
		return bot.Errorf(bot.CodeInvalid, "The minimum must not be above the maximum that holds, %s; the kernel ignores %s. Raise the maximum too: `zfs arc set max … min %s`.",
			to.max.Precise(), to.min.Precise(), to.min.Exact())
	}
	if _, ok := k.way(to); !ok {
		return bot.Errorf(bot.CodeInvalid, "The kernel offers no way from its limits (%s to %s; zfs_arc_min holds %s, zfs_arc_max %s) to %s and %s without letting the cache go in between. Go by way of a lower minimum.",
			k.min.Precise(), k.max.Precise(), k.wroteMin.Exact(), k.wroteMax.Exact(), to.min.Precise(), to.max.Precise())
	}
	return nil
}

// ignored says why the kernel does not obey what a parameter's file holds.
func (k kernel) ignored(p parameter) string {
	v := k.wroteMin
	if p == arcMax {
		v = k.wroteMax
	}
	switch {
	case p == arcMin && v < leastMin:
		return "it is below " + leastMin.String()
	case p == arcMin && v > k.max:
		return "it is above the maximum that holds"
	case p == arcMax && v < leastMax:
		return "it is below " + leastMax.String()
	case p == arcMax && v >= k.ram:
		return "it is not below the memory of the host, " + k.ram.Precise()
	case p == arcMax && v <= k.min:
		return "it is not above the minimum that holds"
	}
	return "it broke a rule when it was written; the next write would make it hold"
}
