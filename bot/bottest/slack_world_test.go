package bottest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
	"watchstander/integrations/slack"
	"watchstander/integrations/slack/slackfake"
)

// onSlack is the configuration of the whole bot on Slack, with the pace that a file
// has which names none.
const onSlack = `
version: 1
zone: UTC
state: {path: /nonexistent/state.db}
chats:
  - name: slack
    slack: {team: T0VULCAN, bot_token_file: token, app_token_file: token}
rooms:
  - {name: ops, chat: slack, id: C0OPS}
  - {name: web, chat: slack, id: C0WEB}
people:
  - {name: alice, roles: [operator, approver], slack: ["T0VULCAN/U0ALICE"]}
prometheus: {url: "http://127.0.0.1:9090"}
alertmanagers:
  - {name: main, urls: ["http://am1:9093"], receivers: [watchstander], poll: 30s}
webhooks:
  - {name: main, alertmanager: main, bearer_token_file: token}
routes:
  - {match: ['team="web"'], rooms: [web]}
  - {rooms: [ops]}
`

const (
	opsChannel = "C0OPS"
	webChannel = "C0WEB"
)

// workspace is the whole bot on the strict fake, in a bubble: flow, state, commands,
// webhooks and the real adapter over real HTTP and WebSockets.
type workspace struct {
	t      *testing.T
	o      workspaceOptions
	fake   *slackfake.Fake
	am     *alertmanagertest.Alertmanager
	config *config.Config
	hide   func(string) string
	dir    string
	door   *switchboard
	stage  *stage // nil without a host
	lives  int
	ids    int
	idsMu  sync.Mutex

	mu   sync.Mutex
	life *slackLife
	log  []string // the bot's warnings and errors
}

type workspaceOptions struct {
	// config is [onSlack] when empty; agent is the file of vulcan's agent.
	config, agent string
	graphs        bool
	fake          slackfake.Options
	// accepted is told of each call that has taken effect, before it is answered; leaving
	// of each request of a life's before it is sent.
	accepted func(w *workspace, c slackfake.Call)
	leaving  func(w *workspace, l *slackLife, q *http.Request)
}

// slackLife is one life of the bot. After its death nothing of it reaches the state or
// Slack.
type slackLife struct {
	mu      sync.Mutex
	dead    bool
	died    chan struct{}
	alive   context.Context
	end     context.CancelFunc
	leaving func(q *http.Request) // is told of each request before it leaves; nil for nobody
	store   *store.Store
	chat    *slack.Chat
	client  *alertmanager.Client
	handler *alertmanager.Handler
	lower   *http.Transport
	stop    context.CancelFunc
	done    chan struct{}
}

func (l *slackLife) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// kill is a SIGKILL's moment; what is left of it is cleared away by [workspace.bury].
func (l *slackLife) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		l.dead = true
		close(l.died)
		l.end()
	}
}

// RoundTrip lets nothing of a dead process out; what was on its way may arrive all the
// same.
func (l *slackLife) RoundTrip(q *http.Request) (*http.Response, error) {
	if l.isDead() {
		return nil, errDead
	}
	if l.leaving != nil {
		l.leaving(q)
	}
	ctx, cancel := context.WithCancel(q.Context())
	context.AfterFunc(l.alive, cancel)
	return l.lower.RoundTrip(q.WithContext(ctx))
}

// inWorkspace plays in a bubble.
func inWorkspace(t *testing.T, o workspaceOptions, play func(w *workspace)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &workspace{t: t, o: o, dir: dir, door: &switchboard{}}
		if o.config == "" {
			w.o.config = onSlack
		}
		var err error
		if w.config, err = config.Parse([]byte(w.o.config), config.Options{File: "config.yaml", WithoutSecrets: true}); err != nil {
			t.Fatal(err)
		}
		redactor, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
		if err != nil {
			t.Fatal(err)
		}
		w.hide = func(s string) string { out, _ := redactor.Redact(s); return out }
		if o.accepted != nil {
			o.fake.OnAccept = func(c slackfake.Call) { o.accepted(w, c) }
		}
		w.fake = slackfake.New(o.fake)
		defer w.fake.Close()
		w.fake.AddChannel(slackfake.Channel{ID: opsChannel, Name: "ops"})
		w.fake.AddChannel(slackfake.Channel{ID: webChannel, Name: "web"})
		w.fake.AddUser(slackfake.User{ID: "U0ALICE", Name: "alice"})
		w.am = alertmanagertest.New(alertmanagertest.Options{
			Name:      "am1",
			Routes:    []alertmanagertest.Route{{Receiver: "watchstander", GroupBy: []string{"alertname", "cluster"}, GroupWait: time.Second, GroupInterval: 10 * time.Second, RepeatInterval: 4 * time.Hour}},
			Receivers: []alertmanagertest.Receiver{{Name: "watchstander", Handler: w.door, URL: "http://bot/webhook/main", Header: http.Header{"Authorization": {"Bearer " + token}}}},
		})
		ctx, stopAM := context.WithCancel(context.Background())
		amDone := make(chan struct{})
		go func() { defer close(amDone); w.am.Run(ctx) }()
		defer func() { stopAM(); <-amDone }()
		if o.agent != "" {
			p := &player{t: t, dir: dir, hide: w.hide, story: Story{Name: t.Name()}}
			w.stage = newStage(p, "vulcan", o.agent)
			defer w.stage.close()
		}
		w.start()
		defer w.bury()
		play(w)
	})
}

// start starts the bot over whatever state there is.
func (w *workspace) start() {
	ctx := context.Background()
	l := &slackLife{died: make(chan struct{}), done: make(chan struct{}), lower: w.fake.Transport()}
	l.alive, l.end = context.WithCancel(ctx)
	if w.o.leaving != nil {
		l.leaving = func(q *http.Request) { w.o.leaving(w, l, q) }
	}
	fatal := func(err error) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	refuse := func() error {
		if l.isDead() {
			return errDead
		}
		return nil
	}
	fatal(patiently(func() (err error) {
		l.store, err = store.Open(ctx, filepath.Join(w.dir, "state.db"), store.Options{Unsafe: true, Redact: w.hide, Before: refuse})
		return err
	}))
	log := slog.New(slog.NewTextHandler(logLines{w, l}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := w.config.Chats[0].Slack
	o := slack.Options{Chat: "slack", Team: w.fake.Team(), BotToken: w.fake.BotToken(), AppToken: w.fake.AppToken(), API: w.fake.URL(), Connections: s.Connections,
		RoomPerSecond: s.PerSecond, RoomBurst: s.Burst, ChatPerSecond: s.WorkspacePerSecond, ChatBurst: max(s.Burst, int(s.WorkspacePerSecond)),
		Rooms: map[bot.RoomID]string{}, RoundTripper: l, Dialer: w.fake.Dialer(), Log: log, Behind: commands.New(commands.All()).Agrees}
	for _, r := range w.config.Rooms {
		o.Rooms[r.ID] = r.PlatformID
	}
	fatal(l.store.View(ctx, func(tx *store.Tx) (err error) { o.Cursor, err = tx.Cursor("slack"); return err }))
	var err error
	l.chat, err = slack.New(o)
	fatal(err)
	l.client, err = alertmanager.New(alertmanager.Options{Name: "main", URLs: []string{w.am.URL()}, Receivers: []string{"watchstander"},
		Transport: alertmanagertest.Transport(w.am), Log: log, SettleAfter: time.Minute})
	fatal(err)
	options := flow.Options{Store: l.store, Redact: w.hide, Settings: flow.SettingsOf(w.config), Chats: map[bot.ChatID]bot.Chat{"slack": l.chat},
		Alertmanagers: map[string]flow.Alertmanager{"main": l.client}, Interpreter: commands.New(commands.All()), IDs: w.nextID, Log: log, Version: "test"}
	if w.o.graphs {
		options.Grapher = drawing{}
	}
	if w.stage != nil {
		a := w.stage.as(agent.Bot())
		options.Agents, options.Probes = map[string]api.Agent{"vulcan": a}, []bot.Probe{flow.AgentProbe("vulcan", a)}
	}
	f := flow.New(options)
	l.handler, err = alertmanager.NewHandler(alertmanager.HandlerOptions{Endpoint: "main", Credentials: []alertmanager.Credential{alertmanager.Bearer(token)}, Sink: f, Log: log})
	fatal(err)
	run, stop := context.WithCancel(ctx)
	l.stop = stop
	go func() {
		defer close(l.done)
		if err := f.Run(run); err != nil && !errors.Is(err, errDead) {
			w.t.Errorf("run: %v", err)
		}
	}()
	w.mu.Lock()
	w.life = l
	w.mu.Unlock()
	w.lives++
	w.door.to(l.handler)
}

// bury clears a life away, which ends with it if it has not yet.
func (w *workspace) bury() {
	l := w.now()
	l.kill()
	w.door.to(nil)
	l.stop()
	l.handler.Close()
	<-l.done
	l.client.Close()
	l.chat.Close()
	l.lower.CloseIdleConnections()
	if err := l.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// drawing stands for a Prometheus, with pictures that Slack takes for some.
type drawing struct{ painter }

func (drawing) Alert(_ context.Context, e bot.Episode) (bot.Picture, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		return bot.Picture{}, err
	}
	return bot.Picture{Name: e.Name() + ".png", PNG: b.Bytes(), Alt: e.Name() + " of " + e.Labels["instance"]}, nil
}

func (w *workspace) now() *slackLife {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.life
}

func (w *workspace) nextID() string {
	w.idsMu.Lock()
	defer w.idsMu.Unlock()
	w.ids++
	return fmt.Sprintf("%026d", w.ids)
}

// logLines keeps what a living bot warns of.
type logLines struct {
	w *workspace
	l *slackLife
}

func (x logLines) Write(b []byte) (int, error) {
	if !x.l.isDead() {
		x.w.mu.Lock()
		x.w.log = append(x.w.log, time.Now().Format("15:04:05.000 ")+strings.TrimSpace(string(b)))
		x.w.mu.Unlock()
	}
	return len(b), nil
}

// rebirth is how long a process needs to be started anew, at least.
const rebirth = 50 * time.Millisecond

// pass lets time pass; a bot that was killed meanwhile starts anew after a moment.
func (w *workspace) pass(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	for over := false; !over; {
		select {
		case <-t.C:
			over = true
			synctest.Wait()
		case <-w.now().died:
		}
		if w.now().isDead() {
			w.bury()
			time.Sleep(rebirth)
			w.start()
			synctest.Wait()
		}
	}
}

func (w *workspace) fire(name, cluster, severity string, more ...string) {
	w.am.Fire(alertLabels(name, cluster, severity, more...), alertmanagertest.GeneratorURL("http://prometheus:9090/graph?g0.expr=up"))
}

func (w *workspace) resolve(name, cluster, severity string, more ...string) {
	w.am.Resolve(alertLabels(name, cluster, severity, more...))
}

func alertLabels(name, cluster, severity string, more ...string) bot.Labels {
	l := bot.Labels{"alertname": name, "cluster": cluster, "severity": severity}
	for i := 0; i+1 < len(more); i += 2 {
		l[more[i]] = more[i+1]
	}
	return l
}

// roots are the bot's messages that stand in the channel itself.
func (w *workspace) roots(channel string) []slackfake.Shown {
	return slices.DeleteFunc(w.fake.Rendered(channel), func(s slackfake.Shown) bool { return s.Thread != "" || !s.Mine || s.Tombstone })
}

// title is a message's first line.
func title(s slackfake.Shown) string {
	line, _, _ := strings.Cut(s.Text, "\n")
	return line
}

// under are the replies of a root.
func (w *workspace) under(root slackfake.Shown) []slackfake.Shown {
	return slices.DeleteFunc(w.fake.Rendered(root.Channel), func(s slackfake.Shown) bool { return s.Thread != root.TS })
}

// sound tells whether Slack had to refuse anything, or to advise, and whether anybody
// was pinged.
func (w *workspace) sound() {
	w.t.Helper()
	for _, f := range w.fake.Faults() {
		w.t.Errorf("Slack advises against this: %s", f)
	}
	for _, r := range w.fake.Refused() {
		w.t.Errorf("Slack refused this: %+v", r)
	}
	for _, p := range w.fake.Pings() {
		w.t.Errorf("somebody was pinged: %+v", p)
	}
}

// limited counts the calls that were refused with 429, by method.
func (w *workspace) limited() map[string]int {
	all := map[string]int{}
	for _, c := range w.fake.Calls() {
		if c.Status == http.StatusTooManyRequests {
			all[c.Method]++
		}
	}
	return all
}

// warned are the bot's warnings so far, for a failed test's reader.
func (w *workspace) warned() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.log, "\n")
}
