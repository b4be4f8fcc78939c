package restic

import (
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// mostSample bounds a drill's files.
const mostSample = 10_000

// sampler chooses the files of one week's drill while they are listed, and holds
// few more of them than it will take.
//
// Every file has a fixed place on a ring, by the hash of its name. Each week has a
// starting point on it, and takes the files that come next. Starting points are
// multiples of the golden ratio: after any number of weeks they lie as evenly as
// that many points can, so that no file waits for much longer than its turn in a
// strict rotation would take, though nobody needs to know how many there are.
//
// Large files, of which the budget has not room for a full sample, would find it
// used up by the small ones before them in nearly every week; so in every other
// week they come first. And since those who lie right behind another one on the
// ring would wait for ever where a week takes one file alone, all of them get new
// places every two years.
type sampler struct {
	deal         string // repository and years: what the places depend on
	start        uint64
	largeFirst   bool
	most         int   // files
	room         int64 // bytes
	tooLarge     int64
	small, large farthestFirst
}

// newPlaces is after how many weeks files get new places.
const newPlaces = 104

// golden is 2^64 divided by the golden ratio.
const golden = 0x9E3779B97F4A7C15

func newSampler(repository string, w week, most int, room int64) *sampler {
	n := w.index()
	return &sampler{
		deal: repository + "\x00" + strconv.FormatInt(n/newPlaces, 10) + "\x00", start: uint64(n) * golden, largeFirst: n%2 == 0, most: most, room: room,
	}
}

// candidate is a file with how far it lies from the week's starting point.
type candidate struct {
	node
	distance uint64
}

func (s *sampler) offer(n node) {
	nearest := &s.small
	switch {
	case n.size > s.room:
		s.tooLarge++
		return
	case n.size > s.room/int64(s.most):
		nearest = &s.large
	}
	sum := sha256.Sum256([]byte(s.deal + n.path))
	d := binary.BigEndian.Uint64(sum[:]) - s.start
	if len(*nearest) == s.most {
		if d >= (*nearest)[0].distance {
			return
		}
		heap.Pop(nearest)
	}
	heap.Push(nearest, candidate{n, d})
}

// chosen are the files that the budget has room for, in the order of the ring. The
// first of them always has.
func (s *sampler) chosen() []node {
	first, second := s.small.inOrder(), s.large.inOrder()
	if s.largeFirst {
		first, second = second, first
	}
	var out []node
	room := s.room
	for _, c := range append(first, second...) {
		if c.size <= room && len(out) < s.most {
			room -= c.size
			out = append(out, c.node)
		}
	}
	return out
}

// farthestFirst is a heap with the farthest candidate at its top.
type farthestFirst []candidate

func (h farthestFirst) Len() int           { return len(h) }
func (h farthestFirst) Less(i, j int) bool { return h[i].distance > h[j].distance }
func (h farthestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *farthestFirst) Push(x any)        { *h = append(*h, x.(candidate)) }
func (h *farthestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (h farthestFirst) inOrder() []candidate {
	return slices.SortedFunc(slices.Values(h), func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.path, b.path))
	})
}
