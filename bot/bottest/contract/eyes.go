package contract

import (
	"fmt"
	"strings"

	"watchstander/bot"
)

// see looks at the room until accept says nil of it: platforms show things a
// little after they took them.
func (b *bench) see(what string, accept func([]Post) error) []Post {
	b.Helper()
	var posts []Post
	b.eventually(what, func() error {
		posts = b.Person.See(b.T)
		return accept(posts)
	})
	return posts
}

// seen waits until messages are shown and gives them in the order of the ids.
func (b *bench) seen(receipts ...bot.Receipt) []Post {
	b.Helper()
	var found []Post
	b.see("the messages show", func(posts []Post) error {
		found = nil
		for _, r := range receipts {
			p, ok := pick(posts, r.ID)
			if !ok {
				return fmt.Errorf("%s is not among %d messages", r.ID, len(posts))
			}
			found = append(found, p)
		}
		return nil
	})
	return found
}

func pick(posts []Post, id bot.MessageID) (Post, bool) {
	for _, p := range posts {
		if p.ID == id {
			return p, true
		}
	}
	return Post{}, false
}

// mine are the bot's own.
func mine(posts []Post) (own []Post) {
	for _, p := range posts {
		if p.Mine {
			own = append(own, p)
		}
	}
	return own
}

// shows wants messages, read one after the other, to hold texts, and gives them
// as they were seen.
func (b *bench) shows(receipts []bot.Receipt, texts ...string) []Post {
	b.Helper()
	return b.reads(receipts, func(got string) error {
		for _, text := range texts {
			if want := squeeze(text); !strings.Contains(got, want) {
				return fmt.Errorf("among %d bytes of ink there are not the %d of %.40q", len(got), len(want), text)
			}
		}
		return nil
	})
}

// showsInk is shows for a text that may show as signs in its place, of which
// only the length can be told.
func (b *bench) showsInk(receipts []bot.Receipt, text string, signs bool) {
	b.Helper()
	if !signs {
		b.shows(receipts, text)
		return
	}
	b.reads(receipts, func(got string) error {
		if len(got) < len(text) {
			return fmt.Errorf("there are %d bytes of ink for %d signs", len(got), len(text))
		}
		return nil
	})
}

func (b *bench) reads(receipts []bot.Receipt, accept func(squeezed string) error) (found []Post) {
	b.Helper()
	b.see("the text shows", func(posts []Post) error {
		found = nil
		for _, r := range receipts {
			p, ok := pick(posts, r.ID)
			if !ok {
				return fmt.Errorf("%s does not show", r.ID)
			}
			found = append(found, p)
		}
		for i, reading := range readings(found) {
			if err := accept(squeeze(reading)); err != nil {
				return fmt.Errorf("face %d: %w", i, err)
			}
		}
		return nil
	})
	return found
}
