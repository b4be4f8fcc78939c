package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/clean"
	"watchstander/bot/journal"
	"watchstander/bot/probing"
	"watchstander/bot/sys"
)

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

	paces
	plans   chan struct{} // one token each for who plans
	glass   chan struct{} // the same for root
	looking chan struct{}
	probes  []bot.Probe   // each asked once at a time
	wake    chan struct{} // there is something to judge

	mu       sync.Mutex
	records  map[bot.PlanID]*record // never changed in place
	byKey    map[bot.EffectKey]bot.PlanID
	making   map[bot.EffectKey]*making // being planned
	starting map[bot.PlanID]bool
	retry    map[bot.PlanID]time.Time // when a start that failed is tried again
	stamp    int64
	state    string        // which one it is (stateFile)
	changed  chan struct{} // closed when a stamp was given
	codes    codes
	heads    knownHead

	ticking sync.Mutex
	clock   time.Time // the latest that the wall clock ever said
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
		paces: newPaces(),
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
	if _, taken := c.looks[bot.LookWindows]; taken {
		return nil, fmt.Errorf("agent: the look %s is its own", bot.LookWindows)
	}
	c.looks[bot.LookWindows] = bot.Look{Name: bot.LookWindows, Run: c.nextWindows}
	for _, p := range o.Probes {
		c.probes = append(c.probes, probing.Once(guardedProbe{c, p}, o.Limits.Probe))
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

// open makes the state's directories, each of the agent's own: whoever else could
// put files there could agree to a plan, or exchange one before it runs.
func (c *Core) open() error {
	if err := OpenState(c.o.State, c.o.Trust); err != nil {
		return err
	}
	for _, name := range []string{proposalsDir, runsDir} {
		if err := c.disk.mkdir(name); err != nil {
			return err
		}
		if err := ownAlone(c.disk.path(name)); err != nil {
			return err
		}
	}
	return errors.Join(c.disk.sweep("."), c.disk.sweep(proposalsDir))
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
// over. It needs no other lock.
func (c *Core) now() time.Time {
	c.ticking.Lock()
	defer c.ticking.Unlock()
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
