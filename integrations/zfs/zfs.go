package zfs

import (
	"context"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// Options are the host's facts, and what may be done.
type Options struct {
	// Zpool and ZFS are the programs' absolute paths; those of the system that was
	// booted, since they fit the kernel module that runs.
	Zpool, ZFS string
	// Max and Min are what the limits may be set to, beside the kernel's own rules.
	Max, Min Range
	// Sample is how long `zfs arc` counts; 3 s.
	Sample time.Duration
	// Timeout bounds each program; 20 s.
	Timeout time.Duration
	// CapacityUsed is at how many percent a pool counts as full; 80, beyond which
	// ZFS slows down.
	CapacityUsed int
	// QuotaUsed is the same for a dataset with a quota; 90.
	QuotaUsed int
	// ScrubWithin is how old the last scrub may be; 35 days, for monthly ones.
	ScrubWithin time.Duration
	// Snapshots are the datasets of which sanoid or zfs-auto-snapshot ought to keep some.
	Snapshots []string
}

// Range is what an amount may be; 0 leaves an end open.
type Range struct{ From, To host.Bytes }

// ZFS is the ZFS of one host.
type ZFS struct {
	h sys.Host
	o Options
}

// New makes the ZFS of a host. It touches nothing yet.
func New(h sys.Host, o Options) *ZFS {
	if o.Zpool == "" {
		o.Zpool = "/run/booted-system/sw/bin/zpool"
	}
	if o.ZFS == "" {
		o.ZFS = "/run/booted-system/sw/bin/zfs"
	}
	if o.Sample <= 0 {
		o.Sample = 3 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	if o.CapacityUsed <= 0 {
		o.CapacityUsed = 80
	}
	if o.QuotaUsed <= 0 {
		o.QuotaUsed = 90
	}
	if o.ScrubWithin <= 0 {
		o.ScrubWithin = 35 * 24 * time.Hour
	}
	return &ZFS{h: h, o: o}
}

// Looks are the questions that it answers.
func (z *ZFS) Looks() []bot.Look {
	return []bot.Look{
		{Name: host.LookPools, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if len(args) > 0 {
				return nil, bot.Errorf(bot.CodeInvalid, "%s takes no arguments.", host.LookPools)
			}
			return z.Pools(ctx)
		}},
		{Name: host.LookARC, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if len(args) > 0 {
				return nil, bot.Errorf(bot.CodeInvalid, "%s takes no arguments.", host.LookARC)
			}
			return z.ARC(ctx)
		}},
	}
}

// now is the moment of a look or a reading.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// longest is how many characters of others' words are repeated.
const longest = 300

func line(s string) string { return clean.Line(s, longest) }
