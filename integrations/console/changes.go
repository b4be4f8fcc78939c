package console

import (
	"watchstander/bot"
)

// maxChanges is how many new lines an edit shows; the rest is a command away.
const maxChanges = 8

// changes are the parts of a root that it did not hold before, and how many more
// there are. Without the root of before nothing can be told apart.
func changes(before *bot.Message, now bot.Message) (fresh []bot.Block, left int) {
	if before == nil {
		return nil, 0
	}
	had := map[string]int{}
	for _, b := range before.Blocks {
		each(b, func(key string, _ bot.Block) { had[key]++ })
	}
	n := 0
	for _, b := range now.Blocks {
		each(b, func(key string, part bot.Block) {
			if had[key] > 0 {
				had[key]--
				return
			}
			if n++; n > maxChanges {
				return
			}
			fresh = appendPart(fresh, part)
		})
	}
	return fresh, max(n-maxChanges, 0)
}

// each takes a block apart into what can change by itself. The key holds the
// words alone, not how they look.
func each(b bot.Block, f func(key string, part bot.Block)) {
	switch b := b.(type) {
	case bot.Para:
		f("p\x00"+b.Text.String(), b)
	case bot.Fields:
		for _, x := range b.Fields {
			f("f\x00"+x.Name+"\x00"+x.Value.String(), bot.Fields{Fields: []bot.Field{x}})
		}
	case bot.List:
		for _, x := range b.Items {
			f("i\x00"+x.String(), bot.List{Items: []bot.Text{x}})
		}
	case bot.Pre:
		f("c\x00"+b.Body, b)
	case bot.Picture:
		f("g\x00"+b.Name+"\x00"+b.Alt, b)
	case bot.File:
		f("a\x00"+b.Name, b)
	}
}

// appendPart puts neighbours of one kind together again, so that columns line
// up.
func appendPart(bs []bot.Block, part bot.Block) []bot.Block {
	if len(bs) > 0 {
		switch last := bs[len(bs)-1].(type) {
		case bot.Fields:
			if x, ok := part.(bot.Fields); ok {
				bs[len(bs)-1] = bot.Fields{Fields: append(last.Fields[:len(last.Fields):len(last.Fields)], x.Fields...)}
				return bs
			}
		case bot.List:
			if x, ok := part.(bot.List); ok {
				bs[len(bs)-1] = bot.List{Items: append(last.Items[:len(last.Items):len(last.Items)], x.Items...)}
				return bs
			}
		}
	}
	return append(bs, part)
}
