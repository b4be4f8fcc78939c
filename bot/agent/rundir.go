package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"watchstander/bot"
	"watchstander/bot/fsync"
	"watchstander/bot/plan"
)

// A run's directory is where the agent and the worker meet: each file has one
// writer, and is on the disk before the next step is taken.
//
//	plan.json      the plan's canonical form          the agent, before the start
//	order.json     what the worker must know beside   the agent, before the start
//	begun          the marker: it was begun           whoever comes first, once
//	progress       a line of JSON for each line said  the worker, appended to
//	notes          a line of JSON for each note       the worker, appended to
//	confirming     it waits for somebody's word       the worker
//	word           all is well, or is not             whoever comes first, once
//	outcome.json   how it ended                       the worker, last of all
//	work/          the operation's own                the worker
const (
	filePlan       = "plan.json"
	fileOrder      = "order.json"
	fileBegun      = "begun"
	fileProgress   = "progress"
	fileNotes      = "notes"
	fileConfirming = "confirming"
	fileWord       = "word"
	fileOutcome    = "outcome.json"
	dirWork        = "work"
)

// maxLines bounds what is read of an appended file, in bytes.
const maxLines = 1 << 20

func runName(id bot.PlanID, file ...string) string {
	return filepath.Join(append([]string{runsDir, string(id)}, file...)...)
}

// order is what the agent tells the worker beside the plan.
type order struct {
	Plan   bot.PlanID `json:"plan"`
	Digest string     `json:"digest"`
	Unit   string     `json:"unit"`
	// BeginBy is when it must have begun to act, or not at all: the end of what was
	// agreed to.
	BeginBy time.Time `json:"begin_by"`
	// File is the digest of the agent's file in force when it was started: the worker
	// goes by no other one.
	File string `json:"file,omitempty"`
}

// begun is what the marker holds. One that the agent made says that nothing was
// done, and that nothing will be.
type begun struct {
	By     string    `json:"by"` // "worker" or "agent"
	At     time.Time `json:"at"`
	PID    int       `json:"pid"`
	BootID string    `json:"boot_id"`
}

// confirming is a run's wait for somebody's word.
type confirming struct {
	By       time.Time     `json:"by"`
	Evidence []bot.Reading `json:"evidence"`
}

// word is what somebody said of it, or that nobody did.
type word struct {
	Well   bool         `json:"well"`
	Person bot.PersonID `json:"person,omitempty"`
	Reason string       `json:"reason,omitempty"`
	At     time.Time    `json:"at"`
}

// outcome is how a run ended: Done, Failed, Undone or UndoFailed.
type outcome struct {
	Plan     bot.PlanID        `json:"plan"`
	State    bot.ProposalState `json:"state"`
	Why      string            `json:"why"`
	Evidence []bot.Reading     `json:"evidence"`
	// ActedAt is when Apply and Commit, or Undo, had come to their end.
	ActedAt time.Time `json:"acted_at,omitzero"`
	EndedAt time.Time `json:"ended_at"`
}

// prepare writes what the worker will need.
func (d disk) prepare(p bot.Plan, o order) error {
	b, err := plan.Canonical(p)
	if err != nil {
		return err
	}
	return errors.Join(
		d.mkdir(runName(p.ID)),
		d.write(runName(p.ID, filePlan), b),
		d.writeJSON(runName(p.ID, fileOrder), o))
}

// claim makes the marker in the agent's name: from then on no worker can begin.
// It tells whether nothing had begun, in which case nothing ever will.
func (d disk) claim(id bot.PlanID, bootID string) (bool, error) {
	if err := d.mkdir(runName(id)); err != nil {
		return false, err
	}
	err := d.createJSON(runName(id, fileBegun), begun{By: "agent", At: time.Now().UTC(), PID: os.Getpid(), BootID: bootID})
	if !errors.Is(err, fs.ErrExist) {
		return err == nil, err
	}
	var b begun
	if err := d.readJSON(runName(id, fileBegun), 4096, &b); err != nil {
		return false, err
	}
	return b.By == "agent", nil
}

// outcome reads how a run ended; false while it has not.
func (d disk) outcome(id bot.PlanID) (outcome, bool, error) {
	var o outcome
	err := d.readJSON(runName(id, fileOutcome), maxRecord, &o)
	if errors.Is(err, fs.ErrNotExist) {
		return outcome{}, false, nil
	}
	if err != nil {
		return outcome{}, false, err
	}
	switch o.State {
	case bot.Done, bot.Failed, bot.Undone, bot.UndoFailed:
	default:
		return outcome{}, false, fmt.Errorf("%q is no outcome of a run", o.State)
	}
	if o.Plan != id {
		return outcome{}, false, errors.New("the outcome is another plan's")
	}
	return o, true, nil
}

// confirming tells whether a run waits for somebody's word.
func (d disk) confirming(id bot.PlanID) (confirming, bool, error) {
	var w confirming
	err := d.readJSON(runName(id, fileConfirming), maxRecord, &w)
	if errors.Is(err, fs.ErrNotExist) {
		return w, false, nil
	}
	return w, err == nil, err
}

// appended reads the lines of an appended file, each decoded on its own. What a
// crash left of the last one is passed over, and so is what is no line of ours.
func appended[T any](d disk, name string) ([]T, error) {
	f, err := os.Open(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLines))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	var out []T
	for line := range bytes.Lines(b) {
		var v T
		if bytes.HasSuffix(line, []byte("\n")) && json.Unmarshal(line, &v) == nil {
			out = append(out, v)
		}
	}
	return out, nil
}

// appender appends lines to a file, each on the disk before it returns.
type appender struct {
	f    *os.File
	size int64
	torn bool // a part of a line may be there
	fail func() error
}

func (d disk) appender(name string) (*appender, error) {
	if err := d.step("append", name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := fsync.Dir(filepath.Dir(d.path(name))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &appender{f: f, fail: func() error { return d.step("line", name) }}, nil
}

// line appends one; false says that the file is full, and nothing was written.
func (a *appender) line(v any) (bool, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	if a.size+int64(len(b))+1 > maxLines {
		return false, nil
	}
	b = append(b, '\n')
	if a.torn {
		b = append([]byte("\n"), b...)
	}
	if err := a.fail(); err != nil {
		_, _ = a.f.Write(b[:len(b)/2]) // what a crash leaves
		return false, err
	}
	a.size += int64(len(b))
	_, err = a.f.Write(b)
	err = errors.Join(err, a.f.Sync())
	a.torn = err != nil
	return true, err
}

func (a *appender) close() error { return a.f.Close() }
