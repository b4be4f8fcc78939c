package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/clean"
	"watchstander/bot/journal"
	"watchstander/bot/sys"
)

// Options are what an agent is made of.
type Options struct {
	// Host is the machine, through which all of it is touched.
	Host sys.Host
	// Settings are policy, people and standing approvals as they are at the start.
	Settings Settings
	// Operations, Looks and Probes are fixed lists: what is not in them cannot be
	// asked for.
	Operations []bot.Operation
	Looks      []bot.Look
	Probes     []bot.Probe
	// State is a directory of the agent's own; it is made with mode 0700.
	State string
	// Journal takes an entry before whatever it tells of is done.
	Journal Journal
	// Spawner starts the units in which runs live.
	Spawner Spawner
	// Roots keeps store paths; nil where nothing collects any, and then no plan may
	// ask for it.
	Roots Roots
	// Redact is the last look at what is said. A plan that it would alter is refused.
	Redact func(string) string
	IDs    bot.IDs
	Log    *slog.Logger
	// Limits; what is zero has a sensible default.
	Limits Limits

	// fail is where tests have a crash come.
	fail func(step string) error
}

// Journal is a *journal.File.
type Journal interface {
	AppendAll(...journal.Entry) (journal.Head, error)
	Head() journal.Head
}

// Limits bound what a captured bot could fill or keep busy.
type Limits struct {
	// OpenPerPerson and Open are how many proposals may be open at once.
	OpenPerPerson, Open int
	// Runs are how many may run at once.
	Runs int
	// Planning is how long an operation may look before its plan is there, and Plans
	// how many may at once.
	Planning time.Duration
	Plans    int
	// Look is how long a look may take, and Looks how many at once, the readings
	// among them. Probe is how long a probe may take: less than the bot waits for all
	// of them together.
	Look  time.Duration
	Looks int
	Probe time.Duration
	// Keep is how long, and KeepMost how many, proposals are kept after their end.
	Keep     time.Duration
	KeepMost int
}

func (l Limits) filled() Limits {
	set := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	span := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&l.OpenPerPerson, 10)
	set(&l.Open, 40)
	set(&l.Runs, 4)
	set(&l.Plans, 2)
	set(&l.Looks, 4)
	set(&l.KeepMost, 2000)
	span(&l.Planning, 5*time.Minute)
	span(&l.Look, 60*time.Second)
	span(&l.Probe, 8*time.Second)
	span(&l.Keep, 90*24*time.Hour)
	return l
}

// Core is the agent without sockets. It is safe for concurrent use; For gives it
// to one caller as an api.Agent.
type Core struct {
	o          Options
	disk       disk
	operations map[bot.OperationName]bot.Operation
	looks      map[string]bot.Look
	settings   atomic.Pointer[Settings]
	machineID  string
	bootID     string

	asking  *rate.Limiter // proposals and triggers
	words   *rate.Limiter // what people say by the bot
	spoken  *rate.Limiter // what they say on the host, which no bot may drown
	strange *rate.Limiter // what users say who are nobody's
	plans   chan struct{} // one token each for who plans
	glass   chan struct{} // the same for root
	looking chan struct{}
	probing []chan struct{} // of each probe, one token for each question to it
	wake    chan struct{}   // there is something to judge

	mu       sync.Mutex
	records  map[bot.PlanID]*record // never changed in place
	byKey    map[bot.EffectKey]bot.PlanID
	making   map[bot.EffectKey]*making // being planned
	starting map[bot.PlanID]bool
	retry    map[bot.PlanID]time.Time // when a start that failed is tried again
	stamp    int64
	clock    time.Time     // the latest that the wall clock ever said
	changed  chan struct{} // closed when a stamp was given
	codes    codes
	heads    knownHead
}

// New reads the state and makes an agent of it. Nothing starts before Run.
func New(o Options) (*Core, error) {
	if err := o.missing(); err != nil {
		return nil, err
	}
	o.Limits = o.Limits.filled()
	c := &Core{
		o: o, disk: disk{dir: o.State, fail: o.fail},
		operations: map[bot.OperationName]bot.Operation{}, looks: map[string]bot.Look{},
		asking: rate.NewLimiter(1, 20), words: rate.NewLimiter(2, 40), spoken: rate.NewLimiter(2, 40), strange: rate.NewLimiter(rate.Every(10*time.Second), 5),
		plans: make(chan struct{}, o.Limits.Plans), glass: make(chan struct{}, 1), looking: make(chan struct{}, o.Limits.Looks),
		wake:    make(chan struct{}, 1),
		records: map[bot.PlanID]*record{}, byKey: map[bot.EffectKey]bot.PlanID{}, making: map[bot.EffectKey]*making{},
		starting: map[bot.PlanID]bool{}, retry: map[bot.PlanID]time.Time{}, changed: make(chan struct{}),
	}
	for _, op := range o.Operations {
		if _, twice := c.operations[op.Name()]; twice {
			return nil, fmt.Errorf("agent: two operations are called %s", op.Name())
		}
		c.operations[op.Name()] = op
	}
	for _, l := range o.Looks {
		if _, twice := c.looks[l.Name]; twice {
			return nil, fmt.Errorf("agent: two looks are called %s", l.Name)
		}
		c.looks[l.Name] = l
	}
	for range o.Probes {
		c.probing = append(c.probing, make(chan struct{}, o.Limits.Looks))
	}
	c.settings.Store(&o.Settings)
	var err error
	if c.machineID, c.bootID, err = identity(o.Host.Files); err != nil {
		return nil, err
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (o Options) missing() error {
	for what, is := range map[string]bool{"host": o.Host.Name != "" && o.Host.Files != nil, "state directory": o.State != "", "journal": o.Journal != nil,
		"spawner": o.Spawner != nil, "redactor": o.Redact != nil, "source of ids": o.IDs != nil, "log": o.Log != nil} {
		if !is {
			return fmt.Errorf("agent: no %s", what)
		}
	}
	return nil
}

// identity reads which machine this is, and since which boot.
func identity(f sys.Files) (machine, boot string, err error) {
	m, err := f.Read("/etc/machine-id", 128)
	if err != nil {
		return "", "", fmt.Errorf("agent: which machine is this? %w", err)
	}
	b, err := f.Read("/proc/sys/kernel/random/boot_id", 128)
	if err != nil {
		return "", "", fmt.Errorf("agent: which boot is this? %w", err)
	}
	return strings.TrimSpace(string(m)), strings.TrimSpace(string(b)), nil
}

// open makes the state's directories. What others may enter is refused.
func (c *Core) open() error {
	if err := os.MkdirAll(c.o.State, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(c.o.State)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return bot.Errorf(bot.CodeInvalid, "The agent's state %s may be entered by others: chmod it to 0700, after a look at who was there.", c.o.State)
	}
	return errors.Join(c.disk.mkdir(proposalsDir), c.disk.mkdir(runsDir), c.disk.sweep("."), c.disk.sweep(proposalsDir))
}

// Reload takes up new settings, after it was journaled that they are in force.
func (c *Core) Reload(s Settings) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(journal.KindConfig, "", "New people and a new policy are in force.")
	e.Fields = map[string]string{"source": s.Source, journal.FieldDigest: s.Digest}
	if err := c.log(e); err != nil {
		return err
	}
	c.settings.Store(&s)
	c.nudge()
	return nil
}

// locked does something under the mutex, which is free again whatever happens.
func (c *Core) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// now is the wall clock, which is never followed backwards: what was over stays
// over.
func (c *Core) now() time.Time {
	if t := time.Now().UTC().Truncate(time.Millisecond); t.After(c.clock) {
		c.clock = t
	}
	return c.clock
}

// nextStamp is higher than all that were given, also before a restart.
func (c *Core) nextStamp() int64 {
	c.stamp = max(c.now().UnixMilli()*1000, c.stamp+1)
	return c.stamp
}

// nudge has the loop judge again.
func (c *Core) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// announce wakes those who wait for news.
func (c *Core) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// entry begins a journal entry about a plan.
func (c *Core) entry(kind journal.Kind, id bot.PlanID, format string, args ...any) journal.Entry {
	e := journal.Entry{At: c.now(), Kind: kind, Host: c.o.Host.Name, Subject: string(id), Text: fmt.Sprintf(format, args...)}
	if id != "" {
		e.Fields = map[string]string{journal.FieldPlan: string(id)}
	}
	return e
}

// log appends to the journal; what cannot be journaled must not be done.
func (c *Core) log(entries ...journal.Entry) error {
	if _, err := c.o.Journal.AppendAll(entries...); err != nil {
		c.o.Log.Error("journal", "err", err)
		return bot.Errorf(bot.CodeUnavailable, "The agent's journal takes no entries, and what is not journaled is not done: look after the disk and the agent's log.").Because(err)
	}
	return nil
}

// refused journals a refusal and gives it back. That it could not be journaled
// changes nothing about it.
func (c *Core) refused(by bot.PersonID, id bot.PlanID, said api.Said, what string, err error) error {
	if e, ok := errors.AsType[*bot.Error](err); ok && (e.Code == bot.CodeUnavailable || e.Code == bot.CodeInternal) {
		return err // nobody refused anything
	}
	e := c.entry(journal.KindRefusal, id, "%s was refused: %s", what, bot.ForPeople(err))
	e.By = named(by)
	e.Fields = fields(e.Fields, said)
	_ = c.log(e) // told in the log
	return err
}

// named is a person's name as the journal takes it, whoever made it up.
func named(p bot.PersonID) bot.PersonID { return bot.PersonID(short(string(p))) }

// short is others' text in one line that a sentence can hold.
func short(s string) string { return clean.Line(s, 60) }

func fields(into map[string]string, said api.Said) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	for name, value := range map[string]string{"door": said.Door, "account": string(said.Account), "message": string(said.Message)} {
		if value != "" {
			into[name] = short(value)
		}
	}
	return into
}

// say makes a text that goes into a proposal's state: redacted and harmless.
func (c *Core) say(format string, args ...any) string {
	return clean.Line(c.o.Redact(fmt.Sprintf(format, args...)), maxWhy)
}

// guarded runs what others wrote; its panic is an error.
func guarded[T any](what string, f func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v", what, p)
		}
	}()
	return f()
}

// slot takes one of a few tokens, or says that there are too many.
func slot(ctx context.Context, tokens chan struct{}) (release func(), err error) {
	select {
	case tokens <- struct{}{}:
		return func() { <-tokens }, nil
	case <-ctx.Done():
		return nil, bot.Errorf(bot.CodeUnavailable, "The agent is busy; try again in a minute.").Because(ctx.Err())
	}
}

func sortedByStamp(rs []*record) []*record {
	slices.SortFunc(rs, func(a, b *record) int { return int(a.Proposal.Stamp - b.Proposal.Stamp) })
	return rs
}
