package config

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"watchstander/bot"
)

// Options are what reading the file leans on beside the file.
type Options struct {
	// Getenv is os.Getenv, or a test's own; nil is an empty environment. Asked
	// for are STATE_DIRECTORY, RUNTIME_DIRECTORY and CREDENTIALS_DIRECTORY, which
	// systemd sets.
	Getenv func(string) string
	// Credentials are the files of the secrets that a unit of systemd's hands over, by
	// name: those with relative paths are taken from there, and from nowhere else. nil is
	// CREDENTIALS_DIRECTORY, or the file's folder.
	Credentials map[string]string
	// File names the data in Parse's faults, and its folder is where secrets
	// with relative paths are; Load sets it itself.
	File string
	// WithoutSecrets leaves the secrets' files unread: a check on a machine that
	// does not have them.
	WithoutSecrets bool
	// Runbooks are the names of those that checklists may lead to, and Offer tells what
	// is wrong with a command that an item offers, "" for nothing. Where they are nil,
	// no such name is looked at.
	Runbooks []string
	Offer    func(command string) (complaint string)
	// Warn is told what is suspicious, also where there are faults; nil where only
	// a Config's own Warnings matter.
	Warn func(Faults)
}

// Load reads and checks the file, and every secret that it names. The error is
// always Faults, and holds all that is wrong at once; the Config is nil then.
func Load(path string, o Options) (*Config, error) {
	o.File = path
	f, err := os.Open(path)
	if err != nil {
		return nil, Faults{{File: path, Message: reason(err)}}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, Faults{{File: path, Message: reason(err)}}
	}
	b := newBuilder(o)
	b.reads = true
	b.build(data)
	if !o.WithoutSecrets {
		b.checkSecrets()
	}
	return b.done()
}

// Parse checks a file's content alone: nothing but zones is read from the disk, and
// secrets need not exist. Checklists that have a file of their own are left out. The
// error is always Faults.
func Parse(data []byte, o Options) (*Config, error) {
	if o.File == "" {
		o.File = "config.yaml"
	}
	b := newBuilder(o)
	b.build(data)
	return b.done()
}

// builder makes a Config of the keys, and collects what is wrong on the way.
type builder struct {
	judge
	keys   fileKeys
	cfg    *Config
	getenv func(string) string
	handed map[string]string // Options.Credentials
	told   func(Faults)      // Options.Warn
	// reads: files that the file names may be read.
	reads    bool
	runbooks []string                    // Options.Runbooks
	offer    func(command string) string // Options.Offer

	chatNames, roomNames, alertmanagerNames *names

	matrixChats, consoleChats []bot.ChatID
	slackChats                []slackChat
	// consoleAstray: a console is there, in a place where it cannot be.
	consoleAstray bool
	roomUsed      map[string]bool
	secrets       []placedSecret
}

func newBuilder(o Options) *builder {
	getenv := o.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	return &builder{
		judge:             newJudge(o.File, "docs/example.yaml", instead),
		cfg:               &Config{File: o.File, sums: map[string][sha256.Size]byte{}},
		getenv:            getenv,
		handed:            o.Credentials,
		told:              o.Warn,
		runbooks:          o.Runbooks,
		offer:             o.Offer,
		chatNames:         newNames("chat"),
		roomNames:         newNames("room"),
		alertmanagerNames: newNames("alertmanager"),
		roomUsed:          map[string]bool{},
	}
}

func (b *builder) build(data []byte) {
	b.cfg.Digest = fmt.Sprintf("%x", sha256.Sum256(data))
	root := b.parse(data)
	if root == nil {
		return
	}
	b.fill(root, reflect.ValueOf(&b.keys).Elem(), "")
	if root.kind != mapping {
		return
	}
	b.version()
	b.times()
	b.state()
	b.listen()
	b.hosts()
	b.chats()
	b.rooms()
	b.people()
	b.alertmanagers()
	b.prometheus()
	b.grafana()
	b.webhooks()
	b.routes()
	b.alerts()
	b.notices()
	b.checklists()
	b.unusedRooms()
	b.deadMan()
	b.redact()
	b.log()
}

func (b *builder) done() (*Config, error) {
	b.cfg.Warnings = b.warnings.sorted()
	if b.told != nil {
		b.told(b.cfg.Warnings)
	}
	if len(b.faults) > 0 {
		return nil, b.faults.sorted()
	}
	return b.cfg, nil
}

// open tells whether one of the keys of the mapping at the path may be meant to
// stand there, though it could not be read: then its absence is no fault of its
// own.
func (j *judge) open(path string, keys ...string) bool {
	if j.strange[path] {
		return true
	}
	return slices.ContainsFunc(j.faults, func(f Fault) bool {
		rest, below := strings.CutPrefix(f.Field, path+".")
		return below && slices.Contains(keys, rest)
	})
}
