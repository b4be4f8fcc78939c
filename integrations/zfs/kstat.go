package zfs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// kstat reads a table of kernel statistics: two lines of head, then a name, a
// type and a value in each. Whole numbers alone are kept, signed (type 3) and
// unsigned (type 4); of two with one name the first counts. What newer versions
// add is skipped, and so is a figure too large to be one.
func kstat(text []byte) (map[string]int64, error) {
	_, rest, ok := strings.Cut(string(text), "\n")
	head, rest, _ := strings.Cut(rest, "\n")
	if got := strings.Fields(head); !ok || len(got) != 3 || got[0] != "name" || got[1] != "type" || got[2] != "data" {
		return nil, errors.New("it is no table of kernel statistics")
	}
	figures := map[string]int64{}
	for line := range strings.Lines(rest) {
		field := strings.Fields(line)
		if len(field) != 3 {
			continue
		}
		if _, known := figures[field[0]]; known {
			continue
		}
		switch field[1] {
		case "3":
			v, err := strconv.ParseInt(field[2], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%.40q is no number", field[2])
			}
			figures[field[0]] = v
		case "4":
			v, err := strconv.ParseUint(field[2], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%.40q is no number", field[2])
			}
			if v <= math.MaxInt64 {
				figures[field[0]] = int64(v)
			}
		}
	}
	return figures, nil
}
