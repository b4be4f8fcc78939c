package restic

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// mostSample bounds a drill's files: each becomes an argument of restic.
const mostSample = 500

// sampler chooses the files of one week's drill while they are listed, and holds
// no more of them than it will take.
//
// Every file has a fixed place on a ring, by the hash of its name. Each week has a
// starting point on it, and takes the files that come next. Starting points are
// multiples of the golden ratio: after any number of weeks they lie as evenly as
// that many points can, so that no file waits for much longer than its turn in a
// strict rotation would take, though nobody needs to know how many there are.
type sampler struct {
	repository string
	start      uint64
	most       int   // files
	room       int64 // bytes
	tooLarge   int64
	nearest    farthestFirst
}

// golden is 2^64 divided by the golden ratio.
const golden = 0x9E3779B97F4A7C15

func newSampler(repository string, w week, most int, room int64) *sampler {
	return &sampler{repository: repository, start: uint64(w.index()) * golden, most: most, room: room}
}

// candidate is a file with how far it lies from the week's starting point.
type candidate struct {
	node
	distance uint64
}

func (s *sampler) offer(n node) {
	if n.size > s.room {
		s.tooLarge++
		return
	}
	sum := sha256.Sum256([]byte(s.repository + "\x00" + n.path))
	d := binary.BigEndian.Uint64(sum[:]) - s.start
	if len(s.nearest) == s.most {
		if d >= s.nearest[0].distance {
			return
		}
		heap.Pop(&s.nearest)
	}
	heap.Push(&s.nearest, candidate{n, d})
}

// chosen are the files that the budget has room for, in the order of the ring. The
// first of them always has.
func (s *sampler) chosen() []node {
	all := slices.Clone(s.nearest)
	slices.SortFunc(all, func(a, b candidate) int {
		if a.distance != b.distance {
			if a.distance < b.distance {
				return -1
			}
			return 1
		}
		return strings.Compare(a.path, b.path)
	})
	var out []node
	room := s.room
	for _, c := range all {
		if c.size <= room {
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
