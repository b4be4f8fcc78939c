package simulated

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	parameters = "/sys/module/zfs/parameters"
	arcstats   = "/proc/spl/kstat/zfs/arcstats"
	meminfo    = "/proc/meminfo"

	mib = 1 << 20
	gib = 1 << 30

	leastMin = 32 * mib
	leastMax = 64 * mib

	used = 20 * gib // by programs
)

// How fast the cache changes, in bytes a second: it fills as people read, and
// gives back little unless memory is short.
const (
	growth   = 48 * mib
	shrink   = 2 * mib
	pressed  = 2 * gib
	hitRate  = 9_800 // a second
	missRate = 150
)

// module is ZFS' kernel module, as far as its cache goes.
type module struct {
	ram                uint64
	wroteMin, wroteMax uint64 // what the parameters' files hold; 0 is nobody's
	min, max           uint64 // c_min, c_max
	target, size       float64
	hits, misses       float64
	throttled          uint64
	pressure           bool
	at                 time.Time // when all this was so
}

// newModule is the module as it is loaded with parameters (0: its own choice), by
// a host that has run for a while.
func newModule(ram, min, max uint64, now time.Time) *module {
	m := &module{ram: ram, min: ram / 32, max: ram - gib, wroteMin: min, wroteMax: max, at: now, hits: 123_456_789, misses: 1_904_117}
	// Only while it is loaded does a maximum push the minimum down.
	if max >= leastMax && max < ram {
		if m.max = max; m.min >= m.max {
			m.min = m.max / 2
		}
	}
	m.tune(nil)
	m.target = m.ceiling()
	m.size = m.target * 0.87
	return m
}

// ceiling is what the cache grows to: its maximum, or what programs leave to it.
func (m *module) ceiling() float64 {
	left := float64(m.ram) - used - 2*gib
	return max(float64(m.min), min(float64(m.max), left))
}

// tune is what the module does after each write: it looks at the minimum, then at
// the maximum, takes what its rules allow, and warns of what it ignores. A value
// that was ignored before may hold now.
func (m *module) tune(warn func(format string, args ...any)) {
	if v := m.wroteMin; v != 0 && v != m.min && v >= leastMin && v <= m.max {
		m.min = v
		m.target = max(m.target, float64(v))
	}
	if v := m.wroteMin; v != 0 && v != m.min && warn != nil {
		warn("WARNING: ignoring tunable zfs_arc_min (using %d instead)", m.min)
	}
	if v := m.wroteMax; v != 0 && v != m.max && v >= leastMax && v < m.ram && v > m.min {
		m.max = v
		m.target = min(m.target, float64(v))
	}
	if v := m.wroteMax; v != 0 && v != m.max && warn != nil {
		warn("WARNING: ignoring tunable zfs_arc_max (using %d instead)", m.max)
	}
}

// pass lets the time pass until now.
func (m *module) pass(now time.Time) {
	s := now.Sub(m.at).Seconds()
	if s <= 0 {
		return
	}
	m.at = now
	m.hits += s * hitRate
	m.misses += s * missRate
	if m.pressure {
		m.target = max(float64(m.min), m.target-s*pressed)
		m.size = max(m.target, m.size-s*pressed)
		return
	}
	m.target = min(max(m.target, m.ceiling()), m.target+s*growth)
	if m.size > m.target {
		m.size = max(m.target, m.size-s*shrink)
	} else {
		m.size = min(m.target, m.size+s*growth)
	}
}

// stats is arcstats. The head's figures mean nothing to anybody.
func (m *module) stats() string {
	var b strings.Builder
	b.WriteString("9 1 0x01 147 39984 8211213 9712331212\nname                            type data\n")
	size := uint64(m.size)
	free := int64(m.ram) - int64(m.size) - used
	for _, l := range []struct {
		name  string
		kind  int
		value any
	}{
		{"hits", 4, uint64(m.hits)}, {"iohits", 4, uint64(m.hits / 200)}, {"misses", 4, uint64(m.misses)},
		{"demand_data_hits", 4, uint64(m.hits * 0.7)}, {"demand_data_iohits", 4, uint64(m.hits / 300)}, {"demand_data_misses", 4, uint64(m.misses * 0.6)},
		{"demand_metadata_hits", 4, uint64(m.hits * 0.28)}, {"demand_metadata_iohits", 4, uint64(0)}, {"demand_metadata_misses", 4, uint64(m.misses * 0.1)},
		{"prefetch_data_hits", 4, uint64(m.hits * 0.015)}, {"prefetch_data_iohits", 4, uint64(0)}, {"prefetch_data_misses", 4, uint64(m.misses * 0.25)},
		{"prefetch_metadata_hits", 4, uint64(m.hits * 0.005)}, {"prefetch_metadata_iohits", 4, uint64(0)}, {"prefetch_metadata_misses", 4, uint64(m.misses * 0.05)},
		{"mru_ghost_hits", 4, uint64(m.misses * 0.02)}, {"mfu_ghost_hits", 4, uint64(m.misses * 0.01)},
		{"c", 4, uint64(m.target)}, {"c_min", 4, m.min}, {"c_max", 4, m.max}, {"size", 4, size},
		{"mru_evictable_data", 4, size / 3}, {"mru_evictable_metadata", 4, size / 28},
		{"mfu_evictable_data", 4, size / 5 * 2}, {"mfu_evictable_metadata", 4, size / 28},
		{"arc_meta_used", 4, size / 9}, {"memory_throttle_count", 4, m.throttled},
		{"memory_all_bytes", 4, m.ram}, {"memory_free_bytes", 4, uint64(max(0, free))}, {"memory_available_bytes", 3, free - int64(m.ram/64)},
	} {
		fmt.Fprintf(&b, "%-31s %d    %d\n", l.name, l.kind, l.value)
	}
	return b.String()
}

// memory is /proc/meminfo. The kernel counts the cache as used, not as available.
func (m *module) memory() string {
	free := max(0, int64(m.ram)-int64(m.size)-used) / 1024
	return fmt.Sprintf("MemTotal:       %d kB\nMemFree:        %d kB\nMemAvailable:   %d kB\nBuffers:        %d kB\nCached:         %d kB\nSwapCached:     0 kB\nSwapTotal:      8388608 kB\nSwapFree:       8388608 kB\nHugePages_Total:       0\n",
		m.ram/1024, free, free, 1024, 2048)
}

// refresh writes down what is made up as it is read.
func (h *Host) refresh(path string) {
	if path != arcstats && path != meminfo && path != "/proc/uptime" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	up := now.Sub(h.booted).Seconds()
	_ = h.put("/proc/uptime", fmt.Sprintf("%.2f %.2f\n", up, up*15), 0o444)
	if h.zfs != nil {
		h.zfs.pass(now)
		_ = h.put(arcstats, h.zfs.stats(), 0o444)
		_ = h.put(meminfo, h.zfs.memory(), 0o444)
	}
}

// writeParameter is what the kernel does with a write to a parameter.
func (h *Host) writeParameter(name string, data []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.zfs == nil || name != "zfs_arc_min" && name != "zfs_arc_max" {
		return syscall.EACCES
	}
	v, err := strconv.ParseUint(strings.TrimSpace(string(data)), 0, 64)
	if err != nil {
		return syscall.EINVAL
	}
	h.zfs.pass(time.Now())
	if name == "zfs_arc_min" {
		h.zfs.wroteMin = v
	} else {
		h.zfs.wroteMax = v
	}
	h.zfs.tune(func(format string, args ...any) { h.logged("", format, args...) })
	return h.putParameters()
}

func (h *Host) putParameters() error {
	for name, v := range map[string]uint64{"zfs_arc_min": h.zfs.wroteMin, "zfs_arc_max": h.zfs.wroteMax} {
		if err := h.put(parameters+"/"+name, strconv.FormatUint(v, 10)+"\n", 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Pressure makes memory short, so that the cache gives back what it has above its
// minimum; false ends that.
func (h *Host) Pressure(short bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.zfs == nil {
		return
	}
	h.zfs.pass(time.Now())
	h.zfs.pressure = short
	if short {
		h.zfs.throttled += 17
	}
}
