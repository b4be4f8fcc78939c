package bottest

import (
	"fmt"
	"strconv"
	"strings"

	"watchstander/bot"
)

// expect compares what the room holds with what the story says.
func (p *player) expect(words []string) error {
	text := func(n int) string { return strings.Join(words[n:], " ") }
	switch words[0] {
	case "thread":
		post, err := p.root(words[1])
		if err != nil {
			return err
		}
		if words[2] == "lacks" {
			return p.holds(post.Text(), text(3), false)
		}
		return p.holds(post.Text(), text(2), true)
	case "offers":
		post, err := p.root(words[1])
		if err != nil {
			return err
		}
		if have := strings.Join(post.Offers, " "); have != text(2) {
			return fmt.Errorf("it offers %q", have)
		}
		return nil
	case "edits":
		post, err := p.root(words[1])
		if err != nil {
			return err
		}
		if n, _ := strconv.Atoi(words[2]); n != post.Edits {
			return fmt.Errorf("there are %d edits", post.Edits)
		}
		return nil
	case "no-thread":
		if post, err := p.root(text(1)); err == nil {
			return fmt.Errorf("there is one: %s", post.Message.Title.String())
		}
		return nil
	case "reply", "no-reply", "replies":
		post, err := p.root(words[1])
		if err != nil {
			return err
		}
		var all []string
		for _, r := range p.chat.Posts(post.Room) {
			if r.Kind == bot.SendReply && r.Root == post.ID {
				all = append(all, r.Text())
			}
		}
		if words[0] == "replies" {
			if n, _ := strconv.Atoi(words[2]); n != len(all) {
				return fmt.Errorf("there are %d replies", len(all))
			}
			return nil
		}
		return p.holds(strings.Join(all, "\n"), text(2), words[0] == "reply")
	case "answer", "no-answer":
		newest := ""
		for _, x := range p.chat.Posts(p.config.Rooms[0].ID) {
			if x.Kind == bot.SendReply && (x.ReplyTo == p.lastID && p.lastID != "" || x.Root != "") {
				newest = x.Text()
			}
		}
		if words[0] == "no-answer" {
			for _, x := range p.chat.Posts(p.config.Rooms[0].ID) {
				if x.ReplyTo == p.lastID {
					return fmt.Errorf("there is one: %s", x.Text())
				}
			}
			return nil
		}
		return p.holds(newest, text(1), true)
	case "threads": // so many with a word in their titles
		n, err := strconv.Atoi(words[2])
		if err != nil {
			return err
		}
		have := 0
		for _, x := range p.roots() {
			if strings.Contains(x.Message.Title.String(), words[1]) {
				have++
			}
		}
		if have != n {
			return fmt.Errorf("there are %d threads", have)
		}
		return nil
	case "roots":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		if have := len(p.roots()); have != n {
			return fmt.Errorf("there are %d roots", have)
		}
		return nil
	case "erased", "not-erased": // the newest message of a person
		for _, w := range p.chat.Words(p.config.Rooms[0].ID) {
			if w.Said.ID == p.lastID && (w.Erased != "") != (words[0] == "erased") {
				return fmt.Errorf("%q is erased under %q", w.Said.Text, w.Erased)
			}
		}
		return nil
	case "status":
		if words[1] != strconv.Itoa(p.status) {
			return fmt.Errorf("the webhook answered %d", p.status)
		}
		return nil
	case "room":
		var all []string
		for _, x := range p.chat.Posts(p.config.Rooms[0].ID) {
			all = append(all, x.Text())
		}
		if words[1] == "lacks" {
			return p.holds(strings.Join(all, "\n"), text(2), false)
		}
		return p.holds(strings.Join(all, "\n"), text(1), true)
	case "console": // anything that was said there
		var all []string
		for _, c := range p.others {
			for _, x := range c.Posts(bot.RoomID(c.ID)) {
				all = append(all, x.Text())
			}
		}
		return p.holds(strings.Join(all, "\n"), text(1), true)
	case "silences":
		ss, err := p.client.Silences(p.t.Context())
		if err != nil {
			return err
		}
		if n, _ := strconv.Atoi(words[1]); n != len(ss) {
			return fmt.Errorf("there are %d silences", len(ss))
		}
		return nil
	case "silence", "no-silence":
		var have []string
		ss, err := p.client.Silences(p.t.Context())
		if err != nil {
			return err
		}
		for _, s := range ss {
			if s.State == "active" {
				have = append(have, fmt.Sprintf("%v by %s: %s", s.Matchers, s.CreatedBy, s.Comment))
			}
		}
		return p.holds(strings.Join(have, "\n"), text(1), words[0] == "silence")
	}
	if p.stage != nil {
		return p.expectHost(words)
	}
	return fmt.Errorf("nothing can be expected of a %q", words[0])
}

// holds looks for words, wherever lines are broken and however they are set in.
func (p *player) holds(have, want string, yes bool) error {
	plain := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if strings.Contains(plain(have), plain(want)) == yes {
		return nil
	}
	if yes {
		return fmt.Errorf("it does not hold %q but:\n%s", want, have)
	}
	return fmt.Errorf("it holds %q:\n%s", want, have)
}

// roots are the threads that stand in the rooms.
func (p *player) roots() []Post {
	var out []Post
	for _, r := range p.config.Rooms {
		for _, x := range p.chat.Posts(r.ID) {
			if x.Kind == bot.SendRoot && !x.Gone {
				out = append(out, x)
			}
		}
	}
	return out
}

// root finds a thread: #N is the N-th, other words stand in its title; of
// several the newest.
func (p *player) root(ref string) (Post, error) {
	roots := p.roots()
	if n, err := strconv.Atoi(strings.TrimPrefix(ref, "#")); err == nil && strings.HasPrefix(ref, "#") {
		if n < 1 || n > len(roots) {
			return Post{}, fmt.Errorf("there are %d threads", len(roots))
		}
		return roots[n-1], nil
	}
	for i := len(roots) - 1; i >= 0; i-- {
		if strings.Contains(roots[i].Message.Title.String(), ref) {
			return roots[i], nil
		}
	}
	return Post{}, fmt.Errorf("no thread's title holds %q", ref)
}
