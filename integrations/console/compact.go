package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"watchstander/bot"
	"watchstander/bot/fsync"
)

const (
	// keepThreads is how many roots survive the lines around them: those that
	// were spoken of last.
	keepThreads = 500
	// keepPictures is how many of the newest lines keep the bytes of their
	// pictures and files.
	keepPictures = 40
)

// compactWhenLong keeps the newest half of the lines, and the roots of the
// threads that were spoken of last, as they are now. A failure loses nothing:
// the long file stays, and the next line tries again.
func (t *transcript) compactWhenLong() error {
	if t.size <= t.limit {
		return nil
	}
	before := t.size
	t.forget()
	if err := t.rewrite(); err != nil {
		t.damaged = true
		t.log.Error("the console's transcript cannot be shortened", "file", t.path, "err", err)
		return nil
	}
	t.log.Info("the console's transcript was shortened", "file", t.path, "before", before, "after", t.size)
	return nil
}

// forget leaves in memory what is to be kept.
func (t *transcript) forget() {
	var tail []*record
	var size int64
	for i, r := range slices.Backward(t.records) {
		if len(t.records)-i > keepPictures {
			r.strip()
		}
		if size += int64(len(r.line)) + 1; size > t.limit/2 && len(tail) > 0 {
			break
		}
		tail = append(tail, r)
	}
	slices.Reverse(tail)

	threads := make([]*thread, 0, len(t.byRoot))
	for _, th := range t.byRoot {
		threads = append(threads, th)
	}
	slices.SortFunc(threads, func(a, b *thread) int {
		return cmp.Or(cmp.Compare(b.touched, a.touched), cmp.Compare(b.number, a.number))
	})
	stays := map[bot.MessageID]bool{} // their own line does
	for _, r := range tail {
		stays[r.root] = stays[r.root] || r.kind == bot.SendRoot
	}
	var roots []*record
	keep := map[bot.MessageID]bool{}
	size = 0
	for _, th := range threads {
		id := bot.MessageID(th.env.Key)
		if stays[id] {
			keep[id] = true
			continue
		}
		r := th.record()
		r.strip()
		if size += int64(len(r.line)) + 1; size > t.limit/4 || len(keep) >= keepThreads {
			continue
		}
		keep[id] = true
		roots = append(roots, r)
	}
	// The place in the file tells the next time who was spoken of last.
	slices.Reverse(roots)

	next := t.next
	t.clear()
	for _, r := range append(roots, tail...) {
		var s stored
		if json.Unmarshal(r.line, &s) == nil {
			t.remember(r.line, s)
		}
	}
	t.next = next
}

// record is a root as it is now, as one line.
func (th *thread) record() *record {
	b := line(toClient{Post: th.post()})
	return &record{line: b, at: th.at, kind: bot.SendRoot, key: th.env.Key, root: bot.MessageID(th.env.Key)}
}

// post is a root as it is now.
func (th *thread) post() *post {
	return &post{At: th.at, Thread: th.number, Changed: th.changed, Frame: line(rawFrame{th.env, th.message})}
}

// strip takes the bytes of pictures and files out of a line; names and
// descriptions stay.
func (r *record) strip() {
	var s stored
	if !bytes.Contains(r.line, []byte(`"PNG":"`)) && !bytes.Contains(r.line, []byte(`"Data":"`)) {
		return
	}
	if json.Unmarshal(r.line, &s) != nil || s.Post == nil {
		return
	}
	var f frame
	if json.Unmarshal(s.Post.Frame, &f) != nil || !withoutBytes(&f.Message) {
		return
	}
	s.Post.Frame = line(f)
	r.line = line(toClient{Post: s.Post})
}

// withoutBytes tells whether there were any.
func withoutBytes(m *bot.Message) (had bool) {
	for i, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Picture:
			had = had || len(b.PNG) > 0
			b.PNG = nil
			m.Blocks[i] = b
		case bot.File:
			had = had || len(b.Data) > 0
			b.Data = nil
			m.Blocks[i] = b
		}
	}
	return had
}

// rewrite makes the file anew from memory: beside the old one, then in its
// place. At no moment is there less on the disk than one whole transcript.
func (t *transcript) rewrite() (err error) {
	var whole []byte
	for _, b := range append([][]byte{line(stored{Version: version, Next: t.next})}, linesOf(t.records)...) {
		whole = append(append(whole, b...), '\n')
	}
	size := int64(len(whole))
	if t.file == nil {
		if t.damaged {
			return errors.New("console: the transcript is closed")
		}
		t.size = size
		return nil
	}
	name := t.path + ".new"
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(name))
		}
	}()
	// The lock comes before the name, so that no other process finds it free.
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("console: locking the new transcript: %w", err)
	}
	if _, err := f.Write(whole); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(name, t.path); err != nil {
		return err
	}
	old := t.file
	t.file, t.size, t.damaged = f, size, false
	if cerr := errors.Join(old.Close(), fsync.Dir(filepath.Dir(t.path))); cerr != nil {
		t.log.Warn("the console's transcript was written anew, but not all went well", "file", t.path, "err", cerr)
	}
	return nil
}

func linesOf(rs []*record) [][]byte {
	out := make([][]byte, len(rs))
	for i, r := range rs {
		out[i] = r.line
	}
	return out
}
