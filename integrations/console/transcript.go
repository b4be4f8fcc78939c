package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
	"watchstander/bot/fsync"
)

// transcript is what was said in the room, in order: a file of lines as clients
// get them, and the same lines in memory with an index. Its user guards it
// against concurrent use.
type transcript struct {
	path string // "" keeps it in memory only
	log  *slog.Logger
	file *os.File
	// size counts the file's bytes; above limit it is compacted.
	size, limit int64
	// damaged: a write failed, and nobody knows what the file holds. It is
	// written anew from memory before anything is added.
	damaged bool

	records []*record
	byKey   map[bot.SendKey]*record
	saidIDs map[bot.MessageID]bool
	byRoot  map[bot.MessageID]*thread
	byNum   map[int]*thread
	next    int // the next thread's number
}

// record is one line.
type record struct {
	line []byte // without its end
	at   time.Time
	kind bot.SendKind // "" for what a person typed
	key  bot.SendKey
	root bot.MessageID // of the thread, "" outside threads
	said bot.MessageID // "" for posts
}

// thread is a root with what it shows now.
type thread struct {
	number  int
	env     envelope // as the root was posted
	at      time.Time
	changed time.Time // zero while it is as it was posted
	message json.RawMessage
	signs   signs
	touched int // the number of the record that spoke of it last
}

// stored is one line of the file.
type stored struct {
	Version int   `json:"watchstander"`
	Next    int   `json:"next"`
	Post    *post `json:"post"`
	Said    *said `json:"said"`
}

// rawFrame is a frame whose message is left alone.
type rawFrame struct {
	envelope
	Message json.RawMessage `json:"message"`
}

const transcriptLimit = 8 << 20

// openTranscript reads the file, or makes it. What stands behind the last line's
// end was being written when the power went, and nobody was told that it is
// there: it is cut off.
func openTranscript(path string, limit int64, log *slog.Logger) (*transcript, error) {
	t := &transcript{path: path, log: log, limit: limit, next: 1}
	t.clear()
	if path == "" {
		return t, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("console: the transcript's folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("console: the transcript: %w", err)
	}
	t.file = f
	if err := t.begin(); err != nil {
		f.Close()
		return nil, fmt.Errorf("console: the transcript %s: %w", path, err)
	}
	return t, nil
}

func (t *transcript) clear() {
	t.records, t.byKey, t.saidIDs = nil, map[bot.SendKey]*record{}, map[bot.MessageID]bool{}
	t.byRoot, t.byNum = map[bot.MessageID]*thread{}, map[int]*thread{}
}

func (t *transcript) begin() error {
	if err := unix.Flock(int(t.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another process writes it: %w", err)
	}
	// It holds what alerts and people say; an older umask must not show it.
	if err := t.file.Chmod(0o600); err != nil {
		return err
	}
	if err := t.load(); err != nil {
		return err
	}
	if t.size > 0 {
		return nil
	}
	if err := t.write(line(stored{Version: version, Next: t.next})); err != nil {
		return err
	}
	return fsync.Dir(filepath.Dir(t.path))
}

// load reads the file into memory.
func (t *transcript) load() error {
	r := newLines(t.file, maxTold)
	bad := 0
	for {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		t.size += int64(len(b)) + 1
		var s stored
		if json.Unmarshal(b, &s) != nil || !t.remember(append([]byte(nil), b...), s) {
			bad++
		}
		if s.Version > version {
			return fmt.Errorf("it was written by a newer version of this program (%d)", s.Version)
		}
	}
	if bad > 0 {
		t.log.Warn("lines of the console's transcript cannot be read and are passed", "file", t.path, "lines", bad)
	}
	end, err := t.file.Seek(0, io.SeekEnd)
	if err != nil || end == t.size {
		return err
	}
	t.log.Warn("the console's transcript ends in half a line, which is cut off", "file", t.path, "bytes", end-t.size)
	if err := t.file.Truncate(t.size); err != nil {
		return err
	}
	return t.file.Sync()
}

// remember puts a line into the index; false when it makes no sense.
func (t *transcript) remember(b []byte, s stored) bool {
	switch {
	case s.Post != nil:
		return t.rememberPost(b, *s.Post)
	case s.Said != nil:
		t.records = append(t.records, &record{line: b, at: s.Said.At, root: s.Said.Root, said: s.Said.ID})
		t.saidIDs[s.Said.ID] = true
		t.touch(s.Said.Root)
		return true
	case s.Version > 0:
		t.next = max(t.next, min(s.Next, maxThread))
		return true
	}
	return false
}

func (t *transcript) rememberPost(b []byte, p post) bool {
	var f rawFrame
	if json.Unmarshal(p.Frame, &f) != nil || f.Key == "" || t.byKey[f.Key] != nil {
		return false
	}
	r := &record{line: b, at: p.At, kind: f.Kind, key: f.Key, root: f.Root}
	switch f.Kind {
	case bot.SendRoot:
		r.root = bot.MessageID(f.Key)
		th := &thread{number: p.Thread, env: f.envelope, at: p.At, changed: p.Changed, message: f.Message, signs: signsOf(f.Message)}
		t.byRoot[r.root], t.byNum[p.Thread] = th, th
		t.next = max(t.next, p.Thread+1)
	case bot.SendEdit:
		if th := t.byRoot[f.Root]; th != nil {
			th.changed, th.message, th.signs = p.At, f.Message, signsOf(f.Message)
		}
	case bot.SendReply:
	default:
		return false
	}
	t.records = append(t.records, r)
	t.byKey[f.Key] = r
	t.touch(r.root)
	return true
}

func (t *transcript) touch(root bot.MessageID) {
	if th := t.byRoot[root]; th != nil {
		th.touched = len(t.records)
	}
}

// signs are what of a root tells whether its thread is over.
type signs struct {
	Tone bot.Tone `json:"tone"`
	Over bool     `json:"over"`
}

func signsOf(message json.RawMessage) (s signs) {
	_ = json.Unmarshal(message, &s) // a message of another version has none that we know
	return s
}

// post adds what flow sent, and returns when the disk has it.
func (t *transcript) post(b []byte, p post) error {
	if err := t.add(b, true); err != nil {
		return err
	}
	t.rememberPost(b, p)
	return t.compactWhenLong()
}

// say adds what a person typed. The state has it already, so it is not worth
// waiting for the disk.
func (t *transcript) say(b []byte, s said) error {
	if err := t.add(b, false); err != nil {
		return err
	}
	t.remember(b, stored{Said: &s})
	return t.compactWhenLong()
}

func (t *transcript) add(b []byte, durable bool) error {
	if t.damaged {
		if err := t.rewrite(); err != nil {
			return err
		}
	}
	if err := t.write(b); err != nil {
		t.damaged = true
		return err
	}
	if t.file == nil || !durable {
		return nil
	}
	if err := t.file.Sync(); err != nil {
		// The kernel may have forgotten the pages that it could not write.
		t.damaged = true
		return err
	}
	return nil
}

func (t *transcript) write(b []byte) error {
	if t.file != nil {
		if _, err := t.file.Write(append(b[:len(b):len(b)], '\n')); err != nil {
			return err
		}
	}
	t.size += int64(len(b)) + 1
	return nil
}

// number of the thread that a root begins or a message belongs to.
func (t *transcript) number(root bot.MessageID) int {
	if th := t.byRoot[root]; th != nil {
		return th.number
	}
	return 0
}

func (t *transcript) close() error {
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	// Without its file it takes nothing any more.
	t.damaged, t.path = true, ""
	return err
}
