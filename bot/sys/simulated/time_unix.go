//go:build unix

package simulated

import (
	"time"

	"golang.org/x/sys/unix"
)

// setTime sets the time of a link itself, which the profile's generations tell
// their age by.
func setTime(path string, at time.Time) error {
	stamp, err := unix.TimeToTimespec(at)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW)
}
