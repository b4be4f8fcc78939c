package agent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"watchstander/bot"
)

// OpenState makes the state's directory where it is not there, and refuses one of
// another user, one that others may enter, and one that trust refuses, which is
// asked before and after it is made. A nil trust is none.
func OpenState(dir string, trust func(dir string) error) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	trusted := func() error {
		if trust == nil {
			return nil
		}
		if err := trust(dir); err != nil {
			return bot.Errorf(bot.CodeInvalid, "The agent's state cannot be trusted: %s.", err)
		}
		return nil
	}
	if err := trusted(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(trusted(), ownAlone(dir))
}

// ownAlone refuses a directory that is not this user's, or that others may enter.
// What is in it was then put there by somebody else, perhaps.
func ownAlone(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return bot.Errorf(bot.CodeInvalid, "The agent's state %s is no directory.", dir)
	case !ok || int(stat.Uid) != os.Geteuid():
		return bot.Errorf(bot.CodeInvalid, "The agent's state %s belongs to another user, who may have agreed to plans there: move it away, after a look at who that is.", dir)
	case info.Mode().Perm()&0o077 != 0:
		return bot.Errorf(bot.CodeInvalid, "The agent's state %s may be entered by others: chmod it to 0700, after a look at who was there.", dir)
	}
	return nil
}

// stateFile says which state this is. It lies with the proposals, so that it goes where
// they go: whoever has followed them finds out that they are others.
var stateFile = filepath.Join(proposalsDir, "state")

type stateID struct {
	ID string `json:"id"`
}

// loadState reads which state this is, and names one that has no name yet. One that
// cannot be read gets another: whoever follows the proposals reads them all again then.
func (c *Core) loadState() error {
	var s stateID
	b, err := c.disk.read(stateFile, 1024)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := json.Unmarshal(b, &s); err != nil {
			c.o.Log.Warn("which state this is cannot be read; it gets another name", "err", err)
		}
	}
	if s.ID == "" {
		s.ID = c.o.IDs()
		if err := c.disk.writeJSON(stateFile, s); err != nil {
			return err
		}
	}
	c.state = s.ID
	return nil
}
