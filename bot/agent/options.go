package agent

import (
	"fmt"
	"log/slog"
	"time"

	"watchstander/bot"
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
	// LastSwitch tells by what the running system came, nil where that is unknown; it is
	// asked with every question for news. A nil LastSwitch tells nothing.
	LastSwitch func() *bot.Change
	// Busy are units that a run waits for which belongs in a window, where its operation
	// does not say itself what it waits for.
	Busy []string
	// State is a directory of the agent's own; it is made with mode 0700.
	State string
	// Trust tells whether a directory's place is trusted: whether nobody else could put
	// another one there. Nil is not to ask, where nothing is at stake.
	Trust func(dir string) error
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

func (o Options) missing() error {
	for what, is := range map[string]bool{"host": o.Host.Name != "" && o.Host.Files != nil, "state directory": o.State != "", "journal": o.Journal != nil,
		"spawner": o.Spawner != nil, "redactor": o.Redact != nil, "source of ids": o.IDs != nil, "log": o.Log != nil} {
		if !is {
			return fmt.Errorf("agent: no %s", what)
		}
	}
	return nil
}
