package flow

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/store"
)

const (
	// watchWait is how long an agent is asked to wait for news.
	watchWait = 25 * time.Second
	// watchTime bounds one question for news.
	watchTime = watchWait + 15*time.Second
	// agentAway is how long an agent may be away before people are told: a switch
	// restarts it.
	agentAway = 2 * time.Minute
)

// watch follows an agent's proposals. What it misses while either is away, the
// agent tells at the next question, since each proposal carries a stamp.
func (f *Flow) watch(ctx context.Context, host string, a api.Agent) {
	source := "agent/" + host
	var away time.Time
	heads := heads{f: f, host: host, a: a, source: source}
	told, first := false, true   // in a former life people may have been told
	var standing *[]bot.Standing // as it was told last
	var anew *anew               // of a state that is read from its beginning
	for try := 0; ctx.Err() == nil; {
		stamp, err := f.agentStamp(ctx, host)
		var e bot.Told
		if err == nil {
			wait := watchWait
			if _, seen := f.agentSeen.Load(host); !seen || try > 0 {
				wait = 0 // that it answers at all is news, and it may have begun anew
			}
			e, err = f.news(ctx, host, a, &stamp, &anew, wait)
		}
		now := f.clock.now()
		if err == nil {
			f.agentSeen.Store(host, now)
			if standing != nil && reflect.DeepEqual(standing, e.Standing) {
				e.Standing = nil
			}
			if len(e.Proposals) > 0 || e.Standing != nil || e.State != "" || e.Switch != nil || stamp.moved {
				err = ownState(f.Take(ctx, bot.Batch{Source: source, Cursor: strconv.FormatInt(stamp.top, 10), Events: []bot.Event{e}}))
			}
		}
		if err == nil {
			if e.Standing != nil {
				standing = e.Standing
			}
			if e.State != "" {
				anew = nil // all of it was taken
			}
			if told || first {
				if f.tellAgent(ctx, host, nil) == nil { // nothing where nothing stands
					told, first = false, false
				}
			}
			heads.exchange(ctx)
			try, away = 0, time.Time{}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		anew = nil // a page that was not taken is read again, with those before it
		if errors.Is(err, errOwnState) {
			// Nothing is known of the agent by that, and people are not sent to it.
			away = time.Time{}
			f.log.Error("the bot's own state is in the way of an agent's news", "host", host, "err", err)
		} else {
			f.log.Warn("an agent does not answer", "host", host, "err", err)
			if away.IsZero() {
				away = now
			}
			if !told && now.Sub(away) >= agentAway {
				told = f.tellAgent(ctx, host, err) == nil
			}
		}
		f.sleep(ctx, nil, backoff(try, time.Second, 30*time.Second))
		try++
	}
}

// stampAt is how far an agent's news are known, and of which state.
type stampAt struct {
	at, top int64
	moved   bool
	state   string // "" where no agent told one
	// switched is the last switch of the host that was dealt with, "" for none.
	switched string
}

// anew is the reading of an agent's state that is another one than before. Its stamps may
// lie below those that we know, so that it begins at 0.
type anew struct {
	state string
	since time.Time // when it began
	at    int64
	kept  []bot.PlanID // all plans of it so far
}

// metaAgentState is which state of its agent's a host's cursor is of. It stands beside the
// cursor, which older versions read as a number.
func metaAgentState(host string) string { return "agent state " + host }

// errOwnState is the bot's trouble with its own state, where an agent's might be
// thought of.
var errOwnState = errors.New("the bot's own state")

func ownState(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(errOwnState, err)
}

// agentStamp is where an agent's news go on.
func (f *Flow) agentStamp(ctx context.Context, host string) (s stampAt, err error) {
	var text string
	err = f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		if text, err = tx.Cursor("agent/" + host); err != nil {
			return err
		}
		if s.state, err = tx.Meta(metaAgentState(host)); err != nil {
			return err
		}
		s.switched, err = tx.Meta(metaSwitched(host))
		return err
	})
	if err == nil && text != "" {
		s.at, err = strconv.ParseInt(text, 10, 64)
	}
	s.top = s.at
	return s, ownState(err)
}

// news asks once, and waits for something new. What another state than before has is read
// from the beginning, page by page; the last one says what is of the former.
func (f *Flow) news(ctx context.Context, host string, a api.Agent, s *stampAt, again **anew, wait time.Duration) (bot.Told, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	q := api.Since{Stamp: s.at, Wait: wait}
	if *again != nil {
		q = api.Since{Stamp: (*again).at}
	}
	page, err := a.Proposals(ctx, q)
	if err == nil && page.State != "" && page.State != s.state && (*again == nil || (*again).state != page.State) {
		f.log.Info("an agent's state is another one than before, and is read from its beginning", "host", host)
		*again = &anew{state: page.State, since: f.clock.now()}
		page, err = a.Proposals(ctx, api.Since{})
	}
	if err != nil {
		return bot.Told{}, err
	}
	s.top, s.moved = page.Top, page.Top != s.at
	e := bot.Told{Host: host, Proposals: page.Proposals, Standing: &page.Standing, At: f.clock.now()}
	if x := page.Switch; x != nil && newSwitch(*x, s.switched, e.At) {
		e.Switch = x
	}
	if n := *again; n != nil {
		if n.state != page.State {
			return bot.Told{}, bot.Errorf(bot.CodeUnavailable, "The agent began anew while it was read.")
		}
		n.at = page.Top
		for _, p := range page.Proposals {
			n.kept = append(n.kept, p.Plan.ID)
		}
		if !page.More {
			e.State, e.Kept, e.Since = n.state, n.kept, n.since
		}
	}
	return e, nil
}

// tellAgent tells people that an agent is away, or back.
func (f *Flow) tellAgent(ctx context.Context, host string, why error) error {
	e := bot.Troubled{Subject: "agent " + host, Title: "The agent of " + host + " does not answer", Over: why == nil, At: f.clock.now(),
		Text: "Nothing can be looked at or done on the host through me, and what runs there I cannot tell. On the host: `systemctl status watchstander-agent`."}
	err := f.Take(ctx, bot.Batch{Source: "agent", Events: []bot.Event{e}})
	if err != nil && ctx.Err() == nil {
		f.log.Error("people could not be told of an agent", "host", host, "err", err)
	}
	return err
}
