package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"watchstander/bot"
)

func TestRelations(t *testing.T) {
	m := bot.Message{Title: bot.Line(bot.T("x"))}
	for name, test := range map[string]struct {
		o    bot.Outgoing
		want *relation
	}{
		"root":            {bot.Outgoing{Kind: bot.SendRoot}, nil},
		"edit":            {bot.Outgoing{Kind: bot.SendEdit, Root: "$r"}, &relation{Type: "m.replace", Event: "$r"}},
		"thread":          {bot.Outgoing{Kind: bot.SendReply, Root: "$r"}, &relation{Type: "m.thread", Event: "$r", FallingBack: true, Reply: &reply{"$r"}}},
		"answer in it":    {bot.Outgoing{Kind: bot.SendReply, Root: "$r", ReplyTo: "$q"}, &relation{Type: "m.thread", Event: "$r", Reply: &reply{"$q"}}},
		"answer":          {bot.Outgoing{Kind: bot.SendReply, ReplyTo: "$q"}, &relation{Reply: &reply{"$q"}}},
		"into the room":   {bot.Outgoing{Kind: bot.SendReply}, nil},
		"answer the root": {bot.Outgoing{Kind: bot.SendReply, Root: "$r", ReplyTo: "$r"}, &relation{Type: "m.thread", Event: "$r", FallingBack: true, Reply: &reply{"$r"}}},
	} {
		test.o.Key, test.o.Message = "key_1", m
		if got := encode(t, test.o); len(got) != 1 || !reflect.DeepEqual(got[0].Relation, test.want) {
			t.Errorf("%s: %+v", name, got[0].Relation)
		}
	}
	c := newFake(t, &fakeTransport{})
	if _, err := c.Encode(bot.Outgoing{Kind: bot.SendEdit, Message: m}); err == nil {
		t.Error("an edit of nothing")
	}
	if _, err := c.Encode(bot.Outgoing{Kind: "postcard", Message: m}); err == nil {
		t.Error("a postcard")
	}
}

func TestEdit(t *testing.T) {
	n := encode(t, bot.Outgoing{Key: "key_1", Kind: bot.SendEdit, Root: "$r", Message: sample})[0]
	if n.New == nil || n.New.Key != "key_1" || n.Key != "key_1" || n.New.Relation != nil || n.Body != "* "+n.New.Body || n.Formatted != "" || n.New.Formatted == "" {
		t.Errorf("%+v", n)
	}
	long := bot.Message{Title: bot.Line(bot.T("title")), Blocks: []bot.Block{bot.Pre{Body: strings.Repeat("x", 20000)}}}
	if n := encode(t, bot.Outgoing{Kind: bot.SendEdit, Root: "$r", Message: long})[0]; n.Body != "* title" || !strings.Contains(n.New.Body, "xxx") {
		t.Errorf("the words for simple clients are %.100q", n.Body)
	}
}

func TestTooLong(t *testing.T) {
	c := newFake(t, &fakeTransport{})
	m := bot.Message{Blocks: []bot.Block{bot.Pre{Body: strings.Repeat("x", 30000)}}}
	for _, kind := range []bot.SendKind{bot.SendRoot, bot.SendEdit} {
		if _, err := c.Encode(bot.Outgoing{Kind: kind, Root: "$r", Message: m}); !errors.Is(err, bot.ErrTooLong) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	// Without markup there is room for more.
	if _, err := c.Encode(bot.Outgoing{Kind: bot.SendRoot, Message: m, Bare: true}); err != nil {
		t.Error(err)
	}
}

func TestSeams(t *testing.T) {
	var items []bot.Text
	for i := range 900 {
		items = append(items, bot.Line(bot.T(fmt.Sprintf("item %d %s.", i, strings.Repeat("y", 80)))))
	}
	o := bot.Outgoing{Key: "key_1", Kind: bot.SendReply, Root: "$r", Message: bot.Message{
		Tone: bot.ToneWarning, Title: bot.Line(bot.T("Long")), Blocks: []bot.Block{bot.List{Items: items}}, Note: bot.Line(bot.T("thr_1")),
	}}
	parts := encode(t, o)
	if len(parts) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	var lines []string
	for i, n := range parts {
		if i > 0 && !strings.HasPrefix(n.Body, "• item") {
			t.Errorf("part %d begins in the middle: %.60q", i, n.Body)
		}
		if n.Relation == nil || n.Relation.Event != "$r" || n.Key != o.Key.Part(i) {
			t.Errorf("part %d: %+v", i, n)
		}
		if i < len(parts)-1 && len(n.Body)+len(n.Formatted) < maxContent/2 {
			t.Errorf("part %d holds only %d bytes", i, len(n.Body)+len(n.Formatted))
		}
		lines = append(lines, strings.Split(n.Body, "\n")...)
	}
	count := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "• item") && strings.HasSuffix(line, "y.") {
			count++
		}
	}
	if count != len(items) || !strings.HasPrefix(parts[0].Body, "🟠 Long\n") || !strings.HasSuffix(parts[len(parts)-1].Body, "\n\nthr_1") {
		t.Errorf("%d of %d items; the ends are %.40q", count, len(items), parts[0].Body)
	}

	one := strings.Repeat("ß", 50000)
	var whole strings.Builder
	for _, n := range encode(t, bot.Outgoing{Kind: bot.SendReply, Message: bot.Message{Title: bot.Line(bot.T(one))}}) {
		whole.WriteString(n.Body)
	}
	if whole.String() != one {
		t.Error("a long word was changed")
	}
}

func TestAttachments(t *testing.T) {
	picture := bot.Picture{Name: "../load\n.png", PNG: []byte("png bytes"), Alt: "load 3.1 @room", Width: 800, Height: 300}
	file := bot.File{Name: "log.txt", Type: "text/plain; charset=utf-8", Data: []byte("lines")}
	c := newFake(t, &fakeTransport{})
	o := bot.Outgoing{Key: "key_1", Kind: bot.SendReply, Root: "$r", Message: bot.Message{
		Title: bot.Line(bot.T("Graph")), Blocks: []bot.Block{picture, file, bot.Picture{Name: "none.png", Alt: "no data"}},
	}}
	parts, err := c.Encode(o)
	if err != nil || len(parts) != 3 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	words, image, attached := decodePart(t, parts[0]), decodePart(t, parts[1]), decodePart(t, parts[2])
	if words.Body != "Graph\n🖼 no data" || parts[0].Attachment != nil {
		t.Errorf("%+v", words)
	}
	if image.Type != "m.image" || image.Body != "load 3.1 @"+joiner+"room" || image.Filename != "_load .png" || image.Key != "key_1.1" ||
		*image.Info != (fileInfo{"image/png", 9, 800, 300}) || !bytes.Equal(parts[1].Attachment, picture.PNG) || image.Relation.Event != "$r" {
		t.Errorf("%+v", image)
	}
	if attached.Type != "m.file" || attached.Filename != "log.txt" || attached.Info.Type != "text/plain; charset=utf-8" || attached.Key != "key_1.2" {
		t.Errorf("%+v", attached)
	}

	o.Message = bot.Message{Blocks: []bot.Block{picture}}
	if parts, _ := c.Encode(o); len(parts) != 1 || decodePart(t, parts[0]).Type != "m.image" {
		t.Errorf("a picture alone is %d parts", len(parts))
	}
	o.Bare = true
	if parts, _ := c.Encode(o); len(parts) != 1 || decodePart(t, parts[0]).Type != "m.notice" || parts[0].Attachment != nil {
		t.Error("a bare picture is no words")
	}
	picture.Alt = strings.Repeat("long words ", 1000)
	o.Bare, o.Message = false, bot.Message{Blocks: []bot.Block{picture}}
	if parts, _ := c.Encode(o); len(parts) != 2 || !strings.HasPrefix(decodePart(t, parts[0]).Body, "long words") || decodePart(t, parts[1]).Body != "_load .png" {
		t.Errorf("a long description is %d parts", len(parts))
	}
	for in, want := range map[string]string{
		"text/html": "text/html", "": "application/octet-stream", "a/b/c": "application/octet-stream",
		"text/plain\r\nX: y": "application/octet-stream", "text/plain; x=y": "application/octet-stream",
	} {
		if got := mimeType(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := fileName(strings.Repeat("ä", 100)+".png", ""); len(got) > 120 || !strings.HasSuffix(got, "ä.png") {
		t.Errorf("%q", got)
	}
}

func TestLoudAndEmpty(t *testing.T) {
	c := newFake(t, &fakeTransport{}, func(o *Options) { o.Loud = []bot.Tone{bot.ToneCritical} })
	kind := func(o bot.Outgoing) string {
		parts, err := c.Encode(o)
		if err != nil {
			t.Fatal(err)
		}
		return decodePart(t, parts[0]).Type
	}
	m := bot.Message{Title: bot.Line(bot.T("x")), Tone: bot.ToneCritical}
	if got := kind(bot.Outgoing{Kind: bot.SendRoot, Message: m}); got != "m.text" {
		t.Error(got)
	}
	for _, o := range []bot.Outgoing{
		{Kind: bot.SendReply, Root: "$r", Message: m}, {Kind: bot.SendEdit, Root: "$r", Message: m},
		{Kind: bot.SendRoot, Message: bot.Message{Tone: bot.ToneWarning}},
	} {
		if got := kind(o); got != "m.notice" {
			t.Errorf("%s: %s", o.Kind, got)
		}
	}
	for _, kind := range []bot.SendKind{bot.SendRoot, bot.SendReply} {
		if got := encode(t, bot.Outgoing{Kind: kind}); len(got) != 1 || got[0].Body != "—" {
			t.Errorf("%+v", got)
		}
	}
}

func TestEncodeIsPure(t *testing.T) {
	c := newFake(t, &fakeTransport{})
	o := bot.Outgoing{Key: "key_1", Room: "ops", Kind: bot.SendReply, Root: "$r", Message: sample}
	a, _ := c.Encode(o)
	b, _ := c.Encode(o)
	if !reflect.DeepEqual(a, b) {
		t.Error("two different answers")
	}
}
