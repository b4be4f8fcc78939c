package bottest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// stepPerson plays what somebody does in the room.
func (p *player) stepPerson(l line) error {
	words := l.words
	user := bot.UserID(words[1])
	if !strings.HasPrefix(words[1], "@") {
		user = bot.UserID("@" + words[1] + ":example.org")
	}
	p.said++
	id := bot.MessageID(fmt.Sprintf("u%d", p.said))
	now := time.Now().UTC()
	at := now
	i := 2
	if words[i] == "ago" {
		d, err := time.ParseDuration(words[i+1])
		if err != nil {
			return err
		}
		at, i = now.Add(-d), i+2
	}
	room := p.config.Rooms[0].ID
	var root bot.MessageID
	if words[i] == "in" {
		post, err := p.root(words[i+1])
		if err != nil {
			return err
		}
		root, room, i = post.ID, post.Room, i+2
	}
	switch words[i] {
	case "says":
		p.lastID = id
		p.chat.Hear(bot.Said{Chat: "matrix", Room: room, ID: id, Root: root, User: user, Text: l.rest(i + 1), At: at})
	case "repeats": // the platform delivers the newest message once more
		p.chat.Hear(bot.Said{Chat: "matrix", Room: room, ID: p.lastID, Root: root, User: user, Text: l.rest(i + 1), At: at})
	case "presses":
		post, err := p.root(words[i+3])
		if err != nil {
			return err
		}
		p.pressed[string(user)] = id
		p.chat.Hear(bot.Pressed{Chat: "matrix", Room: post.Room, ID: id, Target: post.ID, User: user, Emoji: words[i+1], At: at})
	case "taps": // presses and takes it back before anybody could act
		post, err := p.root(words[i+3])
		if err != nil {
			return err
		}
		p.chat.Hear(bot.Pressed{Chat: "matrix", Room: post.Room, ID: id, Target: post.ID, User: user, Emoji: words[i+1], At: at},
			bot.Withdrawn{Chat: "matrix", Room: post.Room, ID: id + "w", Target: id, User: user, At: at})
	case "deletes":
		p.chat.Hear(bot.Withdrawn{Chat: "matrix", Room: room, ID: id, Target: p.lastID, User: user, At: at})
	case "withdraws":
		p.chat.Hear(bot.Withdrawn{Chat: "matrix", Room: room, ID: id, Target: p.pressed[string(user)], User: user, At: at})
	default:
		return fmt.Errorf("people do not %q", words[i])
	}
	return nil
}

// reply finds what was said below a root, by words that it holds.
func (p *player) reply(root Post, words string) (Post, error) {
	for _, x := range p.chat.Posts(root.Room) {
		if x.Kind == bot.SendReply && x.Root == root.ID && strings.Contains(x.Text(), words) {
			return x, nil
		}
	}
	return Post{}, fmt.Errorf("nothing below it holds %q", words)
}

func (p *player) stepDelete(l line) error {
	post, err := p.root(l.words[1])
	if err != nil {
		return err
	}
	if words := l.rest(2); words != "" {
		if post, err = p.reply(post, words); err != nil {
			return err
		}
	}
	p.chat.Delete(post.ID)
	p.said++
	p.chat.Hear(bot.Withdrawn{Chat: "matrix", Room: post.Room, ID: bot.MessageID(fmt.Sprintf("u%d", p.said)), Target: post.ID, User: "@mod:example.org", At: time.Now().UTC()})
	return nil
}

// stepConsole plays what somebody types at the console, where the kernel knows them.
func (p *player) stepConsole(l line) error {
	console := p.others["console"]
	if console == nil {
		return fmt.Errorf("there is no console in this story")
	}
	var user bot.UserID
	for _, person := range p.config.People {
		i := slices.IndexFunc(person.Users, func(u bot.User) bool { return u.Chat == console.ID })
		if string(person.ID) == l.words[1] && i >= 0 {
			user = person.Users[i].ID
		}
	}
	if user == "" {
		return fmt.Errorf("%s has no user on the host", l.words[1])
	}
	p.said++
	console.Hear(bot.Said{Chat: console.ID, Room: bot.RoomID(console.ID), ID: bot.MessageID(fmt.Sprintf("u%d", p.said)), User: user,
		Text: l.rest(3), Private: true, At: time.Now().UTC()})
	return nil
}
