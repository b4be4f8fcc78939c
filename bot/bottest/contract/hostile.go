package contract

import (
	"fmt"
	"strings"

	"watchstander/bot"
)

// encodeHostile wants what others wrote to be read, and never obeyed.
func encodeHostile(b *bench) {
	root := b.root("key_hostile", plain("hostile"))
	for i, h := range hostileTexts(b.Person.User) {
		m, places := everywhere(h.text)
		r := b.post(bot.Outgoing{Key: bot.SendKey(fmt.Sprintf("key_hostile%d", i)), Kind: bot.SendReply, Root: root, Message: m})
		own := b.post(bot.Outgoing{Key: bot.SendKey(fmt.Sprintf("key_hostile_root%d", i)), Kind: bot.SendRoot, Message: m})
		for _, p := range b.seen(append(r, own...)...) {
			for k, face := range p.Faces {
				if fault := faultOf(face); fault != "" {
					b.Errorf("%s: face %d: %s: %q", h.name, k, fault, face)
				}
				for _, w := range h.shows {
					if n := strings.Count(squeeze(face), squeeze(w)); n < places {
						b.Errorf("%s: face %d shows %q %d times, want %d: %q", h.name, k, w, n, places, face)
					}
				}
			}
			if len(p.Links) > 0 || len(p.Pings) > 0 || len(p.Attachments) > 0 {
				b.Errorf("%s: it shows with links %v, pings %v, %d attachments", h.name, p.Links, p.Pings, len(p.Attachments))
			}
		}
	}
	bad := bot.Message{Title: bot.Line(bot.L("click", "javascript:alert(1)"), bot.L(" here", "https://x.example/\"><img src=y>"))}
	r := b.post(bot.Outgoing{Key: "key_hostile_link", Kind: bot.SendReply, Root: root, Message: bad})
	for _, link := range b.shows(r, "click")[0].Links {
		if !strings.HasPrefix(link, "https://x.example/") || strings.ContainsAny(link, "\"<> ") {
			b.Errorf("a click leads to %q", link)
		}
	}
}
