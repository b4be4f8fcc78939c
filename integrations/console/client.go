package console

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"os/user"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"watchstander/bot"
)

// ClientOptions are what a console depends on beside its ends. All may be left
// out.
type ClientOptions struct {
	// Past is how many messages of before are shown; 0 for 20 on a terminal and
	// none on a pipe, below 0 for none.
	Past int
	// Env reads the environment: TERM, NO_COLOR, XDG_STATE_HOME, HOME. nil for
	// the process's own.
	Env func(string) string
	// HistoryFile keeps what was typed; "" for the usual place.
	HistoryFile string
	// SaveDir is where /save puts files, made when there is one; "" for the
	// working folder.
	SaveDir string
	// Notes are shown as words of the console itself, when it is attached.
	Notes <-chan string
	// Name gives a user's name for reading; nil asks the host.
	Name func(bot.UserID) string
	// Hide gives a typed line without the code that it holds, for what is remembered
	// and repeated of it; nil for lines as they are.
	Hide func(string) string
	// Wait is how long a line from a pipe waits for its answer; 0 for a minute.
	Wait time.Duration
}

const (
	usualPast = 20
	usualWait = time.Minute
	// maxWide is the most columns that text is spread over.
	maxWide = 110
)

// Attach joins a person to the bot that listens at a socket, until the input
// ends, the person leaves, ctx ends, or the bot goes. On a terminal it edits
// lines, and attaches again to a bot that comes back; with pipes it sends each line when the one before has its answer, or has
// had the time for one, and its error tells that one was not taken.
func Attach(ctx context.Context, socket string, in io.Reader, out io.Writer, o ClientOptions) error {
	again := func(ctx context.Context) (net.Conn, error) { return dial(ctx, socket) }
	conn, err := again(ctx)
	if err == nil {
		err = converse(ctx, conn, again, in, out, o)
	}
	return withoutGone(err)
}

// withoutGone is an error for the caller, to whom it is one like any other.
func withoutGone(err error) error {
	if g, ok := errors.AsType[gone](err); ok {
		return g.why
	}
	return err
}

// Local joins a person to a Chat of this process, as the user that the caller
// vouches for. It waits for the Chat's Run.
func Local(ctx context.Context, c *Chat, user bot.UserID, in io.Reader, out io.Writer, o ClientOptions) error {
	ours, theirs := net.Pipe()
	select {
	case c.locals <- attaching{theirs, user}:
		return withoutGone(converse(ctx, ours, nil, in, out, o))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// converse makes the ends ready, runs the session, and puts all back. dial makes
// another connection when this one is lost; nil, there is none.
func converse(ctx context.Context, conn net.Conn, dial func(context.Context) (net.Conn, error), in io.Reader, out io.Writer, o ClientOptions) (err error) {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Name == nil {
		o.Name = hostNames()
	}
	if o.Wait <= 0 {
		o.Wait = usualWait
	}
	inFile, outFile := terminalOf(in), terminalOf(out)
	dumb := o.Env("TERM") == "dumb" || o.Env("TERM") == ""
	switch {
	case o.Past < 0:
		o.Past = 0
	case o.Past == 0 && inFile != nil && outFile != nil:
		o.Past = usualPast
	}
	s := &session{o: o, link: newLink(conn), dial: dial, out: out, id: rand.Text(), typed: make(chan input),
		next: make(chan struct{}, 1), end: make(chan struct{}), waiting: map[int]*pending{}, unsure: map[string]int{}, asked: map[int]*inquiry{},
		roots: map[bot.MessageID]*bot.Message{}, echoes: map[bot.MessageID]echo{}, prompt: usualPrompt, began: time.Now(),
		paint: &painter{zone: time.UTC, name: o.Name, colour: outFile != nil && !dumb && o.Env("NO_COLOR") == ""}}
	if outFile != nil {
		s.resize = func() int { return widthOfTerminal(outFile) }
	}

	defer func() {
		if s.link != nil {
			s.link.close()
		}
	}()
	end := sync.OnceFunc(func() { close(s.end) })
	defer end()
	s.link.outgoing.put(true, line(hello{Version: version, Session: s.id, Past: o.Past}))
	if err := s.greet(ctx); err != nil {
		return err
	}

	if inFile != nil && outFile != nil && !dumb {
		path := o.HistoryFile
		if path == "" {
			path = historyPath(o.Env)
		}
		past := openHistory(path)
		past.hide = o.Hide
		e, err := newEditor(inFile, outFile, past, s.complete)
		if err != nil {
			return bot.Errorf(bot.CodeUnavailable, "The terminal cannot be prepared: %v.", err).Because(err)
		}
		s.keys, s.edits, s.out, s.resize = e, e, e.term, e.resize
		defer func() {
			if s.prompting() {
				_, _ = io.WriteString(outFile, "\r\n")
			}
		}()
	} else {
		s.keys = newPipe(in)
	}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		s.listen()
	}()
	// A reader that cannot be stopped is left behind with its goroutine: it ends
	// with the next line, which nobody takes. Files and connections can.
	defer func() {
		end()
		if s.keys.stop() {
			<-reading
		}
		s.keys.close()
	}()
	return s.run(ctx)
}

// terminalOf is the file behind v if it is a terminal, else nil.
func terminalOf(v any) *os.File {
	if f, ok := v.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

func widthOfTerminal(f *os.File) int {
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w <= 0 {
		return 80
	}
	return w
}

// hostNames looks users up in the host's own list, once each.
func hostNames() func(bot.UserID) string {
	known := map[bot.UserID]string{}
	return func(id bot.UserID) string {
		if name, ok := known[id]; ok {
			return name
		}
		name := string(id)
		if uid, ok := strings.CutPrefix(name, "uid:"); ok {
			if u, err := user.LookupId(uid); err == nil && u.Username != "" {
				name = u.Username
			}
		}
		if len(known) < 1000 {
			known[id] = name
		}
		return name
	}
}

// input is one line of the person, or a signature with its command, or why there are no more.
type input struct {
	text string
	err  error
	echo echo // where it stands on the terminal
}

// listen hands over typed lines, each when it is asked for, so that the prompt
// of the next one is known when it appears.
func (s *session) listen() {
	for {
		select {
		case <-s.next:
		case <-s.end:
			return
		}
		s.setPrompting(true)
		in := s.entry()
		s.setPrompting(in.err != nil && !passes(in.err))
		select {
		case s.typed <- in:
		case <-s.end:
			return
		}
	}
}

// complete is what the Tab key does.
func (s *session) complete(before string) (string, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offers.complete(before)
}

func (s *session) prompting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.atPrompt
}

func (s *session) setPrompting(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atPrompt = yes
}
