package agent

import (
	"fmt"

	"watchstander/bot"
)

// Caller is who asks, as the kernel knows it of a socket's peer. What the caller
// says about itself never counts.
type Caller struct {
	kind callerKind
	uid  int
}

type callerKind int

const (
	// callerNobody may do nothing; it is the Caller that nobody set.
	callerNobody callerKind = iota
	callerBot
	callerHuman
	callerRoot
)

// Bot is the bot, on its own socket: it brings what people said in chats, and is
// believed no more than that.
func Bot() Caller { return Caller{kind: callerBot} }

// Human is the user with this number, on the socket for people. User 0 is Root.
func Human(uid int) Caller {
	if uid == 0 {
		return Root()
	}
	return Caller{kind: callerHuman, uid: uid}
}

// Root is user 0, on the socket for people. Root is nobody in particular, so that
// it agrees to nothing; it can break the glass.
func Root() Caller { return Caller{kind: callerRoot} }

func (c Caller) String() string {
	switch c.kind {
	case callerBot:
		return "the bot"
	case callerHuman:
		return fmt.Sprintf("user %d", c.uid)
	case callerRoot:
		return "root"
	}
	return "nobody"
}

// byRoot is what stands where a person would, for what root did.
const byRoot bot.PersonID = "root"

// doorHost is the way of those who come by the socket for people.
const doorHost = "host"

// who finds the person who speaks. The bot names somebody whom the agent's own
// file must know; people at the host are known by their uid and may not name
// another.
func (c *Core) who(caller Caller, named bot.PersonID) (Person, error) {
	switch caller.kind {
	case callerBot:
		if p, ok := c.person(named); ok {
			return p, nil
		}
		return Person{}, bot.Errorf(bot.CodeForbidden, "The agent of %s does not know %q: its own file of people must name them too.", c.o.Host.Name, short(string(named)))
	case callerHuman:
		p, ok := c.personOf(caller.uid)
		if !ok {
			return Person{}, bot.Errorf(bot.CodeForbidden, "User %d is nobody whom the agent of %s knows: its file of people must have this uid.", caller.uid, c.o.Host.Name)
		}
		if named != "" && named != p.ID {
			return Person{}, bot.Errorf(bot.CodeForbidden, "You are %s here, and cannot speak for %q.", p.ID, short(string(named)))
		}
		return p, nil
	case callerRoot:
		return Person{}, bot.Errorf(bot.CodeForbidden, "Root is nobody in particular: use your own account for this.")
	}
	return Person{}, bot.Errorf(bot.CodeForbidden, "This is not for you.")
}

// only refuses callers of other kinds.
func only(caller Caller, kinds ...callerKind) error {
	for _, k := range kinds {
		if caller.kind == k {
			return nil
		}
	}
	return bot.Errorf(bot.CodeForbidden, "This is not for %s.", caller)
}

// may lets in those who may look: the bot, root, and everybody who is known.
func (c *Core) may(caller Caller) error {
	if caller.kind == callerHuman {
		_, err := c.who(caller, "")
		return err
	}
	return only(caller, callerBot, callerRoot)
}
