package bottest

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/journal"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

// gated is the usual configuration with people who may agree, beside those who
// may ask; slowGated is the same for long stories.
var (
	gated     = withApprovers.Replace(usual)
	slowGated = withApprovers.Replace(slow)
)

var withApprovers = strings.NewReplacer(
	"{name: alice, roles: [operator],", "{name: alice, roles: [operator, approver],",
	"{name: bob, roles: [operator],", "{name: bob, roles: [operator, approver],",
	"  - {name: olga,", "  - {name: carol, roles: [approver], matrix: [\"@carol:example.org\"]}\n  - {name: olga,",
)

// vulcan is the agent's file of the stories.
const vulcan = `
version: 1
host: vulcan
bot_uid: 991
people:
  - {name: alice, roles: [operator, approver], uid: [1001], ssh_keys: ["ALICE"], totp_seed_file: seed-alice}
  - {name: bob, roles: [operator, approver], uid: [1002], ssh_keys: ["BOB"]}
  - {name: carol, roles: [approver], uid: [1003], totp_seed_file: seed-carol}
policy:
  - name: rollback
    operations: [nixos.rollback, nixos.deploy]
    risk: high
    requesters: [operator]
    approvers: {roles: [approver], count: 1}
    approve_within: 30m
    valid_for: 4h
  - name: cache
    operations: [zfs.arc.set]
    risk: medium
    requesters: [operator]
    approvers: {roles: [approver], requester_counts: true}
  - name: restart
    operations: [service.restart]
    risk: low
    requesters: [operator]
    approvers: {roles: [operator], requester_counts: true}
nixos: {loader: grub, state_version: "25.05", settle: 30s, build_lock: {path: /run/lock/nixos-build.lock, format: flock}, stateful_packages: [postgresql], proposed: {link: /var/lib/watchstander-updates/proposed}}
zfs: {}
services: {restart: [nginx.service], logs: [nginx.service]}
`

// seed is that of everybody's time-based codes in stories; made up.
const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// stage is a story's host with its agent: both live on when the bot is killed.
type stage struct {
	p       *player
	name    string
	sim     *simulated.Host
	config  *config.Agent
	keys    map[bot.PersonID]ssh.Signer
	dir     string
	spawner *agent.InProcess
	restic  *restic // nil in a story without backups

	mu      sync.Mutex
	core    *agent.Core
	journal *journal.File
	run     *life // the last one
	stop    context.CancelFunc
	done    chan struct{}
	// looks counts the questions by their names; mute agents take none of them.
	looks map[string]int
	mute  bool
}

// looking counts a question, and tells whether it gets no answer.
func (s *stage) looking(name string) (mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks[name]++
	return s.mute
}

// newStage makes a host like vulcan, and an agent of the story's own file.
func newStage(p *player, name, file string) *stage {
	s := &stage{p: p, name: name, dir: filepath.Join(p.dir, name), keys: map[bot.PersonID]ssh.Signer{}, looks: map[string]int{}}
	s.must(os.MkdirAll(s.dir, 0o700))
	for _, name := range []string{"alice", "bob", "carol"} { // one would do, but no two may have the same file
		s.must(os.WriteFile(filepath.Join(p.dir, "seed-"+name), []byte(seed+"\n"), 0o600))
	}
	var lines []string // at once: a key may hold another's name
	for _, name := range []bot.PersonID{"alice", "bob"} {
		signer, line := newKey(p.t)
		s.keys[name] = signer
		lines = append(lines, `"`+strings.ToUpper(string(name))+`"`, `"`+line+`"`)
	}
	text := strings.NewReplacer(lines...).Replace(file)
	var err error
	s.config, err = config.ParseAgent([]byte(text), config.AgentOptions{File: filepath.Join(p.dir, name+".yaml"), WithoutSecrets: true})
	s.must(err)
	s.sim, err = simulated.New(simulated.Options{Name: name})
	s.must(err)
	s.config.State = s.dir
	if s.config.Backup != nil {
		s.stock()
	}
	s.spawner = &agent.InProcess{Do: s.perform}
	s.start()
	return s
}

// newKey makes a key pair, and the line that the agent's file has for it.
func newKey(t testing.TB) (ssh.Signer, string) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func (s *stage) must(err error) {
	if err != nil {
		s.p.t.Fatalf("%s: %v", s.p.story.Name, err)
	}
}

func (s *stage) parts(h sys.Host) parts.Parts {
	made, err := parts.Of(s.config, h, parts.Options{})
	s.must(err)
	return made
}

// host is the host as one of its processes sees it.
func (s *stage) host(p *simulated.Process) sys.Host {
	h := p.Sys()
	if s.restic != nil {
		h.Units = backingUp{h.Units, s.restic}
	}
	return h
}

// perform is a run, which lives until it ends or is killed.
func (s *stage) perform(ctx context.Context, x agent.Spawn) error {
	l := &life{process: s.sim.Start("watchstander")}
	s.mu.Lock()
	s.run = l
	s.mu.Unlock()
	h := s.host(l.process)
	h.Run = mortalRunner{h.Run, l}
	return agent.Perform(ctx, agent.PerformOptions{State: s.dir, Plan: x.Plan, Host: h, Operations: mortal(s.parts(h).Operations, l), Redact: s.p.hide, Log: slog.New(slog.DiscardHandler)})
}

// start starts the agent over whatever it knows.
func (s *stage) start() {
	h := s.host(s.sim.Start("watchstander"))
	var j *journal.File
	s.must(patiently(func() (err error) {
		j, err = journal.OpenFile(filepath.Join(s.dir, "journal"), s.p.hide)
		return err
	}))
	made := s.parts(h)
	core, err := agent.New(agent.Options{Host: h, Settings: parts.Settings(s.config), Operations: made.Operations, Looks: made.Looks, Probes: made.Probes, LastSwitch: made.LastSwitch, Busy: s.config.Busy,
		State: s.dir, Journal: j, Spawner: s.spawner, Roots: agent.RootsDir(filepath.Join(s.p.dir, s.name+" roots")), Redact: s.p.hide, IDs: s.p.nextPlan, Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.mu.Lock()
	s.core, s.journal, s.stop, s.done = core, j, stop, done
	s.mu.Unlock()
	go func() {
		defer close(done)
		if err := core.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.p.t.Errorf("%s: the agent: %v", s.p.story.Name, err)
		}
	}()
}

// down ends the agent, but not what it has started.
func (s *stage) down() {
	s.mu.Lock()
	stop, done, j := s.stop, s.done, s.journal
	s.core, s.stop = nil, nil
	s.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-done
	s.must(j.Close())
}

// forget loses the state of an agent that is down.
func (s *stage) forget() error {
	s.mu.Lock()
	up := s.core != nil
	s.mu.Unlock()
	if up {
		return errors.New("the agent is not down")
	}
	return errors.Join(os.RemoveAll(s.dir), os.Mkdir(s.dir, 0o700))
}

func (s *stage) close() {
	s.down()
	s.must(s.spawner.Close())
	s.must(s.sim.Close())
}

// as is the agent for a caller, whether it is there or not.
func (s *stage) as(c agent.Caller) api.Agent { return away{s, c} }

// newest is the plan that was made last, former the one before it.
func (s *stage) newest() (bot.Proposal, error) { return s.made(1) }
func (s *stage) former() (bot.Proposal, error) { return s.made(2) }

func (s *stage) made(back int) (bot.Proposal, error) {
	s.mu.Lock()
	core := s.core
	s.mu.Unlock()
	if core == nil {
		return bot.Proposal{}, errors.New("the agent is down")
	}
	page, err := core.For(agent.Bot()).Proposals(context.Background(), api.Since{})
	if err != nil {
		return bot.Proposal{}, err
	}
	all := slices.SortedFunc(slices.Values(page.Proposals), func(a, b bot.Proposal) int { return a.Plan.MintedAt.Compare(b.Plan.MintedAt) })
	if len(all) < back {
		return bot.Proposal{}, fmt.Errorf("there are %d plans", len(all))
	}
	return all[len(all)-back], nil
}

// build adds a generation that is the newest one with a bot whose state has another
// schema, and with other secrets where they are named.
func (s *stage) build(number, schema, secrets string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	v, err := strconv.Atoi(schema)
	if err != nil {
		return err
	}
	all := simulated.Vulcan()
	g := all[len(all)-1]
	g.Number, g.Age, g.Bot = n, 0, &simulated.Bot{Version: fmt.Sprintf("0.%d.0", v), Schema: v}
	g.Secrets = cmp.Or(secrets, g.Secrets)
	return s.sim.AddGeneration(g)
}

// switchByHand switches the host to a generation without the agent.
func (s *stage) switchByHand(number int) error {
	const profile = "/nix/var/nix/profiles/system"
	for _, argv := range [][]string{
		{"/run/current-system/sw/bin/nix-env", "-p", profile, "--switch-generation", strconv.Itoa(number)},
		{s.sim.Toplevel(number) + "/bin/switch-to-configuration", "switch"},
	} {
		out, err := s.sim.Start("nixos-rebuild").Sys().Run.Run(context.Background(), sys.Command{Argv: argv})
		if err != nil || out.Exit != 0 {
			return fmt.Errorf("%s ended with %d: %w", argv[0], out.Exit, err)
		}
	}
	return nil
}

// log is the agent's journal, an entry on a line.
func (s *stage) log() (string, error) {
	var b strings.Builder
	for e, err := range journal.Read(filepath.Join(s.dir, "journal")) {
		if err != nil {
			return "", err
		}
		b.WriteString(entryText(e))
	}
	return b.String(), nil
}
