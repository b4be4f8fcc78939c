package bottest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/bot/config"
	"watchstander/bot/flow"
	"watchstander/bot/store"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

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
	// inSlack: the chat is Slack's fake behind the real adapter.
	inSlack bool
	// others are the chats beside the first one: a console.
	others map[bot.ChatID]*Chat
	am     *alertmanagertest.Alertmanager
	model  *model
	stage  *stage // the host that a step is about; nil in a story without an agent
	stages []*stage
	told   error // what the agent said last to whoever spoke to it directly
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
	gauges  gauges
}

// Play plays a story in a bubble of fake time.
func Play(t *testing.T, s Story, c Crash) (out Played) {
	t.Helper()
	out, _ = play(t, s, c, false)
	return out
}

// PlayInSlack plays a story with Slack in Matrix' place, or tells why it cannot be.
func PlayInSlack(t *testing.T, s Story, c Crash) (out Played, unplayable string) {
	t.Helper()
	if unplayable = unsuited(s); unplayable != "" {
		return out, unplayable
	}
	s.Config = inSlack(s.Config)
	return play(t, s, c, true)
}

func play(t *testing.T, s Story, c Crash, slack bool) (out Played, unplayable string) {
	t.Helper()
	if s.Backups() {
		real.Require(t, "restic")
		if _, err := emptyRepository(); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		if !s.Begins.IsZero() {
			time.Sleep(time.Until(s.Begins)) // nobody is there yet whose time it is
		}
		p := &player{t: t, story: s, crash: c, dir: dir, pressed: map[string]bot.MessageID{}, inSlack: slack}
		p.play()
		out = p.played
		if slack {
			unplayable = p.chat.slack.unplayable
			p.chat.slack.fake.Close()
		}
	})
	return out, unplayable
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
		err := p.step(line)
		if p.inSlack && p.chat.slack.unplayable != "" {
			break
		}
		if err != nil {
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
	if p.stop != nil && !p.t.Failed() && (!p.inSlack || p.chat.slack.unplayable == "") {
		p.ending()
	}
	if p.stop != nil {
		p.kill()
	}
	stopAM()
	<-amDone
	for _, s := range p.stages {
		s.close()
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
