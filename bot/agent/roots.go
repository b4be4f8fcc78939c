package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"watchstander/bot"
	"watchstander/bot/fsync"
)

// Roots keep store paths from being collected.
type Roots interface {
	// Keep makes a root of that name for the path; the same again is no error.
	Keep(name, storePath string) error
	// LetGo removes it; that it is not there is no error.
	LetGo(name string) error
	// Kept lists the names of all roots that are there.
	Kept() ([]string, error)
}

// RootsDir is a directory of direct roots: links to store paths, in a directory
// below /nix/var/nix/gcroots that is the agent's own.
type RootsDir string

var (
	storePath = regexp.MustCompile(`^/nix/store/[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]+$`)
	rootName  = regexp.MustCompile(`^[0-9A-Za-z_-]{1,200}$`)
)

// Keep makes the link.
func (d RootsDir) Keep(name, target string) error {
	if !rootName.MatchString(name) || !storePath.MatchString(target) {
		return fmt.Errorf("%q is no store path", target)
	}
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return err
	}
	at := filepath.Join(string(d), name)
	if there, err := os.Readlink(at); err == nil && there == target {
		return nil
	}
	temporary := at + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, temporary); err != nil {
		return err
	}
	return errors.Join(os.Rename(temporary, at), fsync.Dir(string(d)))
}

// LetGo removes the link.
func (d RootsDir) LetGo(name string) error {
	if !rootName.MatchString(name) {
		return nil
	}
	if err := os.Remove(filepath.Join(string(d), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Kept lists the links.
func (d RootsDir) Kept() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, err
}

func planRoot(id bot.PlanID, i int) string { return fmt.Sprintf("%s-%d", id, i) }

// keep roots what the plan needs for as long as it is open or runs. A path that
// was collected between the look and the root makes no plan.
func (c *Core) keep(p bot.Plan) error {
	for i, target := range p.Draft.Roots {
		if c.o.Roots == nil {
			return bot.Errorf(bot.CodeUnavailable, "The plan needs store paths that this agent cannot keep from being collected: it has no directory for roots.")
		}
		err := c.o.Roots.Keep(planRoot(p.ID, i), target)
		if err == nil {
			_, err = c.o.Host.Files.Stat(target)
		}
		if err != nil {
			c.letGo(p)
			return bot.Errorf(bot.CodeUnavailable, "%s cannot be kept from being collected, so that nothing was planned.", path.Base(target)).Because(err)
		}
	}
	return nil
}

func (c *Core) letGo(p bot.Plan) {
	for i := range p.Draft.Roots {
		if c.o.Roots == nil {
			return
		}
		if err := c.o.Roots.LetGo(planRoot(p.ID, i)); err != nil {
			c.o.Log.Warn("a root cannot be let go", "plan", p.ID, "err", err)
		}
	}
}

// keepRoots makes roots again that are gone, and lets go of those of plans that
// are over.
func (c *Core) keepRoots() error {
	if c.o.Roots == nil {
		return nil
	}
	kept, err := c.o.Roots.Kept()
	if err != nil {
		return fmt.Errorf("agent: what is rooted? %w", err)
	}
	wanted := map[string]bool{}
	for _, r := range c.records {
		if r.Proposal.State.Over() {
			continue
		}
		if r.Proposal.Unit != "" {
			wanted[runRoot(r.Proposal.Unit)] = true
		}
		for i, target := range r.Proposal.Plan.Draft.Roots {
			wanted[planRoot(r.id(), i)] = true
			if err := c.o.Roots.Keep(planRoot(r.id(), i), target); err != nil {
				c.o.Log.Warn("a root cannot be made again", "plan", r.id(), "path", target, "err", err)
			}
		}
	}
	for _, name := range kept {
		if ours := strings.HasPrefix(name, "pln_") || strings.HasPrefix(name, "run-"); ours && !wanted[name] {
			if err := c.o.Roots.LetGo(name); err != nil {
				c.o.Log.Warn("a root cannot be let go", "root", name, "err", err)
			}
		}
	}
	return nil
}
