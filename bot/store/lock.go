package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

// lock keeps a second bot away from one state: both would post every root. The
// kernel lets go of it when the process ends, however it ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state's lock: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		err = bot.Errorf(bot.CodeConflict, "Another watchstander runs on the state %s; stop it first, or give this one a state of its own.", path)
	case err != nil:
		err = fmt.Errorf("lock state %s: %w", path, err)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
