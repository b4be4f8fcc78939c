package contract

import (
	"fmt"

	"watchstander/bot"
)

// sent is something that was posted, and what Send said of it.
type sent struct {
	bot.Sending
	receipt bot.Receipt
}

// postEach posts one of every kind, in several parts where that can be.
func postEach(b *bench) (root bot.MessageID, all []sent) {
	add := func(o bot.Outgoing) bot.MessageID {
		first := len(all)
		for _, s := range b.freeze(o) {
			all = append(all, sent{s, b.send(s)})
		}
		return all[first].receipt.ID
	}
	root = add(bot.Outgoing{Key: "key_root", Kind: bot.SendRoot, Message: toned(bot.ToneWarning, "Disk")})
	add(bot.Outgoing{Key: "key_edit", Kind: bot.SendEdit, Root: root, Message: toned(bot.ToneOK, "Disk")})
	add(bot.Outgoing{Key: "key_reply", Kind: bot.SendReply, Root: root, Message: plain("reply")})
	add(bot.Outgoing{Key: "key_answer", Kind: bot.SendReply, ReplyTo: b.marker(), Message: plain("answer")})
	add(bot.Outgoing{Key: "key_aside", Kind: bot.SendReply, Message: plain("aside")})
	every, _ := everything()
	add(bot.Outgoing{Key: "key_every", Kind: bot.SendReply, Root: root, Message: every})
	add(bot.Outgoing{Key: "key_long", Kind: bot.SendReply, Root: root, Message: bot.Message{Blocks: []bot.Block{bot.Pre{Body: numbered(1200)}}}})
	return root, all
}

// findsEach wants all of it to be found, as the very messages that were sent.
func (b *bench) findsEach(all []sent) {
	b.Helper()
	for _, s := range all {
		b.eventually(fmt.Sprintf("%s %s is found", s.Kind, s.Key), func() error {
			r, ok := b.find(s.Sending)
			if !ok || r.ID != s.receipt.ID {
				return fmt.Errorf("found %v: %q, sent as %q", ok, r.ID, s.receipt.ID)
			}
			return nil
		})
	}
}

func findAll(b *bench) {
	_, all := postEach(b)
	b.findsEach(all)
}

// findLater: what was sent before the restart is found after it. Once the
// platform forgets keys, this is all that keeps a message from showing twice.
func findLater(b *bench) {
	_, all := postEach(b)
	b.restart()
	b.findsEach(all)
	b.findsNone(all[0].receipt.ID)
}

func findNothing(b *bench) {
	root, all := postEach(b)
	b.findsEach(all) // so that the room shows what there is
	b.findsNone(root)
}

// findsNone looks for keys that were never sent; some look like those that were.
func (b *bench) findsNone(root bot.MessageID) {
	b.Helper()
	since := b.freeze(bot.Outgoing{Key: "key_x", Kind: bot.SendRoot, Message: plain("x")})[0].Since
	for _, s := range []bot.Sending{
		{Key: "key_none", Kind: bot.SendRoot},
		{Key: "key_none", Kind: bot.SendEdit, Root: root},
		{Key: "key_none", Kind: bot.SendReply, Root: root},
		{Key: "key_none", Kind: bot.SendReply},
		{Key: "key_roo", Kind: bot.SendRoot},
		{Key: "key_root.1", Kind: bot.SendRoot},
		{Key: "key_reply.1", Kind: bot.SendReply, Root: root},
		{Key: bot.SendKey("key_long").Part(500), Kind: bot.SendReply, Root: root},
	} {
		s.Room, s.Since = b.Room, since
		if r, ok := b.find(s); ok {
			b.Errorf("%s %s was never sent, and is found as %s", s.Kind, s.Key, r.ID)
		}
	}
}

// findForged: a key in somebody else's message is not ours.
func findForged(b *bench) {
	root := b.root("key_root", plain("root"))
	b.Person.Forge(b.T, "key_forged")
	b.marker()
	for _, s := range []bot.Sending{
		{Key: "key_forged", Kind: bot.SendRoot},
		{Key: "key_forged", Kind: bot.SendReply},
		{Key: "key_forged", Kind: bot.SendReply, Root: root},
	} {
		s.Room, s.Since = b.Room, b.freeze(bot.Outgoing{Key: "key_x", Kind: bot.SendRoot, Message: plain("x")})[0].Since
		if r, ok := b.find(s); ok {
			b.Errorf("another one's message %s is taken for ours", r.ID)
		}
	}
}

// findFar: much was said since.
func findFar(b *bench) {
	root, all := postEach(b)
	for i := range 45 {
		b.reply(bot.SendKey(fmt.Sprintf("key_more%d", i)), root, plain(fmt.Sprint("more ", i)))
	}
	for i := range 110 {
		b.Person.Say(b.T, fmt.Sprint("talk ", i))
	}
	b.marker()
	b.findsEach(all)
	b.findsNone(root)
}

// findBlind: "I cannot look" is not "it is not there".
func findBlind(b *bench) {
	root, all := postEach(b)
	b.findsEach(all)
	plug := b.Trouble.Unplug(b.T)
	none := bot.Sending{Key: "key_none", Room: b.Room, Kind: bot.SendRoot, Since: all[0].Since}
	inThread := bot.Sending{Key: "key_none", Room: b.Room, Kind: bot.SendReply, Root: root, Since: all[0].Since}
	for _, s := range []bot.Sending{none, inThread, all[0].Sending} {
		_, ok, err := b.chat.Find(b.Context(), s)
		b.note(err)
		if err == nil && !ok {
			b.Errorf("%s: cut off, it is told to be absent", s.Key)
		}
	}
	plug()
	b.findsEach(all)
	b.findsNone(root)
}
