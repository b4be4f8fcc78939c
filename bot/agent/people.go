package agent

import (
	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/gate"
)

// Person is somebody as the agent knows them, by its own root-owned file.
type Person struct {
	bot.Person
	// UIDs are their accounts on the host. Root's is nobody's.
	UIDs []int
	// Keys with which they sign.
	Keys []ssh.PublicKey
	// Seed reads the base32 seed of their time-based codes; nil where they have none.
	// It is read anew each time, and never kept.
	Seed func() (string, error)
}

// Settings are what may be read anew while the agent runs.
type Settings struct {
	Policy   gate.Policy
	People   []Person
	Standing []gate.Standing
	// Source names where they come from, with a digest, for the journal.
	Source string
	Digest string
}

func (c *Core) person(id bot.PersonID) (Person, bool) {
	for _, p := range c.settings.Load().People {
		if p.ID == id && id != "" {
			return p, true
		}
	}
	return Person{}, false
}

// gatePerson is person for the gate.
func (c *Core) gatePerson(id bot.PersonID) (bot.Person, bool) {
	p, ok := c.person(id)
	return p.Person, ok
}

func (c *Core) personOf(uid int) (Person, bool) {
	for _, p := range c.settings.Load().People {
		for _, u := range p.UIDs {
			if u == uid && uid != 0 {
				return p, true
			}
		}
	}
	return Person{}, false
}
