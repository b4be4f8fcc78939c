package sys

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lookTime bounds the search for a lock's holder among all open files.
const lookTime = time.Second

// kernelHolder names who has a lock that the kernel keeps, "" where that cannot
// be seen. /proc/locks tells the process that took it, which may be gone: a shell
// script's flock(1) takes the lock for the shell and ends. And it tells none for
// open file description locks. Then whoever has the file open with the lock on it
// is looked for.
func (t *Tree) kernelHolder(l Lock) string {
	rel, err := t.walk("lock", l.Path)
	if err != nil {
		return ""
	}
	info, err := t.root.Stat(rel)
	if err != nil {
		return ""
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	id := fmt.Sprintf("%02x:%02x:%d", unix.Major(s.Dev), unix.Minor(s.Dev), s.Ino)
	kinds := []string{"FLOCK"}
	if l.Format == LockFcntl {
		kinds = []string{"POSIX", "OFDLCK"}
	}
	text, err := t.Read("/proc/locks", 16<<20)
	if err != nil {
		return ""
	}
	found := false
	for line := range strings.Lines(string(text)) {
		pid, ok := lockLine(line, id, kinds)
		if !ok {
			continue
		}
		found = true
		if ticks, known := t.started(pid); pid > 0 && known && ticks > 0 {
			return t.process(pid)
		}
	}
	if !found {
		return ""
	}
	return t.descriptorHolder(id, kinds)
}

// lockLine reads a line of /proc/locks:
//
//	1: FLOCK  ADVISORY  WRITE 4711 fe:00:393227 0 EOF
//	1: -> FLOCK … is somebody who waits.
func lockLine(line, id string, kinds []string) (pid int, ok bool) {
	f := strings.Fields(line)
	if len(f) < 6 || f[1] == "->" || !slices.Contains(kinds, f[1]) || f[5] != id {
		return 0, false
	}
	pid, err := strconv.Atoi(f[4])
	return pid, err == nil
}

// descriptorHolder looks through the open files of all processes.
func (t *Tree) descriptorHolder(id string, kinds []string) string {
	end := time.Now().Add(lookTime)
	processes, err := t.List("/proc")
	if err != nil {
		return ""
	}
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		dir := path.Join("/proc", p.Name(), "fdinfo")
		files, err := t.List(dir)
		if err != nil {
			continue // it has ended, or is not ours to look at
		}
		for _, f := range files {
			if time.Now().After(end) {
				return ""
			}
			text, err := t.Read(path.Join(dir, f.Name()), 64<<10)
			if err != nil && !errors.Is(err, ErrTooLong) {
				continue
			}
			for line := range strings.Lines(string(text)) {
				rest, isLock := strings.CutPrefix(line, "lock:")
				if _, ok := lockLine(rest, id, kinds); isLock && ok {
					if pid == os.Getpid() {
						return "this very process"
					}
					return t.process(pid)
				}
			}
		}
	}
	return ""
}
