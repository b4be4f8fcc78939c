// Package linux measures the host that the bot runs on, from the files that the
// kernel shows to everybody: load, memory, swap, pressure, disks, the health of
// ZFS pools, temperature, uptime. [New] makes one bot.Probe of it, which the
// command `status`, checklists and verifications read; [Boot] and [Reboot] tell
// that the host was started anew.
//
// It runs inside the unprivileged bot and starts no program. What needs
// privileges (a pool's capacity, errors and scrubs) is not guessed at: the
// integration for ZFS, inside the agent, knows it.
//
// # Nothing hangs, and nothing is left out silently
//
// Each part is read in its own goroutine with a limit of time (bound.go): a dead
// NFS server, a suspended pool or a stuck FUSE daemon costs one line of the
// answer, "unknown" with the reason, and no more than one waiting goroutine
// however often it is asked again. What cannot be read, parsed or believed is
// "unknown" too. What the host does not have (ZFS, sensors) makes no line.
//
// # What the numbers mean
//
// Percentages are rounded down, so that a figure never looks as if it had reached
// a limit that it has not. Sizes are in powers of 1024. A disk is used by what
// df says: the share of what may be written by ordinary users, the reserve for
// root left aside.
//
// The cache of ZFS (ARC) is no page cache, and MemAvailable does not hold it,
// although it shrinks when programs ask for memory. It is added here, as far as
// it can shrink, and the reading says so.
//
// # Which disks
//
// disk.go judges what mount.go picks from mountinfo: every filesystem once,
// however often it is mounted; the datasets of a ZFS pool together; nothing that
// lives in memory or in the kernel, with few exceptions. A filesystem that the
// bot cannot reach because something is mounted over it (systemd's
// ProtectHome=, for one) is unknown, and not taken for what covers it; of a pool the
// covered datasets are counted. One that has become read-only after errors is told
// by its own state, not by the flags of its mounts, which are the unit's; what was
// wished, /etc/fstab says (readonly.go).
//
// The bot's own unit must leave it the sight of the host: ProcSubset=pid hides
// all of this, ProtectHome= and InaccessiblePaths= hide disks.
//
// Neighbours: package bot gives the words; main hands the probe to the World and
// tells flow of reboots. The package is a leaf.
package linux
