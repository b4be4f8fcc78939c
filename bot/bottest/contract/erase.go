package contract

import (
	"errors"
	"fmt"
	"strings"

	"watchstander/bot"
)

// held is a message with a code.
const held = "approve pln_K7QF2M 123456"

// erase asks for it, and notes what was answered.
func (b *bench) erase(key bot.EffectKey, id bot.MessageID) error {
	err := b.chat.(bot.Eraser).Erase(b.Context(), bot.Erasing{Key: key, Room: b.Room, Message: id})
	b.note(err)
	return err
}

// mustErase tries until it is done: what a platform refused before may take a
// moment to be forgotten.
func (b *bench) mustErase(key bot.EffectKey, id bot.MessageID) {
	b.Helper()
	if err := b.erase(key, id); err != nil {
		b.Fatalf("Erase %s: %v", id, err)
	}
}

// noCode wants the code to show nowhere.
func (b *bench) noCode() {
	b.Helper()
	b.see("the code is gone", func(posts []Post) error {
		for _, p := range posts {
			if strings.Contains(strings.Join(p.Faces, "\n"), "123456") {
				return fmt.Errorf("it shows in %+v", p)
			}
		}
		return nil
	})
}

// eraseGone: nobody can read it any more, and the rest stays; the same again is no
// failure, under whichever key.
func eraseGone(b *bench) {
	before := b.Person.Say(b.T, "before")
	id := b.Person.Say(b.T, held)
	awaitSaid(b.T, b.sink, id)
	after := b.marker()
	b.mustErase("eff_erase", id)
	b.noCode()
	b.mustErase("eff_erase", id)
	b.mustErase("eff_another", id)
	b.seen(bot.Receipt{ID: before}, bot.Receipt{ID: after})
	if got := awaitSaid(b.T, b.sink, id); got.Text != held {
		b.Errorf("what the bot heard is %q", got.Text)
	}
}

// eraseQuiet: what the bot erased itself is nothing that anybody said or took
// back, and the thread that it stood in goes on.
func eraseQuiet(b *bench) {
	root := b.root("key_root", toned(bot.ToneWarning, "WAITS FOR 1 APPROVAL"))
	b.seen(bot.Receipt{ID: root})
	id := b.Person.SayIn(b.T, root, held)
	awaitSaid(b.T, b.sink, id)
	b.mustErase("eff_erase", id)
	b.noCode()
	reply := b.reply("key_reply", root, plain("taken"))
	b.post(bot.Outgoing{Key: "key_edit", Kind: bot.SendEdit, Root: root, Message: toned(bot.ToneOK, "DONE")})
	if p := b.shows([]bot.Receipt{{ID: reply}}, "taken")[0]; p.Root != root {
		b.Errorf("the reply hangs in %q, not in %q", p.Root, root)
	}
	b.shows([]bot.Receipt{{ID: root}}, "DONE")
	last := b.Person.SayIn(b.T, root, "thanks")
	if e := awaitSaid(b.T, b.sink, last); e.Root != root {
		b.Errorf("the thread is %q now, not %q", e.Root, root)
	}
	for _, e := range b.sink.events() {
		switch e := e.(type) {
		case bot.Said:
			if e.ID != id && e.ID != last {
				b.Errorf("somebody said %+v", e)
			}
		case bot.Withdrawn:
			if e.Target != id || e.User == b.Person.User {
				b.Errorf("it is told as %+v, which is taken for the person's own doing", e)
			}
		default:
			b.Errorf("this arrived too: %T %+v", e, e)
		}
	}
}

// eraseLater: a crash may come between the erasing and its record, so that it is
// asked for again; and what was not erased before is erased then.
func eraseLater(b *bench) {
	one, two := b.Person.Say(b.T, held), b.Person.Say(b.T, held)
	awaitSaid(b.T, b.sink, one)
	awaitSaid(b.T, b.sink, two)
	b.mustErase("eff_one", one)
	b.restart()
	b.mustErase("eff_one", one)
	b.mustErase("eff_two", two)
	b.noCode()
}

// eraseForbidden: it is said what is missing, and the message stands there still.
func eraseForbidden(b *bench) {
	id := b.Person.Say(b.T, held)
	awaitSaid(b.T, b.sink, id)
	b.Trouble.Powerless(b.T)
	b.eventually("it is refused", func() error {
		// What a platform allows may take a moment to change; then another message
		// shows it.
		err := b.erase(bot.EffectKey("eff_"+string(id)), id)
		if err == nil {
			id = b.Person.Say(b.T, held)
			awaitSaid(b.T, b.sink, id)
			return errors.New("it was erased")
		}
		r := b.refusal(err, bot.Forbidden)
		if e, ok := errors.AsType[*bot.Error](r); !ok || strings.TrimSpace(e.Message) == "" {
			b.Errorf("people are not told what is missing: %v", err)
		}
		return nil
	})
	if p, ok := pick(b.Person.See(b.T), id); !ok || !strings.Contains(strings.Join(p.Faces, ""), "123456") {
		b.Errorf("it shows as %+v, %v", p, ok)
	}
}

// eraseBroken: nothing is lost by a line that breaks.
func eraseBroken(b *bench) {
	id := b.Person.Say(b.T, held)
	awaitSaid(b.T, b.sink, id)
	plug := b.Trouble.Unplug(b.T)
	b.refusal(b.erase("eff_erase", id), bot.Unreachable, bot.Unsure)
	plug()
	b.eventually("it is erased", func() error { return b.erase("eff_erase", id) })
	b.noCode()
}
