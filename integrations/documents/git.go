package documents

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"watchstander/bot/sys"
)

// limit bounds one question to git.
const limit = 5 * time.Second

// tree is a work tree as it is now.
type tree struct {
	head string
	err  error
}

// commitOf is a file at a commit.
type commitOf struct{ tree, head, file string }

// environment has git read no configuration but the repository's own and fetch nothing. It
// is the agent that asks, as root: git itself refuses a repository that is not root's, whose
// configuration could name programs.
var environment = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0",
	"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_NO_REPLACE_OBJECTS=1", "GIT_LITERAL_PATHSPECS=1", "LC_ALL=C"}

// git asks, and gives what it says in one line.
func (p *Probe) git(ctx context.Context, dir string, argv ...string) (string, error) {
	out, err := p.h.Run.Run(ctx, sys.Command{Argv: append([]string{p.o.Git, "--no-pager", "-C", dir, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"}, argv...),
		Env: environment, Limit: limit, Most: 64 << 10})
	switch {
	case ctx.Err() != nil:
		return "", errors.New("there was not enough time to ask git")
	case err != nil:
		return "", errors.New("git cannot be asked")
	case bytes.Contains(out.Stderr, []byte("dubious ownership")):
		return "", errors.New("git refuses: its work tree is not root's")
	case out.Exit != 0:
		return "", errors.New("git does not know its work tree")
	}
	return strings.TrimSpace(string(out.Stdout)), nil
}

// tree finds where a work tree stands. A shallow clone's first commit seems to have made
// everything, so that it tells no ages.
func (p *Probe) tree(ctx context.Context, dir string) tree {
	said, err := p.git(ctx, dir, "rev-parse", "--verify", "--is-shallow-repository", "HEAD")
	shallow, head, _ := strings.Cut(said, "\n")
	switch {
	case err != nil:
		return tree{err: err}
	case shallow != "false" || head == "":
		return tree{err: errors.New("its work tree is a shallow clone, which knows no older commits")}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.commits { // of former commits nobody asks any more
		if c.tree == dir && c.head != head {
			delete(p.commits, c)
		}
	}
	return tree{head: head}
}

// changed is when the newest commit that changed a file was made; it is asked for once for
// each commit at which the tree stands.
func (p *Probe) changed(ctx context.Context, t tree, dir, file string) (time.Time, error) {
	if t.err != nil {
		return time.Time{}, t.err
	}
	rest, below := strings.CutPrefix(file, strings.TrimSuffix(dir, "/")+"/")
	if !below {
		return time.Time{}, errors.New("it is not in its work tree")
	}
	key := commitOf{dir, t.head, file}
	p.mu.Lock()
	at, known := p.commits[key]
	p.mu.Unlock()
	if !known {
		said, err := p.git(ctx, dir, "log", "-1", "--no-show-signature", "--no-patch", "--format=%ct", t.head, "--", rest)
		if err != nil {
			return at, err
		}
		if said != "" {
			seconds, err := strconv.ParseInt(said, 10, 64)
			if err != nil {
				return at, errors.New("git's answer cannot be understood")
			}
			at = time.Unix(seconds, 0)
		}
		p.mu.Lock()
		p.commits[key] = at
		p.mu.Unlock()
	}
	if at.IsZero() {
		return at, errors.New("no commit has it")
	}
	return at, nil
}
