package linux

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// kstat reads the table that Solaris' kernel statistics look like: two lines of
// head, then a name, a type and a value in each. Only unsigned whole numbers
// (type 4) are kept; a value that is none is skipped as what newer versions may
// add.
func kstat(text []byte) (map[string]uint64, error) {
	_, rest, ok := strings.Cut(string(text), "\n")
	if !ok {
		return nil, errors.New("not a table of kernel statistics")
	}
	head, rest, _ := strings.Cut(rest, "\n")
	if got := strings.Fields(head); len(got) != 3 || got[0] != "name" || got[1] != "type" || got[2] != "data" {
		return nil, errors.New("not a table of kernel statistics")
	}
	figures := map[string]uint64{}
	for line := range strings.Lines(rest) {
		field := strings.Fields(line)
		if len(field) != 3 || field[1] != "4" {
			continue
		}
		v, err := strconv.ParseUint(field[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%.40q is no number", field[2])
		}
		figures[field[0]] = v
	}
	return figures, nil
}
