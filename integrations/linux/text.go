package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/dustin/go-humanize"

	"watchstander/bot/clean"
)

// longest is how many characters of a kernel's or library's words are repeated.
const longest = 160

// percent of a whole, rounded down: 89.9 is not yet 90.
func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole) * 100
}

func whole(percent float64) string { return fmt.Sprintf("%.0f %%", math.Floor(percent)) }

func size(bytes uint64) string { return humanize.IBytes(bytes) }

// border writes a limit: "90 %".
func border(percent float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", percent), ".0") + " %"
}

// reason is an error in words for people. What the kernel or a mount point's
// name puts into it is cleaned and cut.
func reason(err error) string {
	path := ""
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		path = at.Path
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && path != "":
		return line(path + " does not exist")
	case errors.Is(err, fs.ErrPermission):
		return line(strings.TrimSpace("no permission to read " + path))
	}
	return line(err.Error())
}

// line is what others wrote, as one bounded line.
func line(s string) string { return clean.Line(s, longest) }
