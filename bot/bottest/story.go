// Package bottest tells stories: scripts on fake time that read like a timeline,
// played on the real flow, state, commands and webhook handler, against a
// simulated Alertmanager and a strict chat in memory. After every step an
// independent model, which knows nothing of views, compares what the room says
// with what is true.
//
// A story is a txtar file. Its comment is the tale; "config.yaml" (optional)
// replaces the usual configuration, "no-crash" (optional) says why a crash would
// change what is expected; "story" is the script, a step a line:
//
//	fire NAME label=value …        an alert begins to fire (summary="…" is an annotation)
//	resolve NAME label=value …     it ends
//	advance 10m                    time passes
//	as alice [in THREAD] says …    somebody writes
//	as alice presses ✅ on THREAD  somebody reacts;  … withdraws from THREAD
//	expect thread THREAD …         the root holds the text   (not: expect thread THREAD lacks …)
//	expect reply THREAD …          some reply holds the text
//	expect answer …                the newest answer outside threads holds it
//	expect roots N                 so many threads have a root in the room
//
// THREAD is a beginning of words of the root's title, or #N for the N-th root.
// Steps for trouble (crash, chat down, lose, reject, am …, deliver …) are listed
// in steps.go.
//
// Neighbours: the stories are in testdata/stories; story_test.go plays each of
// them plainly, and again with a crash after each commit and after each message
// that was accepted but not answered.
package bottest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/tools/txtar"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/config"
	"watchstander/bot/flow"
	"watchstander/bot/redact"
	"watchstander/bot/store"
	"watchstander/commands"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

// usual is the configuration of a story that brings none.
const usual = `
version: 1
zone: America/Los_Angeles
state: {path: /nonexistent/state.db}
hosts:
  - {name: vulcan, match: ['instance=~"vulcan.*"'], local: true, reboot_grace: 5m}
chats:
  - name: matrix
    matrix: {homeserver: "https://matrix.example.org", user: "@watchstander:example.org", token_file: token}
rooms:
  - {name: ops, chat: matrix, id: "!ops:example.org"}
people:
  - {name: alice, roles: [operator], matrix: ["@alice:example.org"]}
  - {name: bob, roles: [operator], matrix: ["@bob:example.org"]}
  - {name: olga, roles: [observer], matrix: ["@olga:example.org"]}
alertmanagers:
  - {name: main, urls: ["http://am1:9093"], receivers: [watchstander], poll: 30s}
webhooks:
  - {name: main, alertmanager: main, bearer_token_file: token}
routes:
  - {match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [ops]}
  - {match: ['severity="info"'], as: digest, rooms: [ops]}
  - {rooms: [ops]}
`

// slow is the usual configuration without a heartbeat, and with few polls: for
// stories of days, in which a commit a minute would be most of the work.
var slow = strings.NewReplacer(
	"poll: 30s", "poll: 5m",
	`  - {match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [ops]}`+"\n", "").Replace(usual)

const token = "story-token-0123456789"

// Story is one script.
type Story struct {
	Name   string
	Config string
	// Agent is the file of vulcan's agent, "" for a story without one.
	Agent string
	Steps []string
	// NoCrash is the reason why a crash would change what is expected, "" for most.
	NoCrash string
	// Long is the reason why it is played with crashes only where every point is
	// tried, "" for most.
	Long string
}

// Read reads a story from a txtar archive.
func Read(name string, data []byte) (Story, error) {
	s := Story{Name: strings.TrimSuffix(filepath.Base(name), ".txtar"), Config: usual}
	for _, f := range txtar.Parse(data).Files {
		switch f.Name {
		case "config.yaml":
			// "@usual" stands for the usual configuration, "@slow" for one of long stories.
			s.Config = strings.NewReplacer("@usual", usual, "@slow", slow, "@gated", gated, "@long-gated", slowGated).Replace(string(f.Data))
		case "agent.yaml":
			// "@vulcan" stands for the usual one.
			s.Agent = strings.ReplaceAll(string(f.Data), "@vulcan", vulcan)
		case "no-crash":
			s.NoCrash = strings.TrimSpace(string(f.Data))
		case "long":
			s.Long = strings.TrimSpace(string(f.Data))
		case "story":
			s.Steps = strings.Split(string(f.Data), "\n")
		default:
			return s, fmt.Errorf("%s: a story has no part %q", name, f.Name)
		}
	}
	if s.Steps == nil {
		return s, fmt.Errorf("%s: there is no story in it", name)
	}
	return s, nil
}

// Crash says when a played story's bot is killed.
type Crash struct {
	// AfterCommits and AfterSends kill it after the n-th commit, or after the
	// n-th message that the chat accepted and whose receipt never arrives; 0 is
	// never.
	AfterCommits, AfterSends int
	// Never is a story that nobody will crash either: where a crash could be is not
	// looked for.
	Never bool
}

// Played tells what happened, so that a caller knows where crashes can be.
type Played struct {
	// Commits are the numbers of the commits that changed more than a heartbeat;
	// they are looked for only when the story is played without a crash.
	Commits []int
	// Sends counts the messages that the chat accepted.
	Sends int
}

// player plays one story.
type player struct {
	t      *testing.T
	story  Story
	crash  Crash
	mu     sync.Mutex
	played Played
	// commits counts all of them; moments is nil when a crash is played.
	commits int
	moments *moments

	dir    string
	config *config.Config
	chat   *Chat
	am     *alertmanagertest.Alertmanager
	model  *model
	stage  *stage // nil in a story without an agent
	told   error  // what the agent said last to whoever spoke to it directly
	plans  int
	newest bot.PlanID
	code   string
	hide   func(string) string
	line   int

	// The running bot, replaced by a crash.
	store   *store.Store
	flow    *flow.Flow
	webhook *switchboard
	handler *alertmanager.Handler
	client  *alertmanager.Client
	stop    context.CancelFunc
	done    chan struct{}
	dead    bool // the bot was killed; it starts anew before the next step
	full    bool // the state takes no write
	ids     int
	said    int
	lastID  bot.MessageID
	pressed map[string]bot.MessageID
	silence string // the id of the one that somebody made elsewhere
	status  int
}

var (
	errDead = errors.New("story: the bot was killed")
	errFull = errors.New("story: database or disk is full")
)

// Play plays a story in a bubble of fake time.
func Play(t *testing.T, s Story, c Crash) (out Played) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := &player{t: t, story: s, crash: c, dir: dir, pressed: map[string]bot.MessageID{}}
		p.play()
		out = p.played
	})
	return out
}

func (p *player) play() {
	p.prepare()
	ctx, stopAM := context.WithCancel(context.Background())
	amDone := make(chan struct{})
	go func() { defer close(amDone); p.am.Run(ctx) }()
	if strings.Contains(p.story.Config, "heartbeat") {
		p.am.Fire(bot.Labels{"alertname": "Watchdog", "severity": "none"})
	}
	p.start()
	for i, line := range p.story.Steps {
		p.line = i + 1
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p.revive()
		if err := p.step(line); err != nil {
			p.fail("%v", err)
			break
		}
		p.settle()
		p.revive()
		p.settle()
		p.model.observe()
		p.model.check()
		if p.t.Failed() {
			break
		}
	}
	if p.stop != nil && !p.t.Failed() {
		p.ending()
	}
	if p.stop != nil {
		p.kill()
	}
	stopAM()
	<-amDone
	if p.stage != nil {
		p.stage.close()
	}
	if p.moments != nil {
		if err := p.moments.db.Close(); err != nil {
			p.t.Error(err)
		}
	}
	for _, f := range p.chat.Faults() {
		p.t.Errorf("%s: the chat would not have taken this: %s", p.story.Name, f)
	}
}

// ending lets the lag pass and looks once more, with nothing that blinds the
// model: what a crash left untrue must be true by now.
func (p *player) ending() {
	p.line = len(p.story.Steps)
	p.advance(p.model.lag + time.Minute)
}

func (p *player) fail(format string, args ...any) {
	p.t.Helper()
	p.t.Errorf("%s: line %d: %s: %s\n%s", p.story.Name, p.line, strings.TrimSpace(p.story.Steps[p.line-1]), fmt.Sprintf(format, args...), p.transcript())
}

// transcript is what the rooms hold, for a failed test's reader.
func (p *player) transcript() string {
	var b strings.Builder
	for _, r := range p.config.Rooms {
		for _, x := range p.chat.Posts(r.ID) {
			indent := ""
			if x.Kind == bot.SendReply {
				indent = "    "
			}
			fmt.Fprintf(&b, "%s[%s %s %s root=%s edits=%d %s]\n", indent, r.ID, x.ID, x.Kind, x.Root, x.Edits, x.At.Format("15:04:05"))
			for l := range strings.SplitSeq(strings.TrimSpace(x.Text()), "\n") {
				b.WriteString(indent + "  " + l + "\n")
			}
		}
	}
	return b.String()
}

func (p *player) prepare() {
	cfg, err := config.Parse([]byte(p.story.Config), config.Options{File: "config.yaml", WithoutSecrets: true})
	if err != nil {
		p.t.Fatalf("%s: %v", p.story.Name, err)
	}
	p.config = cfg
	redactor, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
	if err != nil {
		p.t.Fatal(err)
	}
	p.hide = func(s string) string { out, _ := redactor.Redact(s); return out }
	if p.story.Agent != "" {
		p.stage = newStage(p)
	}
	p.chat = NewChat("matrix")
	p.chat.sent = func(Post) {}
	p.webhook = &switchboard{}
	p.am = alertmanagertest.New(alertmanagertest.Options{
		Name: "am1",
		Routes: []alertmanagertest.Route{
			{Receiver: "watchstander", Matchers: []string{`alertname="Watchdog"`}, GroupBy: []string{"alertname"}, GroupWait: time.Second, GroupInterval: time.Minute, RepeatInterval: time.Minute},
			{Receiver: "watchstander", GroupBy: []string{"alertname", "cluster"}, GroupWait: 10 * time.Second, GroupInterval: time.Minute, RepeatInterval: 4 * time.Hour},
		},
		Receivers: []alertmanagertest.Receiver{{Name: "watchstander", Handler: p.webhook, URL: "http://bot/webhook/main", Header: http.Header{"Authorization": {"Bearer " + token}}}},
		Inhibit:   []alertmanagertest.Inhibit{{Source: []string{`severity="critical"`}, Target: []string{`severity="warning"`}, Equal: []string{"instance"}}},
	})
	p.model = newModel(p)
	if p.crash == (Crash{}) {
		if p.moments, err = openMoments(p.dir); err != nil {
			p.t.Fatal(err)
		}
	}
}

// start starts the bot over whatever state there is.
func (p *player) start() {
	ctx := context.Background()
	var err error
	p.store, err = store.Open(ctx, filepath.Join(p.dir, "state.db"), store.Options{Unsafe: true, Redact: p.hide, Before: p.before, After: p.after})
	if err != nil {
		p.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	p.client, err = alertmanager.New(alertmanager.Options{Name: "main", URLs: []string{p.am.URL()}, Receivers: []string{"watchstander"},
		Transport: alertmanagertest.Transport(p.am), Log: log, SettleAfter: time.Minute})
	if err != nil {
		p.t.Fatal(err)
	}
	var grapher flow.Grapher
	if p.config.Prometheus != nil {
		grapher = painter{}
	}
	var agents map[string]api.Agent
	if p.stage != nil {
		agents = map[string]api.Agent{"vulcan": p.stage.as(agent.Bot())}
	}
	p.flow = flow.New(flow.Options{Grapher: grapher, Store: p.store, Redact: p.hide, Agents: agents, Settings: flow.SettingsOf(p.config), Chats: map[bot.ChatID]bot.Chat{"matrix": p.chat},
		Alertmanagers: map[string]flow.Alertmanager{"main": p.client}, Interpreter: commands.New(commands.All()), IDs: p.nextID, Log: log, Version: "story"})
	p.handler, err = alertmanager.NewHandler(alertmanager.HandlerOptions{Endpoint: "main", Credentials: []alertmanager.Credential{alertmanager.Bearer(token)},
		Sink: p.flow, Log: log})
	if err != nil {
		p.t.Fatal(err)
	}
	p.chat.lose(p.accepted)
	run, stop := context.WithCancel(ctx)
	p.stop, p.done = stop, make(chan struct{})
	f, done := p.flow, p.done
	go func() {
		defer close(done)
		// A bot may be killed before it has noted its own start; nobody is left then to
		// whom that could be a fault.
		if err := f.Run(run); err != nil && !errors.Is(err, errDead) {
			p.t.Errorf("%s: run: %v", p.story.Name, err)
		}
	}()
	p.webhook.to(p.handler)
	synctest.Wait()
}

// kill ends the bot. Nothing that it does after the killing reaches the state
// or the chat, which is what a SIGKILL comes to.
func (p *player) kill() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.webhook.to(nil)
	p.stop()
	p.handler.Close()
	<-p.done
	p.client.Close()
	if err := p.store.Close(); err != nil {
		p.t.Error(err)
	}
}

// revive starts the bot anew when it was killed.
func (p *player) revive() {
	p.mu.Lock()
	dead := p.dead && p.stop != nil
	p.mu.Unlock()
	if !dead {
		return
	}
	p.kill()
	p.live()
	p.start()
	p.settle()
	p.model.blind = time.Now().Add(p.model.lag)
}

func (p *player) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *player) live() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = false
}

// settle lets everything happen that needs no more time than a moment.
func (p *player) settle() {
	synctest.Wait()
	time.Sleep(10 * time.Millisecond)
	synctest.Wait()
}

// before refuses transactions of a bot that was killed, or whose disk is full.
func (p *player) before() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.dead:
		return errDead
	case p.full:
		return errFull
	}
	return nil
}

func (p *player) after() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits++
	if p.commits == p.crash.AfterCommits {
		p.dead = true
	}
	if p.moments == nil {
		return
	}
	changed, err := p.moments.changed(context.Background())
	if err != nil {
		p.t.Errorf("%s: look at the state: %v", p.story.Name, err)
	}
	if changed {
		p.played.Commits = append(p.played.Commits, p.commits)
	}
}

// accepted counts what the chat took, and keeps receipts back.
func (p *player) accepted(bot.Sending) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.played.Sends++
	if p.played.Sends == p.crash.AfterSends {
		p.dead = true
	}
	if p.dead {
		return &bot.Refusal{Kind: bot.Unsure, Cause: errDead}
	}
	return nil
}

func (p *player) nextID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids++
	return fmt.Sprintf("%026d", p.ids)
}
