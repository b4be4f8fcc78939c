package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// size is a number of bytes.
type size int64

// keep is a time to keep something; 0 is for ever.
type keep time.Duration

// scan reads one scalar into what dst points to, and answers with the complaint
// when it cannot. Complaints quote durations, times and sizes, and never text:
// that might be a secret in a wrong place.
func scan(n *node, dst any) string {
	if _, text := dst.(*string); text && n.kind == mapping {
		// In brackets inside of braces, the parser takes http://x for a key.
		return "must be text, not a mapping: put quotes around text that holds a colon"
	}
	if n.kind == mapping || n.kind == sequence {
		return fmt.Sprintf("must be %s, not %s", wanted(dst), n.kind)
	}
	switch dst := dst.(type) {
	case *string:
		switch {
		case n.kind != textScalar:
			return "must be text: put quotes around it"
		case strings.TrimSpace(n.text) == "":
			return "is empty"
		}
		*dst = n.text
	case *bool:
		if n.kind != boolScalar {
			return "must be true or false, without quotes"
		}
		*dst = strings.EqualFold(n.text, "true")
	case *int:
		return scanInt(n, dst)
	case *float64:
		f, err := strconv.ParseFloat(n.text, 64)
		if n.kind != numberScalar || err != nil || f-f != 0 {
			return "must be a number, as in 1 or 0.5"
		}
		*dst = f
	case *time.Duration:
		return scanDuration(n.text, dst)
	case *keep:
		if n.text == "forever" {
			*dst = 0
			return ""
		}
		var d time.Duration
		if complaint := scanDuration(n.text, &d); complaint != "" {
			return complaint + "; or forever"
		}
		if d == 0 {
			return "must be longer than nothing; what shall never be pruned is written forever"
		}
		*dst = keep(d)
	case *Clock:
		return scanClock(n.text, dst)
	case *size:
		return scanSize(n.text, dst)
	case *sizes:
		return scanSizes(n.text, dst)
	default:
		panic(fmt.Sprintf("config: no scanner for %T", dst))
	}
	return ""
}

func wanted(dst any) string {
	switch dst.(type) {
	case *bool:
		return "true or false"
	case *int, *float64:
		return "a number"
	case *time.Duration, *keep:
		return "a duration"
	case *Clock:
		return "a time of day"
	case *size:
		return "a size"
	case *sizes:
		return "a range of sizes"
	}
	return "text"
}

// wholeNumber: YAML's other ways to write a number (octal, underscores) are
// traps, not features.
var wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})$`)

func scanInt(n *node, dst *int) string {
	if n.kind != numberScalar || !wholeNumber.MatchString(n.text) {
		return "must be a whole number, in plain digits without quotes"
	}
	i, err := strconv.Atoi(n.text)
	if err != nil {
		return "is too large a number"
	}
	*dst = i
	return ""
}

func scanDuration(text string, dst *time.Duration) string {
	d, err := model.ParseDuration(text)
	switch {
	case err == nil:
		*dst = time.Duration(d)
		return ""
	case strings.HasPrefix(text, "-"):
		return fmt.Sprintf("%s is negative: write a duration such as 30s, 5m, 4h, 1d12h", short(text))
	case strings.Contains(err.Error(), "out of range"):
		return fmt.Sprintf("%s is longer than can be counted (292 years)", short(text))
	case wholeNumber.MatchString(text):
		return fmt.Sprintf("%s has no unit: write %ss, %sm, %sh or %sd", short(text), text, text, text, text)
	}
	return fmt.Sprintf("%s is no duration: write whole numbers with units, the larger first, such as 30s, 5m, 4h, 1d12h", short(text))
}

var sizeForm = regexp.MustCompile(`^([1-9][0-9]{0,11})(B|KiB|MiB|GiB)?$`)

func scanSize(text string, dst *size) string {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return fmt.Sprintf("%s is no size: write a whole number with B, KiB, MiB or GiB, such as 32MiB", short(text))
	}
	v, _ := strconv.ParseInt(m[1], 10, 64) // 12 digits always fit
	shift := map[string]uint{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
	if v > 1<<40>>shift {
		return fmt.Sprintf("%s is too large a size", short(text))
	}
	*dst = size(v << shift)
	return ""
}
