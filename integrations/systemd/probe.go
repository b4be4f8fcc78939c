package systemd

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Options say whom to ask, and how much to tell.
type Options struct {
	// Host is the configured name of the host, which readings carry.
	Host string
	// Dial connects to systemd; over the system bus. The connection should end
	// with the context.
	Dial func(context.Context) (Conn, error)
	// Timeout bounds one look; 5 s.
	Timeout time.Duration
	// Most is how many units are named; 10. The rest is counted.
	Most int
	// Zone gives the zone of the times in readings, anew for each; nil is UTC.
	Zone func() *time.Location
}

// Probe reads the state of systemd. It may be read by several at once; they
// share the look that is under way.
type Probe struct {
	o Options

	mu   sync.Mutex
	look *look // under way
}

// look is one conversation with systemd. done is closed after readings are set.
type look struct {
	since    time.Time
	done     chan struct{}
	readings []bot.Reading
}

var _ bot.Probe = (*Probe)(nil)

// New makes the probe. It connects to nothing yet.
func New(o Options) *Probe {
	if o.Dial == nil {
		o.Dial = dial
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Most <= 0 {
		o.Most = 10
	}
	if o.Zone == nil {
		o.Zone = func() *time.Location { return time.UTC }
	}
	return &Probe{o: o}
}

// Name is "systemd" and the host's name.
func (p *Probe) Name() string {
	if p.o.Host == "" {
		return "systemd"
	}
	return "systemd " + p.o.Host
}

// Tells are what its readings are called (bot/probing, Teller).
func (p *Probe) Tells() []string { return []string{"failed units", "flapping units", "systemd"} }

const source = "systemd over D-Bus"

// Read looks. There is a reading for each failed unit, or one that there are none;
// the same of those that flap; and one of the system as a whole.
func (p *Probe) Read(ctx context.Context) []bot.Reading {
	readings := p.read(ctx)
	now := time.Now().UTC().Truncate(time.Millisecond)
	out := make([]bot.Reading, len(readings))
	for i, r := range readings {
		r.Host, r.At, r.Source = p.o.Host, now, source
		out[i] = r
	}
	return out
}

func (p *Probe) read(ctx context.Context) []bot.Reading {
	if ctx.Err() != nil {
		return allUnknown("the time for this look was over before it began")
	}
	l := p.join(ctx)
	// One second more than the look takes, to hear its own reason.
	timer := time.NewTimer(max(0, p.o.Timeout+time.Second-time.Since(l.since)))
	defer timer.Stop()
	select {
	case <-l.done:
		return l.readings
	case <-timer.C:
	case <-ctx.Done():
		// It may have answered at the same moment.
		select {
		case <-l.done:
			return l.readings
		default:
		}
	}
	return allUnknown("no answer for " + phrase.Duration(time.Since(l.since)))
}

// join finds the look under way, or begins one. It outlives its asker, whom a
// second one may have joined, but not its time limit.
func (p *Probe) join(ctx context.Context) *look {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.look != nil {
		return p.look
	}
	l := &look{since: time.Now(), done: make(chan struct{})}
	p.look = l
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.o.Timeout)
	go func() {
		defer func() {
			cancel()
			if fault := recover(); fault != nil {
				l.readings = allUnknown(fmt.Sprintf("internal error while asking (%T)", fault))
			}
			p.mu.Lock()
			p.look = nil
			p.mu.Unlock()
			close(l.done)
		}()
		l.readings = p.ask(ctx)
	}()
	return l
}

// ask connects, asks and closes.
func (p *Probe) ask(ctx context.Context) []bot.Reading {
	conn, err := p.o.Dial(ctx)
	if err != nil {
		return allUnknown(reason(err))
	}
	defer conn.Close()
	failed, loops := p.failed(ctx, conn)
	return slices.Concat(failed, p.flapping(ctx, conn, loops), []bot.Reading{p.system(ctx, conn)})
}

func allUnknown(why string) []bot.Reading {
	return []bot.Reading{unknown("failed units", why), unknown("flapping units", why), unknown("systemd", why)}
}

// unknown has no value: the state says it already.
func unknown(what, why string) bot.Reading {
	return bot.Reading{What: what, Note: line(why), State: bot.Unknown}
}
