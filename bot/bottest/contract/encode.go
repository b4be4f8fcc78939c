package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"watchstander/bot"
)

// outgoings are messages of every kind, to be encoded only.
func outgoings(b *bench) (all []bot.Outgoing) {
	every, _ := everything()
	messages := []bot.Message{every, long(numbered(2000)), plain(""), {}}
	for _, h := range hostileTexts(b.Person.User) {
		m, _ := everywhere(h.text)
		messages = append(messages, m)
	}
	for i, m := range messages {
		for _, o := range []bot.Outgoing{
			{Kind: bot.SendRoot},
			{Kind: bot.SendEdit, Root: "$root"},
			{Kind: bot.SendReply, Root: "$root"},
			{Kind: bot.SendReply, ReplyTo: "$asked"},
		} {
			for _, o.Bare = range []bool{false, true} {
				o.Key, o.Room, o.Message = bot.SendKey(fmt.Sprintf("key_pure%d", i)), b.Room, m
				all = append(all, o)
			}
		}
	}
	return all
}

type encoded struct {
	parts []bot.Part
	err   error
}

func encodeAll(c bot.Chat, all []bot.Outgoing) (out []encoded) {
	for _, o := range all {
		parts, err := c.Encode(o)
		out = append(out, encoded{parts, err})
	}
	return out
}

// encodePure asks at another time, of another instance, and of many at once.
func encodePure(b *bench) {
	all := outgoings(b)
	before, err := json.Marshal(all)
	if err != nil {
		b.Fatal(err)
	}
	first := encodeAll(b.chat, all)
	compare := func(t *testing.T, when string, again []encoded) {
		t.Helper()
		for i, e := range again {
			same := slices.EqualFunc(e.parts, first[i].parts, func(x, y bot.Part) bool {
				return bytes.Equal(x.Body, y.Body) && bytes.Equal(x.Attachment, y.Attachment)
			})
			if !same || (e.err == nil) != (first[i].err == nil) {
				t.Errorf("%s, %s %s (bare %v) is encoded otherwise", when, all[i].Kind, all[i].Key, all[i].Bare)
			}
		}
	}
	// In a bubble it is the year 2000: whoever looks at a clock is found out.
	chat := b.chat
	synctest.Test(b.T, func(t *testing.T) { compare(t, "in another year", encodeAll(chat, all)) })
	var wg sync.WaitGroup
	many := make([][]encoded, 4)
	for i := range many {
		wg.Go(func() { many[i] = encodeAll(chat, all) })
	}
	wg.Wait()
	for _, again := range many {
		compare(b.T, "at the same time", again)
	}
	b.restart()
	compare(b.T, "after a restart", encodeAll(b.chat, all))
	if after, _ := json.Marshal(all); !bytes.Equal(before, after) {
		b.Error("encoding changed the message itself")
	}
	for i, e := range first {
		if e.err != nil && !(errors.Is(e.err, bot.ErrTooLong) && all[i].Kind != bot.SendReply) {
			b.Errorf("%s %s: %v", all[i].Kind, all[i].Key, e.err)
		}
		if e.err == nil && len(e.parts) == 0 {
			b.Errorf("%s %s is nothing", all[i].Kind, all[i].Key)
		}
	}
}

// encodeWhole looks for long roots and edits that are encoded; these the platform
// must take, and show whole.
func encodeWhole(b *bench) {
	root := b.root("key_whole", plain("short"))
	for i, unit := range []string{"x", "<", `"`, "é", "@a ", "\x01"} {
		most := 128 << 10
		if i == 0 {
			most = 2 << 20 // up to the bound itself, once
		}
		for _, o := range []bot.Outgoing{{Kind: bot.SendRoot}, {Kind: bot.SendEdit, Root: root}} {
			o.Key, o.Room = bot.SendKey(fmt.Sprintf("key_whole_%s%d", o.Kind, i)), b.Room
			text := ""
			for size := 512; size <= most; size = size * 4 / 3 {
				if !b.encodes(o, unit, size) {
					break
				}
				text = strings.Repeat(unit, size/len(unit))
			}
			if text == "" {
				b.Fatalf("a %s of 512 bytes of %q is too long", o.Kind, unit)
			}
			if i == 0 && b.encodes(o, unit, 4<<20) {
				b.Errorf("a %s of 4 MiB is not too long, so nothing bounds it", o.Kind)
			}
			b.Logf("%s: %d bytes of %q", o.Kind, len(text), unit)
			o.Message = long(text)
			shown := b.post(o)
			if o.Kind == bot.SendEdit {
				shown[0].ID = root
			}
			b.showsInk(shown, text, unit == "\x01")
		}
	}
}

func long(text string) bot.Message {
	return bot.Message{Title: bot.Line(bot.T("long")), Blocks: []bot.Block{bot.Pre{Body: text}}}
}

// encodes wants a text of that size to be one part, or too long.
func (b *bench) encodes(o bot.Outgoing, unit string, size int) bool {
	b.Helper()
	o.Message = long(strings.Repeat(unit, size/len(unit)))
	parts, err := b.chat.Encode(o)
	switch {
	case errors.Is(err, bot.ErrTooLong):
		return false
	case err != nil:
		b.Fatalf("%s of %d bytes of %q: %v", o.Kind, size, unit, err)
	case len(parts) != 1:
		b.Fatalf("%s of %d bytes of %q is %d parts", o.Kind, size, unit, len(parts))
	}
	return true
}

// encodeLong reads long replies back.
func encodeLong(b *bench) {
	root := b.root("key_long", plain("long replies"))
	para := func(s string) bot.Block { return bot.Para{Text: bot.Line(bot.T(s))} }
	for i, x := range []struct {
		text  string
		block func(string) bot.Block
	}{
		{numbered(2400), func(s string) bot.Block { return bot.Pre{Body: s} }},
		{numbered(600), para},
		{strings.Repeat("<&\"\\@", 20_000), para},
		{strings.Repeat("some words without any end ", 1500), para},
		{strings.Repeat("abcdefghij", 4000), func(s string) bot.Block { return bot.List{Items: []bot.Text{bot.Line(bot.B(s))}} }},
		{strings.Repeat("äöü–", 8000), func(s string) bot.Block { return bot.Pre{Body: s} }},
	} {
		o := bot.Outgoing{Key: bot.SendKey(fmt.Sprint("key_long", i)), Kind: bot.SendReply, Root: root, Message: bot.Message{
			Title: bot.Line(bot.T("the-beginning")), Blocks: []bot.Block{x.block(x.text), para("the-end")},
		}}
		receipts := b.post(o)
		b.Logf("%d bytes of %.10q in %d parts", len(x.text), x.text, len(receipts))
		for _, p := range b.shows(receipts, "the-beginning", x.text, "the-end") {
			if p.Root != root {
				b.Errorf("the part %s of %.10q hangs in %q", p.ID, x.text, p.Root)
			}
		}
	}
}

// encodeKinds reads every kind of block, in a root, an edit and a reply.
func encodeKinds(b *bench) {
	m, words := everything()
	root := b.post(bot.Outgoing{Key: "key_kinds_root", Kind: bot.SendRoot, Message: m})
	edited := b.root("key_kinds_old", plain("before"))
	b.post(bot.Outgoing{Key: "key_kinds_edit", Kind: bot.SendEdit, Root: edited, Message: m})
	reply := b.post(bot.Outgoing{Key: "key_kinds_reply", Kind: bot.SendReply, Root: root[0].ID, Message: m})
	answer := b.post(bot.Outgoing{Key: "key_kinds_answer", Kind: bot.SendReply, ReplyTo: b.marker(), Message: m})
	for name, receipts := range map[string][]bot.Receipt{"root": root, "edit": {{ID: edited}}, "reply": reply, "answer": answer} {
		b.see("the "+name+" shows every block", func(posts []Post) error {
			var found []Post
			for _, r := range receipts {
				if p, ok := pick(posts, r.ID); ok {
					found = append(found, p)
				}
			}
			for i, reading := range readings(found) {
				for _, w := range words {
					if !strings.Contains(reading, w) {
						return fmt.Errorf("face %d lacks %q:\n%s", i, w, reading)
					}
				}
			}
			if len(found) != len(receipts) {
				return fmt.Errorf("%d of %d parts show", len(found), len(receipts))
			}
			return nil
		})
	}
}

// encodeBare wants words and nothing else.
func encodeBare(b *bench) {
	m, words := everything()
	root := b.root("key_bare_old", toned(bot.ToneWarning, "before"))
	for _, o := range []bot.Outgoing{
		{Key: "key_bare_root", Kind: bot.SendRoot},
		{Key: "key_bare_reply", Kind: bot.SendReply, Root: root},
		{Key: "key_bare_edit", Kind: bot.SendEdit, Root: root},
	} {
		o.Message, o.Bare = m, true
		for _, s := range b.freeze(o) {
			if len(s.Attachment) > 0 {
				b.Errorf("%s: a bare part has an attachment", s.Key)
			}
		}
		receipts := b.post(o)
		if o.Kind == bot.SendEdit {
			receipts = []bot.Receipt{{ID: root}}
		}
		for _, p := range b.shows(receipts, words...) {
			if p.Markup || len(p.Links) > 0 || len(p.Attachments) > 0 {
				b.Errorf("%s: bare, but it shows with markup %v, links %v, %d attachments", o.Key, p.Markup, p.Links, len(p.Attachments))
			}
		}
	}
}
