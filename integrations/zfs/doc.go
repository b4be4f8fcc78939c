// Package zfs is ZFS as an operator sees and tunes it: pools and their scrubs,
// the ARC with its limits and how well it serves, and the one operation that
// changes those limits while ZFS runs.
//
// New makes the ZFS of one host. Looks answer `zfs status` and `zfs arc`, Probe
// and Snapshots serve `status` and checklists, ARCSet is the operation zfs.arc.set. All of it
// runs inside the agent, or in a unit that the agent started, and touches the
// host through a sys.Host alone.
//
// # What is believed
//
// The kernel takes a new limit or silently ignores it, and the parameter's file
// in sysfs keeps what was written either way. What holds is read from arcstats
// (c_min, c_max) and from nowhere else: kernel.go has the kernel's rules, set.go
// plans by them, run.go writes and reads back. What pools say is ZFS' own word,
// as JSON (OpenZFS 2.3) or as text; a figure that is missing is unknown, and
// never taken for zero.
//
// Neighbours: bot/host has the words that travel, bot/sys the host,
// integrations/linux reads what everybody may read without the agent. The package
// is a leaf.
package zfs
