// Package flow is the only loop: an event comes in, the state changes in one
// transaction, and what became due is done.
//
// In: chats, webhooks, polls and timers hand batches of events to Take, which
// returns when they are on the disk (take.go; one apply_*.go for each kind of
// event). Due: each kind of row has one worker that takes what is due, acts, and
// records what came of it, as an event again. One worker for each room (room.go,
// post.go, deliver.go, storm.go), one for commands and effects (work.go), one for each
// Alertmanager (poller.go), one for what time alone makes due (clock.go).
// A worker sleeps until a commit or the next due time wakes it.
//
// Nothing waits in memory that is not also a row: killed at any moment, a new
// Flow over the same state goes on where this one stopped.
//
// Neighbours: bot/store holds the rows, bot/view the words, commands the
// commands, integrations everything outside; main joins them.
package flow

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/probing"
	"watchstander/bot/store"
)

// Alertmanager is what flow asks of one: integrations/alertmanager.
type Alertmanager interface {
	// Poll asks for everything; a failure is told inside.
	Poll(ctx context.Context, mark int64) bot.Polled
	Silences(context.Context) ([]bot.Silence, error)
	// MakeSilence makes at most one silence for one key.
	MakeSilence(context.Context, bot.EffectKey, bot.Silence) (id string, err error)
	// EndSilence succeeds on one that has ended already.
	EndSilence(ctx context.Context, id string) error
	// Covered lists the alerts that fire now and that all matchers match.
	Covered(context.Context, []bot.Matcher) ([]bot.PolledAlert, error)
}

// Grapher draws: integrations/prometheus with bot/chart.
type Grapher interface {
	// Expression draws a PromQL expression over the last span.
	Expression(ctx context.Context, expr string, span time.Duration) (bot.Picture, error)
	// Alert draws what an alert's rule looks at.
	Alert(context.Context, bot.Episode) (bot.Picture, error)
}

// Interpreter understands what people type: the commands package.
type Interpreter interface {
	// Meant tells whether a line is meant for the bot. In a room people also
	// talk to each other.
	Meant(line string, addressed bool) bool
	// Interpret parses a line, looks whether the asker may, and runs it.
	Interpret(ctx context.Context, line string, call bot.Call) (bot.Outcome, error)
	// WithoutCode is a line with a word in the place of the time-based code that it
	// holds; had is false where it holds none.
	WithoutCode(line string) (masked string, had bool)
	// Codes are what WithoutCode takes out, as digits alone; at most api.MaxCodes.
	Codes(line string) []string
	// Stops tells whether a line denies or cancels a plan: by which word, and which
	// plan, by its id or a beginning of it, "" for the one in whose thread it is said.
	// What it is not sure of stops nothing.
	Stops(line string, inThread bool) (word string, plan bot.PlanID, ok bool)
	// Commands are all that exist.
	Commands() []bot.Command
}

// Options are what a Flow is made of.
type Options struct {
	Store         *store.Store
	Settings      *Settings
	Chats         map[bot.ChatID]bot.Chat
	Alertmanagers map[string]Alertmanager
	// Agents are those of the hosts, by the host's name.
	Agents  map[string]api.Agent
	Grapher Grapher // nil where there is no Prometheus
	// Draw makes a picture of figures that the state has; nil where there is nobody to.
	Draw        func(bot.Graph) (bot.Picture, error)
	Probes      []bot.Probe
	Interpreter Interpreter
	// Redact is the last look at everything that is said.
	Redact  func(string) string
	IDs     bot.IDs
	Log     *slog.Logger
	Metrics *Metrics
	Version string
	// DeadMan is called every DeadManEvery while webhook, state and chat all
	// work; nil without an external watcher.
	DeadMan      func(context.Context) error
	DeadManEvery time.Duration
}

// Flow is the running loop.
type Flow struct {
	o        Options
	log      *slog.Logger
	settings atomic.Pointer[Settings]
	rooms    map[bot.RoomID]*room
	takes    chan taking
	receipts receipts
	// wakes has one channel for each worker; it is complete before Run.
	wakes               []chan struct{}
	workWake, clockWake chan struct{}
	polls               map[string]chan struct{}
	started             time.Time
	clock               clock
	world               *world
	// chatUp tells of each chat whether its Run goes on.
	chatUp sync.Map
	// agentSeen tells of each host when its agent last answered.
	agentSeen sync.Map
	// polledAt tells of each Alertmanager when it last answered a poll.
	polledAt sync.Map
	// untold is what fires and stands in no thread yet.
	untold untold
	// rehearsal is what the last rehearsed restore of the state came to.
	rehearsal rehearsal
}

// New makes a Flow; nothing happens before Run.
func New(o Options) *Flow {
	f := &Flow{o: o, log: o.Log, takes: make(chan taking), rooms: map[bot.RoomID]*room{}, polls: map[string]chan struct{}{}, rehearsal: rehearsal{turn: make(chan struct{}, 1)}}
	f.settings.Store(o.Settings)
	f.o.Probes = probing.All(o.Probes, bot.ProbeTime)
	if f.o.IDs == nil {
		f.o.IDs = bot.RandomIDs
	}
	if f.o.Redact == nil {
		f.o.Redact = func(s string) string { return s }
	}
	if f.o.Metrics == nil {
		f.o.Metrics = NewMetrics(nil)
	}
	f.world = &world{f: f}
	f.workWake, f.clockWake = f.newWake(), f.newWake()
	for name, r := range o.Settings.Rooms {
		if chat := o.Chats[r.Chat]; chat != nil {
			f.rooms[name] = newRoom(f, name, r.Chat, chat)
		}
	}
	for name := range o.Alertmanagers {
		f.polls[name] = make(chan struct{}, 1)
	}
	return f
}

// Reload puts other settings in place; the caller has made sure that they
// differ only in what can change while running.
func (f *Flow) Reload(s *Settings) {
	f.settings.Store(s)
	f.wake()
}

// Run works until ctx ends, and returns when all of its goroutines have.
// Whatever is on its way then gets a moment to end, so that its outcome is
// known; what is not known is looked for after the next start.
func (f *Flow) Run(ctx context.Context) error {
	f.started = f.clock.now()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	takerCtx, stopTaker := context.WithCancel(context.WithoutCancel(ctx))
	var taker sync.WaitGroup
	taker.Go(func() { f.take(takerCtx) })
	defer taker.Wait()
	defer stopTaker()

	// The start comes first: what is due by now, as a brief, tells of it.
	if err := f.Take(ctx, bot.Batch{Source: "bot", Events: []bot.Event{bot.Started{Version: f.o.Version, At: f.clock.now()}}}); err != nil {
		stop(err)
	}
	for _, r := range f.rooms {
		wg.Go(func() { r.run(ctx) })
	}
	wg.Go(func() { f.work(ctx, f.workWake) })
	wg.Go(func() { f.tick(ctx, f.clockWake) })
	for name, am := range f.o.Alertmanagers {
		wg.Go(func() { f.poll(ctx, name, am, f.polls[name]) })
	}
	for host, a := range f.o.Agents {
		wg.Go(func() { f.watch(ctx, host, a) })
	}
	if f.o.DeadMan != nil {
		wg.Go(func() { f.deadMan(ctx) })
	}
	for id, chat := range f.o.Chats {
		wg.Go(func() { f.listen(ctx, id, chat) })
	}
	wg.Wait()
	// Only now does nobody of ours hand in events any more.
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// listenedLong is how long a chat must have been heard for its next trouble to be
// a new one.
const listenedLong = 10 * time.Minute

// listen keeps a chat's Run going. A chat that cannot go on (a revoked token)
// stops neither the others nor the alerts: it is told where people can read it,
// and tried again.
func (f *Flow) listen(ctx context.Context, id bot.ChatID, chat bot.Chat) {
	for try := 0; ctx.Err() == nil; try++ {
		f.chatUp.Store(id, true)
		began := f.clock.now()
		err := f.guard("chat "+string(id), func() error { return chat.Run(ctx, f) })
		f.chatUp.Store(id, false)
		if ctx.Err() != nil {
			return
		}
		if f.clock.now().Sub(began) > listenedLong {
			try = 0
		}
		f.log.Error("a chat cannot be heard", "chat", id, "err", err)
		f.o.Metrics.ChatErrors.WithLabelValues(string(id), "run").Inc()
		f.sleep(ctx, nil, backoff(try, time.Second, 5*time.Minute))
	}
}

// guard runs f and turns a panic into an error: one row's trouble is not the
// next one's.
func (f *Flow) guard(what string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			f.log.Error("panic", "in", what, "panic", p, "stack", string(debug.Stack()))
			f.o.Metrics.Panics.Inc()
			err = bot.Errorf(bot.CodeInternal, "Internal error; the log of the bot has the cause.")
		}
	}()
	return do()
}

func (f *Flow) newWake() chan struct{} {
	c := make(chan struct{}, 1)
	f.wakes = append(f.wakes, c)
	return c
}

// wake tells every worker to look for due rows.
func (f *Flow) wake() {
	for _, c := range f.wakes {
		nudge(c)
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep waits for the wake, for the time to pass, or for the end. d < 0 waits
// for as long as it takes.
func (f *Flow) sleep(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer:
	}
}

// backoff doubles from first to most, and is spread by a fifth so that many do
// not try at one moment.
func backoff(try int, first, most time.Duration) time.Duration {
	d := most
	if try < 20 {
		d = min(first<<try, most)
	}
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

// clock is the wall clock, never followed backwards: a time once told is not
// undercut, so nothing that is due becomes undue. While the wall clock is behind
// what was told, time goes on at half its speed until they meet.
type clock struct {
	mu   sync.Mutex
	last time.Time
	read time.Time // of the wall clock, with its monotonic part
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	read, elapsed := time.Now(), time.Duration(0)
	if !c.read.IsZero() {
		elapsed = read.Sub(c.read)
	}
	c.read = read
	// Round strips the monotonic reading: the state compares wall times.
	return c.at(read.Round(0).UTC(), elapsed)
}

// at is the time when the wall clock says so, and this much has passed since the
// last look.
func (c *clock) at(wall time.Time, elapsed time.Duration) time.Time {
	if !wall.After(c.last) {
		wall = c.last.Add(max(elapsed, 0) / 2)
	}
	if wall.After(c.last) {
		c.last = wall
	}
	return c.last.Truncate(time.Millisecond)
}
