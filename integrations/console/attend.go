package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"watchstander/bot"
)

// helloTime is how long a new client may take to say hello.
const helloTime = 5 * time.Second

// client is one attached console, seen from the server.
type client struct {
	c       *Chat
	conn    net.Conn
	user    bot.UserID // the kernel's word
	session string     // the client's own
	sink    bot.Sink
	out     *outbox
	// attached: it has been told of the past, and gets what is new. Guarded by
	// Chat.mu.
	attached bool
}

func newClient(c *Chat, a attaching, sink bot.Sink) *client {
	return &client{c: c, conn: a.conn, user: a.user, sink: sink, out: newOutbox(a.conn)}
}

// tell gives the client a line; one that does not read is dropped.
func (cl *client) tell(b []byte) {
	if !cl.out.put(false, b) {
		cl.c.log.Warn("a console is too slow and is dropped", "user", cl.user)
		cl.out.drop("This console did not keep up with what there was to show, and was dropped; the transcript has everything.")
	}
}

// serve lives as long as the connection.
func (cl *client) serve(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cl.conn.Close()
		cl.out.write(cl.conn)
	})
	stop := context.AfterFunc(ctx, func() { cl.out.finish("The bot stops.", true) })
	// The reader ends when the writer has closed the connection, or when the
	// client has.
	why := cl.read(ctx)
	stop()
	cl.out.finish(why, false)
	wg.Wait()
}

// read obeys the client until it goes or breaks the rules; why is what it is
// told then.
func (cl *client) read(ctx context.Context) (why string) {
	r := newLines(cl.conn, maxAsked)
	_ = cl.conn.SetReadDeadline(time.Now().Add(helloTime))
	b, err := r.next()
	if err != nil {
		return "No hello came."
	}
	var h hello
	if json.Unmarshal(b, &h) != nil || h.Version == 0 {
		return "That was no hello."
	}
	if h.Version != version {
		return fmt.Sprintf("This bot speaks version %d of the console's protocol, and you speak %d. Use the same program for both.", version, h.Version)
	}
	if len(h.Session) < 8 || len(h.Session) > 64 {
		return "The hello names no session."
	}
	_ = cl.conn.SetReadDeadline(time.Time{})
	cl.session = h.Session
	if !cl.c.attach(cl, h.Past) {
		return "" // it is on its way out, and has been told why
	}
	cl.c.log.Info("a console is attached", "user", cl.user)
	for {
		b, err := r.next()
		if errors.Is(err, errLong) {
			return "A line was too long."
		}
		if err != nil {
			return ""
		}
		var asked toServer
		if json.Unmarshal(b, &asked) != nil {
			return "A line could not be understood."
		}
		switch {
		case asked.Say != nil:
			cl.say(ctx, *asked.Say)
		case asked.History != nil:
			cl.c.history(cl, *asked.History)
		case asked.Threads != nil:
			cl.c.threads(cl, *asked.Threads)
		case asked.Show != nil:
			cl.c.show(cl, *asked.Show)
		}
		// Who does not read is not read from: its answers cannot pile up.
		cl.out.empty(ctx)
	}
}
