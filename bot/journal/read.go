package journal

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"os"
)

// Read reads the journal at path, whoever has it open: it takes no lock and
// changes nothing. A line that cannot be read is a *Broken; whoever wants to can
// go on reading behind it. A last line without its end is one too (FaultTorn):
// a crash left it, or it is being written at this moment.
func Read(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer f.Close()
		for e, err := range entriesOf(f) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// entriesOf are the entries in r.
func entriesOf(r io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		b := bufio.NewReaderSize(r, 64<<10)
		for n := 1; ; n++ {
			line, fault, err := nextLine(b)
			var e Entry
			switch {
			case err == io.EOF && len(line) == 0 && fault == "": //nolint:errorlint // bufio gives it as it is
				return
			case err == io.EOF: //nolint:errorlint // bufio gives it as it is
				yield(Entry{}, &Broken{Line: n, Fault: FaultTorn, Detail: "its line has no end"})
				return
			case err != nil:
				yield(Entry{}, err)
				return
			case fault != "":
				err = &Broken{Line: n, Fault: FaultUnreadable, Detail: fault}
			default:
				if e, err = Decode(line); err != nil {
					err = &Broken{Line: n, Fault: FaultUnreadable, Detail: err.Error()}
				} else if !e.Intact() {
					e, err = Entry{}, &Broken{Seq: e.Seq, Line: n, Fault: FaultChanged, Detail: otherHash}
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// nextLine reads to the next line break, and keeps no more than MaxLine bytes.
func nextLine(b *bufio.Reader) (line []byte, fault string, err error) {
	for {
		part, err := b.ReadSlice('\n')
		if fault == "" {
			line = append(line, part...)
		}
		if len(line) > MaxLine+1 {
			line, fault = nil, "it is too long"
		}
		switch {
		case err == nil:
			return trimEnd(line), fault, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, fault, err
		}
	}
}

func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		return line[:n-1]
	}
	return line
}
