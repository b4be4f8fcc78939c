package sys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxHops is how many links may be followed on one way, as in the kernel.
const maxHops = 40

// ErrTooLong is what Read says of a file that is longer than the reader bargained
// for.
var ErrTooLong = errors.New("it is longer than what is read of such a file")

// Tree is the Files of the host whose root is a directory: "/", or what a test
// or the simulation has put up somewhere else. It may be used by several at once.
//
// Links are followed by its own bounded walk, since those of a NixOS host are
// mostly absolute ("/run/current-system" → "/nix/store/…"), and absolute means
// below the tree's own root. What the walk ends at is opened through an os.Root,
// so that whatever is changed on the way meanwhile, nothing outside is reached.
//
// Its calls block for as long as the file system does: on a dead network mount
// for ever. Nothing can bound that but a process of its own.
type Tree struct {
	dir  string
	root *os.Root
	// Whose locks are taken: this process's, as a rule.
	pid  int
	life string
}

var _ Files = (*Tree)(nil)

// OpenTree opens the tree below dir.
func OpenTree(dir string) (*Tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Tree{dir: dir, root: root, pid: os.Getpid(), life: life}, nil
}

// As is the same tree, as another process would have it that takes locks in its
// own name: the simulation has many processes in one. It is closed with the first.
func (t *Tree) As(pid int) *Tree {
	other := *t
	other.pid, other.life = pid, rand.Text()
	return &other
}

// Close lets go of the directory. What was opened through it stays open.
func (t *Tree) Close() error { return t.root.Close() }

// Outside is where a path of the tree is for the rest of this machine. It follows
// no links.
func (t *Tree) Outside(path string) string { return filepath.Join(t.dir, path) }

// fail tells what went wrong with a path under the name that the caller knows.
func fail(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// clean refuses what is no absolute, clean path.
func clean(op, p string) error {
	if !strings.HasPrefix(p, "/") || path.Clean(p) != p || strings.ContainsRune(p, 0) {
		return &fs.PathError{Op: op, Path: p, Err: fs.ErrInvalid}
	}
	return nil
}

func split(p string) []string { return strings.Split(p, "/") }

// walk follows every link of a path, and gives what it ends at, relative to the
// root ("." for the root itself). All of the way must exist.
func (t *Tree) walk(op, p string) (string, error) {
	if err := clean(op, p); err != nil {
		return "", err
	}
	var done []string
	rest, hops := split(p), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			// As in the kernel, the root is its own parent.
			done = done[:max(0, len(done)-1)]
			continue
		}
		here := path.Join(append(slices.Clone(done), name)...)
		info, err := t.root.Lstat(here)
		if err != nil {
			return "", fail(op, p, err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if len(rest) > 0 && !info.IsDir() {
				return "", fail(op, p, syscall.ENOTDIR)
			}
			done = append(done, name)
			continue
		}
		if hops++; hops > maxHops {
			return "", fail(op, p, syscall.ELOOP)
		}
		text, err := t.root.Readlink(here)
		if err != nil {
			return "", fail(op, p, err)
		}
		if strings.HasPrefix(text, "/") {
			done = done[:0]
		}
		rest = append(split(text), rest...)
	}
	if len(done) == 0 {
		return ".", nil
	}
	return path.Join(done...), nil
}

// parent walks to the directory that holds the last name of a path, which need
// not exist and is not followed.
func (t *Tree) parent(op, p string) (string, error) {
	if err := clean(op, p); err != nil {
		return "", err
	}
	if p == "/" {
		return "", fail(op, p, fs.ErrInvalid)
	}
	dir, err := t.walk(op, path.Dir(p))
	if err != nil {
		return "", fail(op, p, err)
	}
	return path.Join(dir, path.Base(p)), nil
}

// open opens what must be a regular file, which those of procfs and sysfs are.
// Nothing else is opened even for a moment: who may write the directory can put a
// device in a file's place, and some do something as soon as they are opened.
func (t *Tree) open(op, p string, flag int) (*os.File, error) {
	rel, err := t.walk(op, p)
	if err != nil {
		return nil, err
	}
	f, err := t.pinned(rel, flag, regular)
	return f, fail(op, p, err)
}

// regular refuses what is no regular file.
func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: it is no regular file", fs.ErrInvalid)
	}
	return nil
}

// Read gives a whole file.
func (t *Tree) Read(p string, most int64) ([]byte, error) {
	if most < 0 {
		return nil, fail("read", p, fs.ErrInvalid)
	}
	f, err := t.open("read", p, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// One byte more tells that there is more. Sizes are not asked: those of procfs
	// and sysfs mean nothing.
	data, err := io.ReadAll(io.LimitReader(f, max(most, most+1)))
	if err != nil {
		return nil, fail("read", p, err)
	}
	if int64(len(data)) > most {
		return nil, fail("read", p, ErrTooLong)
	}
	return data, nil
}

// Write writes in place.
//
// What the kernel shows as files takes a value with one write(2): there is no
// second one for a rest, which would be taken for another value. Files on a disk
// are cut to the new length after it; they are better replaced than written in
// place, and nothing of ours writes them so.
func (t *Tree) Write(p string, data []byte) error {
	if len(data) == 0 {
		return fail("write", p, fs.ErrInvalid) // write(2) of nothing does nothing
	}
	f, err := t.open("write", p, os.O_WRONLY)
	if err != nil {
		return err
	}
	err = writeOnce(f, data)
	if err == nil && !kernelFile(f) {
		err = f.Truncate(int64(len(data)))
	}
	return fail("write", p, errors.Join(err, f.Close()))
}

// writeOnce is one write(2).
func writeOnce(f *os.File, data []byte) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var n int
	var failed error
	if err := conn.Write(func(fd uintptr) bool {
		for {
			if n, failed = syscall.Write(int(fd), data); failed != syscall.EINTR {
				return true
			}
		}
	}); err != nil {
		return err
	}
	if failed == nil && n != len(data) {
		failed = io.ErrShortWrite
	}
	return failed
}

// Open opens a file for reading.
func (t *Tree) Open(p string) (io.ReadCloser, error) {
	f, err := t.open("open", p, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return &opened{f, p}, nil
}

// opened tells errors under the name that the caller knows.
type opened struct {
	f    *os.File
	path string
}

func (o *opened) Read(b []byte) (int, error) {
	n, err := o.f.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fail("read", o.path, err)
	}
	return n, err
}

func (o *opened) Close() error { return fail("close", o.path, o.f.Close()) }

// Stat tells of what a path ends at.
func (t *Tree) Stat(p string) (fs.FileInfo, error) {
	rel, err := t.walk("stat", p)
	if err != nil {
		return nil, err
	}
	info, err := t.root.Lstat(rel)
	return info, fail("stat", p, err)
}

// Readlink gives the text of a link. The links on the way to it are followed.
func (t *Tree) Readlink(p string) (string, error) {
	rel, err := t.parent("readlink", p)
	if err != nil {
		return "", err
	}
	text, err := t.root.Readlink(rel)
	return text, fail("readlink", p, err)
}

// Resolve gives the path that has no links any more. It is true for the moment
// of the look.
func (t *Tree) Resolve(p string) (string, error) {
	rel, err := t.walk("resolve", p)
	if err != nil {
		return "", err
	}
	return path.Join("/", rel), nil
}

// List gives a directory's entries, sorted by name.
func (t *Tree) List(dir string) ([]fs.DirEntry, error) {
	rel, err := t.walk("list", dir)
	if err != nil {
		return nil, err
	}
	// O_DIRECTORY opens nothing else, and waits for nobody: not a pipe that was put
	// into its place meanwhile.
	f, err := t.root.OpenFile(rel, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fail("list", dir, err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, fail("list", dir, err)
}
