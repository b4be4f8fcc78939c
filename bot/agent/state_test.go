package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"watchstander/bot"
)

// TestStateOfAnother: a state that somebody else owns, or could exchange, may hold
// decisions that nobody made, and is not taken up.
func TestStateOfAnother(t *testing.T) {
	w := newWorld(t)
	const stranger = 65534
	if os.Getuid() == 0 {
		for _, name := range []string{".", proposalsDir, runsDir} {
			w.ok(os.MkdirAll(filepath.Join(w.state, name), 0o700))
			w.ok(os.Chown(filepath.Join(w.state, name), stranger, -1))
			refuses(t, w.open(), bot.CodeInvalid, "belongs to another user")
			w.ok(os.Chown(filepath.Join(w.state, name), 0, -1))
		}
	}
	for _, name := range []string{".", proposalsDir, runsDir} {
		w.ok(os.MkdirAll(filepath.Join(w.state, name), 0o700))
		w.ok(os.Chmod(filepath.Join(w.state, name), 0o710))
		refuses(t, w.open(), bot.CodeInvalid, "may be entered by others")
		w.ok(os.Chmod(filepath.Join(w.state, name), 0o700))
	}
	w.ok(w.open())
	w.ok(w.journal.Close())

	dir := filepath.Join(t.TempDir(), "state")
	asked := 0
	err := OpenState(dir, func(path string) error {
		if path != dir {
			t.Errorf("asked of %s", path)
		}
		if asked++; asked == 2 { // it was made meanwhile, by whomever
			return errors.New("others may write it")
		}
		return nil
	})
	refuses(t, err, bot.CodeInvalid, "The agent's state cannot be trusted: others may write it.")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}
