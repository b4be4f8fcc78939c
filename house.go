package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/chart"
	"watchstander/bot/config"
	"watchstander/bot/flow"
	"watchstander/bot/store"
	"watchstander/commands"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/console"
	"watchstander/integrations/linux"
	"watchstander/integrations/matrix"
	prom "watchstander/integrations/prometheus"
	"watchstander/integrations/systemd"
)

// house is all parts, joined. What build makes, close ends.
type house struct {
	config *config.Config // as it was at the start
	// current is the configuration in force; people, routes and times may differ.
	current  atomic.Pointer[config.Config]
	log      *slog.Logger
	store    *store.Store
	flow     *flow.Flow
	chats    map[bot.ChatID]bot.Chat
	consoles []*console.Chat
	handlers []*alertmanager.Handler
	called   []called // by chat platforms
	ams      map[string]*alertmanager.Client
	prom     *prom.Client
	redactor *redactor
	registry *prometheus.Registry
	webhooks *prometheus.CounterVec

	closers []func() error
}

// stage is what the demo has in other ways than the service: a simulated world.
type stage struct {
	adjust func(*flow.Options)
	// agents are in this process, by their hosts; the others are behind sockets.
	agents map[string]api.Agent
	// settleAfter is how long an Alertmanager must have been up before its
	// silence about an alert counts; 0 for the usual.
	settleAfter time.Duration
	// slackAPI is the base address of Slack's Web API; "" for Slack's own.
	slackAPI string
}

// build makes every part of a checked configuration. On an error it has closed
// what it had made. The stage puts other parts in
// place of some.
func build(ctx context.Context, c *config.Config, log *slog.Logger, st stage) (_ *house, err error) {
	h := &house{config: c, log: log, chats: map[bot.ChatID]bot.Chat{}, ams: map[string]*alertmanager.Client{}, registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	h.current.Store(c)
	h.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if h.redactor, err = newRedactor(c, h.registry); err != nil {
		return nil, err
	}
	if h.store, err = store.Open(ctx, c.State.Path, store.Options{Redact: h.redactor.redact}); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.store.Close)
	if err := h.buildChats(ctx, st.slackAPI); err != nil {
		return nil, err
	}
	if err := h.buildAlertmanagers(st.settleAfter); err != nil {
		return nil, err
	}
	o := flow.Options{
		Store: h.store, Settings: flow.SettingsOf(c), Chats: h.chats, Alertmanagers: map[string]flow.Alertmanager{},
		Interpreter: commands.New(commands.All()), Redact: h.redactor.redact, IDs: bot.RandomIDs, Log: log,
		Metrics: flow.NewMetrics(h.registry), Version: version(),
		Draw: func(g bot.Graph) (bot.Picture, error) { return chart.Draw(g, chart.Options{Zone: h.zone()}) },
	}
	for name, am := range h.ams {
		o.Alertmanagers[name] = am
		o.Probes = append(o.Probes, am.Probe())
	}
	for _, x := range c.Hosts {
		if x.Agent == nil {
			continue
		}
		a := st.agents[x.Name]
		if a == nil {
			remote := client.New(x.Agent.Socket)
			h.closers = append(h.closers, func() error { remote.Close(); return nil })
			a = remote
		}
		if o.Agents == nil {
			o.Agents = map[string]api.Agent{}
		}
		o.Agents[x.Name] = a
		o.Probes = append(o.Probes, flow.AgentProbe(x.Name, a))
	}
	// After the agents, who know more: what the kernel and systemd tell everybody counts
	// where no agent answers.
	if host, ok := c.LocalHost(); ok {
		o.Probes = append(o.Probes, linux.New(linux.Options{Host: host.Name, Zone: h.zone}))
		o.Probes = append(o.Probes, systemd.New(systemd.Options{Host: host.Name, Zone: h.zone}))
	}
	o.Probes = append(o.Probes, h.certificates())
	if c.Prometheus != nil {
		if h.prom, err = newPrometheus(c.Prometheus); err != nil {
			return nil, err
		}
		h.closers = append(h.closers, h.prom.Close)
		o.Probes = append(o.Probes, ruleProbe(h.prom), h.prom.Trends(func() []prom.TrendHost { return trendHosts(h.current.Load().Hosts) }))
		o.Grapher = grapher{client: h.prom, zone: h.zone, span: c.Prometheus.Graph}
	}
	if c.Grafana != nil {
		g := newGrafana(c.Grafana)
		h.closers = append(h.closers, func() error { g.Close(); return nil })
		o.Probes = append(o.Probes, g)
	}
	if c.DeadMan != nil {
		d := &deadMan{url: c.DeadMan.URL, own: "http://" + c.Listen, client: &http.Client{Timeout: 20 * time.Second}}
		o.DeadMan, o.DeadManEvery = d.ping, c.DeadMan.Every
	}
	if st.adjust != nil {
		st.adjust(&o)
	}
	h.flow = flow.New(o)
	if err := h.buildWebhooks(); err != nil {
		return nil, err
	}
	h.registry.MustRegister(dueCollector{h.flow})
	return h, nil
}

// zone is the one in force.
func (h *house) zone() *time.Location { return h.current.Load().Zone }

// close ends what build made, in the reverse order.
func (h *house) close() error {
	var errs []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		errs = append(errs, h.closers[i]())
	}
	h.closers = nil
	return errors.Join(errs...)
}

func (h *house) buildChats(ctx context.Context, slackAPI string) error {
	for _, ch := range h.config.Chats {
		switch {
		case ch.Matrix != nil:
			chat, err := h.matrix(ctx, ch)
			if err != nil {
				return fmt.Errorf("chat %s: %w", ch.ID, err)
			}
			h.chats[ch.ID] = chat
		case ch.Slack != nil:
			chat, err := h.slack(ctx, ch, slackAPI)
			if err != nil {
				return fmt.Errorf("chat %s: %w", ch.ID, err)
			}
			h.chats[ch.ID] = chat
		case ch.Console != nil:
			chat, err := h.console(ch)
			if err != nil {
				return fmt.Errorf("chat %s: %w", ch.ID, err)
			}
			h.closers = append(h.closers, chat.Close)
			h.consoles = append(h.consoles, chat)
			h.chats[ch.ID] = chat
		}
	}
	return nil
}

func (h *house) matrix(ctx context.Context, ch config.Chat) (*matrix.Chat, error) {
	token, err := ch.Matrix.Token.Read()
	if err != nil {
		return nil, err
	}
	o := matrix.Options{Chat: ch.ID, Homeserver: ch.Matrix.Homeserver, User: ch.Matrix.User, Token: token, Rooms: map[bot.RoomID]string{},
		RoomPerSecond: ch.Matrix.PerSecond, RoomBurst: ch.Matrix.Burst, ChatPerSecond: ch.Matrix.PerSecond, ChatBurst: ch.Matrix.Burst,
		Loud: []bot.Tone{bot.ToneCritical}, Offers: ch.Matrix.OfferReactions, Log: h.log}
	for _, r := range h.config.Rooms {
		if r.Chat == ch.ID {
			o.Rooms[r.ID] = r.PlatformID
		}
	}
	err = h.store.View(ctx, func(tx *store.Tx) (err error) {
		o.Cursor, err = tx.Cursor(string(ch.ID))
		return err
	})
	if err != nil {
		return nil, err
	}
	chat, err := matrix.New(o)
	if err != nil {
		return nil, err
	}
	h.closers = append(h.closers, func() error { chat.Close(); return nil })
	registerMatrix(h.registry, ch.ID, chat)
	return chat, nil
}

func (h *house) buildAlertmanagers(settleAfter time.Duration) error {
	for _, a := range h.config.Alertmanagers {
		client, err := newAlertmanager(a, settleAfter, h.log)
		if err != nil {
			return fmt.Errorf("alertmanager %s: %w", a.Name, err)
		}
		h.closers = append(h.closers, func() error { client.Close(); return nil })
		h.ams[a.Name] = client
	}
	return nil
}

func newAlertmanager(a config.Alertmanager, settleAfter time.Duration, log *slog.Logger) (*alertmanager.Client, error) {
	auth, err := authOf(a.Credentials)
	if err != nil {
		return nil, err
	}
	return alertmanager.New(alertmanager.Options{Name: a.Name, URLs: a.URLs, Receivers: a.Receivers, Auth: auth, SettleAfter: settleAfter, Log: log})
}

func authOf(c config.Credentials) (alertmanager.Auth, error) {
	var auth alertmanager.Auth
	var err error
	switch {
	case c.Bearer != nil:
		auth.Bearer, err = c.Bearer.Read()
	case c.Basic != nil:
		auth.User = c.Basic.Username
		auth.Password, err = c.Basic.Password.Read()
	}
	return auth, err
}

func (h *house) buildWebhooks() error {
	h.webhooks = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_webhooks_total",
		Help: "Webhook requests, by endpoint and result."}, []string{"endpoint", "result"})
	h.registry.MustRegister(h.webhooks)
	for _, w := range h.config.Webhooks {
		credential, err := credentialOf(w)
		if err != nil {
			return fmt.Errorf("webhook %s: %w", w.Name, err)
		}
		handler, err := alertmanager.NewHandler(alertmanager.HandlerOptions{Endpoint: w.Name, Credentials: []alertmanager.Credential{credential},
			Receivers: h.receiversOf(w.Alertmanager), MaxBody: w.MaxBody, Sink: h.flow, Log: h.log,
			Observe: func(result string) { h.webhooks.WithLabelValues(w.Name, result).Inc() }})
		if err != nil {
			return fmt.Errorf("webhook %s: %w", w.Name, err)
		}
		h.handlers = append(h.handlers, handler)
	}
	return nil
}

func (h *house) receiversOf(name string) []string {
	for _, a := range h.config.Alertmanagers {
		if a.Name == name {
			return a.Receivers
		}
	}
	return nil
}

func credentialOf(w config.Webhook) (alertmanager.Credential, error) {
	switch {
	case w.Bearer != nil:
		token, err := w.Bearer.Read()
		return alertmanager.Bearer(token), err
	case w.Basic != nil:
		password, err := w.Basic.Password.Read()
		return alertmanager.Basic(w.Basic.Username, password), err
	case w.HMAC != nil:
		secret, err := w.HMAC.Secret.Read()
		return alertmanager.HMAC(w.HMAC.Header, secret), err
	}
	// The configuration refuses a webhook without credentials; so do we.
	return alertmanager.Credential{}, bot.Errorf(bot.CodeInvalid, "It has no credentials.")
}
