package config

import (
	"cmp"
	"errors"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

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
