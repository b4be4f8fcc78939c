package config

import (
	"fmt"
	"regexp"
	"slices"

	"watchstander/bot"
)

// Person is who uses this account. Ids are compared exactly: what looks alike
// is somebody else.
func (c *Config) Person(chat bot.ChatID, user bot.UserID) (bot.Person, bool) {
	for _, p := range c.People {
		if slices.Contains(p.Users, bot.User{Chat: chat, ID: user}) {
			return p, true
		}
	}
	return bot.Person{}, false
}

// ConsoleUser is the account on the console of the user with this number, as
// the kernel tells it of a socket's peer.
func ConsoleUser(uid int) bot.UserID { return bot.UserID(fmt.Sprintf("uid:%d", uid)) }

var roleForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

var builtInRoles = []string{string(bot.RoleObserver), string(bot.RoleOperator), string(bot.RoleApprover), string(bot.RoleAdmin)}

func (b *builder) people() {
	known := newNames("person")
	owners := map[string]given[string]{} // account → the name of whose it is
	operators := 0
	for i := range b.keys.People.items {
		k := &b.keys.People.items[i]
		b.named(k.Name)
		known.add(&b.judge, k.Name)
		p := bot.Person{ID: bot.PersonID(k.Name.v), Roles: b.roles(k.Roles)}
		for _, g := range k.Matrix.items {
			if !g.ok || !b.mxid(g) || !b.owned(owners, k, g.place, g.v) {
				continue
			}
			for _, chat := range b.matrixChats {
				p.Users = append(p.Users, bot.User{Chat: chat, ID: bot.UserID(g.v)})
			}
		}
		for _, g := range k.Slack.items {
			if g.ok && b.slackUser(g) && b.owned(owners, k, g.place, g.v) {
				p.Users = append(p.Users, b.onSlack(g)...)
			}
		}
		for _, g := range k.UID.items {
			if !g.ok || !b.uid(g) || !b.owned(owners, k, g.place, string(ConsoleUser(g.v))) {
				continue
			}
			for _, chat := range b.consoleChats {
				p.Users = append(p.Users, bot.User{Chat: chat, ID: ConsoleUser(g.v)})
			}
		}
		b.reachable(k)
		if p.Has(bot.RoleOperator) {
			operators++
		}
		b.cfg.People = append(b.cfg.People, p)
	}
	if operators == 0 {
		at := b.keys.People.place
		if !b.keys.People.set {
			at = b.keys.key("people")
		}
		b.warn(at, "nobody is an operator, so that nobody can acknowledge or silence: give somebody roles: [operator]")
	}
	b.ownAccount(owners)
}

func (j *judge) roles(l list[given[string]]) []bot.Role {
	var out []bot.Role
	for _, g := range l.items {
		r := bot.Role(g.v)
		switch {
		case !g.ok:
			continue
		case !roleForm.MatchString(g.v):
			j.fault(g.place, "%s is no role: write observer, operator, approver, admin, or a word of your own in small letters", short(g.v))
			continue
		case slices.Contains(out, r):
			j.fault(g.place, "%s stands twice", short(g.v))
			continue
		case !slices.Contains(builtInRoles, g.v):
			if hint := meant(g.v, builtInRoles); hint != "" {
				j.warn(g.place, "%s is a role of your own%s", short(g.v), hint)
			}
		}
		out = append(out, r)
	}
	return out
}

func (j *judge) uid(g given[int]) bool {
	const most = 1<<32 - 2 // the last one means "nobody changed it" to the kernel
	if int64(g.v) > most {
		j.fault(g.place, "%d is no user number", g.v)
		return false
	}
	if g.v == nobody {
		j.fault(g.place, "%s", isNobody)
		return false
	}
	return true
}

// nobody is the kernel's overflow number: it says so of the other end of a socket
// whom it cannot name here, such as everybody in containers with users of their own.
const (
	nobody   = 65534
	isNobody = "is nobody: the kernel gives this number to everybody from containers whose users this host does not have"
)

// owned notes whose account it is, and faults one that is somebody's already:
// two people behind one account could agree with themselves.
func (b *builder) owned(owners map[string]given[string], k *personKeys, at place, account string) bool {
	if owner, taken := owners[account]; taken {
		b.fault(at, "%s is %s's already (line %d): one account belongs to one person", short(account), owner.or("somebody"), owner.line)
		return false
	}
	owner := k.Name
	owner.place = at
	owners[account] = owner
	return true
}

// ownAccount: the bot must never obey itself.
func (b *builder) ownAccount(owners map[string]given[string]) {
	for _, c := range b.cfg.Chats {
		if c.Matrix == nil || c.Matrix.User == "" {
			continue
		}
		if owner, taken := owners[string(c.Matrix.User)]; taken {
			b.fault(owner.place, "%s is the bot's own account, not a person's", short(string(c.Matrix.User)))
		}
	}
}

// reachable warns of accounts that no chat can ever tell of.
func (b *builder) reachable(k *personKeys) {
	switch {
	case len(k.Matrix.items) > 0 && len(b.matrixChats) == 0:
		b.warn(k.Matrix.place, "no chat is of kind matrix, so that nobody is known by these")
	case len(k.Slack.items) > 0 && len(b.slackChats) == 0:
		b.warn(k.Slack.place, "no chat is of kind slack, so that nobody is known by these")
	case len(k.UID.items) > 0 && len(b.consoleChats) == 0 && !b.consoleAstray:
		b.warn(k.UID.place, "no chat is of kind console, so that nobody is known by these")
	case len(k.Matrix.items)+len(k.Slack.items)+len(k.UID.items) == 0 && k.line > 0 && !k.Matrix.set && !k.Slack.set && !k.UID.set:
		b.warn(k.place, "has no account: without matrix, slack or uid nobody is known to be this person")
	}
}
