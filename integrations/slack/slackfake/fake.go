package slackfake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

var errRefused = errors.New("connection refused")

// Fake is one workspace with one app in it. Its methods may be called concurrently.
type Fake struct {
	o      Options
	memory *memory
	host   string
	server *http.Server
	ctx    context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu          sync.Mutex
	closed      bool
	timers      map[*time.Timer]struct{}
	unreachable bool
	channels    map[string]*channel
	order       []string // of the channels
	users       map[string]*User
	files       map[string]*file
	uploads     map[string]*file // by the upload URL's secret
	views       map[string]*view
	triggers    map[string]*trigger
	responses   map[string]*responseURL
	tickets     map[string]time.Time
	sockets     []*socket
	nextSocket  int // whose turn it is
	envelopes   map[string]*envelope
	deliveries  map[string]*delivery
	scopes      []string
	botError    string // what the bot token is answered with, when it is revoked
	appError    string
	troubles    []*Trouble
	limits      Limits
	pace        pace
	calls       []Call
	pings       []Ping
	links       []Link
	faults      map[string]int
	changed     chan struct{} // closed at the next change of what people see
	refused     []Refused
	lost        []Lost
	doubles     int
	shuffled    int
	shuffle     []*delivery
	badly       []Forgery
	ids         int
	events      Figures
}

// New begins a workspace. It panics where Addr cannot be listened on: that is a
// mistake of the test's.
func New(o Options) *Fake {
	o = o.withDefaults()
	f := &Fake{
		o: o, memory: newMemory(), host: memoryHost, limits: o.Limits, scopes: o.Scopes,
		timers: map[*time.Timer]struct{}{}, channels: map[string]*channel{}, users: map[string]*User{},
		files: map[string]*file{}, uploads: map[string]*file{}, views: map[string]*view{}, triggers: map[string]*trigger{},
		responses: map[string]*responseURL{}, tickets: map[string]time.Time{}, envelopes: map[string]*envelope{}, deliveries: map[string]*delivery{},
		pace: newPace(), faults: map[string]int{}, changed: make(chan struct{}),
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.users[o.BotUser] = &User{ID: o.BotUser, Name: o.BotName, RealName: o.BotName, Team: o.Team, Bot: true, BotID: o.BotID, AppID: o.AppID}
	f.users["USLACKBOT"] = &User{ID: "USLACKBOT", Name: "slackbot", RealName: "Slackbot", Team: o.Team, Bot: true}
	f.server = &http.Server{Handler: http.HandlerFunc(f.ServeHTTP), ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	f.wg.Go(func() { _ = f.server.Serve(f.memory) })
	if o.Addr != "" {
		l, err := (&net.ListenConfig{}).Listen(f.ctx, "tcp", o.Addr)
		if err != nil {
			panic(err)
		}
		f.host = l.Addr().String()
		f.wg.Go(func() { _ = f.server.Serve(l) })
	}
	return f
}

// URL is the Web API's base address, with a slash at its end.
func (f *Fake) URL() string { return "http://" + f.host + "/api/" }

// BotToken, AppToken and SigningSecret are what the app has to show.
func (f *Fake) BotToken() string      { return f.o.BotToken }
func (f *Fake) AppToken() string      { return f.o.AppToken }
func (f *Fake) SigningSecret() string { return f.o.SigningSecret }

// Team and BotUser are the workspace's id and the bot's in it.
func (f *Fake) Team() string    { return f.o.Team }
func (f *Fake) BotUser() string { return f.o.BotUser }

// Close ends all connections and deliveries, and returns when nothing of the fake goes
// on. What it has recorded can still be read.
func (f *Fake) Close() {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	f.closed = true
	for t := range f.timers {
		t.Stop()
	}
	f.timers = nil
	sockets := slices.Clone(f.sockets)
	f.mu.Unlock()
	f.stop()
	for _, s := range sockets {
		s.cut()
	}
	_ = f.memory.Close()
	_ = f.server.Close()
	f.wg.Wait()
}

// ServeHTTP is the whole of Slack: the Web API below /api/, uploads, Socket Mode and
// response URLs.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	f.wg.Add(1)
	f.mu.Unlock()
	defer f.wg.Done()
	f.route(w, r)
}

// after calls do once d has passed, unless the fake is closed by then. The caller
// holds the lock, here and for cancel; do is called without it.
func (f *Fake) after(d time.Duration, do func()) (cancel func()) {
	if f.closed {
		return func() {}
	}
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		f.mu.Lock()
		if f.closed {
			f.mu.Unlock()
			return
		}
		delete(f.timers, t)
		f.wg.Add(1)
		f.mu.Unlock()
		defer f.wg.Done()
		do()
	})
	f.timers[t] = struct{}{}
	return func() {
		t.Stop()
		delete(f.timers, t)
	}
}

// spawn is go, unless the fake is closed. The caller holds the lock.
func (f *Fake) spawn(do func()) {
	if !f.closed {
		f.wg.Go(do)
	}
}

// now is Slack's clock.
func (f *Fake) now() time.Time { return f.o.Now() }

// Faults are what Slack would take but advises against, or what it takes without any
// effect: each is a line, with how often it came.
func (f *Fake) Faults() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for s, n := range f.faults {
		all = append(all, fmt.Sprintf("%s (%d×)", s, n))
	}
	slices.Sort(all)
	return all
}

func (f *Fake) fault(s string) { f.faults[s]++ }

// Changed is closed when what people see has changed after this call.
func (f *Fake) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// stir tells of a change. The caller holds the lock.
func (f *Fake) stir() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// Unreachable makes connecting fail, or lets it succeed again. Connections that stand
// are not cut; see [Fake.Cut].
func (f *Fake) Unreachable(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unreachable = yes
}
