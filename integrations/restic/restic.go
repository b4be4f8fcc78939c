package restic

import (
	"path"
	"time"

	"watchstander/bot/sys"
)

// Backups are the backups of one host. They may be used by several at once.
type Backups struct {
	h   sys.Host
	c   Config
	now func() time.Time
	// lateLog is the constant of this name, but in tests.
	lateLog time.Duration
	// asking holds a lock for each repository (a channel with room for one), so that
	// two looks do not ask it the same.
	asking  map[string]chan struct{}
	errands *errands
}

// New makes the backups of a host. It touches nothing; its errors are faults of
// the configuration.
func New(h sys.Host, c Config) (*Backups, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	b := &Backups{h: h, c: c.withDefaults(h.Name), now: time.Now, lateLog: lateLog, asking: map[string]chan struct{}{}, errands: newErrands()}
	for _, name := range b.c.names() {
		b.asking[name] = make(chan struct{}, 1)
	}
	return b, nil
}

func (b *Backups) cacheDir() string   { return path.Join(b.c.State, "cache") }
func (b *Backups) factsDir() string   { return path.Join(b.c.State, "facts") }
func (b *Backups) reportsDir() string { return path.Join(b.c.State, "reports") }
