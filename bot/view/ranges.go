package view

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// named is one or more names as they are written.
type named struct {
	text  string
	names int
}

// pattern is a name without one of its numbers, of so many digits: all that differ in
// that number alone have the same.
type pattern struct {
	before, after string
	digits        int // 0 for a number that begins with no zero
}

var numbers = regexp.MustCompile(`[0-9]{1,9}`)

// ranges writes names that differ in one number alone together, as administrators do:
// "web-[001-007,012].example.org". No name is lost, none is added; names that come more
// than once, and those that look as if they were written so already, stand alone.
func ranges(all []string) []named {
	index := map[pattern][]int{} // the names of each, by their place
	of := make([][]pattern, len(all))
	values := make([]map[pattern]int, len(all))
	seen := map[string]int{}
	for _, name := range all {
		seen[name]++
	}
	for i, name := range all {
		if seen[name] > 1 || strings.ContainsAny(name, "[]") {
			continue
		}
		values[i] = map[pattern]int{}
		for _, at := range numbers.FindAllStringIndex(name, -1) {
			number := name[at[0]:at[1]]
			p := pattern{before: name[:at[0]], after: name[at[1]:], digits: len(number)}
			if number[0] != '0' || number == "0" {
				p.digits = 0
			}
			for _, p := range []pattern{p, {p.before, p.after, len(number)}} {
				if _, twice := values[i][p]; twice {
					continue
				}
				values[i][p], _ = strconv.Atoi(number)
				index[p] = append(index[p], i)
				of[i] = append(of[i], p)
			}
		}
	}
	var out []named
	written := make([]bool, len(all))
	for i, name := range all {
		if written[i] {
			continue
		}
		var best []int
		var by pattern
		for _, p := range of[i] {
			left := slices.DeleteFunc(slices.Clone(index[p]), func(j int) bool { return written[j] })
			if len(left) >= len(best) { // the later number where two would do
				best, by = left, p
			}
		}
		if len(best) < 2 {
			out = append(out, named{name, 1})
			continue
		}
		slices.SortFunc(best, func(a, b int) int { return cmp.Compare(values[a][by], values[b][by]) })
		var parts []string
		for k := 0; k < len(best); {
			from := k
			for k++; k < len(best) && values[best[k]][by] == values[best[k-1]][by]+1; k++ {
			}
			part := by.number(values[best[from]][by])
			if k-from > 1 {
				part += "-" + by.number(values[best[k-1]][by])
			}
			parts = append(parts, part)
		}
		for _, j := range best {
			written[j] = true
		}
		out = append(out, named{by.before + "[" + strings.Join(parts, ",") + "]" + by.after, len(best)})
	}
	return out
}

// number writes a number with as many digits as the pattern has.
func (p pattern) number(n int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(p.digits-len(s), 0)) + s
}
