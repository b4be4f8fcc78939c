package sys

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Check tells whether a command is one that a Runner takes: an absolute argv[0],
// variables of the form NAME=value, and no NUL anywhere.
func (c Command) Check() error {
	if len(c.Argv) == 0 {
		return fmt.Errorf("%w: a command without a program", fs.ErrInvalid)
	}
	if p := c.Argv[0]; !strings.HasPrefix(p, "/") || path.Clean(p) != p {
		return fmt.Errorf("%w: the program %q is not named by an absolute path", fs.ErrInvalid, p)
	}
	if c.Dir != "" && !strings.HasPrefix(c.Dir, "/") {
		return fmt.Errorf("%w: %q is no absolute directory", fs.ErrInvalid, c.Dir)
	}
	for _, v := range c.Env {
		// Values can be secrets, and stay out of errors.
		if name, _, found := strings.Cut(v, "="); !found || name == "" {
			return fmt.Errorf("%w: a variable for %s lacks its name or its value", fs.ErrInvalid, c.Argv[0])
		}
	}
	for _, s := range slices.Concat(c.Argv, c.Env, []string{c.Dir}) {
		if strings.ContainsRune(s, 0) {
			return fmt.Errorf("%w: an argument or variable for %s holds a NUL", fs.ErrInvalid, c.Argv[0])
		}
	}
	return nil
}

// Unended is the error of Run for a program that did not end by itself. It wraps
// the reason: context.DeadlineExceeded when its time was over.
type Unended struct {
	Program string
	After   time.Duration
	// Alive: it could not even be killed, and goes on until the kernel lets go of
	// it (it hangs in a dead disk or network mount).
	Alive bool
	Cause error
}

func (e *Unended) Error() string {
	s := fmt.Sprintf("%s was stopped after %s: %v", e.Program, e.After.Round(time.Millisecond), e.Cause)
	if e.Alive {
		s += "; it could not be killed"
	}
	return s
}

func (e *Unended) Unwrap() error { return e.Cause }
