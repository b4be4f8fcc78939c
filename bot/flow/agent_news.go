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
	for try := 0; ctx.Err() == nil; {
		stamp, err := f.agentStamp(ctx, source)
		var e bot.Told
		if err == nil {
			e, err = f.news(ctx, host, a, &stamp)
		}
		now := f.clock.now()
		if err == nil {
			f.agentSeen.Store(host, now)
			if standing != nil && reflect.DeepEqual(standing, e.Standing) {
				e.Standing = nil
			}
			if len(e.Proposals) > 0 || e.Standing != nil || stamp.moved {
				err = ownState(f.Take(ctx, bot.Batch{Source: source, Cursor: strconv.FormatInt(stamp.top, 10), Events: []bot.Event{e}}))
			}
		}
		if err == nil {
			if e.Standing != nil {
				standing = e.Standing
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

// stampAt is how far an agent's news are known.
type stampAt struct {
	at, top int64
	moved   bool
}

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
func (f *Flow) agentStamp(ctx context.Context, source string) (s stampAt, err error) {
	var text string
	err = f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		text, err = tx.Cursor(source)
		return err
	})
	if err == nil && text != "" {
		s.at, err = strconv.ParseInt(text, 10, 64)
	}
	s.top = s.at
	return s, ownState(err)
}

// news asks once, and waits for something new.
func (f *Flow) news(ctx context.Context, host string, a api.Agent, s *stampAt) (bot.Told, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	wait := watchWait
	if _, seen := f.agentSeen.Load(host); !seen {
		wait = 0 // that it answers at all is news
	}
	page, err := a.Proposals(ctx, api.Since{Stamp: s.at, Wait: wait})
	if err != nil {
		return bot.Told{}, err
	}
	s.top, s.moved = page.Top, page.Top != s.at
	return bot.Told{Host: host, Proposals: page.Proposals, Standing: &page.Standing, At: f.clock.now()}, nil
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
