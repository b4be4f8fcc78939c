package commands

import "unicode/utf8"

// slips is how many slips of the finger make a misspelt name: in a short name
// every neighbour is a word of its own ("ack": back, pack, act), so that only
// two letters that changed places count.
func slips(name string) int {
	switch n := utf8.RuneCountInString(name); {
	case n <= 3:
		return 0
	case n <= 5:
		return 1
	}
	return 2
}

// misspelt tells whether word may be name with a slip or two. People rarely miss
// the first letter, and asking for it keeps most ordinary words away.
func misspelt(word, name string) bool {
	w, n := []rune(word), []rune(name)
	if word == name || len(w) < 2 || len(n) < 3 {
		return false
	}
	if w[0] != n[0] && (w[0] != n[1] || w[1] != n[0]) {
		return false
	}
	if slips(name) == 0 {
		return len(w) == len(n) && distance(w, n) == 1 && sameLetters(w, n)
	}
	return distance(w, n) <= slips(name)
}

// nearest is the name that somebody may have meant, "" when none is near. It is
// a mere suggestion, so it may be bolder than misspelt.
func nearest(word string, names []string) string {
	best, least := "", 1+max(1, utf8.RuneCountInString(word)/3)
	for _, n := range names {
		if utf8.RuneCountInString(n) < 3 {
			continue
		}
		if d := distance([]rune(word), []rune(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the least number of letters that were inserted, left out, mistaken
// or swapped with their neighbour on the way from a to b, where no place is
// touched twice.
func distance(a, b []rune) int {
	const longest = 32 // no name is that long
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var before, last, row [longest + 1]int
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last = last, row
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j], row[j-1]) + 1
			if a[i-1] == b[j-1] {
				row[j] = min(row[j], last[j-1])
			} else {
				row[j] = min(row[j], last[j-1]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func sameLetters(a, b []rune) bool {
	count := map[rune]int{}
	for i := range a {
		count[a[i]]++
		count[b[i]]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}
