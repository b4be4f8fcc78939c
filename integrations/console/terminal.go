package console

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// keyboard is where lines come from: an editor on a terminal, or a pipe.
type keyboard interface {
	// read gives one line; io.EOF at the end.
	read() (string, error)
	// follows tells whether what was entered behind the last line begins so, blanks
	// aside. Who pastes, or pipes, enters the next line in the same moment.
	follows(prefix string) bool
	// stop makes a read that waits return. It tells whether it could.
	stop() bool
	close()
}

// errPasted: the line was pasted with its end. It is not sent by itself: what
// stands in a clipboard may not be what its owner thinks.
var errPasted = errors.New("console: pasted")

// pipe reads lines as they are.
type pipe struct {
	in  *stoppable
	buf *bufio.Reader
}

func newPipe(in io.Reader) *pipe {
	s := newStoppable(in)
	return &pipe{in: s, buf: bufio.NewReaderSize(s, maxText+1)}
}

func (p *pipe) stop() bool { return p.in.stop() }
func (p *pipe) close()     { p.in.close() }

func (p *pipe) read() (string, error) {
	b, err := p.buf.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = p.buf.ReadSlice('\n')
		}
		if err != nil {
			return "", err
		}
		return "", errLong
	}
	if errors.Is(err, io.EOF) && len(b) > 0 {
		err = nil
	}
	return strings.TrimRight(string(b), "\r\n"), err
}

func (p *pipe) follows(prefix string) bool {
	for {
		have, _ := p.buf.Peek(p.buf.Buffered())
		if yes, sure := startsWith(have, prefix); sure || len(have) == p.buf.Size() {
			return yes
		}
		if !p.in.ready(moment) {
			return false
		}
		if _, err := p.buf.Peek(len(have) + 1); err != nil {
			return false
		}
	}
}

// moment is how long lines that are entered together may lie apart.
const moment = 50 * time.Millisecond

// startsWith tells whether what is there begins with prefix; sure is false where too
// little is there.
func startsWith(have []byte, prefix string) (yes, sure bool) {
	have = bytes.TrimLeft(have, " \t\r\n")
	yes = bytes.HasPrefix(have, []byte(prefix))
	return yes, yes || !strings.HasPrefix(prefix, string(have))
}

// editor edits lines on a terminal, and lets text appear above them.
type editor struct {
	in     *stoppable
	out    *os.File
	term   *term.Terminal
	before *term.State
	fd     int
	past   *history
	held   []byte // keys that came behind the end of a line
	left   bool   // by Ctrl-C on an empty line
	// gathers: what is entered are the lines of a signature; dropped: it was given up.
	gathers, dropped bool
	height           atomic.Int64
	// upset counts what moved rows about that were not counted: the terminal's size,
	// a list of completions, a cleared screen.
	upset atomic.Int64
}

// Ctrl-C comes as a byte, since the terminal is raw. The line editor would end at
// it whatever stands in the line, so that it gets a key in its place which it
// does not know and hands on.
const (
	ctrlC    = 0x03
	standsIn = 0x1c
	ctrlL    = 0x0c // clears the screen
	escape   = 0x1b
)

// Read gives the editor its keys, of one line at most, so that what lies behind it
// can be looked at.
func (e *editor) Read(b []byte) (int, error) {
	if e.left {
		return 0, io.EOF
	}
	if len(e.held) == 0 {
		if err := e.hold(); err != nil {
			return 0, err
		}
	}
	// A key of its own, and not the first of those that another one sends.
	last := len(e.held) - 1
	alone := e.gathers && e.held[last] == escape && !e.in.ready(moment)
	n := copy(b, e.held[:lineLength(e.held)])
	e.held = e.held[n:]
	for i := range b[:n] {
		switch {
		case alone && i == last, e.gathers && b[i] == ctrlC:
			b[i], e.dropped = '\r', true
		case b[i] == ctrlC:
			b[i] = standsIn
		case b[i] == ctrlL:
			e.upset.Add(1)
		}
	}
	return n, nil
}

// hold takes what was typed.
func (e *editor) hold() error {
	b := make([]byte, 256)
	n, err := e.in.Read(b)
	e.held = append(e.held, b[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// lineLength is how many bytes there are of the first line, with its end.
func lineLength(b []byte) int {
	i := bytes.IndexAny(b, "\r\n")
	switch {
	case i < 0:
		return len(b)
	case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
		return i + 2
	}
	return i + 1
}

func (e *editor) follows(prefix string) bool {
	const most = 256
	for {
		if yes, sure := startsWith(e.held, prefix); sure || len(e.held) > most {
			return yes
		}
		if !e.in.ready(moment) || e.hold() != nil {
			return false
		}
	}
}

// gather begins or ends the time of a signature's lines, which nobody wants back
// with ↑.
func (e *editor) gather(on bool) { e.gathers, e.dropped, e.past.quiet = on, false, on }

func newEditor(in, out *os.File, past *history, completer func(before string) (string, []string)) (*editor, error) {
	fd := int(in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	e := &editor{in: newStoppable(in), out: out, before: before, fd: fd, past: past}
	e.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{e, out}, "> ")
	e.term.History = past
	e.term.AutoCompleteCallback = func(text string, pos int, key rune) (string, int, bool) {
		switch {
		case key == standsIn && text != "":
			return "", 0, true // as in a shell
		case key == standsIn:
			e.left = true
			return "", 0, false
		case key != '\t':
			return "", 0, false
		}
		after, several := completer(text[:pos])
		if len(several) > 0 {
			e.upset.Add(1)
			_, _ = e.term.Write([]byte(strings.Join(several[:min(len(several), 60)], "  ") + "\n"))
		}
		return after + text[pos:], len(after), true
	}
	e.term.SetBracketedPasteMode(true)
	e.resize()
	return e, nil
}

// resize asks the terminal for its width.
func (e *editor) resize() (width int) {
	w, h, err := term.GetSize(int(e.out.Fd()))
	if err != nil || w <= 0 {
		w, h = 80, 24
	}
	e.height.Store(int64(h))
	e.upset.Add(1)
	_ = e.term.SetSize(w, h)
	return w
}

func (e *editor) read() (string, error) {
	text, err := e.term.ReadLine()
	if e.left {
		return "", io.EOF
	}
	if e.dropped {
		e.dropped = false
		return "", errDropped
	}
	if errors.Is(err, term.ErrPasteIndicator) {
		return text, errPasted
	}
	return text, err
}

func (e *editor) stop() bool { return e.in.stop() }

// close gives the terminal back as it was.
func (e *editor) close() {
	e.term.SetBracketedPasteMode(false)
	_ = term.Restore(e.fd, e.before)
	e.in.close()
}
