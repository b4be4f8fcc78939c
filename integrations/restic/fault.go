package restic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// FaultKind is why restic did not do what it was asked for.
type FaultKind string

const (
	// NotStarted: restic did not run at all, or found its own configuration wrong.
	NotStarted FaultKind = "not started"
	// OutOfTime: its time was over.
	OutOfTime FaultKind = "out of time"
	// Stopped: somebody ended it, or whoever waited for it went away.
	Stopped FaultKind = "stopped"
	// Unreachable: nothing is known of the repository, since nobody answered.
	Unreachable FaultKind = "unreachable"
	// NoRepository: there is none at that place.
	NoRepository FaultKind = "no repository"
	// Locked: somebody else works on it.
	Locked FaultKind = "locked"
	// WrongPassword: no key of the repository fits.
	WrongPassword FaultKind = "wrong password"
	// Damaged: restic found errors in the repository.
	Damaged FaultKind = "damaged"
	// Incomplete: something was left out.
	Incomplete FaultKind = "incomplete"
	// Unreadable: its answer is none that is understood here.
	Unreadable FaultKind = "unreadable"
	// Failed for another reason.
	Failed FaultKind = "failed"
)

// Fault is one such failure. Text is what restic said, made fit for people: it
// holds no secret.
type Fault struct {
	Kind FaultKind
	// Exit is restic's exit code; 0 where it did not end by itself.
	Exit  int
	Text  string
	Cause error // for the log alone
}

func (f *Fault) Error() string { return "restic: " + f.Why() }

func (f *Fault) Unwrap() error { return f.Cause }

// Why says it to people, with what the exit code means.
func (f *Fault) Why() string {
	what := map[FaultKind]string{
		NotStarted:    "restic could not start",
		Stopped:       "it was stopped",
		Unreachable:   "the repository does not answer",
		NoRepository:  "there is no repository at its place",
		Locked:        "the repository is locked",
		WrongPassword: "the password is wrong",
		Damaged:       "restic found errors",
		Incomplete:    "restic left something out",
		Unreadable:    "restic's answer cannot be read",
		Failed:        "restic failed",
	}[f.Kind]
	if f.Exit != 0 {
		what += fmt.Sprintf(" (exit code %d)", f.Exit)
	}
	switch {
	case what == "":
		return f.Text
	case f.Text != "":
		what += ": " + f.Text
	}
	return what
}

// State is what such a failure says of the repository: bad, or nothing.
func (f *Fault) State() bot.ReadingState {
	switch f.Kind {
	case NoRepository, WrongPassword, Damaged, Incomplete, Failed:
		return bot.NotOK
	}
	return bot.Unknown
}

// finding is what an error says; errors that are neither faults nor the end of
// somebody's time are ours.
func finding(err error) (bot.ReadingState, string) {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.State(), f.Why()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return bot.Unknown, overtime(err)
	case errors.Is(err, context.Canceled):
		return bot.Unknown, "it was stopped"
	}
	return bot.Unknown, bot.ForPeople(err)
}

// overtime says whose time was over: that of one piece of work, or all there was.
func overtime(err error) string {
	if b, ok := errors.AsType[*budget](err); ok {
		return b.Error()
	}
	return "no time was left"
}

// unended is the fault of a program that did not end by itself.
func (c *client) unended(err error, out sys.Output) *Fault {
	f := &Fault{Kind: NotStarted, Cause: err}
	u, ran := errors.AsType[*sys.Unended](err)
	switch {
	case ran && errors.Is(u.Cause, context.DeadlineExceeded):
		f.Kind, f.Text = OutOfTime, overtime(u.Cause)
	case ran:
		f.Kind, f.Text = Stopped, "after "+phrase.Duration(u.After)
	case errors.Is(err, context.DeadlineExceeded):
		f.Kind, f.Text = OutOfTime, overtime(err)
	case errors.Is(err, context.Canceled):
		f.Kind = Stopped
	case errors.Is(err, fs.ErrNotExist):
		f.Text = "there is no " + c.c.Program
	case errors.Is(err, fs.ErrPermission):
		f.Text = "there is no permission to run " + c.c.Program
	default:
		f.Kind, f.Text = Unreadable, c.strike(err.Error())
	}
	if ran && u.Alive {
		f.Text += "; it could not even be killed"
	}
	// What it was told last often says why it hung: a host that does not answer.
	if said := c.last(out.Stderr); said != "" && ran {
		f.Text += "; it said last: " + said
	}
	return f
}

// fault reads what restic said of its end. Newer versions tell by their exit code;
// those before 0.17 say 1 for everything, and are recognised by their words.
func (c *client) fault(out sys.Output) *Fault {
	text := said(out.Stderr)
	f := &Fault{Kind: Failed, Exit: out.Exit}
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case out.Exit == 12 || has("wrong password or no key found"):
		f.Kind = WrongPassword
	case out.Exit == 11 || has("repository is already locked"):
		f.Kind = Locked
	case has("Resolving password failed", "an empty password is not", "Please specify repository location", "unknown flag", "unknown command"):
		f.Kind = NotStarted
	case unreachable(text):
		f.Kind = Unreachable
	case out.Exit == 10 || has("Is there a repository at the following location?", "repository does not exist"):
		f.Kind = NoRepository
	case out.Exit == 3:
		f.Kind = Incomplete
	case out.Exit == 130 || out.Exit == 128+15 || out.Exit == 128+9 || out.Exit == 128+2:
		f.Kind = Stopped
	case has("repository contains errors"):
		f.Kind = Damaged
	}
	f.Text = c.last(out.Stderr)
	if f.Kind == Locked {
		f.Text = c.strike(holder(text))
	}
	return f
}

// unreachable tells the words of Go's network and of restic's backends for a
// place that does not answer.
func unreachable(text string) bool {
	for _, p := range []string{
		"dial tcp", "dial unix", "no such host", "connection refused", "connection reset", "i/o timeout", "network is unreachable",
		"TLS handshake timeout", "no route to host", "Temporary failure in name resolution", "context deadline exceeded",
		"server misbehaving", "unexpected EOF", "Service Unavailable", "ssh command exited",
	} {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// holder is who has the lock: "locked exclusively by PID 42 on vulcan by root (UID
// 0, GID 0), lock was created at …".
func holder(text string) string {
	_, rest, found := strings.Cut(text, "repository is already ")
	if !found {
		return ""
	}
	lines := strings.SplitN(rest, "\n", 3)
	out := lines[0]
	if len(lines) > 1 && strings.HasPrefix(lines[1], "lock was created") {
		out += ", " + lines[1]
	}
	return out
}

// said is restic's standard error in plain text: its JSON messages are opened.
func said(stderr []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(stderr)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "{") {
			var m struct {
				Message string `json:"message"`
				Error   struct {
					Message string `json:"message"`
				} `json:"error"`
				Item string `json:"item"`
			}
			if json.Unmarshal([]byte(line), &m) == nil && m.Message+m.Error.Message != "" {
				line = strings.TrimSpace(m.Message + m.Error.Message)
			}
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// last is what restic said at the end that tells something.
func (c *client) last(stderr []byte) string {
	lines := c.telling(stderr)
	if len(lines) == 0 {
		return ""
	}
	return c.strike(lines[len(lines)-1])
}

// first is the first such line: where restic goes on after an error, the later ones
// are what follows from it.
func (c *client) first(stderr []byte) string {
	for _, line := range c.telling(stderr) {
		if strings.HasPrefix(line, "Load(") {
			continue // it tries again
		}
		if rest, ok := strings.CutPrefix(line, "ignoring error for "); ok {
			if _, why, found := strings.Cut(rest, ": "); found {
				line = why
			}
		}
		return c.strike(line)
	}
	return c.last(stderr)
}

// frame is the second line of a stack's frame: "<tab>runtime/asm_amd64.s:1594".
var frame = regexp.MustCompile(`^\t\S+\.(go|s):\d+$`)

// telling are restic's lines, without what it says of every end.
func (c *client) telling(stderr []byte) []string {
	var lines []string
	for line := range strings.Lines(said(stderr)) {
		if frame.MatchString(strings.TrimRight(line, "\r\n")) {
			// Some errors are printed with the stack, a frame of it on two lines.
			lines = lines[:max(0, len(lines)-1)]
			continue
		}
		line = strings.TrimPrefix(strings.TrimSpace(line), "Fatal: ")
		switch {
		case line == "", strings.Contains(line, "repository contains errors"), strings.HasPrefix(line, "There were "),
			strings.Contains(line, "`unlock` command"), strings.HasPrefix(line, "storage ID"),
			strings.HasPrefix(line, "Is there a repository"), strings.Contains(line, "signal terminated received"), line == c.location:
			continue
		}
		lines = append(lines, line)
	}
	return lines
}
