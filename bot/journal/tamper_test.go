package journal

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// FuzzTampering edits a journal's file as an attacker might, once, and looks for the
// edit with the head that was kept elsewhere: it is always found, a cut-off end and
// an older file in its place included.
func FuzzTampering(f *testing.F) {
	entries := life(f)
	good := text(f, entries)
	head := entries[len(entries)-1].Head()
	for op := range uint8(8) {
		for _, at := range []uint16{0, 1, 100, 300, uint16(len(good) - 1)} {
			f.Add(op, at, uint16(7), []byte("\n"))
			f.Add(op, at, uint16(300), []byte(`"by":"mallory",`))
		}
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	lines = lines[:len(lines)-1]
	f.Fuzz(func(t *testing.T, op uint8, at, n uint16, data []byte) {
		i := int(at) % (len(good) + 1)
		j := min(i+int(n), len(good))
		a, b := int(at)%len(lines), int(n)%len(lines)
		var bad []byte
		switch op % 8 {
		case 0: // put in
			bad = slices.Concat(good[:i], data, good[i:])
		case 1: // taken out
			bad = slices.Concat(good[:i], good[j:])
		case 2: // put in place of
			bad = slices.Concat(good[:i], data, good[j:])
		case 3: // cut off, anywhere
			bad = good[:i]
		case 4: // an older file, whole to its end
			bad = bytes.Join(lines[:a], nil)
		case 5: // two lines in each other's place
			moved := slices.Clone(lines)
			moved[a], moved[b] = moved[b], moved[a]
			bad = bytes.Join(moved, nil)
		case 6: // one line moved
			moved := slices.Delete(slices.Clone(lines), a, a+1)
			bad = bytes.Join(slices.Insert(moved, min(b, len(moved)), lines[a]), nil)
		case 7: // one byte
			bad = bytes.Clone(good)
			if len(data) > 0 && i < len(bad) {
				bad[i] = data[0]
			}
		}
		_, err := VerifyAgainst(entriesOf(bytes.NewReader(bad)), Head{}, head)
		if bytes.Equal(bad, good) {
			if err != nil {
				t.Fatalf("nothing was done to it, and it is told: %v", err)
			}
			return
		}
		// More entries may follow a head that is known, and these may be whole; but
		// nobody without the journal's program makes them here.
		broken, ok := errors.AsType[*Broken](err)
		if !ok {
			t.Fatalf("it is not found: %v\n%s", err, bad)
		}
		if n := broken.After.Seq; n > 0 && broken.After != entries[n-1].Head() {
			t.Fatalf("what is called whole is not what was written: %+v", broken)
		}
	})
}
