package journal

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
)

// Fault is what is wrong with a journal.
type Fault string

const (
	// FaultChanged: an entry is not what was written.
	FaultChanged Fault = "changed"
	// FaultMissing: entries before this one are not there.
	FaultMissing Fault = "missing"
	// FaultOrder: an entry that was there before comes again, or too late.
	FaultOrder Fault = "out of order"
	// FaultUnreadable: it is no entry.
	FaultUnreadable Fault = "unreadable"
	// FaultTorn: the last line has no end.
	FaultTorn Fault = "torn"
	// FaultCut: the journal ends before a head that is known of it.
	FaultCut Fault = "cut off"
	// FaultRewritten: it holds another entry than a head that is known of it.
	FaultRewritten Fault = "rewritten"
)

// Broken is the error of a journal that is not what was written.
type Broken struct {
	// After is the last entry that is as it was written.
	After Head
	// Seq is the number of the entry that is wrong: as it says itself, or as it
	// should be where it says nothing.
	Seq int64
	// Line is its line in a file, from 1; 0 where there are none, or where the
	// line is whole and not the one that should be there.
	Line  int
	Fault Fault
	// Detail is the rest of the sentence, "" for none.
	Detail string
}

func (b *Broken) Error() string {
	s := "entry " + strconv.FormatInt(b.Seq, 10)
	if b.Line > 0 {
		s += " (line " + strconv.Itoa(b.Line) + ")"
	}
	s = "the journal is broken at " + s + ": " + string(b.Fault)
	if b.Detail != "" {
		s += ": " + b.Detail
	}
	return s
}

// Verify reads entries that follow from, and gives the last one's head. A
// *Broken names the first that is wrong; Head is then the last that is right.
// Other errors are those of reading.
func Verify(entries iter.Seq2[Entry, error], from Head) (Head, error) {
	return VerifyAgainst(entries, from)
}

// VerifyAgainst is Verify, and looks for heads that were kept elsewhere: each
// must be there, as it was. Those at or before from are not looked at.
func VerifyAgainst(entries iter.Seq2[Entry, error], from Head, known ...Head) (Head, error) {
	last := from
	later := map[int64][]string{}
	for _, h := range known {
		if h.Seq > from.Seq {
			later[h.Seq] = append(later[h.Seq], h.Hash)
		}
	}
	for e, err := range entries {
		if err != nil {
			return last, placed(err, last)
		}
		if broken := follows(last, e); broken != nil {
			return last, broken
		}
		for _, hash := range later[e.Seq] {
			if hash != e.Hash {
				return last, &Broken{After: last, Seq: e.Seq, Fault: FaultRewritten, Detail: "it was logged elsewhere with the hash " + hash}
			}
		}
		delete(later, e.Seq)
		last = e.Head()
	}
	for _, seq := range slices.Sorted(maps.Keys(later)) {
		return last, &Broken{After: last, Seq: last.Seq + 1, Fault: FaultCut,
			Detail: fmt.Sprintf("it ends with %d, but entry %d was logged elsewhere with the hash %s", last.Seq, seq, later[seq][0])}
	}
	return last, nil
}

// placed tells a reader's fault what came before it.
func placed(err error, last Head) error {
	b, ok := errors.AsType[*Broken](err)
	if !ok {
		return err
	}
	told := *b
	told.After = last
	if told.Seq == 0 {
		told.Seq = last.Seq + 1
	}
	return &told
}

const otherHash = "its hash is not that of what it says"

// follows is what is wrong with e as the entry after last, nil for nothing.
func follows(last Head, e Entry) *Broken {
	wrong := func(f Fault, format string, args ...any) *Broken {
		return &Broken{After: last, Seq: e.Seq, Fault: f, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case e.Version != Version:
		return wrong(FaultUnreadable, "it is of version %d; this program knows %d", e.Version, Version)
	case !e.Intact():
		return wrong(FaultChanged, otherHash)
	case e.Seq <= last.Seq:
		return wrong(FaultOrder, "it comes after entry %d", last.Seq)
	case e.Seq > last.Seq+1:
		return wrong(FaultMissing, "entry %d should be here", last.Seq+1)
	case e.Prev != last.Hash:
		return wrong(FaultChanged, "it does not follow the entry %d that is there", last.Seq)
	}
	return nil
}

// Names of the fields of an entry of KindHead.
const fieldJournal = "journal"

// Names of journals, as heads of one are logged in another.
const (
	OfBot   = "bot"
	OfAgent = "agent"
)

// HeadEntry tells a journal of the head of another one: "the agent's journal of
// vulcan ends with 12". The caller sets At.
func HeadEntry(of, host string, h Head) Entry {
	text := "The journal of the " + of + " is empty."
	if h != (Head{}) {
		text = fmt.Sprintf("The journal of the %s ends with entry %d.", of, h.Seq)
	}
	return Entry{Kind: KindHead, Host: host, Text: text,
		Fields: map[string]string{fieldJournal: of, FieldSeq: strconv.FormatInt(h.Seq, 10), FieldHash: h.Hash}}
}

// Known is the head that an entry made by HeadEntry tells of, and whose it is.
func (e Entry) Known() (of string, h Head, ok bool) {
	if e.Kind != KindHead {
		return "", Head{}, false
	}
	seq, err := strconv.ParseInt(e.Fields[FieldSeq], 10, 64)
	if err != nil || seq < 0 {
		return "", Head{}, false
	}
	return e.Fields[fieldJournal], Head{Seq: seq, Hash: e.Fields[FieldHash]}, true
}

// Heads are the heads of a journal that others logged.
func Heads(entries []Entry, of, host string) []Head {
	var out []Head
	for _, e := range entries {
		if name, h, ok := e.Known(); ok && name == of && (host == "" || e.Host == host) && h.Seq > 0 && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}
