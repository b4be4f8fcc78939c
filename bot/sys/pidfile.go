package sys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// tryPidfile makes the file, or finds whose it is.
func (t *Tree) tryPidfile(l Lock) (func() error, string, error) {
	rel, err := t.parent("lock", l.Path)
	if err != nil {
		return nil, "", err
	}
	for range 3 {
		mine := t.me(l.Holder).text()
		err := t.link(rel, mine)
		switch {
		case err == nil:
			return func() error { return fail("unlock", l.Path, t.unlink(rel, mine)) }, "", nil
		case !errors.Is(err, fs.ErrExist):
			return nil, "", fail("lock", l.Path, err)
		}
		by, gone, err := t.bury(rel, rel, func(o owner) bool { return t.stale(o) }, func() error { return t.root.Remove(rel) })
		if err != nil {
			return nil, "", fail("lock", l.Path, err)
		}
		if !gone {
			return nil, by, errBusy
		}
	}
	return nil, "", errBusy
}

// link makes a file with its content at once: others never see it empty.
func (t *Tree) link(rel string, text []byte) error {
	temporary := path.Join(path.Dir(rel), ".watchstander-lock-"+rand.Text())
	f, err := t.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, lockMode)
	if err != nil {
		return err
	}
	defer func() { _ = t.root.Remove(temporary) }()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(lockMode), f.Close()); err != nil {
		return err
	}
	return t.root.Link(temporary, rel)
}

// lockText is what a lock's file says, as far as anybody reads it. Whoever may write
// there may have put a pipe in its place, or something without an end.
func (t *Tree) lockText(rel string) ([]byte, error) {
	const most = 4096
	f, err := t.pinned(rel, os.O_RDONLY, regular)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// unlink removes a file that still says what was written into it. (That it is the
// same file would prove less: the disk gives a removed one's number away again.)
func (t *Tree) unlink(rel string, mine []byte) error {
	there, err := t.lockText(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(mine, there) {
		return errors.New("it is another one's by now, and is left as it is")
	}
	return t.root.Remove(rel)
}

// bury removes a lock whose owner is gone. Of several that find it stale only
// one removes it: each locks what it found, and looks again whether it is still
// there. It tells who has the lock where it is not stale.
func (t *Tree) bury(rel, pidfile string, stale func(owner) bool, remove func() error) (by string, gone bool, err error) {
	f, err := t.pinned(rel, os.O_RDONLY, lockable)
	if errors.Is(err, fs.ErrNotExist) {
		return "", true, nil
	}
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	text, err := t.lockText(pidfile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	found, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	o := parseOwner(string(text[:min(len(text), 1024)]))
	if !stale(o) {
		return t.describe(o, found.ModTime()), false, nil
	}
	if err := lockFile(f, LockFlock); err != nil {
		return "", false, nil // another one is burying it
	}
	there, err := t.root.Lstat(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", true, nil
	case err != nil:
		return "", false, err
	case !os.SameFile(found, there):
		return "", true, nil // the next try looks at the new one
	}
	if err := remove(); err != nil {
		return "", false, err
	}
	return "", true, nil
}

// tryDirectory makes the directory, or finds whose it is.
func (t *Tree) tryDirectory(l Lock) (func() error, string, error) {
	rel, err := t.parent("lock", l.Path)
	if err != nil {
		return nil, "", err
	}
	pidfile := path.Join(rel, "pid")
	remove := func() error {
		if err := t.root.Remove(pidfile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return t.root.Remove(rel)
	}
	for range 3 {
		err := t.root.Mkdir(rel, lockDirMode)
		if err == nil {
			mine := t.me(l.Holder).text()
			err := t.openToAll(rel)
			if err == nil {
				err = t.link(pidfile, mine)
			}
			if err != nil {
				return nil, "", fail("lock", l.Path, errors.Join(err, t.root.Remove(rel)))
			}
			return func() error {
				err := t.unlink(pidfile, mine)
				if err == nil {
					if err = t.root.Remove(rel); errors.Is(err, fs.ErrNotExist) {
						err = nil
					}
				}
				return fail("unlock", l.Path, err)
			}, "", nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, "", fail("lock", l.Path, err)
		}
		// Of others' directories nothing is known: only ours can be stale.
		by, gone, err := t.bury(rel, pidfile, func(o owner) bool { return o.life != "" && t.stale(o) }, remove)
		if err != nil {
			return nil, "", fail("lock", l.Path, err)
		}
		if !gone {
			return nil, by, errBusy
		}
	}
	return nil, "", errBusy
}

// openToAll gives a lock's directory that was just made the mode that the umask has
// kept from it.
func (t *Tree) openToAll(rel string) error {
	d, err := t.root.OpenFile(rel, os.O_RDONLY|syscall.O_DIRECTORY|nonblock, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	mine, err := d.Stat()
	if err != nil {
		return err
	}
	// Whoever may write the directory around it may have put a link in its place, to
	// a directory that is nobody else's business.
	there, err := t.root.Lstat(rel)
	if err != nil {
		return err
	}
	if !os.SameFile(mine, there) || !ours(mine) {
		return errors.New("it is another one's by now")
	}
	return d.Chmod(lockDirMode)
}
