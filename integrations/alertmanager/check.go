package alertmanager

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/alertmanager/api/v2/models"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Check looks at every peer for `watchstander check`: whether it answers, what
// version and cluster state it has, and whether its configuration sends to us:
// that it has our receivers, that a route leads to each, that they have a
// webhook that tells of resolved alerts too and leaves none out. webhooks are
// the addresses under which Alertmanager should reach the bot; it mostly hides
// the ones that it is configured with, so about these the honest answer is often
// "unknown".
func (c *Client) Check(ctx context.Context, webhooks ...string) []bot.Reading {
	answers := each(ctx, c, c.account)
	var out []bot.Reading
	for _, a := range answers {
		r := reader{what: "alertmanager " + c.o.Name + ", " + a.peer.name, at: c.o.Now().UTC(), source: a.peer.name + "/api/v2/status"}
		if a.err != nil {
			out = append(out, r.read("", bot.NotOK, "no answer", "it "+sentence(a.err, c.o.Timeout)))
			continue
		}
		status := a.value.status
		out = append(out, c.checkPeer(r, status, c.upFor(status, a.value.clock)))
		out = append(out, c.checkConfig(r, status, webhooks)...)
	}
	return append(out, c.checkCluster(answers))
}

// Probe is Check without the configuration, for `status`.
func (c *Client) Probe() bot.Probe { return probe{c} }

type probe struct{ c *Client }

func (p probe) Name() string { return "alertmanager " + p.c.o.Name }

func (p probe) Read(ctx context.Context) []bot.Reading {
	answers := each(ctx, p.c, p.c.account)
	var out []bot.Reading
	for _, a := range answers {
		r := reader{what: p.Name() + ", " + a.peer.name, at: p.c.o.Now().UTC(), source: a.peer.name + "/api/v2/status"}
		if a.err != nil {
			out = append(out, r.read("", bot.NotOK, "no answer", "it "+sentence(a.err, p.c.o.Timeout)))
			continue
		}
		out = append(out, p.c.checkPeer(r, a.value.status, p.c.upFor(a.value.status, a.value.clock)))
	}
	return append(out, p.c.checkCluster(answers))
}

// reader fills in what the readings of one peer have in common.
type reader struct {
	what, source string
	at           time.Time
}

func (r reader) read(what string, state bot.ReadingState, value, note string) bot.Reading {
	if what != "" {
		what = ": " + what
	}
	return bot.Reading{What: r.what + what, Value: value, Note: note, Source: r.source, At: r.at, State: state}
}

func (c *Client) checkPeer(r reader, status *models.AlertmanagerStatus, up time.Duration) bot.Reading {
	version := "unknown version"
	if status.VersionInfo != nil {
		version = cmp.Or(value(status.VersionInfo.Version), version)
	}
	cluster := value(status.Cluster.Status)
	told := fmt.Sprintf("%.40s, up %s, cluster %.20s", clean(version), phrase.Duration(up), clean(cluster))
	if n := len(status.Cluster.Peers); n > 0 {
		told += fmt.Sprintf(" with %d members", n)
	}
	if cluster == models.ClusterStatusStatusSettling {
		return r.read("", bot.NotOK, told, "it is still joining its cluster, and sends nothing until then")
	}
	return r.read("", bot.OK, told, "")
}

// checkCluster tells whether absence from the peers' answers says anything.
func (c *Client) checkCluster(answers []answer[account]) bot.Reading {
	r := reader{what: "alertmanager " + c.o.Name, at: c.o.Now().UTC(), source: "all peers"}
	if why, passes := c.unsettled(answers); why != "" {
		state := bot.NotOK
		if passes {
			state = bot.Unknown
		}
		return r.read("full view", state, "not yet", why+"; until then no alert counts as over because it is not listed")
	}
	return r.read("full view", bot.OK, "yes", "")
}

// remoteConfig is what we look at of Alertmanager's configuration.
type remoteConfig struct {
	Route     remoteRoute      `yaml:"route"`
	Receivers []remoteReceiver `yaml:"receivers"`
}

type remoteReceiver struct {
	Name     string          `yaml:"name"`
	Webhooks []remoteWebhook `yaml:"webhook_configs"`
}

type remoteRoute struct {
	Receiver       string            `yaml:"receiver"`
	Matchers       []string          `yaml:"matchers"`
	Match          map[string]string `yaml:"match"` // of before 0.22, as the next one
	MatchRE        map[string]string `yaml:"match_re"`
	Continue       bool              `yaml:"continue"`
	GroupInterval  string            `yaml:"group_interval"`
	RepeatInterval string            `yaml:"repeat_interval"`
	Routes         []remoteRoute     `yaml:"routes"`
}

type remoteWebhook struct {
	URL          string `yaml:"url"`
	URLFile      string `yaml:"url_file"`
	SendResolved *bool  `yaml:"send_resolved"`
	MaxAlerts    int64  `yaml:"max_alerts"`
}

// leadsTo tells whether the route or one below it names the receiver; a route
// without one inherits it, which changes nothing for this question.
func (r remoteRoute) leadsTo(receiver string) bool {
	return r.Receiver == receiver || slices.ContainsFunc(r.Routes, func(sub remoteRoute) bool { return sub.leadsTo(receiver) })
}

func (c *Client) checkConfig(r reader, status *models.AlertmanagerStatus, webhooks []string) []bot.Reading {
	original := ""
	if status.Config != nil {
		original = value(status.Config.Original)
	}
	var config remoteConfig
	if err := yaml.Unmarshal([]byte(original), &config); err != nil || len(config.Receivers) == 0 { // its error would quote it
		return []bot.Reading{r.read("configuration", bot.Unknown, "unknown", "its configuration is not told in a form that can be read")}
	}
	var out []bot.Reading
	for _, name := range c.o.Receivers {
		what := fmt.Sprintf("receiver %q", name)
		at := slices.IndexFunc(config.Receivers, func(r remoteReceiver) bool { return r.Name == name })
		switch {
		case at < 0:
			out = append(out, r.read(what, bot.NotOK, "missing", "its configuration has no receiver of this name"))
		case !config.Route.leadsTo(name):
			out = append(out, r.read(what, bot.NotOK, "unused", "no route leads to it"))
		case len(config.Receivers[at].Webhooks) == 0:
			out = append(out, r.read(what, bot.NotOK, "no webhook", "it has no webhook_configs, so it never sends to us"))
		default:
			out = append(out, checkWebhooks(r, what, config.Receivers[at].Webhooks, webhooks))
		}
	}
	return out
}

// checkWebhooks judges the webhooks of one receiver.
func checkWebhooks(r reader, what string, have []remoteWebhook, want []string) bot.Reading {
	for _, w := range have {
		if w.SendResolved != nil && !*w.SendResolved {
			return r.read(what, bot.NotOK, "send_resolved: false", "threads would only learn from polls that an alert is resolved")
		}
		if w.MaxAlerts > 0 {
			return r.read(what, bot.NotOK, fmt.Sprintf("max_alerts: %d", w.MaxAlerts), "alerts beyond it are left out of a notification")
		}
	}
	told := fmt.Sprintf("%d webhooks", len(have))
	if len(have) == 1 {
		told = "1 webhook"
	}
	if len(want) == 0 {
		return r.read(what, bot.OK, told, "")
	}
	hidden := false
	for _, w := range have {
		if w.URLFile != "" || w.URL == "" || strings.Contains(w.URL, "secret>") {
			hidden = true
			continue
		}
		if slices.ContainsFunc(want, func(ours string) bool { return sameAddress(ours, w.URL) }) {
			return r.read(what, bot.OK, told+", one of them ours", "")
		}
	}
	if hidden {
		return r.read(what, bot.Unknown, told, "Alertmanager hides their addresses; send a test alert to know that ours is among them")
	}
	return r.read(what, bot.NotOK, told, "none of them is the bot's address")
}

// sameAddress compares what leads to the same endpoint; the address itself is
// never shown, for it may hold a password.
func sameAddress(a, b string) bool {
	ua, errA := url.Parse(a)
	ub, errB := url.Parse(b)
	return errA == nil && errB == nil && ua.Host == ub.Host &&
		strings.TrimRight(ua.Path, "/") == strings.TrimRight(ub.Path, "/")
}
