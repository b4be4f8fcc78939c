package host

import (
	"context"
	"time"

	"watchstander/bot"
)

// The looks of integrations/zfs.
const (
	// LookPools takes no arguments and answers Pools.
	LookPools = "zfs.status"
	// LookARC takes no arguments and answers an ARC. It takes some seconds, in
	// which it counts.
	LookARC = "zfs.arc"
)

// ARCSetOperation is the name of the operation that sets the limits of ZFS'
// cache while it runs. ARCMax and ARCMin are its arguments, at least one of
// them, each a size (ParseBytes); in plans they are in the form of Bytes.Exact.
const (
	ARCSetOperation bot.OperationName = "zfs.arc.set"
	ARCMax          string            = "max"
	ARCMin          string            = "min"
)

// Pools are a host's imported pools.
type Pools struct {
	At time.Time `json:"at"`
	// Source is the program that told: "zpool status -j".
	Source string `json:"source"`
	Pools  []Pool `json:"pools"`
	// Datasets that are nearly at their quota. Those without one share what the
	// pool has.
	Datasets []Dataset `json:"datasets,omitempty"`
	// Unknown are sentences on what could not be found out.
	Unknown []string `json:"unknown,omitempty"`
}

// Pool is one pool. A figure that is nil is unknown.
type Pool struct {
	Name string `json:"name"`
	// Health is ZFS' own word: ONLINE, DEGRADED, FAULTED, SUSPENDED, …
	Health string `json:"health"`
	// Status and Action are ZFS' own sentences on what is wrong, "" for nothing.
	Status string `json:"status,omitempty"`
	Action string `json:"action,omitempty"`
	Size   *Bytes `json:"size,omitempty"`
	Alloc  *Bytes `json:"alloc,omitempty"`
	Free   *Bytes `json:"free,omitempty"`
	// Capacity and Fragmentation are whole percents, the latter of the free space.
	Capacity      *int `json:"capacity,omitempty"`
	Fragmentation *int `json:"fragmentation,omitempty"`
	// Lost is how many pieces of data are known to be damaged beyond repair.
	Lost *int64 `json:"lost,omitempty"`
	// Read, Write and Checksum are the errors of all devices since they were last
	// cleared.
	Read     int64 `json:"read"`
	Write    int64 `json:"write"`
	Checksum int64 `json:"checksum"`
	// Uncounted are the devices of which one of these is not told; the pool's own
	// name where no device is.
	Uncounted []string `json:"uncounted,omitempty"`
	// Devices are those that are not well or have errors.
	Devices []Device `json:"devices,omitempty"`
	// Scrub is the last scrub. ZFS remembers one scan alone: after a resilver
	// nothing is known of the scrub before it, and Scrub is nil.
	Scrub *Scan `json:"scrub,omitempty"`
	// Resilver is the last one, or the one under way.
	Resilver *Scan `json:"resilver,omitempty"`
	// State is the judgement, and Why its reasons where it is not OK.
	State bot.ReadingState `json:"state"`
	Why   []string         `json:"why,omitempty"`
}

// Device is one device of a pool.
type Device struct {
	Name  string `json:"name"`
	State string `json:"state"`
	// Note is ZFS' own word on it: "was /dev/sda1", "too many errors".
	Note     string `json:"note,omitempty"`
	Read     int64  `json:"read"`
	Write    int64  `json:"write"`
	Checksum int64  `json:"checksum"`
}

// Scan is one scrub or resilver.
type Scan struct {
	State ScanState `json:"state"`
	Start time.Time `json:"start,omitzero"`
	// End is when it finished or was cancelled.
	End time.Time `json:"end,omitzero"`
	// Repaired is what it mended; as zpool rounds it, where only its words are read.
	Repaired Bytes `json:"repaired"`
	Errors   int64 `json:"errors"`
	// Uncounted: how many errors there were is not told.
	Uncounted bool `json:"uncounted,omitempty"`
	// Done is the share of what is to be read, in percent, while it is under way.
	Done float64 `json:"done,omitempty"`
}

// ScanState is how far a Scan is.
type ScanState string

const (
	ScanNever    ScanState = "never" // none was ever run
	ScanRunning  ScanState = "running"
	ScanPaused   ScanState = "paused"
	ScanFinished ScanState = "finished"
	ScanCanceled ScanState = "canceled"
)

// Dataset is one dataset that has a quota.
type Dataset struct {
	Name  string `json:"name"`
	Used  Bytes  `json:"used"`
	Quota Bytes  `json:"quota"`
}

// ARC is ZFS' cache. A figure that is nil is unknown: the kernel's version does
// not have it.
type ARC struct {
	At time.Time `json:"at"`
	// Size is what it holds, Target (c) what it aims at, Min and Max (c_min, c_max)
	// the limits that hold.
	Size   Bytes `json:"size"`
	Target Bytes `json:"target"`
	Min    Bytes `json:"min"`
	Max    Bytes `json:"max"`
	// RAM is all memory that ZFS could have.
	RAM *Bytes `json:"ram,omitempty"`
	// Available is what ZFS takes for free beyond what it leaves to others; below
	// zero it must shrink.
	Available *Bytes `json:"available,omitempty"`
	// Meta is the part that holds metadata.
	Meta *Bytes `json:"meta,omitempty"`
	// Throttled counts how often a write had to wait for memory since ZFS was loaded.
	Throttled *int64 `json:"throttled,omitempty"`
	// Boot are the reads since ZFS was loaded, Sample those within SampleSeconds
	// now; nil where the second look failed or the counters went backwards.
	Boot          Reads  `json:"boot"`
	Sample        *Reads `json:"sample,omitempty"`
	SampleSeconds int    `json:"sample_seconds,omitempty"`
	// Parameters are zfs_arc_min and zfs_arc_max as somebody wrote them.
	Parameters []ARCParameter `json:"parameters"`
	// Signs speak for or against other limits.
	Signs []ARCSign `json:"signs"`
}

// Reads are reads that went through the cache.
type Reads struct {
	All Share `json:"all"`
	// What programs waited for, and what ZFS read ahead; nil where it is not told
	// apart.
	DemandData       *Share `json:"demand_data,omitempty"`
	DemandMetadata   *Share `json:"demand_metadata,omitempty"`
	PrefetchData     *Share `json:"prefetch_data,omitempty"`
	PrefetchMetadata *Share `json:"prefetch_metadata,omitempty"`
	// MRUGhost and MFUGhost are misses of what had been in the cache shortly before,
	// used once or often: a larger one would have held it.
	MRUGhost *int64 `json:"mru_ghost,omitempty"`
	MFUGhost *int64 `json:"mfu_ghost,omitempty"`
	// Throttled counts writes that had to wait for memory.
	Throttled *int64 `json:"throttled,omitempty"`
}

// Share is how reads ended: in the cache, with a read of the same block that was
// under way (IOHits), or on the disks.
type Share struct {
	Hits   int64 `json:"hits"`
	IOHits int64 `json:"iohits"`
	Misses int64 `json:"misses"`
}

// Total is the number of reads.
func (s Share) Total() int64 { return s.Hits + s.IOHits + s.Misses }

// Ratio is the percentage of hits; ok is false where nothing was read.
func (s Share) Ratio() (percent float64, ok bool) {
	if s.Total() <= 0 {
		return 0, false
	}
	return float64(s.Hits) / float64(s.Total()) * 100, true
}

// ARCParameter is one module parameter, and what the kernel made of it.
type ARCParameter struct {
	Name string `json:"name"` // "zfs_arc_max"
	// Written is what the parameter's file holds; 0 leaves it to the kernel.
	Written Bytes `json:"written"`
	// Effective is the limit that holds.
	Effective Bytes      `json:"effective"`
	State     ParamState `json:"state"`
	// Why is the kernel's rule that the written value breaks, where it is ignored.
	Why string `json:"why,omitempty"`
}

// ParamState is what became of a written parameter.
type ParamState string

const (
	ParamDefault ParamState = "default" // nobody set it
	ParamApplied ParamState = "applied"
	ParamIgnored ParamState = "ignored" // written, and not obeyed
	ParamUnknown ParamState = "unknown" // the file cannot be read
)

// ARCSign is a piece of evidence for what the limits should be.
type ARCSign struct {
	// For is "raise", "lower", "keep" or "unknown".
	For  string `json:"for"`
	Text string `json:"text"`
}

// PoolsOf asks a host for its pools.
func PoolsOf(ctx context.Context, l bot.Looker, host string) (Pools, error) {
	return ask[Pools](ctx, l, host, LookPools, nil)
}

// ARCOf asks a host for its cache.
func ARCOf(ctx context.Context, l bot.Looker, host string) (ARC, error) {
	return ask[ARC](ctx, l, host, LookARC, nil)
}
