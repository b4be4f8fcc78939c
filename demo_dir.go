package main

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// demoDir is a demo's folder: state, socket and token live in it, and go with the
// demo. A lock tells that its demo is alive, so that the next one can clear away
// what a killed one left.
type demoDir struct {
	path string
	lock *os.File
}

const demoPrefix = "watchstander-demo-"

// newDemoDir clears away what is stale, and makes a folder in parent.
func newDemoDir(parent string) (_ demoDir, err error) {
	removeStaleDemos(parent)
	d := demoDir{}
	if d.path, err = os.MkdirTemp(parent, demoPrefix); err != nil {
		return d, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.remove())
		}
	}()
	// The lock is held before it has its name: no other demo finds it free.
	if d.lock, err = os.OpenFile(d.file("lock.new"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return d, err
	}
	if err = unix.Flock(int(d.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return d, err
	}
	return d, os.Rename(d.file("lock.new"), d.file("lock"))
}

func (d demoDir) file(name string) string { return filepath.Join(d.path, name) }

func (d demoDir) remove() error {
	err := os.RemoveAll(d.path)
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

// removeStaleDemos removes our own folders whose lock nobody holds. What it cannot
// judge, or not remove, it leaves.
func removeStaleDemos(parent string) {
	paths, err := filepath.Glob(filepath.Join(parent, demoPrefix+"*"))
	if err != nil {
		return
	}
	for _, path := range paths {
		var stat unix.Stat_t
		if unix.Lstat(path, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFDIR || int(stat.Uid) != os.Getuid() {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.RemoveAll(path)
		}
		_ = lock.Close()
	}
}

// savedDir is where a visitor's pictures go: they outlive the demo, and are in
// nobody's way. "" is the working folder, where there is no home.
func savedDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "watchstander-demo")
}
