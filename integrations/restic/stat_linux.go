package restic

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when a file's content, name or rights changed last.
func changeTime(info fs.FileInfo) (time.Time, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(s.Ctim.Unix()), true
}
