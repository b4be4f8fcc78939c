package linux

import (
	"math"
	"time"
)

// Options say what to measure and what is still well.
type Options struct {
	// Host is the configured name of the host, which readings carry.
	Host string
	// Proc is where procfs is mounted; /proc.
	Proc string
	// Sys is where sysfs is mounted; /sys.
	Sys string
	// Fstab is the table of what is to be mounted; /etc/fstab.
	Fstab string
	// Timeout is how long one part (or one filesystem) may take; 2 s.
	Timeout time.Duration
	// Zone gives the zone of the times in readings, anew for each; nil is UTC.
	Zone func() *time.Location
	// Limits are what is still well.
	Limits Limits
	// Statfs asks for the room in the filesystem at a path; the kernel does it.
	// It may block for as long as it likes.
	Statfs func(path string) (Room, error)
}

// Limits are the borders between ok and not ok. Zero stands for the default that
// is named here, and a negative number for "never not ok".
type Limits struct {
	// LoadPerCPU is the load over 15 minutes, for each CPU, above which the
	// host is overloaded; 2.
	LoadPerCPU float64
	// MemoryAvailable is how many percent of the memory must be available; 5.
	MemoryAvailable float64
	// SwapUsed is at how many percent swap counts as used up; 90.
	SwapUsed float64
	// DiskUsed is at how many percent a filesystem counts as full; 90.
	DiskUsed float64
	// InodesUsed is the same for its inodes; 90.
	InodesUsed float64
	// PressureCPU is how many percent of the last minute some task may have
	// waited for a CPU; 95, for a machine that is kept busy is no harm yet.
	PressureCPU float64
	// PressureIO is how many percent of the last minute all tasks may have
	// waited for disks; 50.
	PressureIO float64
	// PressureMemory is how many percent of the last minute all tasks may have
	// waited for memory; 10, since that already is thrashing.
	PressureMemory float64
	// Temperature in °C at which a sensor that names no critical temperature of
	// its own is too hot; 95.
	Temperature float64
}

// limit gives the border that a configured one stands for, where a higher figure
// is worse.
func limit(configured, standard float64) float64 {
	switch {
	case configured < 0:
		return math.Inf(1)
	case configured == 0:
		return standard
	}
	return configured
}

func (l Limits) filled() Limits {
	l.LoadPerCPU = limit(l.LoadPerCPU, 2)
	l.SwapUsed = limit(l.SwapUsed, 90)
	l.DiskUsed = limit(l.DiskUsed, 90)
	l.InodesUsed = limit(l.InodesUsed, 90)
	l.PressureCPU = limit(l.PressureCPU, 95)
	l.PressureIO = limit(l.PressureIO, 50)
	l.PressureMemory = limit(l.PressureMemory, 10)
	l.Temperature = limit(l.Temperature, 95)
	// Of memory less is worse: "never" is a floor that nothing falls below.
	if l.MemoryAvailable == 0 {
		l.MemoryAvailable = 5
	}
	return l
}

func (o Options) filled() Options {
	if o.Proc == "" {
		o.Proc = "/proc"
	}
	if o.Sys == "" {
		o.Sys = "/sys"
	}
	if o.Fstab == "" {
		o.Fstab = "/etc/fstab"
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Zone == nil {
		o.Zone = func() *time.Location { return time.UTC }
	}
	if o.Statfs == nil {
		o.Statfs = statfs
	}
	o.Limits = o.Limits.filled()
	return o
}
