package contract

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
)

// times counts the messages of ours that show a text.
func times(posts []Post, text string) (n int) {
	for _, p := range mine(posts) {
		if len(p.Faces) > 0 && strings.Contains(p.Faces[0], text) {
			n++
		}
	}
	return n
}

// troubleLost: the platform has it, and we do not know. Whatever is done then
// must not show it twice.
func troubleLost(b *bench) {
	root := b.root("key_root", plain("before"))
	_, again := b.lacks[Once]
	for _, o := range []bot.Outgoing{
		{Key: "key_lost_root", Kind: bot.SendRoot, Message: plain("lost root")},
		{Key: "key_lost_edit", Kind: bot.SendEdit, Root: root, Message: plain("lost edit")},
		{Key: "key_lost_reply", Kind: bot.SendReply, Root: root, Message: plain("lost reply")},
		{Key: "key_lost_answer", Kind: bot.SendReply, ReplyTo: b.marker(), Message: plain("lost answer")},
	} {
		s := b.freeze(o)[0]
		b.Trouble.LoseReply(b.T)
		_, err := b.try(s)
		b.refusal(err, bot.Unsure)
		var found bot.Receipt
		b.eventually(string(s.Key)+" is found", func() error {
			r, ok := b.find(s)
			if found = r; !ok {
				return errors.New("not there")
			}
			return nil
		})
		if !again {
			if r := b.send(s); r.ID != found.ID {
				b.Errorf("%s: sent again it is %s, found was %s", s.Key, r.ID, found.ID)
			}
		}
		shown := found
		if o.Kind == bot.SendEdit {
			shown.ID = root
		}
		b.shows([]bot.Receipt{shown}, o.Message.Title.String())
	}
	end := b.reply("key_end", root, plain("the end"))
	b.seen(bot.Receipt{ID: end})
	posts := b.Person.See(b.T)
	for _, text := range []string{"lost root", "lost edit", "lost reply", "lost answer"} {
		if n := times(posts, text); n != 1 {
			b.Errorf("%q shows %d times", text, n)
		}
	}
}

// troubleBusy: the platform says how long to wait, and the refusal says no less.
func troubleBusy(b *bench) {
	root := b.root("key_root", plain("root"))
	for _, o := range []bot.Outgoing{
		{Key: "key_busy_root", Kind: bot.SendRoot, Message: plain("busy root")},
		{Key: "key_busy_reply", Kind: bot.SendReply, Root: root, Message: plain("busy reply")},
	} {
		const wait = 7 * time.Second
		s := b.freeze(o)[0]
		said := time.Now()
		calm := b.Trouble.Busy(b.T, wait)
		_, err := b.try(s)
		r := b.refusal(err, bot.Busy)
		// The platform's figure may have shrunk since the knob was turned.
		if least := wait - time.Since(said); r.After < least {
			b.Errorf("%s: to be tried after %s, the platform said %s", s.Key, r.After, wait)
		}
		calm()
		if _, ok := b.find(s); ok {
			b.Errorf("%s: refused as busy, and there all the same", s.Key)
		}
		b.seen(b.send(s))
		if n := times(b.Person.See(b.T), o.Message.Title.String()); n != 1 {
			b.Errorf("%s shows %d times", s.Key, n)
		}
	}
}

// troubleBroken: what was on a line that broke is unsure, or surely not there;
// then it must not be there.
func troubleBroken(b *bench) {
	root := b.root("key_root", plain("root"))
	s := b.freeze(bot.Outgoing{Key: "key_cut", Kind: bot.SendReply, Root: root, Message: plain("cut off")})[0]
	plug := b.Trouble.Unplug(b.T)
	_, err := b.try(s)
	r := b.refusal(err, bot.Unreachable, bot.Unsure)
	plug()
	end := b.reply("key_end", root, plain("the end"))
	b.seen(bot.Receipt{ID: end})
	_, ok := b.find(s)
	if r.Kind == bot.Unreachable && ok {
		b.Error("refused as unreachable, and there all the same")
	}
	if !ok {
		b.send(s)
	}
	b.see("it shows once", func(posts []Post) error {
		if n := times(posts, "cut off"); n != 1 {
			return fmt.Errorf("it shows %d times", n)
		}
		return nil
	})
}

// troubleNobody: where no connection comes about, nothing can have been taken,
// and flow need not look for it.
func troubleNobody(b *bench) {
	root := b.root("key_before", plain("before"))
	chat, release := b.Trouble.Nobody(b.T, b.setup(""))
	defer release()
	for _, o := range []bot.Outgoing{
		{Key: "key_root", Kind: bot.SendRoot, Message: plain("root")},
		{Key: "key_reply", Kind: bot.SendReply, Root: root, Message: plain("reply")},
		{Key: "key_picture", Kind: bot.SendReply, Root: root, Message: bot.Message{Blocks: []bot.Block{bot.Picture{Name: "p.png", PNG: picture(), Alt: "p", Width: 4, Height: 3}}}},
	} {
		s := b.freeze(o)[0]
		_, err := chat.Send(b.Context(), s)
		b.refusal(err, bot.Unreachable)
		if _, ok, err := chat.Find(b.Context(), s); ok || err == nil {
			b.Errorf("%s: nobody was asked, and it is told to be there (%v) or absent", s.Key, ok)
		} else {
			b.note(err)
		}
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Second)
	defer cancel()
	if err := chat.Run(ctx, newSink()); err != nil {
		b.Errorf("Run gives up, though a platform may come back: %v", err)
	}
}

// troubleGarbage: what is not of the platform's form will never be taken.
func troubleGarbage(b *bench) {
	root := b.root("key_root", plain("root"))
	for name, body := range map[string]string{"nothing": "", "text": "no form at all", "a list": "[1]", "half": `{"a":`} {
		for _, kind := range []bot.SendKind{bot.SendRoot, bot.SendEdit, bot.SendReply} {
			s := bot.Sending{Key: bot.SendKey("key_garbage_" + string(kind) + "_" + strings.ReplaceAll(name, " ", "")), Room: b.Room, Kind: kind, Body: []byte(body), Since: time.Now()}
			if kind != bot.SendRoot {
				s.Root = root
			}
			_, err := b.try(s)
			b.refusal(err, bot.Rejected)
		}
	}
	end := b.reply("key_end", root, plain("the end"))
	b.seen(bot.Receipt{ID: end})
	if all := mine(b.Person.See(b.T)); len(all) != 2 {
		b.Errorf("%d messages show, want 2: %q", len(all), texts(all))
	}
}

// troubleRefused: the platform itself turns content down.
func troubleRefused(b *bench) {
	s := bot.Sending{Key: "key_refused", Room: b.Room, Kind: bot.SendRoot, Body: b.Trouble.Refused("key_refused"), Since: time.Now()}
	_, err := b.try(s)
	b.refusal(err, bot.Rejected)
	b.seen(bot.Receipt{ID: b.root("key_end", plain("the end"))})
	if _, ok := b.find(s); ok {
		b.Error("rejected, and there all the same")
	}
}

// troubleEnded: Send and Find end with their context, and say that they do not
// know.
func troubleEnded(b *bench) {
	s := b.freeze(bot.Outgoing{Key: "key_ended", Kind: bot.SendRoot, Message: plain("ended")})[0]
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	began := time.Now()
	r, err := b.chat.Send(ctx, s)
	b.note(err)
	if err != nil {
		b.refusal(err, bot.Unsure, bot.Unreachable)
	} else {
		b.seen(r) // it needed no waiting: then it is there
	}
	_, ok, err := b.chat.Find(ctx, s)
	b.note(err)
	if err == nil && !ok && r.ID != "" {
		b.Error("it was sent, and is told to be absent by a Find that had ended")
	}
	if took := time.Since(began); took > 5*time.Second {
		b.Errorf("it took %s", took)
	}
	b.seen(b.send(s)) // nothing is left behind that stands in the way
	if n := times(b.Person.See(b.T), "ended"); n != 1 {
		b.Errorf("it shows %d times", n)
	}
}

// troubleRevoked: people must mend it, and are told without the credentials.
func troubleRevoked(b *bench) {
	s := b.freeze(bot.Outgoing{Key: "key_revoked", Kind: bot.SendRoot, Message: plain("revoked")})[0]
	b.Trouble.Revoke(b.T)
	_, err := b.try(s)
	b.refusal(err, bot.Forbidden)
	_, ok, err := b.chat.Find(b.Context(), s)
	b.note(err)
	if err == nil && !ok {
		b.Error("locked out, it is told to be absent")
	}
	b.Person.Say(b.T, "do you hear me?")
	select {
	case <-b.ended:
	case <-time.After(patience):
		b.Fatalf("Run goes on %s after the credentials have ended", patience)
	}
	err = b.runErr
	b.note(err)
	if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeForbidden {
		b.Errorf("Run ends with %v, want a bot.Error that says forbidden", err)
	}
	b.runErr = nil
}

// troubleSecret makes the adapter speak of every trouble, and then searches what
// it said; see checkSecrets.
func troubleSecret(b *bench) {
	s := b.freeze(bot.Outgoing{Key: "key_secret", Kind: bot.SendReply, Message: bot.Message{Blocks: []bot.Block{
		bot.Picture{Name: "p.png", PNG: picture(), Alt: "p", Width: 4, Height: 3},
	}}})[0]
	before := len(b.log.String())
	plug := b.Trouble.Unplug(b.T)
	_, err := b.try(s)
	b.refusal(err, bot.Unreachable, bot.Unsure)
	_, _, err = b.chat.Find(b.Context(), s)
	b.note(err)
	b.eventually("the log tells of the broken line", func() error {
		if len(b.log.String()) == before {
			return errors.New("it says nothing")
		}
		return nil
	})
	plug()
	b.marker()
	calm := b.Trouble.Busy(b.T, time.Second)
	_, err = b.try(b.freeze(bot.Outgoing{Key: "key_secret_busy", Kind: bot.SendRoot, Message: plain("x")})[0])
	b.refusal(err, bot.Busy)
	calm()
	_, err = b.try(bot.Sending{Key: "key_refused", Room: b.Room, Kind: bot.SendRoot, Body: b.Trouble.Refused("key_refused"), Since: time.Now()})
	b.refusal(err, bot.Rejected)
	s.Room = "not-configured"
	_, err = b.try(s)
	b.note(err)
	if b.Trouble.Revoke != nil {
		troubleRevoked(b)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errs) < 5 {
		b.Errorf("only %d errors came of all the trouble", len(b.errs))
	}
}
