package linux

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// writing is what can be told of whether a filesystem can be written.
type writing int8

const (
	written    writing = iota
	asWished           // read-only, because it was mounted so
	fallen             // mounted to be written, and the kernel has stopped that
	unexpected         // it is to be written by fstab, and cannot be
	unclear            // read-only; from here nobody can tell whether that is wished
)

// stops are the filesystems that the kernel makes read-only when it meets errors in
// them. Datasets of ZFS are none: their pool is suspended as a whole, which its state
// tells, and read-only datasets are what replication makes.
var stops = set("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "reiserfs", "ubifs", "vfat", "xfs")

// writable tells whether the filesystem with these mounts can be written, of which
// the first stands for it. What counts is the filesystem's own state ("super
// options", behind the dash in mountinfo): it is the same for all who look. A mount's
// own flag may be this process's unit's (ProtectSystem=strict makes all mounts
// read-only for the bot alone): that it is set shows what was wished only where the
// mounts that are seen are the host's own, and not a view made for the unit.
func writable(mounts []*procfs.MountInfo, confined bool, wishes map[string]bool) writing {
	has := func(options map[string]string, name string) bool { _, ok := options[name]; return ok }
	of := mounts[0]
	// What newer kernels write when ext4 has given up.
	if has(of.SuperOptions, "emergency_ro") {
		return fallen
	}
	if !has(of.SuperOptions, "ro") {
		return written
	}
	named, wished := false, true
	for _, m := range mounts {
		if ro, ok := wishes[m.MountPoint]; ok {
			named, wished = true, wished && ro
		}
	}
	switch {
	case named && wished:
		return asWished
	case slices.ContainsFunc(mounts, func(m *procfs.MountInfo) bool { return has(m.Options, "rw") }):
		return fallen
	case !confined || !stops[of.FSType]:
		return asWished
	case named:
		return unexpected
	}
	return unclear
}

// confinedView tells whether the mounts are a view made for this process: their
// root gets what the host mounts and does not give back, as systemd makes it for
// units with a namespace of their own, or it alone is read-only.
func confinedView(mounts []*procfs.MountInfo) bool {
	for _, m := range mounts {
		if m.MountPoint != "/" {
			continue
		}
		_, slave := m.OptionalFields["master"]
		_, ro := m.Options["ro"]
		_, stopped := m.SuperOptions["ro"]
		if slave || ro && !stopped {
			return true
		}
	}
	return false
}

// mostFstab bounds /etc/fstab, in bytes.
const mostFstab = 1 << 20

// readFstab gives for each mount point that fstab(5) names whether it is to be
// read-only. The mount points are written as in mountinfo. A file that is not there
// wishes nothing.
func readFstab(path string) map[string]bool {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostFstab+1))
	if err != nil || len(data) > mostFstab {
		return nil
	}
	return parseFstab(string(data))
}

func parseFstab(text string) map[string]bool {
	wishes := map[string]bool{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 || strings.HasPrefix(f[0], "#") || !strings.HasPrefix(f[1], "/") {
			continue
		}
		var options []string
		if len(f) > 3 {
			options = strings.Split(f[3], ",")
		}
		// What is bound elsewhere has its wish there.
		if slices.Contains(options, "bind") || slices.Contains(options, "rbind") {
			continue
		}
		ro := false
		for _, o := range options {
			switch o {
			case "ro":
				ro = true
			case "rw", "defaults":
				ro = false
			}
		}
		wishes[f[1]] = ro
	}
	return wishes
}

var errUnclear = errors.New("it is read-only, and /etc/fstab does not name it: whether that is wished or after errors cannot be told from inside the bot's unit")
