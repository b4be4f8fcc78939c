package restic

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
)

// sum is a SHA-256.
type sum [sha256.Size]byte

func sumOf(h hash.Hash) (s sum) {
	h.Sum(s[:0])
	return s
}

// compared is what a restored file was compared with.
type compared int

const (
	withLive     compared = iota // the file as it lies on the host
	withSnapshot                 // the content that the snapshot holds
)

// differs is the error of a file that is not what it should be; failed one of a
// file that did not come back, or could not be compared.
type (
	differs struct{ why string }
	failed  struct {
		why   string
		cause error
	}
)

func (e *differs) Error() string { return e.why }
func (e *failed) Error() string  { return e.why }
func (e *failed) Unwrap() error  { return e.cause }

// compare compares one restored file, and tells with what. own: the snapshot is
// of this host, so that there may be a live file.
func (c *client) compare(ctx context.Context, dir, snapshot string, n node, own bool) (compared, error) {
	restored, err := c.restoredSum(ctx, path.Join(dir, n.path), n)
	if err != nil {
		return 0, err
	}
	if own {
		live, same, err := c.liveSum(ctx, n)
		if err != nil {
			return 0, err
		}
		if same && live == restored {
			return withLive, nil
		}
		if same {
			// One of them is wrong, and only the repository can tell which.
			content, err := c.snapshotSum(ctx, snapshot, n)
			switch {
			case err != nil:
				return 0, &differs{"what came back is not the live file, which has not changed since; the snapshot could not be asked: " + err.Error()}
			case content == restored:
				return 0, &differs{"the snapshot came back whole, but the live file is another one, though its size and times are those of the snapshot"}
			}
			return 0, &differs{"what came back is neither the live file, which has not changed since, nor what the snapshot holds"}
		}
	}
	content, err := c.snapshotSum(ctx, snapshot, n)
	if err != nil {
		return 0, err
	}
	if content != restored {
		return 0, &differs{"what came back is not what the snapshot holds"}
	}
	return withSnapshot, nil
}

func (c *client) restoredSum(ctx context.Context, p string, n node) (sum, error) {
	info, err := c.h.Files.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sum{}, &failed{why: "it did not come back", cause: err}
	case err != nil:
		return sum{}, &failed{why: "what came back cannot be read", cause: err}
	case !info.Mode().IsRegular():
		return sum{}, &failed{why: "what came back is no regular file"}
	case info.Size() != n.size:
		return sum{}, &differs{fmt.Sprintf("%d bytes came back of %d", info.Size(), n.size)}
	}
	s, size, err := c.hashFile(ctx, p)
	switch {
	case err != nil:
		return sum{}, &failed{why: "what came back cannot be read", cause: err}
	case size != n.size:
		return sum{}, &differs{fmt.Sprintf("%d bytes came back of %d", size, n.size)}
	}
	return s, nil
}

// liveSum hashes the live file; same is false where it is not, or no longer, the
// one that was backed up, or cannot be read. The time of its last change (ctime)
// counts too: unlike the other one, no program can set it back.
func (c *client) liveSum(ctx context.Context, n node) (s sum, same bool, err error) {
	if !c.unchanged(n) {
		return sum{}, false, nil
	}
	s, size, unread := c.hashFile(ctx, n.path)
	if ctx.Err() != nil {
		return sum{}, false, &failed{why: "its time was over", cause: unread}
	}
	return s, unread == nil && size == n.size && c.unchanged(n), nil
}

func (c *client) unchanged(n node) bool {
	info, err := c.h.Files.Stat(n.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != n.size || !info.ModTime().Equal(n.mtime) {
		return false
	}
	changed, ok := changeTime(info)
	return ok && changed.Equal(n.ctime)
}

func (c *client) hashFile(ctx context.Context, p string) (sum, int64, error) {
	f, err := c.h.Files.Open(p)
	if err != nil {
		return sum{}, 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, &patient{ctx, f})
	return sumOf(h), n, err
}

// patient reads until its context ends.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// snapshotSum hashes a file's content as the snapshot holds it. It is read from
// the repository once more, by another way than the restoring took.
func (c *client) snapshotSum(ctx context.Context, snapshot string, n node) (sum, error) {
	h := sha256.New()
	counted := &counter{w: h}
	_, err := c.run(ctx, call{args: []string{"dump", "--no-lock"}, names: []string{snapshot, n.path}, out: counted})
	if err != nil {
		_, why := finding(err)
		return sum{}, &failed{why: "its content cannot be read from the repository: " + why, cause: err}
	}
	if counted.n != n.size {
		return sum{}, &failed{why: fmt.Sprintf("the snapshot lists %d bytes and holds %d", n.size, counted.n)}
	}
	return sumOf(h), nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
