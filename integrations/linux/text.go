package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
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

// span writes a duration with its two largest units: "17 d 4 h".
func span(d time.Duration) string {
	d = max(0, d)
	day := 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
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
		return clean(path + " does not exist")
	case errors.Is(err, fs.ErrPermission):
		return clean(strings.TrimSpace("no permission to read " + path))
	}
	return clean(err.Error())
}

// clean makes one bounded line of s.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == longest {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(r) {
			r = '�'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
