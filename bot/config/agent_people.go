package config

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/plan"
)

// people reads who there is. One human being is one entry: who had two could agree
// with themselves, so that a user, a key or a seed under two names is a fault.
func (b *agentBuilder) people() {
	if b.keys.People.empty() {
		b.fault(b.keys.People.place, "is empty: without people nobody can ask or agree")
	}
	known := newNames("person")
	uids, keys, files := map[int]place{}, map[string]place{}, map[string]place{}
	for i := range b.keys.People.items {
		k := &b.keys.People.items[i]
		b.named(k.Name)
		known.add(&b.judge, k.Name)
		if k.Name.v == "root" {
			b.fault(k.Name.place, "%s stands for what root did without being asked who it is: choose another name", short(k.Name.v))
		}
		p := AgentPerson{Person: bot.Person{ID: bot.PersonID(k.Name.v), Roles: b.roles(k.Roles)}}
		for _, g := range k.UID.items {
			if g.ok && b.uid(g) && ownedOnce(&b.judge, uids, g.v, g.place, "the user") && b.personal(g) {
				p.UIDs = append(p.UIDs, g.v)
			}
		}
		for _, g := range k.Keys.items {
			if !g.ok {
				continue
			}
			key, why := signingKey(g.v)
			if why != "" {
				b.fault(g.place, "%s", why)
				continue
			}
			if ownedOnce(&b.judge, keys, string(key.Marshal()), g.place, "the key") {
				p.Keys = append(p.Keys, key)
			}
		}
		if k.Seed.set {
			s, ok := b.secret(k.Seed, b.o.Getenv("CREDENTIALS_DIRECTORY"))
			// What is in the files is compared when they are read, which not every check does.
			if ok && ownedOnce(&b.judge, files, s.path, k.Seed.place, "the seed") {
				b.seeds = append(b.seeds, placedSecret{s, k.Seed.place})
			}
			p.Seed = &s // also where it is wrong: what follows from that is not told
		}
		b.cfg.People = append(b.cfg.People, p)
	}
}

// personal: root is nobody in particular, and the bot is no person.
func (b *agentBuilder) personal(g given[int]) bool {
	switch {
	case g.v == 0:
		b.fault(g.place, "is root, which is whoever has become root: write the user that this person logs in as")
	case g.v == b.cfg.BotUID:
		b.fault(g.place, "is the bot's own user: a captured bot could agree in this person's name")
	default:
		return true
	}
	return false
}

// ownedOnce notes where a thing of somebody's stands, and faults its second place.
func ownedOnce[K comparable](j *judge, owners map[K]place, v K, at place, what string) bool {
	if first, taken := owners[v]; taken {
		whose, _, _ := strings.Cut(first.field, ".")
		here, _, _ := strings.Cut(at.field, ".")
		if whose == here {
			j.fault(at, "%s stands twice (line %d)", what, first.line)
		} else {
			j.fault(at, "%s is another person's already (line %d): who had two names could agree with themselves", what, first.line)
		}
		return false
	}
	owners[v] = at
	return true
}

// signingKey reads one line as it stands in authorized_keys; why says what is
// wrong with it. Which keys may sign is plan's to say.
func signingKey(line string) (key ssh.PublicKey, why string) {
	if strings.ContainsAny(line, "\r\n") {
		return nil, "is more than one line: write each key as a member of its own"
	}
	if strings.Contains(line, "PRIVATE KEY") {
		return nil, "is a private key, which must never leave its owner; write the line of the .pub file, and make a new key"
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, "is no public key: write the line of the .pub file, as in \"ssh-ed25519 AAAA… alice\""
	}
	if len(options) > 0 {
		return nil, "has options in front of the key, which mean nothing here: leave them out"
	}
	if plan.KeyFault(key) == nil {
		return key, ""
	}
	switch t := key.Type(); {
	case t == ssh.KeyAlgoRSA:
		return nil, fmt.Sprintf("is an RSA key of less than %d bits: make a better one (ssh-keygen -t ed25519)", plan.MinRSA)
	case strings.Contains(t, "-cert-"):
		return nil, "is a certificate: whoever holds its authority could make more of them; write the key itself"
	default:
		return nil, fmt.Sprintf("is a key of type %s, which is too weak or not known: make another one (ssh-keygen -t ed25519)", short(t))
	}
}

// leastSeed is what RFC 4226 asks for, in bytes.
const leastSeed = 16

// checkSeeds reads every seed once. A seed that two people have is one person's
// word for both, in one file or two, and however it is written: what counts is the
// key that its codes are made with. That one ends in zeros by itself (RFC 2104).
func (b *agentBuilder) checkSeeds() {
	owners := map[[sha256.Size]byte]place{}
	for _, s := range b.seeds {
		value, why := s.read()
		if why != "" {
			b.fault(s.at, "%s", why)
			continue
		}
		// The path is told only of a file that is there: people paste seeds where
		// paths belong.
		if err := b.o.Trust(s.path); err != nil {
			b.fault(s.at, "cannot be trusted: %s", err)
		}
		value = strings.ToUpper(strings.TrimRight(value, "="))
		seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(value)
		switch {
		case err != nil:
			b.fault(s.at, "the secret's file holds no base32: write the seed as the authenticator takes it, letters and the digits 2 to 7")
		case len(seed) < leastSeed:
			b.fault(s.at, "the secret's file holds a seed of %d bits, which can be guessed: make one of at least %d", 8*len(seed), 8*leastSeed)
		default:
			ownedOnce(&b.judge, owners, sumOf(strings.TrimRight(string(seed), "\x00")), s.at, "the seed")
		}
	}
}
