package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
)

const (
	syncWait = 30 * time.Second // how long a long poll waits for news
	// pageLimit is how many events of a room one answer may bring; a long
	// answer halves it (see Run).
	pageLimit = 100
	// maxRefused is how often in a row the homeserver itself may refuse our
	// place in the stream before we begin anew from now.
	maxRefused = 5
)

// eventFilter lists what we want to know of a room.
const eventFilter = `["m.room.message","m.reaction","m.room.redaction","m.room.encrypted","m.room.member","m.room.tombstone","m.room.encryption"]`

// syncFilter asks for timelines alone. An empty list of types is "nothing",
// which Dendrite understands, unlike not_types with a "*". The very first sync
// wants, beside the token, only each room's newest event: it is where later
// reading back ends (see place).
func syncFilter(limit int) string {
	return fmt.Sprintf(`{"presence":{"types":[]},"account_data":{"types":[]},"room":{`+
		`"account_data":{"types":[]},"ephemeral":{"types":[]},"state":{"types":[],"lazy_load_members":true},`+
		`"timeline":{"types":%s,"limit":%d}}}`, eventFilter, limit)
}

// Run receives until ctx ends, and then returns nil. The error it may return
// is a *bot.Error with CodeForbidden: the access token has been revoked or is
// another account's, or the account was closed. Nothing is heard before it is
// known whose token it is.
//
// A batch that sink refuses is asked for again, after a pause; so is a long
// poll that failed, for as long as it takes. When the homeserver refuses our
// cursor itself (its database is another one), Run begins anew from now and
// says so in an Undecodable event.
func (c *Chat) Run(ctx context.Context, sink bot.Sink) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("matrix: Run runs already")
	}
	defer c.running.Store(false)

	if err := c.identify(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	door := newDoorman(c)
	var wg sync.WaitGroup
	wg.Go(func() { door.work(ctx) })
	defer wg.Wait()
	defer stop()

	var pause backoff
	limit, refused := pageLimit, 0
	var lost *bot.Undecodable // said with the first batch after a new beginning
	for ctx.Err() == nil {
		err := c.turn(ctx, sink, door, limit, lost)
		if err == nil {
			if pause.fails > 0 {
				c.log.Info("receiving from the Matrix homeserver again", "after_failures", pause.fails)
			}
			pause.reset()
			limit, refused, lost = pageLimit, 0, nil
			continue
		}
		if ctx.Err() != nil {
			break
		}
		c.counts.failed.Add(1)
		if revoked := c.revoked(err); revoked != nil {
			return revoked
		}
		e, ok := errors.AsType[*CallError](err)
		switch ok = ok && e.Call == "sync"; {
		case ok && e.TooLarge:
			limit = max(1, limit/2) // what is left out then is paged back
		case ok && e.Status == http.StatusBadRequest && e.Code != "" && c.place.Next != "":
			if refused++; refused == maxRefused {
				c.log.Error("the Matrix homeserver no longer knows our place in its stream; beginning anew from now, what was said in between is lost", "error", err)
				lost, refused = c.newBeginning(), 0
			}
		default:
			refused = 0
		}
		wait := pause.next(retryAfter(err))
		c.log.Warn("receiving from the Matrix homeserver failed", "error", err, "failures", pause.fails, "next_try_in", wait)
		sleep(ctx, wait)
	}
	return nil
}

// identify asks whose token this is, for as long as it takes. With the token of
// somebody else the bot would take its own reactions for that person's presses.
func (c *Chat) identify(ctx context.Context) error {
	var pause backoff
	for ctx.Err() == nil {
		who, err := c.transport.WhoAmI(ctx)
		if err == nil && who == c.user {
			return nil
		}
		if err == nil {
			return bot.Errorf(bot.CodeForbidden, "The access token is %s's, and the configuration says that the bot is %s: put the bot's own token into its file, or mend the name.", clean.Text(who), c.user)
		}
		if revoked := c.revoked(err); revoked != nil {
			return revoked
		}
		wait := pause.next(retryAfter(err))
		c.log.Warn("the Matrix homeserver does not say whose access token this is; nothing is heard until it does", "error", err, "next_try_in", wait)
		sleep(ctx, wait)
	}
	return nil
}

// newBeginning forgets the cursor, and words that for the state.
func (c *Chat) newBeginning() *bot.Undecodable {
	c.counts.lost.Add(1)
	old := c.place.Next
	c.place, c.looked = place{}, false
	return &bot.Undecodable{
		Chat: c.chat, ID: bot.MessageID("anew:" + old), At: c.now().UTC(),
		Reason: "The Matrix homeserver no longer knows how far it had told us; what was said since then may not have been heard.",
	}
}

// turn is one long poll, and all that follows from it.
func (c *Chat) turn(ctx context.Context, sink bot.Sink, door *doorman, limit int, lost *bot.Undecodable) (err error) {
	since, asked := c.place.Next, time.Now()
	query := SyncQuery{Since: since, Filter: syncFilter(limit), Wait: syncWait}
	if since == "" {
		query.Filter, query.Wait = syncFilter(1), 0
	}
	if !c.looked {
		query.Wait = 0 // what is to be told of the rooms needs no news
	}
	raw, err := c.transport.Sync(ctx, query)
	if err != nil {
		return err
	}
	a, err := parseAnswer(raw)
	if err != nil {
		return err
	}
	var events []bot.Event
	if lost != nil {
		events = append(events, *lost)
	}
	if !c.looked {
		c.looked = true
		defer func() { c.looked = c.looked && err == nil }() // what was not taken is told again
		events = append(events, c.roomTroubles(ctx)...)
	}
	for _, room := range a.left {
		if name, ok := c.names[room]; ok {
			events = append(events, c.trouble(name, troubleOut, "", false))
		}
	}
	if since != "" { // else it is history, and not said to us
		more, err := c.events(ctx, a)
		if err != nil {
			return err
		}
		events = append(events, more...)
	}
	door.told(a)
	next := c.place.after(a, func(room string) bool { return c.names[room] != "" })
	if a.next != since || len(events) > 0 {
		batch := bot.Batch{Source: string(c.chat), Cursor: next.String(), Events: events}
		if err := sink.Take(ctx, batch); err != nil {
			return fmt.Errorf("the batch was not taken: %w", err)
		}
	}
	c.place = next
	c.heard.Store(c.now().UnixMilli())
	if a.next == since && time.Since(asked) < time.Second {
		// A homeserver that answers at once but stands still must not be asked
		// in a tight circle.
		sleep(ctx, time.Second)
	}
	return nil
}

// events reads all rooms of an answer.
func (c *Chat) events(ctx context.Context, a answer) ([]bot.Event, error) {
	var events []bot.Event
	for _, b := range a.broken {
		events = append(events, c.undecodable(envelope{}, "", b.raw, "the part "+b.where+" of a sync's answer is not of the API's form"))
	}
	for _, t := range a.joined {
		name, ok := c.names[t.room]
		if !ok {
			c.foreign(t)
			continue
		}
		raws, err := c.whole(ctx, t, &events)
		if err != nil {
			return nil, err
		}
		for _, raw := range raws {
			if e := c.watch(name, raw); e != nil {
				events = append(events, e)
			}
			if e := c.decode(name, raw); e != nil {
				events = append(events, e)
			}
		}
	}
	return events, nil
}

func (c *Chat) foreign(t timeline) {
	if len(t.events) == 0 {
		return
	}
	c.counts.foreign.Add(int64(len(t.events)))
	c.log.Debug("events of a room that is not configured were dropped", "room_id", t.room, "events", len(t.events))
}

func eventID(raw json.RawMessage) string {
	id, _ := parseObject(raw).text("event_id")
	return id
}
