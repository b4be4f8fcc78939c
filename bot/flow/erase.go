package flow

import (
	"context"
	"errors"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// askedToDelete is the source under which the messages are noted whose writers
// were asked to delete them, since we could not.
const askedToDelete = "asked to delete"

// neverStood is what comes of taking away what nobody else could read.
const neverStood = "never stood in the room"

// eraseFor is how long it is tried to take a message out of a room that does not
// answer, or wants us to wait.
const eraseFor = 24 * time.Hour

// eraseCode lets go of the code that a line held, whatever came of the line, and
// has the message taken out of its room where the platform can. Until that is
// done it is due, like every effect.
func (c *change) eraseCode(conv bot.Thread, r store.Request) error {
	line, had := c.f.o.Interpreter.WithoutCode(r.Line)
	if !had {
		return nil
	}
	if err := c.ForgetLine(r.ID, line); err != nil {
		return err
	}
	s := conv.State.Conversation
	if s == nil || s.Press {
		return nil
	}
	if _, ok := c.f.eraser(s.Room); !ok {
		return nil
	}
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: conv.ID, Request: r.ID, Person: r.Person, What: bot.EraseMessage{Room: s.Room, Message: s.Message}})
}

func (f *Flow) eraser(room bot.RoomID) (bot.Eraser, bool) {
	e, ok := f.o.Chats[f.settings.Load().Rooms[room].Chat].(bot.Eraser)
	return e, ok
}

// eraseMessage takes a message out of its room, or finds that it is gone.
func (f *Flow) eraseMessage(ctx context.Context, e store.Effect, o bot.EraseMessage) error {
	now := f.clock.now()
	chat, ok := f.eraser(o.Room)
	if !ok {
		return f.handIn(ctx, bot.Affected{Key: e.Key, Final: true, At: now, Err: bot.Errorf(bot.CodeNotFound, "the room is no longer configured.")})
	}
	err := chat.Erase(ctx, bot.Erasing{Key: e.Key, Room: o.Room, Message: o.Message})
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	if errors.Is(err, bot.ErrNeverStood) {
		return f.handIn(ctx, bot.Affected{Key: e.Key, Result: neverStood, At: now})
	}
	out := bot.Affected{Key: e.Key, Err: err, At: now, Final: now.Sub(e.At) > eraseFor}
	if r, ok := errors.AsType[*bot.Refusal](err); ok && (r.Kind == bot.Forbidden || r.Kind == bot.Rejected) {
		out.Final = true
	}
	return f.handIn(ctx, out)
}

// askedToWait is how long a platform wants us to wait before it is asked again.
func askedToWait(err error) time.Duration {
	if r, ok := errors.AsType[*bot.Refusal](err); ok && r.Kind == bot.Busy {
		return r.After
	}
	return 0
}

// erased journals that a message is gone; or its writer is asked, once, to delete
// it. Of what never stood in the room nothing is to be told.
func (c *change) erased(x store.Effect, o bot.EraseMessage, err error) error {
	if x.Result == neverStood {
		return nil
	}
	entry := journal.Entry{Kind: journal.KindNote, By: x.Person, Subject: string(x.Request),
		Text:   "a message of " + string(x.Person) + "'s that held a code was deleted",
		Fields: map[string]string{journal.FieldKey: string(x.Key), "room": string(o.Room), "message": string(o.Message)}}
	if err == nil {
		return c.journal(entry)
	}
	c.f.log.Warn("a message with a code could not be deleted", "room", o.Room, "effect", x.Key, "err", err)
	why := "the platform did not let me for a day."
	if e, ok := errors.AsType[*bot.Error](err); ok {
		why = e.Message
	}
	entry.Text = "a message of " + string(x.Person) + "'s that held a code could not be deleted: " + why
	if err := c.journal(entry); err != nil {
		return err
	}
	if _, err := c.FirstSeen(askedToDelete, decisionID(o.Room, o.Message), c.now); err != nil {
		return err
	}
	conv, ok, err := c.Thread(x.Thread)
	if err != nil || !ok || conv.State.Conversation == nil {
		return err
	}
	return c.answer(conv, view.NotErased(why))
}
