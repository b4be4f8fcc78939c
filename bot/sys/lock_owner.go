package sys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// life is this process's own mark in its lock files. It tells them from those of
// an earlier process that had the same number.
var life = rand.Text()

// owner is what a lock file tells of who made it.
type owner struct {
	pid    int    // 0: the file does not say
	holder string // the second line
	// The third line is there in ours only.
	life, boot string
	start      uint64 // in the kernel's ticks since boot
}

func (t *Tree) me(holder string) owner {
	o := owner{pid: t.pid, holder: strings.Join(strings.Fields(holder), " "), life: t.life, boot: t.boot()}
	o.start, _ = t.started(o.pid)
	return o
}

func (o owner) text() []byte {
	// The last word tells one lock of this process from the next.
	return fmt.Appendf(nil, "%d\n%s\nwatchstander life=%s boot=%s start=%d lock=%s\n",
		o.pid, o.holder, o.life, o.boot, o.start, rand.Text())
}

// parseOwner reads a lock file of ours or of others.
func parseOwner(text string) owner {
	lines := strings.Split(text, "\n")
	var o owner
	if pid, err := strconv.ParseInt(strings.TrimSpace(lines[0]), 10, 32); err == nil && pid > 0 {
		o.pid = int(pid)
	}
	if len(lines) > 1 {
		o.holder = strings.TrimSpace(lines[1])
	}
	if len(lines) > 2 {
		if n, err := fmt.Sscanf(lines[2], "watchstander life=%s boot=%s start=%d", &o.life, &o.boot, &o.start); n != 3 || err != nil {
			o.life, o.boot, o.start = "", "", 0
		}
	}
	return o
}

// stale tells whether the owner is gone for sure.
func (t *Tree) stale(o owner) bool {
	if o.pid == 0 {
		return false // nothing is known of it; it may be writing its number just now
	}
	if o.life != "" {
		if o.pid == t.pid {
			return o.life != t.life
		}
		if boot := t.boot(); boot != "-" && o.boot != "-" && boot != o.boot {
			return true
		}
	}
	start, known := t.started(o.pid)
	if !known {
		return false
	}
	return start == 0 || o.life != "" && o.start != 0 && start != o.start
}

// boot is the id of this boot, "-" where it is not to be had.
func (t *Tree) boot() string {
	text, err := t.Read("/proc/sys/kernel/random/boot_id", 64)
	if id := strings.TrimSpace(string(text)); err == nil && id != "" && !strings.Contains(id, " ") {
		return id
	}
	return "-"
}

// started tells when a process began, in ticks since boot: 0 when there is no
// such process. known is false where nothing can be known.
func (t *Tree) started(pid int) (ticks uint64, known bool) {
	text, err := t.Read(path.Join("/proc", strconv.Itoa(pid), "stat"), 4096)
	if errors.Is(err, fs.ErrNotExist) {
		// A tree without processes says nothing; and on this machine itself, those
		// of others may be hidden.
		_, there := t.Stat("/proc/sys")
		hidden := t.dir == "/" && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
		return 0, there == nil && !hidden
	}
	if err != nil {
		return 0, false
	}
	// The name in brackets may hold anything, brackets too.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return 0, false
	}
	if fields[0] == "Z" {
		return 0, true // a dead process whose parent has not looked holds nothing
	}
	ticks, err = strconv.ParseUint(fields[19], 10, 64) // field 22 of proc_pid_stat(5)
	return ticks, err == nil
}

// describe is a holder in words: "process 4711 (nixos-rebuild)".
func (t *Tree) describe(o owner, written time.Time) string {
	if o.pid == 0 {
		return o.holder
	}
	by := t.process(o.pid)
	if o.life != "" && o.holder != "" {
		by += ": " + o.holder
	} else if ticks, known := t.started(o.pid); known && ticks > 0 && !written.IsZero() {
		if began, ok := t.wall(ticks); ok && began.After(written.Add(time.Minute)) {
			by += ", which began after the lock was taken: the lock may be a left-over"
		}
	}
	return by
}

// wall turns ticks since boot into a time. The kernel's clock is counted in
// hundredths of a second for programs, whatever it is inside.
func (t *Tree) wall(ticks uint64) (time.Time, bool) {
	text, err := t.Read("/proc/stat", 4<<20)
	if err != nil {
		return time.Time{}, false
	}
	_, after, found := strings.Cut("\n"+string(text), "\nbtime ")
	first, _, _ := strings.Cut(after, "\n")
	boot, err := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	if !found || err != nil {
		return time.Time{}, false
	}
	return time.Unix(boot, 0).Add(time.Duration(ticks) * 10 * time.Millisecond), true
}

// process is "process 4711 (bash)", as far as it can be told.
func (t *Tree) process(pid int) string {
	name := fmt.Sprintf("process %d", pid)
	if text, err := t.Read(path.Join("/proc", strconv.Itoa(pid), "comm"), 256); err == nil {
		if comm := harmless(strings.TrimSpace(string(text))); comm != "" {
			name += " (" + comm + ")"
		}
	}
	return name
}

// harmless keeps the plain letters of a process's name, which it may choose
// itself.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
