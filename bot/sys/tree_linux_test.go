package sys_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot/sys"
)

// terminal makes a terminal, and tells whether somebody has opened it since: when
// that one has let go of it, the other end hears that it hung up.
func terminal(t *testing.T) (path string, wasOpened func() bool) {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	t.Cleanup(func() { unix.Close(master) })
	must(t, unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	must(t, err)
	return fmt.Sprintf("/dev/pts/%d", n), func() bool {
		fds := []unix.PollFd{{Fd: int32(master), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, 0)
		must(t, err)
		return fds[0].Revents&unix.POLLHUP != 0
	}
}

// Some devices do something as soon as they are opened: a watchdog begins to count
// down, a tape winds back. What is in a file's place without being one is not opened
// even for a moment, and is not waited for.
func TestDevicesAreNotOpened(t *testing.T) {
	tree, err := sys.OpenTree("/")
	must(t, err)
	defer tree.Close()
	device, wasOpened := terminal(t)
	link := t.TempDir() + "/link"
	must(t, os.Symlink(device, link))
	for name, try := range map[string]func(path string) error{
		"read":      func(p string) error { _, err := tree.Read(p, 10); return err },
		"open":      func(p string) error { _, err := tree.Open(p); return err },
		"write":     func(p string) error { return tree.Write(p, []byte("x")) },
		"list":      func(p string) error { _, err := tree.List(p); return err },
		"flock":     func(p string) error { return tryHold(t, tree, p, sys.LockFlock) },
		"fcntl":     func(p string) error { return tryHold(t, tree, p, sys.LockFcntl) },
		"pidfile":   func(p string) error { return tryHold(t, tree, p, sys.LockFile) },
		"directory": func(p string) error { return tryHold(t, tree, p, sys.LockDir) },
	} {
		for _, path := range []string{device, link} {
			err := try(path)
			// In /dev/pts nothing can be made, so that it comes to no look there.
			if !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, syscall.ENOTDIR) && !(path == device && errors.Is(err, fs.ErrPermission)) {
				t.Errorf("%s %s: %v", name, path, err)
			}
			if wasOpened() {
				t.Fatalf("%s opened %s", name, path)
			}
		}
	}
	// That it would have been seen.
	f, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	must(t, f.Close())
	if !wasOpened() {
		t.Error("opening the terminal was not noticed")
	}
}

func tryHold(t *testing.T, tree *sys.Tree, path string, format sys.LockFormat) error {
	release, err := tree.Hold(now(t), sys.Lock{Path: path, Format: format})
	if err == nil {
		err = errors.Join(errors.New("it was taken"), release())
	}
	return err
}

// What is exchanged between the look at a path and the opening is not opened.
func TestExchangedFilesAreNotOpened(t *testing.T) {
	tree := plant(t, map[string]string{"file": "is a file", "secret": "s", "other": "o", "link ->": "secret"})
	must(t, unix.Mkfifo(tree.Outside("/pipe"), 0o600))
	for _, rel := range []string{"link", "pipe"} { // in the place of what was there when the path was walked
		if f, err := tree.Pinned(rel, nil); err == nil {
			f.Close()
			t.Errorf("a %s was opened", rel)
		} else if !errors.Is(err, fs.ErrInvalid) {
			t.Error(err)
		}
	}
	// After the look, too: what was looked at is what is opened.
	f, err := tree.Pinned("file", func() { must(t, os.Rename(tree.Outside("/other"), tree.Outside("/file"))) })
	must(t, err)
	defer f.Close()
	text := make([]byte, 20)
	if n, err := f.Read(text); err != nil || string(text[:n]) != "is a file" {
		t.Errorf("%q was read, %v", text[:n], err)
	}
}

// A pipe in a directory's place is not waited for.
func TestListWaitsForNobody(t *testing.T) {
	tree := plant(t, map[string]string{"d/b": "", "d/a": "", "d/c/": ""})
	must(t, syscall.Mkfifo(tree.Outside("/pipe"), 0o600))
	done := make(chan error, 1)
	go func() { _, err := tree.List("/pipe"); done <- err }()
	select {
	case err := <-done:
		if !errors.Is(err, syscall.ENOTDIR) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it is waited for")
		// Lets the other one go.
		f, err := os.OpenFile(tree.Outside("/pipe"), os.O_RDWR, 0)
		must(t, err)
		<-done
		f.Close()
	}
	entries, err := tree.List("/d")
	if err != nil || len(entries) != 3 || entries[0].Name() != "a" || entries[2].Name() != "c" || !entries[2].IsDir() {
		t.Errorf("%v, %v", entries, err)
	}
}
