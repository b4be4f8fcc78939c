package linux

import (
	"cmp"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// volume is one filesystem to ask for its room, or all datasets of one ZFS pool.
type volume struct {
	name  string // the mount point or the pool, for people
	pool  bool
	kind  string   // its type, "ext4"
	paths []string // where it can be asked; for a pool one of each dataset
	// cover is what hides the only mount points, when paths is empty.
	cover string
	// covered is how many datasets of the pool have no mount point that can be seen.
	covered int
	mounts  []*procfs.MountInfo // all of the filesystem's; the first gives it its name
	writing writing
	// quiet volumes make a line only when they are not ok.
	quiet bool
}

// kernelOnly are filesystems without storage. Others without storage are seen
// by their having no room at all; these are not even asked, because asking can
// have effects (autofs mounts) or hang for nothing.
var kernelOnly = set(
	"autofs", "binder", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs",
	"devpts", "devtmpfs", "efivarfs", "fusectl", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal",
	"hugetlbfs", "mqueue", "nfsd", "nsfs", "proc", "pstore", "ramfs", "resctrl", "rootfs",
	"rpc_pipefs", "securityfs", "selinuxfs", "smackfs", "sysfs", "tracefs",
)

// images are full by nature.
var images = set("squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs", "fuse.squashfuse", "fuse.snapfuse")

// inMemory are the places where a tmpfs that is full stops programs; elsewhere
// they belong to one program, and their size is its own affair.
var inMemory = set("/", "/dev/shm", "/run", "/tmp")

// engineFiles are what container engines mount from the host's disk into every
// container; the disk is not the container's.
var engineFiles = set("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv")

// clones are where engines keep layers as ZFS clones, which share their data:
// counted one by one they would seem to hold it many times.
var clones = []string{"/var/lib/docker/zfs/", "/var/lib/containers/storage/zfs"}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// volumes picks what to look at: each filesystem once, pools at the end. wishes are
// what fstab says of mount points: whether they are to be read-only.
func volumes(mounts []*procfs.MountInfo, wishes map[string]bool) []volume {
	confined := confinedView(mounts)
	visible := visibility(mounts)
	var devices []string // in the order of first sight
	byDevice := map[string][]*procfs.MountInfo{}
	for _, m := range mounts {
		if !stored(m) {
			continue
		}
		if byDevice[m.MajorMinorVer] == nil {
			devices = append(devices, m.MajorMinorVer)
		}
		byDevice[m.MajorMinorVer] = append(byDevice[m.MajorMinorVer], m)
	}

	var found []volume
	pools := map[string]*volume{}
	for _, device := range devices {
		v := oneVolume(byDevice[device], visible)
		v.writing = writable(v.mounts, confined, wishes)
		if v.kind != "zfs" {
			found = append(found, v)
			continue
		}
		name, _, _ := strings.Cut(byDevice[device][0].Source, "/")
		pool := pools[name]
		if pool == nil {
			pool = &volume{name: line(name), pool: true, kind: "zfs"}
			pools[name] = pool
		}
		pool.paths = append(pool.paths, v.paths[:min(1, len(v.paths))]...)
		if len(v.paths) == 0 {
			pool.covered++
			pool.cover = cmp.Or(pool.cover, v.cover)
		}
	}
	for _, pool := range pools {
		found = append(found, *pool)
	}
	slices.SortStableFunc(found, func(a, b volume) int {
		if a.pool != b.pool {
			if a.pool {
				return 1
			}
			return -1
		}
		return strings.Compare(a.name, b.name)
	})
	return found
}

// stored tells whether a mount is of a filesystem that can run full.
func stored(m *procfs.MountInfo) bool {
	point := unescape(m.MountPoint)
	switch {
	case kernelOnly[m.FSType], images[m.FSType], engineFiles[point]:
		return false
	case m.FSType == "tmpfs":
		return inMemory[point]
	case m.FSType == "overlay", m.FSType == "aufs":
		// A layer over a disk that is seen by itself, except in a container.
		return point == "/"
	case m.FSType == "zfs":
		// Snapshots are full by nature.
		return !strings.Contains(m.Source, "@") && !slices.ContainsFunc(clones, func(dir string) bool {
			return strings.HasPrefix(point, dir)
		})
	}
	return true
}

// oneVolume makes one of all mounts of a filesystem. Its name is the whole
// filesystem's mount point, if it has one, and else the shortest.
func oneVolume(mounts []*procfs.MountInfo, visible map[*procfs.MountInfo]*procfs.MountInfo) volume {
	mounts = slices.Clone(mounts)
	slices.SortStableFunc(mounts, func(a, b *procfs.MountInfo) int {
		return cmp.Or(
			-compareBool(a.Root == "/", b.Root == "/"),
			cmp.Compare(len(a.MountPoint), len(b.MountPoint)),
			strings.Compare(a.MountPoint, b.MountPoint),
		)
	})
	best := mounts[0]
	v := volume{kind: best.FSType}
	for _, m := range mounts {
		switch top := visible[m]; {
		case top == m:
			if len(v.paths) == 0 {
				best = m
			}
			v.paths = append(v.paths, unescape(m.MountPoint))
		case v.cover == "" && top != nil:
			v.cover = line(top.FSType)
		}
	}
	point := unescape(best.MountPoint)
	v.name = line(point)
	v.quiet = best.FSType == "tmpfs" && point != "/"
	v.mounts = mounts
	i := slices.Index(mounts, best)
	v.mounts[0], v.mounts[i] = best, mounts[0]
	return v
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// longestPath is the kernel's PATH_MAX, with each byte escaped. The walk along a
// path costs the square of its length, so it needs a bound.
const longestPath = 4 * 4096

// visibility tells for each mount what is found at its mount point: itself, or
// what was mounted over it or over a folder above it. It walks each path as the
// kernel does, from the root through the mounts on the way.
func visibility(mounts []*procfs.MountInfo) map[*procfs.MountInfo]*procfs.MountInfo {
	type place struct {
		parent int
		point  string
	}
	known := map[int]bool{}
	for _, m := range mounts {
		known[m.MountID] = true
	}
	over := map[place]*procfs.MountInfo{}
	var root *procfs.MountInfo
	for _, m := range mounts {
		if m.ParentID != m.MountID {
			over[place{m.ParentID, m.MountPoint}] = m
		}
		if root == nil && m.MountPoint == "/" && (!known[m.ParentID] || m.ParentID == m.MountID) {
			root = m
		}
	}
	found := make(map[*procfs.MountInfo]*procfs.MountInfo, len(mounts))
	for _, m := range mounts {
		if root == nil || len(m.MountPoint) > longestPath {
			// Not a table as kernels write it: believe each mount.
			found[m] = m
			continue
		}
		at := root
		for prefix := range prefixes(m.MountPoint) {
			// A table that loops must not loop us.
			for range mounts {
				next := over[place{at.MountID, prefix}]
				if next == nil || next == at {
					break
				}
				at = next
			}
		}
		found[m] = at
	}
	return found
}

// prefixes gives "/", "/a", "/a/b" for "/a/b".
func prefixes(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if !yield("/") {
			return
		}
		for i := 1; i < len(path); i++ {
			if path[i] == '/' && !yield(path[:i]) {
				return
			}
		}
		if len(path) > 1 {
			yield(path)
		}
	}
}

// unescape undoes what the kernel does to spaces, tabs, newlines and backslashes
// in mountinfo: a backslash and three octal digits.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, ok := octal(s[i+1 : i+4]); ok {
				b.WriteByte(c)
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(digits string) (byte, bool) {
	n := 0
	for _, d := range []byte(digits) {
		if d < '0' || d > '7' {
			return 0, false
		}
		n = n*8 + int(d-'0')
	}
	return byte(n), n < 256
}
