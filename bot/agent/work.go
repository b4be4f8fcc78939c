package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
)

const (
	// maxSaid is how many lines of progress are kept; what is said beyond is counted.
	maxSaid = 400
	// maxLine is the longest of them, in characters.
	maxLine = 500
	// maxNote is the longest note, in bytes.
	maxNote = 256 << 10
)

// note is one line of the notes' file.
type note struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// work is a run's bot.Work, on the disk.
type work struct {
	dir      string
	beginBy  time.Time
	stopping <-chan struct{}
	redact   func(string) string
	log      *slog.Logger

	mu       sync.Mutex
	progress *appender
	notes    *appender
	noted    map[string]string
	said     int
}

var _ bot.Work = (*work)(nil)

// newWork makes the files of a run, which was told to stop when stopping is closed.
func newWork(d disk, o order, stopping <-chan struct{}, redact func(string) string, log *slog.Logger) (*work, error) {
	id := o.Plan
	if err := d.mkdir(runName(id, dirWork)); err != nil {
		return nil, err
	}
	progress, err := d.appender(runName(id, fileProgress))
	if err != nil {
		return nil, err
	}
	notes, err := d.appender(runName(id, fileNotes))
	if err != nil {
		return nil, errors.Join(err, progress.close())
	}
	return &work{dir: d.path(runName(id, dirWork)), beginBy: o.BeginBy, stopping: stopping, redact: redact, log: log, progress: progress, notes: notes, noted: map[string]string{}}, nil
}

// Say writes a line of the operation's progress.
func (w *work) Say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.said++; {
	case w.said < maxSaid:
		w.write(fmt.Sprintf(format, args...))
	case w.said == maxSaid:
		w.write("More was said than is kept.")
	}
}

// tell writes a line of the worker's own, of which there are few.
func (w *work) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write(fmt.Sprintf(format, args...))
}

// write writes a line. One that the disk does not take is no reason to break off
// what is being done.
func (w *work) write(text string) {
	text = clean.Line(w.redact(text), maxLine)
	if _, err := w.progress.line(bot.Progress{At: time.Now().UTC().Truncate(time.Millisecond), Text: text}); err != nil {
		w.log.Error("progress cannot be written", "line", text, "err", err)
	}
}

// Note writes a value down.
func (w *work) Note(name, value string) error {
	if len(name)+len(value) > maxNote {
		return fmt.Errorf("the note %.80q is longer than %d bytes", name, maxNote)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	kept, err := w.notes.line(note{name, value})
	if err == nil && !kept {
		err = errors.New("there is no room for more notes")
	}
	if err != nil {
		return fmt.Errorf("a note cannot be written: %w", err)
	}
	w.noted[name] = value
	return nil
}

// Noted is what was noted last.
func (w *work) Noted(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.noted[name]
}

// BeginBy is what the agent ordered.
func (w *work) BeginBy() time.Time { return w.beginBy }

// Stopping is closed by SIGTERM.
func (w *work) Stopping() <-chan struct{} { return w.stopping }

// Dir is the run's own directory.
func (w *work) Dir() string { return w.dir }

// maxEvidence is how many readings are kept of a run.
const maxEvidence = 200

// tellable is evidence as it may be told: redacted, harmless, and no longer than
// people read. Of too many readings those that are not OK are never cut off.
func tellable(rs []bot.Reading, redact func(string) string) []bot.Reading {
	if len(rs) > maxEvidence {
		rs = slices.SortedStableFunc(slices.Values(rs), func(a, b bot.Reading) int { return fine(a) - fine(b) })[:maxEvidence]
	}
	return hideReadings(rs, redact, 300)
}

func fine(r bot.Reading) int {
	if r.State == bot.OK {
		return 1
	}
	return 0
}

func (w *work) close() error { return errors.Join(w.progress.close(), w.notes.close()) }
