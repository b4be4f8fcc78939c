// Package probing asks each probe once at a time. Some never answer (`zpool` in front
// of a dead disk, a mount of a server that is gone), and whoever asks again beside them
// adds one more that hangs.
package probing

import (
	"context"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// grace is how long a probe has, when its time is over, to say so itself.
const grace = 500 * time.Millisecond

// Once makes a probe that is never asked beside itself: who asks while an answer is
// awaited gets that answer. Its Read returns with its context, at most half a second
// later, even where the probe is deaf to it. From limit on, which is how long those who
// ask are patient, a question counts as one that hangs: until it is answered nobody
// waits for it, and the probe is unknown, with since when it has been asked.
//
// The probe's own context ends when nobody waits for it any more.
func Once(p bot.Probe, limit time.Duration) bot.Probe { return &once{p: p, limit: limit} }

// Teller is a probe that knows what its readings are called. Where it cannot be heard as a
// whole, since it hangs or fails inside, each of them is told as unknown: a checklist that
// waits for one by its name learns of that, and does not take it for one that is not there.
// Of a probe that does not say, one reading is told under the probe's own name, which
// stands for whatever was measured before (bot.Reading, Blank).
type Teller interface {
	// Tells are those names. Of readings whose number is found out by looking it is one
	// name for all, of the same beginning: "disk mounts" for "disk /" and "disk /boot".
	Tells() []string
}

// Tells are what a probe's readings are called, as Teller has it; nil for one that does not
// say.
func Tells(p bot.Probe) []string {
	if t, ok := p.(Teller); ok {
		return t.Tells()
	}
	return nil
}

// Unheard are the readings of a probe that could not be heard as a whole.
func Unheard(p bot.Probe, at time.Time, why string) []bot.Reading {
	var out []bot.Reading
	for _, what := range Tells(p) {
		out = append(out, bot.Reading{What: what, Note: why, At: at, State: bot.Unknown})
	}
	if out == nil {
		out = []bot.Reading{{What: p.Name(), Note: why, At: at, State: bot.Unknown, Blank: true}}
	}
	return out
}

// All is Once of each.
func All(ps []bot.Probe, limit time.Duration) []bot.Probe {
	out := make([]bot.Probe, len(ps))
	for i, p := range ps {
		out[i] = Once(p, limit)
	}
	return out
}

type once struct {
	p     bot.Probe
	limit time.Duration

	mu    sync.Mutex
	asked *question // that is not answered yet
}

// question is one to the probe.
type question struct {
	since   time.Time
	waiting int // who waits for it, under the lock
	cancel  context.CancelFunc
	done    chan struct{} // closed when answer is there
	answer  []bot.Reading
}

func (o *once) Name() string { return o.p.Name() }

func (o *once) Tells() []string { return Tells(o.p) }

func (o *once) Read(ctx context.Context) []bot.Reading {
	q, hangs := o.join(ctx)
	if hangs {
		return o.unknown("still asked since " + clock(q.since, time.Now()) + ", without an answer")
	}
	select {
	case <-q.done:
		o.leave(q)
		return q.answer
	case <-ctx.Done():
	}
	o.leave(q)
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-q.done:
		return q.answer
	case <-late.C:
		return o.unknown("no answer within " + phrase.Duration(o.limit))
	}
}

// join gives the question that is under way, or asks one.
func (o *once) join(ctx context.Context) (q *question, hangs bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	// One whose askers have all gone was told to end, and its answer would say so.
	if q := o.asked; q != nil && (q.waiting == 0 || time.Since(q.since) >= o.limit) {
		return q, true
	}
	if o.asked != nil {
		o.asked.waiting++
		return o.asked, false
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q = &question{since: time.Now(), waiting: 1, cancel: cancel, done: make(chan struct{})}
	o.asked = q
	go o.ask(ctx, q)
	return q, false
}

func (o *once) ask(ctx context.Context, q *question) {
	defer func() {
		if recover() != nil {
			q.answer = o.unknown("the probe failed inside")
		}
		q.cancel()
		o.mu.Lock()
		o.asked = nil
		o.mu.Unlock()
		close(q.done)
	}()
	q.answer = o.p.Read(ctx)
}

// leave has the probe end its work where nobody waits for it.
func (o *once) leave(q *question) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q.waiting--; q.waiting == 0 {
		q.cancel()
	}
}

func (o *once) unknown(why string) []bot.Reading {
	return Unheard(o.p, time.Now().UTC(), why)
}

// clock is "15:04 UTC", with the day where it is not today's.
func clock(at, now time.Time) string {
	form := "15:04 UTC"
	if at, now := at.UTC(), now.UTC(); at.YearDay() != now.YearDay() || at.Year() != now.Year() {
		form = "Mon 2 Jan 15:04 UTC"
	}
	return at.UTC().Format(form)
}
