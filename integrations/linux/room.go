package linux

import "errors"

// Room is how much a filesystem holds and can still take.
type Room struct {
	Size      uint64 // bytes, the reserve for root included
	Free      uint64 // bytes, the reserve included
	Available uint64 // bytes that ordinary users may still write
	Files     uint64 // inodes; 0 where the filesystem has no fixed number
	FilesFree uint64
}

// check refuses what no filesystem can be, which broken FUSE and network
// filesystems do tell.
func (r Room) check() error {
	if r.Free > r.Size || r.Available > r.Size || r.FilesFree > r.Files || r.Size > 1<<62 {
		return errors.New("the filesystem gives figures that cannot be")
	}
	return nil
}

func (r Room) held() uint64 { return r.Size - r.Free }

// used is the share in percent that df shows: of what is held or may still be
// written.
func (r Room) used() float64 { return percent(r.held(), r.held()+r.Available) }

func (r Room) inodesUsed() float64 { return percent(r.Files-r.FilesFree, r.Files) }
