// Package fsync waits until names are on the disk. A file's own Sync keeps what is
// in it; that it was made, renamed or removed is kept by its directory's.
//
// Neighbours: whatever keeps files that must outlive a power cut (the journal, the
// agent's state, a console's transcript, the reports of backups).
package fsync

import (
	"errors"
	"os"
)

// Dir waits until all names in a directory are on the disk.
func Dir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
