package flow

import (
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// frozen is a root that was committed by a life that ended now, before or after it
// was given to the room.
func frozen(t *testing.T, f *Flow, take func(bot.Event), r *room) bot.Sending {
	t.Helper()
	take(fires("vulcan", "a", time.Now()))
	v, ok, err := r.choose(t.Context())
	if err != nil || !ok {
		t.Fatal("nothing is due", err)
	}
	s, err := r.freeze(t.Context(), v)
	if err != nil || s == nil || s.State != store.Sending {
		t.Fatal("nothing was frozen", err)
	}
	return bot.Sending{Key: s.Key, Room: s.Room, Kind: s.Kind, Root: s.Root, Body: s.Body, Since: s.At}
}

// A request is under way at the homeserver while the bot dies and starts again: it is
// not found yet, and a second one would show the alert twice. What was frozen long ago
// may have been tried again a moment before the end.
func TestARequestInFlightAtACrashIsNotRepeated(t *testing.T) {
	for _, age := range []time.Duration{150 * time.Millisecond, tryIsOver + time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f, take := newFlow(t)
			c, r := withPaper(f)
			s := frozen(t, f, take, r)
			time.Sleep(age)
			f.started = f.clock.now()
			r = newRoom(f, "ops", "paper", c)
			post(t, r)
			if n := len(c.said()); n != 0 {
				t.Errorf("%d posts while the first may be under way", n)
			}
			time.Sleep(time.Second)
			c.accept(s)
			time.Sleep(inFlight)
			post(t, r)
			if n := len(c.said()); n != 1 {
				t.Errorf("the room has it %d times", n)
			}
		})
	}
}

// What never was given away is sent when that is known.
func TestWhatWasFrozenAndNeverArrivedIsSent(t *testing.T) {
	for _, age := range []time.Duration{0, tryIsOver + time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f, take := newFlow(t)
			c, r := withPaper(f)
			frozen(t, f, take, r)
			time.Sleep(age + time.Millisecond)
			f.started = f.clock.now()
			r = newRoom(f, "ops", "paper", c)
			post(t, r)
			time.Sleep(inFlight)
			post(t, r)
			if n := len(c.said()); n != 1 {
				t.Errorf("after a wait it was sent %d times", n)
			}
		})
	}
}

// An offer that a former life froze waits for its own time; nothing else would wake the
// room for it.
func TestTheRoomWakesForAnOfferThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		c := &paper{caps: bot.Caps{Offers: true}}
		r := newRoom(f, "ops", "paper", c)
		f.rooms["ops"] = r
		take(fires("vulcan", "a", time.Now()))
		if err := r.step(t.Context()); err != nil { // the root
			t.Fatal(err)
		}
		v, ok, err := r.choose(t.Context())
		if err != nil || !ok {
			t.Fatal("nothing is offered", err)
		}
		if s, err := r.freeze(t.Context(), v); err != nil || s == nil || s.Kind != bot.SendOffer {
			t.Fatalf("%+v, %v", s, err)
		}
		time.Sleep(150 * time.Millisecond)
		f.started = f.clock.now()
		r = newRoom(f, "ops", "paper", c)
		if err := r.step(t.Context()); err != nil { // it may be on its way still
			t.Fatal(err)
		}
		wait, err := r.idle(t.Context())
		if err != nil || wait <= 0 || wait > inFlight {
			t.Fatalf("the room sleeps for %v, %v", wait, err)
		}
		time.Sleep(wait)
		post(t, r)
		if n := len(c.said()); n != 1+len(r.offers()) {
			t.Errorf("%d posts, %d of them are to be offers", n, len(r.offers()))
		}
	})
}
