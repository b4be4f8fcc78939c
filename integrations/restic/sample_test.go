package restic

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func sampleOf(repository string, n, most int, w int64, room int64, size func(i int) int64) ([]node, int64) {
	s := newSampler(repository, weekOf(time.Unix(0, 0).AddDate(0, 0, 7*int(w)+4)), most, room)
	for i := range n {
		s.offer(node{path: fmt.Sprintf("/data/%d", i), size: size(i)})
	}
	return s.chosen(), s.tooLarge
}

func small(int) int64 { return 1 }

// Week by week every file comes up, not much later than in a strict rotation.
func TestSampleReachesEverything(t *testing.T) {
	const files, most = 2000, 40
	for _, first := range []int64{0, 2960, 52000} {
		seen := map[string]bool{}
		weeks := 0
		for ; len(seen) < files; weeks++ {
			if weeks > 4*files/most {
				t.Fatalf("after %d weeks %d of %d files came up", weeks, len(seen), files)
			}
			chosen, _ := sampleOf("b2", files, most, first+int64(weeks), 1<<30, small)
			if len(chosen) != most {
				t.Fatalf("%d files in a week", len(chosen))
			}
			for _, n := range chosen {
				seen[n.path] = true
			}
		}
		t.Logf("from week %d on: all %d files within %d weeks; a strict rotation takes %d", first, files, weeks, files/most)
	}
}

// The same week chooses the same files, in whatever order they are listed; another
// repository and another week choose others.
func TestSampleIsDeterministic(t *testing.T) {
	a, _ := sampleOf("b2", 1000, 20, 2900, 1<<30, small)
	s := newSampler("b2", weekOf(time.Unix(0, 0).AddDate(0, 0, 7*2900+4)), 20, 1<<30)
	for i := range 1000 {
		s.offer(node{path: fmt.Sprintf("/data/%d", 999-i), size: 1})
	}
	if b := s.chosen(); !slices.Equal(a, b) {
		t.Errorf("listed backwards it is %v, not %v", b, a)
	}
	other, _ := sampleOf("tank", 1000, 20, 2900, 1<<30, small)
	next, _ := sampleOf("b2", 1000, 20, 2901, 1<<30, small)
	for _, b := range [][]node{other, next} {
		if common := len(intersection(a, b)); common > 5 {
			t.Errorf("%d of 20 files are the same", common)
		}
	}
}

func intersection(a, b []node) (out []node) {
	for _, n := range a {
		if slices.Contains(b, n) {
			out = append(out, n)
		}
	}
	return out
}

// The budget of bytes is kept; what can never fit is counted, and what fits this
// week only alone comes up all the same.
func TestSampleBudget(t *testing.T) {
	size := func(i int) int64 {
		switch {
		case i%100 == 0:
			return 1001
		case i%10 == 0:
			return 1000
		}
		return 10
	}
	seen := map[string]int64{}
	for w := range int64(832) {
		chosen, tooLarge := sampleOf("b2", 1000, 40, w, 1000, size)
		var sum int64
		for _, n := range chosen {
			sum += n.size
			seen[n.path] = n.size
		}
		if sum > 1000 || len(chosen) == 0 || tooLarge != 10 {
			t.Fatalf("in week %d %d bytes in %d files; %d are too large", w, sum, len(chosen), tooLarge)
		}
	}
	var large, little int
	for _, size := range seen {
		if size == 1000 {
			large++
		} else {
			little++
		}
	}
	// A strict rotation would take 180 weeks for the large ones.
	if large < 88 || little != 900 {
		t.Errorf("of 90 files that fill the budget alone %d came up in 832 weeks, and of 900 small ones %d", large, little)
	}
	if chosen, tooLarge := sampleOf("b2", 5, 40, 0, 0, small); len(chosen) != 0 || tooLarge != 5 {
		t.Errorf("without a budget %d are chosen", len(chosen))
	}
}
