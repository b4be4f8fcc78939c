package bottest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

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

var (
	errDead = errors.New("story: the bot was killed")
	errFull = errors.New("story: database or disk is full")
)

// prepare makes the world around the bot: Alertmanager, the chat, the host, the model.
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
		p.stages = append(p.stages, newStage(p, "vulcan", p.story.Agent))
		p.stage = p.stages[0]
	}
	if p.story.Second != "" {
		p.stages = append(p.stages, newStage(p, "atlas", p.story.Second))
	}
	p.chat, p.others = NewChat("matrix"), map[bot.ChatID]*Chat{}
	for _, c := range cfg.Chats {
		if c.ID == p.chat.ID {
			continue
		}
		other := NewChat(c.ID)
		other.lose(func(bot.Sending) error {
			if p.isDead() {
				return &bot.Refusal{Kind: bot.Unsure, Cause: errDead}
			}
			return nil
		})
		p.others[c.ID] = other
	}
	p.chat.sent = func(Post) {}
	if p.inSlack {
		p.chat.slack = newSlackRoom(p)
	}
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
	err = patiently(func() (err error) {
		p.store, err = store.Open(ctx, filepath.Join(p.dir, "state.db"), store.Options{Unsafe: true, Redact: p.hide, Before: p.before, After: p.after})
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if p.inSlack {
		cursor := ""
		if err := p.store.View(ctx, func(tx *store.Tx) (err error) { cursor, err = tx.Cursor(string(p.chat.ID)); return err }); err != nil {
			p.t.Fatal(err)
		}
		p.chat.slack.begin(p, cursor)
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
	agents, probes := map[string]api.Agent{}, []bot.Probe{&p.gauges}
	for _, s := range p.stages {
		agents[s.name] = s.as(agent.Bot())
		probes = append(probes, flow.AgentProbe(s.name, agents[s.name]))
	}
	p.flow = flow.New(flow.Options{Grapher: grapher, Store: p.store, Redact: p.hide, Agents: agents, Probes: probes, Settings: flow.SettingsOf(p.config), Chats: p.chats(),
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

func (p *player) chats() map[bot.ChatID]bot.Chat {
	all := map[bot.ChatID]bot.Chat{p.chat.ID: p.chat}
	for id, c := range p.others {
		all[id] = c
	}
	return all
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
	if p.inSlack {
		p.chat.slack.end()
	}
	if err := p.store.Close(); err != nil {
		p.t.Error(err)
	}
}

// patiently opens what is locked by one process alone. A program of the story that is
// just being executed has a copy of all that is open here, locks included, for a moment;
// and that is one of real time, in which the story's stands still.
func patiently(open func() error) error {
	const most, nap = 1000, 5 * time.Millisecond
	var err error
	for range most {
		if err = open(); err == nil {
			return nil
		}
		moment := unix.NsecToTimeval(int64(nap))
		_, _ = unix.Select(0, nil, nil, nil, &moment) // waking early does no harm
	}
	return err
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
