package documents

import (
	"errors"
	"io"
	"regexp"
	"time"
)

// mostLooked is how much of a file is searched for the line, in bytes from its beginning.
const mostLooked = 64 << 10

// reviewLine is "reviewed: 2026-09-01" at the beginning of a line, also in a list, a
// comment, a quote, or in bold.
var reviewLine = regexp.MustCompile(`(?im)^[ \t]*(?:[-*>#|]|//|<!--)?[ \t]*[*_]{0,2}(?:last[ -])?reviewed[*_]{0,2}[ \t]*:[*_]{0,2}[ \t]*"?([^\s"|*]*)`)

// reviewed reads when a file says it was reviewed, the latest of several; said is false
// where it says nothing.
func (p *Probe) reviewed(file string) (at time.Time, said bool, err error) {
	f, err := p.h.Files.Open(file)
	if err != nil {
		return at, false, errors.New("it cannot be read")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostLooked))
	if err != nil {
		return at, false, errors.New("it cannot be read")
	}
	for _, m := range reviewLine.FindAllSubmatch(text, -1) {
		day, err := time.Parse(time.DateOnly, string(m[1]))
		if err != nil {
			return at, false, errors.New("its line `reviewed:` has no date like 2026-09-01")
		}
		if said = true; day.After(at) {
			at = day
		}
	}
	return at, said, nil
}
