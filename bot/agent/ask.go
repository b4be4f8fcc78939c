package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/probing"
)

// Look answers one of the fixed questions.
func (c *Core) Look(ctx context.Context, caller Caller, q api.Look) (json.RawMessage, error) {
	if err := c.may(caller); err != nil {
		return nil, err
	}
	if err := c.paceLook(caller); err != nil {
		return nil, err
	}
	look, ok := c.looks[q.Name]
	if !ok {
		return nil, bot.Errorf(bot.CodeNotFound, "The agent of %s does not know how to look at %q.", c.o.Host.Name, short(q.Name))
	}
	if err := c.boundedArguments(q.Arguments); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Limits.Look)
	defer cancel()
	release, err := slot(ctx, c.looking)
	if err != nil {
		return nil, err
	}
	defer release()
	v, err := guarded("a look", func() (any, error) { return look.Run(ctx, q.Arguments) })
	if err != nil {
		c.o.Log.Warn("a look fails", "look", q.Name, "err", err)
		if _, ok := errors.AsType[*bot.Error](err); ok {
			return nil, c.hideError(err)
		}
		return nil, bot.Errorf(bot.CodeUnavailable, "%s cannot be looked at; the agent's log has the cause.", q.Name).Because(err)
	}
	b, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, bot.Errorf(bot.CodeInternal, "What was seen cannot be written.").Because(err)
	case len(b) > api.MaxAnswer/2:
		return nil, bot.Errorf(bot.CodeUnavailable, "There is more to be seen than fits into an answer; ask for less.")
	}
	if b, err = c.hidden(ctx, b); err != nil {
		return nil, bot.Errorf(bot.CodeUnavailable, "What was seen of %s could not be searched for secrets in time; ask for less.", q.Name).Because(err)
	}
	return b, nil
}

// Readings asks all probes at once. One that does not answer in time, or fails, is
// unknown.
func (c *Core) Readings(ctx context.Context, caller Caller, _ api.Nothing) ([]bot.Reading, error) {
	if err := c.may(caller); err != nil {
		return nil, err
	}
	if err := c.paceLook(caller); err != nil {
		return nil, err
	}
	release, err := slot(ctx, c.looking)
	if err != nil {
		return nil, err
	}
	defer release()
	readings := c.measure(ctx)
	c.proveAll(readings)
	return hideReadings(readings, c.o.Redact, 1000), nil
}

// measure reads every probe, side by side. One that does not answer in time is
// unknown and holds up no other, even where it is deaf to its context: `zpool` in
// front of a dead disk is. Then it is not asked again before it has answered.
func (c *Core) measure(ctx context.Context) []bot.Reading {
	ctx, cancel := context.WithTimeout(ctx, c.o.Limits.Probe)
	defer cancel()
	answers := make([][]bot.Reading, len(c.probes))
	var all sync.WaitGroup
	for i, p := range c.probes {
		all.Go(func() { answers[i] = p.Read(ctx) })
	}
	all.Wait()
	flat := []bot.Reading{}
	for _, rs := range answers {
		for _, r := range rs {
			r.Host = cmp.Or(r.Host, c.o.Host.Name)
			flat = append(flat, r)
		}
	}
	return flat
}

// guardedProbe logs why a probe fails.
type guardedProbe struct {
	c *Core
	bot.Probe
}

func (g guardedProbe) Read(ctx context.Context) []bot.Reading {
	rs, err := guarded("a probe", func() ([]bot.Reading, error) { return g.Probe.Read(ctx), nil })
	if err != nil {
		g.c.o.Log.Warn("a probe fails", "probe", g.Name(), "err", err)
		rs = probing.Unheard(g.Probe, time.Now().UTC(), "the probe failed; the agent's log has the cause")
	}
	return rs
}

// Tells implements probing.Teller.
func (g guardedProbe) Tells() []string { return probing.Tells(g.Probe) }

// headsFile keeps the last head of the bot's journal.
const (
	headsFile  = "heads.json"
	headsEvery = time.Minute
)

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

type knownHead struct {
	Head journal.Head `json:"head"`
	At   time.Time    `json:"at"`
}

func (c *Core) loadHeads() error {
	err := c.disk.readJSON(headsFile, 4096, &c.heads)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Heads logs the head of the bot's journal when it is another one, at most once a
// minute. One that goes back is logged at once, a few times: the bot's journal was
// cut or made anew.
func (c *Core) Heads(_ context.Context, caller Caller, q api.Heads) (journal.Head, error) {
	if err := only(caller, callerBot); err != nil {
		return journal.Head{}, err
	}
	if empty := q.Head == (journal.Head{}); !empty && (q.Head.Seq < 1 || !hashForm.MatchString(q.Head.Hash)) {
		return journal.Head{}, bot.Errorf(bot.CodeInvalid, "This is no head of a journal.")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, now := c.heads.Head, c.now()
	back := q.Head.Seq < known.Seq || q.Head.Seq == known.Seq && q.Head.Hash != known.Hash
	if q.Head == known || now.Sub(c.heads.At) < headsEvery && (!back || known == journal.Head{}) {
		return c.o.Journal.Head(), nil
	}
	if back && !c.back.AllowN(now, 1) {
		return c.o.Journal.Head(), nil // it was said often enough; the next that is logged will tell
	}
	e := journal.HeadEntry("bot", "", q.Head)
	e.At = now
	entries := []journal.Entry{e}
	if back {
		e := c.entry(journal.KindNote, "", "The bot's journal went back: it ended with entry %d, and now ends with %d. It was cut off, or made anew.", known.Seq, q.Head.Seq)
		entries = append(entries, e)
		c.o.Log.Error("the bot's journal went back", "from", known.String(), "to", q.Head.String())
	}
	if err := c.log(entries...); err != nil {
		return journal.Head{}, err
	}
	c.heads = knownHead{Head: q.Head, At: now}
	if err := c.disk.writeJSON(headsFile, c.heads); err != nil {
		return journal.Head{}, fmt.Errorf("the bot's head cannot be kept: %w", err)
	}
	return c.o.Journal.Head(), nil
}
