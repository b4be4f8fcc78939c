package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"time"

	"watchstander/bot/gate"
)

type agentBuilder struct {
	judge
	keys agentKeys
	cfg  *Agent
	o    AgentOptions
	// files are what must be root's alone.
	files []trustedFile
	// directories are the same, for what is looked for in them.
	directories []trustedFile
	seeds       []placedSecret
	// lock is the path of the builds' lock.
	lock given[string]
}

func newAgentBuilder(o AgentOptions) *agentBuilder {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	return &agentBuilder{judge: newJudge(o.File, "docs/agent.example.yaml", agentInstead), cfg: &Agent{File: o.File}, o: o}
}

// agentInstead are keys that people will try in the agent's file.
var agentInstead = map[string]advice{
	"people[].matrix":                {"", "chat accounts stand in the bot's file: the agent does not believe chats"},
	"people[].slack":                 {"", "chat accounts stand in the bot's file: the agent does not believe chats"},
	"people[].password":              {"", "does not belong here: people prove themselves by uid, ssh_keys or totp_seed_file"},
	"people[].role":                  {"roles", "no such key, write a list instead: roles: [operator]"},
	"people[].ssh_key":               {"ssh_keys", "no such key, write a list instead: ssh_keys: [\"ssh-ed25519 AAAA…\"]"},
	"people[].totp_seed":             {"totp_seed_file", "a seed never stands in this file: put it into a file of its own, and write totp_seed_file with that file's path"},
	"policy[].operation":             {"operations", "no such key, write a list instead: operations: [zfs.arc.set]"},
	"policy[].host":                  {"hosts", "no such key, write a list instead: hosts: [vulcan]"},
	"policy[].count":                 {"", "no such key: it belongs to approvers, as in approvers: {roles: [approver], count: 2}"},
	"policy[].approvers.role":        {"roles", "no such key, write a list instead: roles: [approver]"},
	"policy[].queue":                 {"outside", "no such key: write outside: queue"},
	"standing[].operations":          {"operation", "no such key: a standing approval is for one operation: operation: service.restart"},
	"nixos.health_checks[].http":     {"url", "no such key: write url"},
	"certs":                          {"certificates", "no such key: write certificates"},
	"nixos.health_checks[].status":   {"", "no such key: every status from 200 to 299 is well"},
	"backup.repositories[].media":    {"medium", "no such key: write medium"},
	"backup.repositories[].paths":    {"", "no such key: snapshots tell themselves what is in them"},
	"backup.repositories[].password": {"password_file", "a secret never stands in this file: put it into a file of its own, and write password_file with that file's path"},
}

func (b *agentBuilder) build(data []byte) {
	b.cfg.Digest = digest(data)
	root := b.parse(data)
	if root == nil {
		return
	}
	b.fill(root, reflect.ValueOf(&b.keys).Elem(), "")
	if root.kind != mapping {
		return
	}
	b.version()
	b.machine()
	b.people()
	b.policy()
	b.standing()
	b.cfg.Busy = b.units(b.keys.Busy)
	b.nixos()
	b.zfs()
	b.backup()
	b.certificates()
	b.cfg.Services = Services{Restart: b.units(b.keys.Services.Restart), Logs: b.units(b.keys.Services.Logs)}
	b.security()
	b.dumps()
	b.documents()
	b.cfg.Log = b.logging(&b.keys.Log)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (b *agentBuilder) done() (*Agent, error) {
	if b.o.Make != nil && len(b.faults) == 0 {
		for _, f := range b.o.Make(b.cfg) {
			b.take("", gate.Fault{Field: f.Field, Message: f.Message})
		}
	}
	b.parseStanding()
	b.cfg.Warnings = b.warnings.sorted()
	if b.o.Warn != nil {
		b.o.Warn(b.cfg.Warnings)
	}
	if len(b.faults) > 0 {
		return nil, b.faults.sorted()
	}
	return b.cfg, nil
}

func (b *agentBuilder) version() {
	if k := b.keys.Version; k.ok && k.v != 1 {
		b.fault(k.place, "this program reads version 1 only")
	}
}

// machine is about the host itself, the sockets and the state.
func (b *agentBuilder) machine() {
	k := &b.keys
	b.named(k.Host)
	b.cfg.Host = k.Host.v
	b.cfg.Zone = b.zone(k.Zone, time.UTC)
	b.cfg.Socket = b.socket(k.Socket, agentSocket)
	b.cfg.HumanSocket = b.socket(k.HumanSocket, HumanSocket)
	if b.cfg.Socket == b.cfg.HumanSocket {
		b.fault(k.at("human_socket", k.HumanSocket), "is the bot's socket too: people on the host need one of their own")
	}
	b.cfg.State = b.path(k.State, cmp.Or(firstPath(b.o.Getenv("STATE_DIRECTORY")), "/var/lib/watchstander-agent"))
	b.cfg.BotUID = -1
	switch {
	case k.BotUser.set && k.BotUID.set:
		b.fault(k.BotUID.place, "stands beside bot_user: leave one of the two out")
	case k.BotUser.ok && b.o.LookUp != nil:
		uid, err := b.o.LookUp(k.BotUser.v)
		if err != nil {
			b.fault(k.BotUser.place, "this host has no user %s", short(k.BotUser.v))
			break
		}
		b.cfg.BotUID = uid
		b.ofItsOwn(k.BotUser.place, uid)
	case k.BotUID.ok && b.uid(k.BotUID):
		b.cfg.BotUID = k.BotUID.v
		b.ofItsOwn(k.BotUID.place, k.BotUID.v)
	case !k.BotUser.set && !k.BotUID.set && !b.open("", "bot_user", "bot_uid"):
		b.fault(k.key("bot_user"), "is missing: the user that the bot runs as, which alone may use its socket")
	}
}

// ofItsOwn faults a user that the bot shares with what it must be kept apart from.
func (b *agentBuilder) ofItsOwn(at place, uid int) {
	switch uid {
	case 0:
		b.fault(at, "is root: the bot must run as a user of its own, or it needs no agent to do anything")
	case nobody:
		b.fault(at, "%s; the bot must run as a user of its own", isNobody)
	}
}

func (b *agentBuilder) socket(g given[string], standard string) string {
	path := b.path(g, standard)
	if len(path) > maxSocket {
		b.fault(g.place, "the path has %d bytes, and a Unix socket's may have %d: choose a shorter one", len(path), maxSocket)
	}
	return path
}
