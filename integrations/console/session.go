package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

// session is one conversation, seen from the person. Its loop owns all but what
// mu guards.
type session struct {
	o      ClientOptions
	link   *link // nil while the bot is away
	dial   func(context.Context) (net.Conn, error)
	away   *absence // nil while it is not
	out    io.Writer
	keys   keyboard
	edits  *editor // nil without a terminal
	resize func() int
	id     string
	hi     hello
	typed  chan input
	next   chan struct{} // one slot: the next line is wanted
	end    chan struct{}
	paint  *painter

	n       int // the last number given to a line
	in      int // the thread that the person stands in
	ready   bool
	reading bool // a line has been asked for and has not come
	ended   bool // there is no more input
	failed  int  // lines that were not taken, or not answered
	waiting map[int]*pending
	// unsure are lines that were refused but may be in the state nevertheless,
	// with their numbers: said again, they go under the same one.
	unsure map[string]int
	asked  map[int]*inquiry
	roots  map[bot.MessageID]*bot.Message
	keeps  attachments
	// shown are posts and lines since began, each with when it was changed last,
	// so that nothing is told twice by a bot that came back.
	shown    map[string]time.Time
	began    time.Time
	catching bool // the past is told once more
	// others are the lines of other people that were shown, and who typed them.
	others map[bot.MessageID]bot.UserID

	// echoes are where the newest typed lines stand on the terminal.
	echoes map[bot.MessageID]echo

	mu       sync.Mutex
	offers   offers
	atPrompt bool
	rows     int // written to the terminal so far
	prompt   string
}

// inquiry is a question to the server's transcript.
type inquiry struct {
	kind   action
	all    bool
	thread int
	posts  []post
	when   time.Time
}

// run is the loop.
func (s *session) run(ctx context.Context) error {
	winch := make(chan os.Signal, 1)
	if s.edits != nil {
		signal.Notify(winch, unix.SIGWINCH)
		defer signal.Stop(winch)
	}
	s.fit()
	for {
		if s.ended && s.settled() {
			return s.verdict()
		}
		var timer <-chan time.Time
		if d, ok := s.due(); ok {
			timer = time.After(d)
		}
		var err error
		select {
		case <-ctx.Done():
			if s.edits != nil {
				return nil
			}
			return context.Cause(ctx)
		case <-winch:
			s.fit()
		case <-timer:
			err = s.overdue(ctx)
		case text := <-s.o.Notes:
			err = s.print(s.paint.note("%s", text))
		case w := <-s.hearing():
			err = s.hears(w)
		case in := <-s.typed:
			err = s.obey(in)
		}
		if g, ok := errors.AsType[gone](err); ok {
			err = s.part(g)
		}
		if err != nil {
			return err
		}
	}
}

// hearing is where the server's next line comes from, if it is there.
func (s *session) hearing() chan told {
	if s.link == nil {
		return nil
	}
	return s.link.told
}

// fit takes the terminal's width.
func (s *session) fit() {
	if s.resize != nil {
		s.paint.width = min(s.resize(), maxWide)
	}
}

func (s *session) print(text string) error {
	if text == "" {
		return nil
	}
	s.wrote(strings.Count(text, "\n"))
	_, err := io.WriteString(s.out, text)
	return err
}

// more asks for the next line. A pipe's waits until the one before is answered;
// a terminal's until it is known where it will be said.
func (s *session) more() {
	if s.ended || !s.ready || s.reading || s.edits == nil && len(s.waiting)+len(s.asked) > 0 {
		return
	}
	for _, q := range s.asked {
		if q.kind == doEnter {
			return
		}
	}
	s.reading = true
	s.next <- struct{}{} // its one slot is free while nothing is read
}

// obey does what a typed line asks for.
func (s *session) obey(in input) (err error) {
	s.reading = false
	bad, isUnfit := errors.AsType[unfit](in.err)
	switch {
	case errors.Is(in.err, errPasted):
		err = s.print(s.paint.note("A pasted line is not sent by itself. ↑ brings it back; Enter sends it."))
		s.more()
		return err
	case errors.Is(in.err, errDropped):
		err = s.print(s.paint.note("The signature is dropped; nothing was sent."))
		s.more()
		return err
	case isUnfit:
		s.failed++
		err = s.print(s.paint.warn("not taken: %s", string(bad)))
		s.more()
		return err
	case errors.Is(in.err, errLong):
		s.failed++
		err = s.print(s.paint.warn("not taken: a line is longer than 8 KiB"))
		s.more()
		return err
	case in.err != nil:
		s.ended = true
		if s.edits == nil && !errors.Is(in.err, io.EOF) {
			return fmt.Errorf("console: reading lines: %w", in.err)
		}
		return nil
	}
	if s.edits != nil {
		// What follows stands right below the line that asked for it.
		s.paint.open = false
	}
	o := understand(in.text, s.in, s.offers.threaded)
	if s.away != nil && s.needsBot(o) {
		o = order{do: doRefuse, text: "not sent, the bot is away: " + s.brief(in.text)}
	}
	switch o.do {
	case doSay:
		s.say(o, in.echo)
		if word, _ := cutWord(o.text); s.edits != nil && (word == "help" || word == "?") {
			err = s.print(s.paint.note("/help tells what the console itself understands."))
		}
	case doEnter:
		if slices.Contains(s.offers.threads, o.thread) {
			s.enter(o.thread)
		} else {
			// An old one may be there all the same: the server knows.
			s.ask(inquiry{kind: o.do, thread: o.thread}, asking{Thread: o.thread})
		}
	case doLeave:
		s.enter(0)
	case doList:
		s.ask(inquiry{kind: o.do, all: o.all}, asking{All: o.all})
	case doShow:
		s.ask(inquiry{kind: o.do}, asking{Thread: o.thread})
	case doPast:
		s.ask(inquiry{kind: o.do}, asking{Last: o.count})
	case doSave:
		err = s.print(s.save(o.thread))
	case doHelp:
		for _, l := range help {
			err = errors.Join(err, s.print(s.paint.note("%s", l)))
		}
	case doQuit:
		s.ended = true
	case doRefuse:
		s.failed++
		err = s.print(s.paint.warn("%s", o.text))
	}
	s.more()
	return err
}

// needsBot tells whether an order can be carried out only by the bot.
func (s *session) needsBot(o order) bool {
	switch o.do {
	case doSay, doList, doShow, doPast:
		return true
	case doEnter:
		return !slices.Contains(s.offers.threads, o.thread)
	}
	return false
}

func (s *session) enter(thread int) {
	s.in = thread
	if s.edits == nil {
		return
	}
	prompt := usualPrompt
	if thread > 0 {
		prompt = t(thread) + prompt
	}
	s.edits.term.SetPrompt(prompt)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompt = prompt
}

// usualPrompt stands before what is typed, in no thread.
const usualPrompt = "> "

// say sends a line. One that may have been taken already goes under its first
// number, so that the bot knows it again.
func (s *session) say(o order, where echo) {
	x := say{Thread: o.thread, Text: o.text}
	n, again := s.unsure[x.key()]
	if !again {
		s.n++
		n = s.n
	}
	delete(s.unsure, x.key())
	x.N = n
	p := &pending{say: x, id: messageID(s.hi.User, s.id, n), when: time.Now()}
	s.waiting[n] = p
	s.keepEcho(p.id, where)
	s.fresh(string(p.id), p.when, time.Time{})
	s.link.outgoing.put(true, line(toServer{Say: &p.say}))
}

// key tells lines apart by what they say and where.
func (s say) key() string { return fmt.Sprintf("%d %s", s.Thread, s.Text) }

func (s *session) ask(q inquiry, a asking) {
	s.n++
	a.N = s.n
	q.when = time.Now()
	s.asked[a.N] = &q
	var w toServer
	switch q.kind {
	case doList, doEnter:
		w.Threads = &a
	case doShow:
		w.Show = &a
	default:
		w.History = &a
	}
	s.link.outgoing.put(true, line(w))
}

func (s *session) save(thread int) string {
	x, ok := s.keeps.newest(thread)
	if !ok && thread > 0 {
		return s.paint.warn("There is no picture or file of %s here; /show %s brings it, if it is still kept.", t(thread), t(thread))
	}
	if !ok {
		return s.paint.warn("No picture or file has come yet.")
	}
	path, err := x.save(s.o.SaveDir)
	if err != nil {
		return s.paint.warn("not saved: %v", err)
	}
	return s.paint.note("saved to %s", path)
}

// frameOf reads a post's frame.
func frameOf(p post) (frame, error) {
	var f frame
	err := json.Unmarshal(p.Frame, &f)
	return f, err
}
