package agent

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// lamp is an operation that sets a lamp, which is a file of the host. What goes
// wrong with it is the test's to say.
type lamp struct {
	host sys.Host

	mu      sync.Mutex
	applied int // how often Apply was called, over all runs
	undone  int
	takes   time.Duration
	limit   bot.Seconds
	locks   []string
	waits   []string
	roots   []string
	summary string
	plan    func() error
	apply   func(context.Context, bot.Work) error
	verify  func() ([]bot.Reading, error)
	undo    func(context.Context) ([]bot.Reading, error)
}

var _ interface {
	bot.Operation
	bot.Undoer
} = (*lamp)(nil)

func (l *lamp) Name() bot.OperationName { return "lamp.set" }

func (l *lamp) Parse(_ context.Context, a bot.Arguments) (bot.Arguments, error) {
	for name := range a {
		if name != "to" {
			return nil, bot.Errorf(bot.CodeInvalid, "lamp.set takes no %q.", name)
		}
	}
	to := strings.ToLower(a.One("to"))
	if to != "on" && to != "off" {
		return nil, bot.Errorf(bot.CodeInvalid, "A lamp is on or off.")
	}
	return bot.Arguments{"to": {to}}, nil
}

func (l *lamp) Plan(_ context.Context, a bot.Arguments) (bot.Draft, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.plan != nil {
		if err := l.plan(); err != nil {
			return bot.Draft{}, err
		}
	}
	now, err := l.host.Files.Read("/run/lamp", 64)
	if err != nil {
		return bot.Draft{}, err
	}
	oil, err := l.host.Files.Read("/run/oil", 64)
	if err != nil {
		return bot.Draft{}, err
	}
	summary := l.summary
	if summary == "" {
		summary = "set the lamp to " + a.One("to")
	}
	locks := l.locks
	if locks == nil {
		locks = []string{"lamp"}
	}
	return bot.Draft{Summary: summary, Steps: []string{"turn it"}, Undo: "The agent turns it back.", Takes: "a moment", Limit: max(l.limit, 60),
		Bound: []bot.Fact{{Name: "lamp", Value: string(now)}}, Observed: []bot.Fact{{Name: "oil", Value: string(oil)}},
		Locks: locks, WaitFor: l.waits, Roots: l.roots}, nil
}

func (l *lamp) Apply(ctx context.Context, p bot.Plan, w bot.Work) error {
	l.mu.Lock()
	l.applied++
	apply, takes := l.apply, l.takes
	l.mu.Unlock()
	// On the disk too, where a process of its own can be counted.
	f, err := os.OpenFile(filepath.Join(w.Dir(), "applied"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("x")
	if err := f.Close(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if err := w.Note("before", p.Draft.Bound[0].Value); err != nil {
		return err
	}
	w.Say("turning the lamp")
	if apply != nil {
		if err := apply(ctx, w); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(takes):
	}
	return l.host.Files.Write("/run/lamp", []byte(p.Arguments.One("to")))
}

func (l *lamp) Verify(_ context.Context, p bot.Plan, _ bot.Work) ([]bot.Reading, error) {
	if l.verify != nil {
		return l.verify()
	}
	return l.look(p.Arguments.One("to"))
}

func (l *lamp) look(want string) ([]bot.Reading, error) {
	now, err := l.host.Files.Read("/run/lamp", 64)
	if err != nil {
		return nil, err
	}
	state := bot.OK
	if string(now) != want {
		state = bot.NotOK
	}
	return []bot.Reading{{Host: "vulcan", What: "lamp", Value: string(now), Source: "/run/lamp", At: time.Now().UTC(), State: state}}, nil
}

func (l *lamp) Undo(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	l.mu.Lock()
	l.undone++
	l.mu.Unlock()
	if l.undo != nil {
		return l.undo(ctx)
	}
	before := w.Noted("before")
	if err := l.host.Files.Write("/run/lamp", []byte(before)); err != nil {
		return nil, err
	}
	return l.look(before)
}

func (l *lamp) counts() (applied, undone int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.applied, l.undone
}
