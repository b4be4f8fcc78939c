package contract

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
)

// texts are the words of posts in their first face.
func texts(posts []Post) (all []string) {
	for _, p := range posts {
		if len(p.Faces) > 0 {
			all = append(all, p.Faces[0])
		}
	}
	return all
}

// sendReceipt: what Send names is what people see.
func sendReceipt(b *bench) {
	root := b.root("key_root", toned(bot.ToneCritical, "DiskFull"))
	reply := b.reply("key_reply", root, plain("acked by alice"))
	other := b.root("key_other", toned(bot.ToneWarning, "LoadHigh"))
	posts := b.seen(bot.Receipt{ID: root}, bot.Receipt{ID: reply}, bot.Receipt{ID: other})
	for i, want := range []struct {
		text string
		root bot.MessageID
	}{{"DiskFull", ""}, {"acked by alice", root}, {"LoadHigh", ""}} {
		p := posts[i]
		if !p.Mine || p.Root != want.root {
			b.Errorf("%s shows as %+v, want it in the thread %q", want.text, p, want.root)
		}
		b.shows([]bot.Receipt{{ID: p.ID}}, want.text)
	}
	if all := mine(b.Person.See(b.T)); len(all) != 3 {
		b.Errorf("%d messages show, want 3: %q", len(all), texts(all))
	}
}

// sendEdit: the root says the new, no more the old, and is still the same
// message.
func sendEdit(b *bench) {
	root := b.root("key_root", toned(bot.ToneCritical, "DiskFull fires"))
	b.reply("key_reply", root, plain("a reply"))
	for i, title := range []string{"DiskFull acked", "DiskFull resolved"} {
		b.post(bot.Outgoing{Key: bot.SendKey(fmt.Sprintf("key_edit%d", i)), Kind: bot.SendEdit, Root: root, Message: toned(bot.ToneOK, title)})
		b.shows([]bot.Receipt{{ID: root}}, title)
	}
	all := mine(b.Person.See(b.T))
	if len(all) != 2 || all[0].ID != root || all[0].Root != "" {
		b.Fatalf("the room shows %+v, want the root and one reply", all)
	}
	for _, face := range all[0].Faces {
		if strings.Contains(face, "fires") || strings.Contains(face, "acked") {
			b.Errorf("the root still says what was before: %q", face)
		}
	}
}

// sendOrder: replies stand in the order of Send, each in its own thread.
func sendOrder(b *bench) {
	one, two := b.root("key_one", plain("one")), b.root("key_two", plain("two"))
	want := map[bot.MessageID][]bot.MessageID{}
	var last bot.MessageID
	for i := range 12 {
		root := one
		if i%3 == 1 {
			root = two
		}
		last = b.reply(bot.SendKey(fmt.Sprintf("key_reply%d", i)), root, plain(fmt.Sprint("reply ", i)))
		want[root] = append(want[root], last)
	}
	b.seen(bot.Receipt{ID: last})
	got := map[bot.MessageID][]bot.MessageID{}
	for _, p := range mine(b.Person.See(b.T)) {
		if p.Root != "" {
			got[p.Root] = append(got[p.Root], p.ID)
		}
	}
	for root, ids := range want {
		if !slices.Equal(got[root], ids) {
			b.Errorf("the thread %s shows %q, want %q", root, got[root], ids)
		}
	}
}

// sendAnswer: an answer to a message outside threads hangs in none.
func sendAnswer(b *bench) {
	asked := b.marker()
	r := b.post(bot.Outgoing{Key: "key_answer", Kind: bot.SendReply, ReplyTo: asked, Message: plain("all is well")})
	aside := b.post(bot.Outgoing{Key: "key_aside", Kind: bot.SendReply, Message: plain("by the way")})
	posts := b.seen(r[0], aside[0])
	if p := posts[0]; p.Root != "" || p.Answers != asked || !p.Mine {
		b.Errorf("the answer shows as %+v, want it to answer %s outside threads", p, asked)
	}
	if p := posts[1]; p.Root != "" || p.Answers != "" {
		b.Errorf("what answers nothing shows as %+v", p)
	}
}

// sendFiles: what goes out as a picture or file comes back to the byte.
func sendFiles(b *bench) {
	root := b.root("key_root", plain("graphs"))
	data := []byte("name,value\nä,1\n")
	r := b.post(bot.Outgoing{Key: "key_files", Kind: bot.SendReply, Root: root, Message: bot.Message{Title: bot.Line(bot.T("look")), Blocks: []bot.Block{
		bot.Picture{Name: "load.png", PNG: picture(), Alt: "load: 3.1", Width: 4, Height: 3},
		bot.File{Name: "table.csv", Type: "text/csv", Data: data},
	}}})
	lone := b.post(bot.Outgoing{Key: "key_lone", Kind: bot.SendReply, Root: root, Message: bot.Message{Blocks: []bot.Block{
		bot.Picture{Name: "lone.png", PNG: picture(), Alt: "lone: 1", Width: 4, Height: 3},
	}}})
	var got []Attachment
	for _, p := range b.seen(append(r, lone...)...) {
		if p.Root != root {
			b.Errorf("%s hangs in %q, want the thread", p.ID, p.Root)
		}
		got = append(got, p.Attachments...)
	}
	want := []Attachment{{"load.png", true, picture()}, {"table.csv", false, data}, {"lone.png", true, picture()}}
	if !slices.EqualFunc(got, want, func(x, y Attachment) bool {
		return x.Name == y.Name && x.Picture == y.Picture && bytes.Equal(x.Data, y.Data)
	}) {
		b.Errorf("a person finds %+v, want %+v", got, want)
	}
	b.shows(r, "load: 3.1")
	b.shows(lone, "lone: 1")
}

// sendTwice: the same bytes under the same key, as after an answer that was not
// heard.
func sendTwice(b *bench) {
	root := b.root("key_root", plain("before"))
	asked := b.marker()
	var shown []bot.MessageID
	for _, o := range []bot.Outgoing{
		{Key: "key_root2", Kind: bot.SendRoot, Message: plain("root")},
		{Key: "key_edit", Kind: bot.SendEdit, Root: root, Message: plain("after")},
		{Key: "key_reply", Kind: bot.SendReply, Root: root, Message: plain("reply")},
		{Key: "key_answer", Kind: bot.SendReply, ReplyTo: asked, Message: plain("answer")},
		{Key: "key_picture", Kind: bot.SendReply, Root: root, Message: bot.Message{Blocks: []bot.Block{bot.Picture{Name: "p.png", PNG: picture(), Alt: "p", Width: 4, Height: 3}}}},
	} {
		for _, s := range b.freeze(o) {
			first, again := b.send(s), b.send(s)
			if first.ID != again.ID {
				b.Errorf("%s: a second receipt names %s, the first %s", s.Key, again.ID, first.ID)
			}
			if o.Kind != bot.SendEdit {
				shown = append(shown, first.ID)
			}
		}
	}
	end := b.reply("key_end", root, plain("the end"))
	b.seen(bot.Receipt{ID: end})
	var got []bot.MessageID
	for _, p := range mine(b.Person.See(b.T)) {
		got = append(got, p.ID)
	}
	if want := append(append([]bot.MessageID{root}, shown...), end); !slices.Equal(got, want) {
		b.Errorf("the room shows %q, want %q", got, want)
	}
	b.shows([]bot.Receipt{{ID: root}}, "after")
}

// sendElsewhere: what is not ours is not spoken in.
func sendElsewhere(b *bench) {
	s := b.freeze(bot.Outgoing{Key: "key_far", Kind: bot.SendRoot, Message: plain("far")})[0]
	s.Room = "not-configured"
	_, err := b.try(s)
	b.refusal(err, bot.Forbidden)
	if _, ok, err := b.chat.Find(b.Context(), s); ok {
		b.Errorf("found in a room that is not ours (%v)", err)
	}
}

// sendOffers: reactions of the bot's own stand under the root that they were sent
// for, once each, are found again by their key, and reach the bot as nothing.
func sendOffers(b *bench) {
	if !b.chat.Caps().Offers {
		b.Fatal("offers are not declared to be missing, and Caps lacks them")
	}
	root := b.root("key_root", toned(bot.ToneWarning, "Disk"))
	other := b.root("key_other", toned(bot.ToneWarning, "Load"))
	var all []bot.Sending
	for i, emoji := range []string{"✅", "🔕", "📈"} {
		o := bot.Outgoing{Key: bot.SendKey(fmt.Sprintf("key_offer%d", i)), Kind: bot.SendOffer, Root: root, Emoji: emoji}
		parts := b.freeze(o)
		if len(parts) != 1 {
			b.Fatalf("an offer has %d parts", len(parts))
		}
		if again := b.freeze(o); !bytes.Equal(again[0].Body, parts[0].Body) {
			b.Errorf("the same offer is encoded as %s and as %s", parts[0].Body, again[0].Body)
		}
		if _, found := b.find(parts[0]); found {
			b.Errorf("%s is found before it was sent", emoji)
		}
		b.send(parts[0])
		all = append(all, parts[0])
	}
	want := []string{"✅", "🔕", "📈"}
	b.see("the offers stand", func(posts []Post) error {
		p, _ := pick(posts, root)
		if o, _ := pick(posts, other); len(o.Offers) > 0 {
			b.Fatalf("the other root has %q", o.Offers)
		}
		if got := slices.Sorted(slices.Values(p.Offers)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			return fmt.Errorf("the root has %q", p.Offers)
		}
		return nil
	})
	for _, s := range all {
		b.eventually("the offer is found", func() error {
			if _, found := b.find(s); !found {
				return fmt.Errorf("%s is not found", s.Key)
			}
			return nil
		})
	}
	if _, found := b.find(bot.Sending{Key: "key_none", Room: b.Room, Kind: bot.SendOffer, Root: root, Since: all[0].Since}); found {
		b.Error("an offer is found that was not sent")
	}
	b.marker()
	b.nothingElse()
}
