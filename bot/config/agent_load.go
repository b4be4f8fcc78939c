package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"strconv"
	"syscall"
	"time"

	"watchstander/bot"
	"watchstander/bot/gate"
)

// AgentFile is where the agent's file is when nobody says otherwise.
const AgentFile = "/etc/watchstander/agent.yaml"

// AgentOptions are what reading the agent's file leans on beside the file.
type AgentOptions struct {
	// Getenv is os.Getenv, or a test's own; nil is an empty environment. Asked for are
	// STATE_DIRECTORY and CREDENTIALS_DIRECTORY.
	Getenv func(string) string
	// File names the data in ParseAgent's faults; LoadAgent sets it itself.
	File string
	// Operations are what the agent has, to find rules for what does not exist; nil
	// where that is not known.
	Operations []gate.Known
	// Parse gives an operation's arguments their normal form, as the agent of this file
	// would, or says what is wrong with them; and what the readings are called that prove
	// that it has helped, nil where the operation does not say. It is asked about
	// standing approvals in a file without faults; nil where nobody can tell.
	Parse func(*Agent, bot.OperationName, bot.Arguments) (args bot.Arguments, proves []string, err error)
	// Make makes the agent's parts of a file without faults, and says which keys (Field)
	// keep it from starting, and why (Message); nil where nobody can tell.
	Make func(*Agent) []Fault
	// Trust tells whether a file is root's alone; nil is Trusted.
	Trust func(path string) error
	// TrustState tells whether a directory is root's alone; nil is TrustedState.
	TrustState func(path string) error
	// TrustPrograms tells the same of one in which programs are looked for; nil is
	// TrustedPrograms.
	TrustPrograms func(path string) error
	// LookUp gives a user's number by its name; nil asks the host.
	LookUp func(name string) (int, error)
	// WithoutSecrets leaves the files that the configuration names unlooked at: a check
	// by a user who may not read them.
	WithoutSecrets bool
	// WithoutSeeds leaves the seeds of codes unlooked at, and WithoutPasswords what
	// repositories are opened with: a run needs no seeds, and opens none, perhaps.
	WithoutSeeds, WithoutPasswords bool
	// Digest is what the file's must be; "" is any.
	Digest string
	// Warn is told what is suspicious, also where there are faults.
	Warn func(Faults)
}

// ErrAnotherFile is LoadAgent's answer where the file's digest is not the one that
// was asked for. Nothing else is said of that file.
var ErrAnotherFile = errors.New("the agent's file was changed since the agent read it")

// LoadAgent reads and checks the agent's file, whether it is root's alone, and
// the same of its state and of every file that it names for a secret or to be run. The error is
// Faults, which holds all that is wrong at once, or ErrAnotherFile; the Agent is nil
// then.
func LoadAgent(path string, o AgentOptions) (*Agent, error) {
	o.File = path
	if o.Trust == nil {
		o.Trust = Trusted
	}
	if o.TrustState == nil {
		o.TrustState = func(path string) error { return TrustedState(path) }
	}
	if o.TrustPrograms == nil {
		o.TrustPrograms = func(path string) error { return TrustedPrograms(path) }
	}
	if o.LookUp == nil {
		o.LookUp = lookUp
	}
	// Trusted before it is opened: then what is opened is what was looked at.
	abs, distrust := filepath.Abs(path)
	if distrust == nil {
		distrust = o.Trust(abs)
	}
	// Not blocking: a named pipe in the file's place must not hang the agent.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, Faults{{File: path, Message: reason(err)}}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, Faults{{File: path, Message: reason(err)}}
	}
	if o.Digest != "" && digest(data) != o.Digest {
		return nil, ErrAnotherFile
	}
	b := newAgentBuilder(o)
	if distrust != nil {
		b.fault(place{}, "anybody could have written it: %s", distrust)
	}
	b.build(data)
	b.checkState()
	b.checkLock()
	if !o.WithoutSecrets {
		b.checkFiles()
	}
	return b.done()
}

// ParseAgent checks a file's content alone: nothing but zones is read from the
// disk. The error is always Faults.
func ParseAgent(data []byte, o AgentOptions) (*Agent, error) {
	o.File = cmp.Or(o.File, "agent.yaml")
	b := newAgentBuilder(o)
	b.build(data)
	return b.done()
}

func lookUp(name string) (int, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Uid)
}

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

type trustedFile struct {
	path string
	at   place
	// secret: others must not be able to read it, either.
	secret bool
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

// trusted is a path to a file that must be root's alone.
func (b *agentBuilder) trusted(g given[string], secret bool) string {
	p := b.path(g, "")
	if g.ok && filepath.IsAbs(p) {
		b.files = append(b.files, trustedFile{p, g.place, secret})
	}
	return p
}

// checkState looks at the state's directory: whoever could put files there could
// have agreed to a plan, or exchange one before it runs.
func (b *agentBuilder) checkState() {
	if !filepath.IsAbs(b.cfg.State) || filepath.Clean(b.cfg.State) != b.cfg.State {
		return // a fault of its own, or there is no file at all
	}
	err := b.o.TrustState(b.cfg.State)
	if b.o.WithoutSecrets && errors.Is(err, fs.ErrPermission) {
		return // this user may not look at it, either
	}
	if err != nil {
		b.fault(b.keys.at("state", b.keys.State), "cannot be trusted: %s", err)
	}
}

// checkLock looks at where the builds' lock lies. It may have to be there, since
// the host's builds take it there: that is a warning.
func (b *agentBuilder) checkLock() {
	if !b.lock.ok || !filepath.IsAbs(b.lock.v) {
		return
	}
	dir := filepath.Dir(b.lock.v)
	if _, err := os.Stat(dir); err != nil {
		return // it may be made with the first build, or this user may not see it
	}
	if err := TrustedDirectory(dir); err != nil {
		b.warn(b.lock.place, "others than root may decide about this lock (%s): whoever makes it first can hold it for ever, and no run that needs it begins; let the builds lock something in a directory that root alone may write, such as /run/nixos", err)
	}
}

// checkFiles looks at the files that the configuration names.
func (b *agentBuilder) checkFiles() {
	for _, f := range b.files {
		if f.secret && b.o.WithoutPasswords {
			continue
		}
		if err := b.o.Trust(f.path); err != nil {
			b.fault(f.at, "cannot be trusted: %s", err)
			continue
		}
		info, err := os.Stat(f.path)
		switch {
		case err != nil:
			b.fault(f.at, "%s", reason(err))
		case f.secret && info.Mode().Perm()&0o007 != 0:
			b.fault(f.at, "has mode %04o, so that everybody may read it: give it 0400", info.Mode().Perm())
		}
	}
	for _, d := range b.directories {
		if err := b.o.TrustPrograms(d.path); err != nil {
			b.fault(d.at, "cannot be trusted: %s", err)
		}
	}
	if !b.o.WithoutSeeds {
		b.checkSeeds()
	}
}
