package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"watchstander/bot"
)

// Options are what a Chat is made of.
type Options struct {
	// ID is the chat's name, Room the name of its one room.
	ID   bot.ChatID
	Room bot.RoomID
	// Socket is the path to listen at; "" for none.
	Socket string
	// Listener is one that systemd has opened already. It is used instead of
	// Socket, must be a Unix socket, and is neither removed nor closed.
	Listener net.Listener
	// Log is the file of the transcript, "" to keep it in memory only.
	Log string
	// Zone gives the zone that times are shown in; nil for UTC. Like the other
	// functions here it is asked anew for each client, and by Reloaded.
	Zone func() *time.Location
	// Completions are what the Tab key offers: the commands' names; nil for none.
	Completions func() []string
	// Threaded are the names of the commands that may name a thread first, under
	// which `ack t12` means what `@t12 ack` does; nil for none.
	Threaded func() []string
	// Person tells whether a user may attach, which is to read along, and by what
	// name people know them; nil admits whoever the socket's mode lets in,
	// without a name.
	Person func(bot.UserID) (name string, ok bool)
	// Hide gives a typed line as others may read it: without the code that it
	// holds. Nothing else of it is written or shown; nil for lines as they are.
	Hide   func(string) string
	Logger *slog.Logger
}

// maxClients is how many may be attached at once.
const maxClients = 16

// Chat is the console's server half.
type Chat struct {
	o   Options
	log *slog.Logger
	// locals carries clients of this process to Run, which owns all clients.
	locals chan attaching

	mu         sync.Mutex
	transcript *transcript
	clients    map[*client]bool
	// waiting are typed lines that the sink has been given and has not confirmed.
	waiting map[bot.MessageID]typed
	// unsaved are posts that the disk did not take. Clients have seen them.
	unsaved map[bot.SendKey]post
}

// attaching is a connection with the user at its other end.
type attaching struct {
	conn net.Conn
	user bot.UserID
}

var (
	_ bot.Chat   = (*Chat)(nil)
	_ bot.Eraser = (*Chat)(nil)
)

// New opens the transcript. Nothing listens before Run.
func New(o Options) (*Chat, error) {
	if o.ID == "" || o.Room == "" {
		return nil, errors.New("console: it needs a chat's and a room's name")
	}
	if o.Zone == nil {
		o.Zone = func() *time.Location { return time.UTC }
	}
	none := func() []string { return nil }
	if o.Completions == nil {
		o.Completions = none
	}
	if o.Threaded == nil {
		o.Threaded = none
	}
	if o.Person == nil {
		o.Person = func(bot.UserID) (string, bool) { return "", true }
	}
	if o.Hide == nil {
		o.Hide = func(s string) string { return s }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	log := o.Logger.With("chat", o.ID)
	t, err := openTranscript(o.Log, transcriptLimit, log)
	if err != nil {
		return nil, err
	}
	return &Chat{o: o, log: log, transcript: t, locals: make(chan attaching), clients: map[*client]bool{},
		waiting: map[bot.MessageID]typed{}, unsaved: map[bot.SendKey]post{}}, nil
}

// Close closes the transcript, when Run has returned and nothing is sent any
// more.
func (c *Chat) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transcript.close()
}

// Caps: a terminal is as fast as its reader, and shows actions as what to type.
func (c *Chat) Caps() bot.Caps { return bot.Caps{Threads: true, Edits: true} }

// Run serves clients until ctx ends, and then says goodbye to them. It returns
// an error when it cannot listen: the socket's folder is missing, or another
// bot answers there.
func (c *Chat) Run(ctx context.Context, sink bot.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	accepted := make(chan attaching)
	failed := make(chan error, 1)
	var accepting, clients sync.WaitGroup
	door, err := c.open(ctx)
	if ctx.Err() != nil {
		err = nil
	}
	if err != nil {
		return err
	}
	if door != nil {
		defer door.close()
		accepting.Go(func() {
			if err := door.accept(ctx, accepted); err != nil {
				failed <- err
			}
		})
	}
	// Clients go before the accepting goroutine is waited for: their goodbye
	// depends on ctx alone.
	defer accepting.Wait()
	defer clients.Wait()
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("console: accepting: %w", err)
		case a := <-accepted:
			c.admit(ctx, a, sink, &clients)
		case a := <-c.locals:
			c.admit(ctx, a, sink, &clients)
		}
	}
}

// admit gives a connection its place, or tells why it gets none.
func (c *Chat) admit(ctx context.Context, a attaching, sink bot.Sink, wg *sync.WaitGroup) {
	cl := newClient(c, a, sink)
	c.mu.Lock()
	full := len(c.clients) >= maxClients
	if !full {
		c.clients[cl] = true
	}
	c.mu.Unlock()
	why := ""
	switch {
	case full:
		why = fmt.Sprintf("%d consoles are attached already; close one.", maxClients)
	default:
		// It is in the list already, so that a reload at this moment misses nobody.
		why = c.stranger(a.user)
	}
	if why != "" {
		c.log.Warn("a console was turned away", "user", a.user, "why", why)
		cl.out.finish(why, false)
	}
	wg.Go(func() {
		cl.serve(ctx)
		c.mu.Lock()
		delete(c.clients, cl)
		c.mu.Unlock()
	})
}

// stranger tells why somebody may not read along, "" when they may.
func (c *Chat) stranger(u bot.UserID) string {
	if _, ok := c.o.Person(u); ok {
		return ""
	}
	return fmt.Sprintf("You are %s, whom my configuration does not know.", u)
}

// Reloaded looks again at who may read along, and says goodbye to those who may
// not any more. The others are told what they were greeted with, as it is now.
func (c *Chat) Reloaded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cl := range c.clients {
		if cl.out.over() {
			continue
		}
		if why := c.stranger(cl.user); why != "" {
			c.log.Warn("a console is sent away", "user", cl.user, "why", why)
			cl.out.finish(why, false)
		} else if cl.attached {
			hi := c.hello(cl.user)
			cl.tell(line(toClient{Hello: &hi}))
		}
	}
}

// tell gives a line to every attached client but one.
func (c *Chat) tell(b []byte, but *client) {
	for cl := range c.clients {
		if cl != but && cl.attached {
			cl.tell(b)
		}
	}
}
