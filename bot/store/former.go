package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// former is where the copy of a state lies that was made before its tables became newer.
func former(path string, tables int64) string { return fmt.Sprintf("%s.tables-%d", path, tables) }

// keepFormer copies the state before its tables become newer: a bot that is gone back to, as
// after a deploy that is undone, reads none of another version than its own. Of earlier
// copies none is kept. Where there is no room for one the bot starts without.
func (s *Store) keepFormer(ctx context.Context, tables int64) error {
	if err := s.roomForCopy(); errors.Is(err, ErrNoRoom) {
		return nil
	} else if err != nil {
		return err
	}
	at := former(s.path, tables)
	whole := at + ".new"
	// SQLite writes into an empty file as well, and this one nobody else may read.
	f, err := os.OpenFile(whole, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("state: copy: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("state: copy: %w", err)
	}
	if _, err := s.write.ExecContext(ctx, `VACUUM INTO $1`, whole); err != nil {
		return errors.Join(fmt.Errorf("state: copy: %w", err), os.Remove(whole))
	}
	if err := os.Rename(whole, at); err != nil {
		return fmt.Errorf("state: copy: %w", err)
	}
	for _, other := range formers(s.path) {
		if other != at {
			_ = os.Remove(other) // it takes up room, and does nothing else
		}
	}
	return nil
}

// formers are the copies that lie beside a state.
func formers(path string) (found []string) {
	list, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range list {
		rest, ours := strings.CutPrefix(e.Name(), filepath.Base(path)+".tables-")
		if ours && rest != "" && strings.Trim(rest, "0123456789") == "" {
			found = append(found, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return found
}

// insteadOf names the copy that a bot could begin with that does not read the state: the one of
// its own tables; "" for none.
func insteadOf(path string, tables int64) string {
	at := former(path, tables)
	if info, err := os.Stat(at); err == nil && info.Mode().IsRegular() {
		return fmt.Sprintf(" Or, with no watchstander running, put %s in its place: the state as it was on %s, and nothing of what was said since.", at, info.ModTime().UTC().Format("2 Jan 2006 15:04 UTC"))
	}
	return ""
}
