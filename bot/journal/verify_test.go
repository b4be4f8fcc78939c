package journal

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// life is a small journal: a plan from the asking to the end.
func life(t testing.TB) []Entry {
	t.Helper()
	var out []Entry
	var head Head
	for i, e := range []Entry{
		{Kind: KindRequest, By: "bob", Text: "bob asked for it"},
		{Kind: KindPlan, Text: "a plan was made", Fields: map[string]string{FieldDigest: strings.Repeat("a", 64)}},
		{Kind: KindDecision, By: "alice", Text: "alice agreed"},
		{Kind: KindStart, Text: "it starts"},
		{Kind: KindEnd, Text: "it is done"},
	} {
		e.At, e.Host, e.Subject = morning.Add(time.Duration(i)*time.Minute), "vulcan", "pln_A"
		e = sealed(t, head, e)
		head = e.Head()
		out = append(out, e)
	}
	return out
}

func each(entries []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func text(t testing.TB, entries []Entry) []byte {
	t.Helper()
	var out []byte
	for _, e := range entries {
		line, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

func TestVerify(t *testing.T) {
	entries := life(t)
	end := entries[len(entries)-1].Head()
	if head, err := Verify(each(entries), Head{}); err != nil || head != end || head.Seq != 5 {
		t.Errorf("whole: %v, %v", head, err)
	}
	if head, err := Verify(each(entries[2:]), entries[1].Head()); err != nil || head != end {
		t.Errorf("from the third on: %v, %v", head, err)
	}
	if head, err := Verify(each(nil), end); err != nil || head != end {
		t.Errorf("nothing more: %v, %v", head, err)
	}
	var known []Head
	for _, e := range entries {
		known = append(known, e.Head())
	}
	if _, err := VerifyAgainst(each(entries), Head{}, known...); err != nil {
		t.Error(err)
	}
}

// broken wants a fault at an entry.
func broken(t *testing.T, what string, err error, seq int64, fault Fault) {
	t.Helper()
	b, ok := errors.AsType[*Broken](err)
	if !ok {
		t.Errorf("%s: %v", what, err)
	} else if b.Seq != seq || b.Fault != fault {
		t.Errorf("%s: %v (after %v), want %s at %d", what, b, b.After, fault, seq)
	}
}

func TestWhateverIsDoneToEntriesIsFound(t *testing.T) {
	entries := life(t)
	forged := entries[2]
	forged.By, forged.Text = "mallory", "mallory agreed"
	var err error
	if forged.Hash, err = sum(forged); err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		seq := int64(i + 1)
		if i < len(entries)-1 {
			_, err := Verify(each(slices.Delete(slices.Clone(entries), i, i+1)), Head{})
			broken(t, "removed", err, seq+1, FaultMissing)
		}
		for j := i + 1; j < len(entries); j++ {
			swapped := slices.Clone(entries)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			_, err := Verify(each(swapped), Head{})
			broken(t, "swapped", err, int64(j+1), FaultMissing)
		}
		for at := i + 1; at <= len(entries); at++ {
			_, err := Verify(each(slices.Insert(slices.Clone(entries), at, entries[i])), Head{})
			broken(t, "doubled", err, seq, FaultOrder)
		}
		inserted := slices.Insert(slices.Clone(entries), i, forged)
		if _, err := Verify(each(inserted), Head{}); err == nil {
			t.Errorf("a forged entry at %d is not found", i)
		}
	}
	// Put in place of the real one, hash and link right: its successor tells.
	replaced := slices.Clone(entries)
	replaced[2] = forged
	_, err = Verify(each(replaced), Head{})
	broken(t, "replaced", err, 4, FaultChanged)
	// With its old hash it tells itself.
	replaced[2].Hash = entries[2].Hash
	_, err = Verify(each(replaced), Head{})
	broken(t, "changed", err, 3, FaultChanged)
}

// What the chain alone cannot tell, a head that was kept elsewhere does.
func TestKnownHeads(t *testing.T) {
	entries := life(t)
	third, end := entries[2].Head(), entries[4].Head()
	if _, err := Verify(each(entries[:4]), Head{}); err != nil {
		t.Fatal("a journal without its end is whole in itself:", err)
	}
	head, err := VerifyAgainst(each(entries[:4]), Head{}, third, end)
	broken(t, "cut", err, 5, FaultCut)
	if head != entries[3].Head() {
		t.Errorf("the last that is right is %v", head)
	}
	_, err = VerifyAgainst(each(nil), Head{}, third)
	broken(t, "emptied", err, 1, FaultCut)

	var anew []Entry
	var last Head
	for _, e := range entries {
		if e.Seq == 3 {
			e.By = "mallory"
		}
		e = sealed(t, last, e)
		last = e.Head()
		anew = append(anew, e)
	}
	if _, err := Verify(each(anew), Head{}); err != nil {
		t.Fatal("a journal written anew is whole in itself:", err)
	}
	_, err = VerifyAgainst(each(anew), Head{}, entries[1].Head(), end)
	broken(t, "rewritten", err, 5, FaultRewritten)
	_, err = VerifyAgainst(each(entries), Head{}, Head{Seq: 3, Hash: "x"}, third)
	broken(t, "a false head", err, 3, FaultRewritten)
	// Heads at or before the beginning were looked at by whoever knows it.
	if _, err := VerifyAgainst(each(entries[3:]), third, third, end); err != nil {
		t.Error(err)
	}
}

// Every byte of a journal file is changed, taken out and doubled, in turn.
func TestWhateverIsDoneToBytesIsFound(t *testing.T) {
	good := text(t, life(t)[:3])
	if _, err := Verify(entriesOf(bytes.NewReader(good)), Head{}); err != nil {
		t.Fatal(err)
	}
	for i, c := range good {
		for name, bad := range map[string][]byte{
			"one bit":      replaced(good, i, c^1),
			"another case": replaced(good, i, c^0x20),
			"a high bit":   replaced(good, i, c|0x80),
			"a zero":       replaced(good, i, 0),
			"taken out":    slices.Delete(slices.Clone(good), i, i+1),
			"doubled":      slices.Insert(slices.Clone(good), i, c),
			"a blank":      slices.Insert(slices.Clone(good), i, ' '),
			"a break":      slices.Insert(slices.Clone(good), i, '\n'),
		} {
			if bytes.Equal(bad, good) {
				continue
			}
			if _, err := Verify(entriesOf(bytes.NewReader(bad)), Head{}); err == nil {
				t.Errorf("%s at byte %d is not found", name, i)
			} else if _, ok := errors.AsType[*Broken](err); !ok {
				t.Errorf("%s at byte %d: %v", name, i, err)
			}
		}
	}
}

func replaced(b []byte, at int, c byte) []byte {
	b = slices.Clone(b)
	b[at] = c
	return b
}

func TestBrokenNamesThePlace(t *testing.T) {
	lines := bytes.SplitAfter(text(t, life(t)), []byte("\n"))
	lines[2] = []byte("{}\n")
	bad := bytes.Join(lines, nil)
	head, err := Verify(entriesOf(bytes.NewReader(bad)), Head{})
	b, ok := errors.AsType[*Broken](err)
	if !ok || b.Line != 3 || b.Seq != 3 || b.After != head || head.Seq != 2 || b.Fault != FaultUnreadable {
		t.Fatalf("%v", err)
	}
	if want := "the journal is broken at entry 3 (line 3): unreadable: "; !strings.HasPrefix(b.Error(), want) {
		t.Errorf("%s", b)
	}
	// Who reads on gets what is behind it.
	var read []int64
	for e, err := range entriesOf(bytes.NewReader(bad)) {
		if err == nil {
			read = append(read, e.Seq)
		}
	}
	if !slices.Equal(read, []int64{1, 2, 4, 5}) {
		t.Errorf("read: %v", read)
	}
	// Another error is not taken for a fault of the journal.
	boom := errors.New("boom")
	_, err = Verify(func(yield func(Entry, error) bool) { yield(Entry{}, boom) }, Head{})
	if !errors.Is(err, boom) {
		t.Error(err)
	}
}

func TestALongLineIsNotKept(t *testing.T) {
	good := text(t, life(t))
	bad := append(bytes.Repeat([]byte("x"), MaxLine+2), '\n')
	_, err := Verify(entriesOf(bytes.NewReader(append(bad, good...))), Head{})
	broken(t, "too long", err, 1, FaultUnreadable)
	n := 0
	for _, err := range entriesOf(bytes.NewReader(append(bad, good...))) {
		if err == nil {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d entries behind a long line", n)
	}
}

func TestHeadEntries(t *testing.T) {
	h := Head{Seq: 12, Hash: strings.Repeat("0f", 32)}
	e := HeadEntry(OfAgent, "vulcan", h)
	e.At = morning
	e = sealed(t, Head{}, e) // hide takes hashes for secrets: this one must stay
	of, got, ok := e.Known()
	if !ok || of != OfAgent || got != h {
		t.Errorf("%q, %v, %v", of, got, ok)
	}
	empty := HeadEntry(OfAgent, "vulcan", Head{})
	other := HeadEntry(OfAgent, "lugh", Head{Seq: 3, Hash: h.Hash})
	bots := HeadEntry(OfBot, "vulcan", Head{Seq: 4, Hash: h.Hash})
	list := []Entry{empty, e, other, bots, e, {Kind: KindNote, Fields: e.Fields}, {Kind: KindHead, Fields: map[string]string{FieldSeq: "x"}}}
	if got := Heads(list, OfAgent, "vulcan"); !slices.Equal(got, []Head{h}) {
		t.Errorf("of the agent of vulcan: %v", got)
	}
	if got := Heads(list, OfAgent, ""); len(got) != 2 {
		t.Errorf("of all agents: %v", got)
	}
	if got := h.String(); got != "12 "+h.Hash || (Head{}).String() != "empty" {
		t.Errorf("%s, %s", got, Head{})
	}
	if want := "ends with entry " + strconv.Itoa(12); !strings.Contains(e.Text, want) {
		t.Error(e.Text)
	}
}
