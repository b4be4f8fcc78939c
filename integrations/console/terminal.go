package console

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
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

// stoppable is a reader whose waiting Read can be ended. A terminal's Read has
// no other end than the person's next key.
type stoppable struct {
	r    io.Reader
	file *os.File
	fd   int32
	wake [2]int // a pipe, for files
}

func newStoppable(r io.Reader) *stoppable {
	s := &stoppable{r: r, wake: [2]int{-1, -1}}
	if f, ok := r.(*os.File); ok {
		var p [2]int
		if unix.Pipe2(p[:], unix.O_CLOEXEC) == nil {
			s.file, s.fd, s.wake = f, int32(f.Fd()), p
		}
	}
	return s
}

func (s *stoppable) Read(b []byte) (int, error) {
	if s.file == nil {
		return s.r.Read(b)
	}
	fds := []unix.PollFd{{Fd: s.fd, Events: unix.POLLIN}, {Fd: int32(s.wake[0]), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case fds[1].Revents != 0:
			return 0, io.EOF
		}
		return s.file.Read(b)
	}
}

// ready tells whether something can be read before d is over, false where that
// cannot be known.
func (s *stoppable) ready(d time.Duration) bool {
	if s.file == nil {
		return false
	}
	fds := []unix.PollFd{{Fd: s.fd, Events: unix.POLLIN}, {Fd: int32(s.wake[0]), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(d.Milliseconds()))
	return err == nil && n > 0 && fds[1].Revents == 0
}

// stop tells whether a waiting Read will return.
func (s *stoppable) stop() bool {
	if s.file != nil {
		_, err := unix.Write(s.wake[1], []byte{0})
		return err == nil
	}
	if d, ok := s.r.(interface{ SetReadDeadline(time.Time) error }); ok {
		return d.SetReadDeadline(time.Unix(1, 0)) == nil
	}
	return false
}

func (s *stoppable) close() {
	if s.file != nil {
		_ = unix.Close(s.wake[0])
		_ = unix.Close(s.wake[1])
		s.file, s.r = nil, eof{}
	}
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// history is what was typed before, the newest last, kept in a file where one
// can be written.
type history struct {
	path  string
	typed []string
	hide  func(string) string
	quiet bool // nothing is remembered for now
}

// maxRemembered is how many lines are kept.
const maxRemembered = 500

// historyPath is where the history is kept when nothing else is said.
func historyPath(env func(string) string) string {
	dir := env("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home := env("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "watchstander", "console_history")
}

// openHistory reads what is there. A history that cannot be kept is no reason
// not to talk.
func openHistory(path string) *history {
	h := &history{path: path}
	if path == "" {
		return h
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return h
	}
	for l := range strings.Lines(string(b)) {
		// It goes to the terminal when it is called up again.
		if l = cleanLine(strings.TrimRight(l, "\n")); l != "" {
			h.typed = append(h.typed, l)
		}
	}
	if len(h.typed) > 2*maxRemembered {
		h.typed = h.typed[len(h.typed)-maxRemembered:]
		_ = os.WriteFile(path, []byte(strings.Join(h.typed, "\n")+"\n"), 0o600)
	}
	return h
}

// Add remembers a line, but for repetitions and those that begin with a blank.
func (h *history) Add(text string) {
	if h.hide != nil {
		text = h.hide(text)
	}
	if h.quiet || strings.Contains(text, signatureBegin) || strings.TrimSpace(text) == "" || text[0] == ' ' || len(h.typed) > 0 && h.typed[len(h.typed)-1] == text {
		return
	}
	h.typed = append(h.typed, text)
	if len(h.typed) > 2*maxRemembered {
		h.typed = append([]string(nil), h.typed[maxRemembered:]...)
	}
	if h.path == "" || os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return
	}
	_ = f.Chmod(0o600)
	_, _ = f.WriteString(text + "\n")
	_ = f.Close()
}

// Len and At make it a term.History.
func (h *history) Len() int        { return len(h.typed) }
func (h *history) At(i int) string { return h.typed[len(h.typed)-1-i] }
