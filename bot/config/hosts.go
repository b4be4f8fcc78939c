package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"

	"watchstander/bot"
)

// Host gives the name of the one host that an alert with these labels speaks
// of; false when it speaks of none, or of several.
func (c *Config) Host(l bot.Labels) (string, bool) {
	found := ""
	for _, h := range c.Hosts {
		if !matches(h.Match, l) {
			continue
		}
		if found != "" {
			return "", false
		}
		found = h.Name
	}
	return found, found != ""
}

// matches tells whether all matchers hold. A label that is not there is like an
// empty one, as everywhere in Alertmanager.
func matches(ms labels.Matchers, l bot.Labels) bool {
	for _, m := range ms {
		if !m.Matches(l[m.Name]) {
			return false
		}
	}
	return true
}

// matchers reads a list of matchers; false when any of them cannot be read.
// Equal texts share one compiled matcher: files repeat themselves.
func (j *judge) matchers(l list[given[string]]) (labels.Matchers, bool) {
	var out labels.Matchers
	whole := true
	for _, g := range l.items {
		if !g.ok {
			whole = false
			continue
		}
		ms, known := j.matcherCache[g.v]
		if !known {
			// The parser of matchers alone, not matcher/compat: that one goes by
			// a mode and a logger that are global to the process.
			var err error
			ms, err = parse.Matchers(g.v)
			switch {
			case err != nil:
				j.fault(g.place, "is no matcher: %s; write it like alertname=\"Watchdog\" or instance=~\"web[0-9]+(:[0-9]+)?\"", matcherFault(err))
			case len(ms) == 0:
				j.fault(g.place, "holds no matcher, and so would match everything: write one, or leave this out")
				ms = nil
			}
			j.matcherCache[g.v] = ms
			if ms != nil {
				out = append(out, ms...)
				continue
			}
		}
		if ms == nil {
			if known {
				j.fault(g.place, "is no matcher, like the same text above")
			}
			whole = false
			continue
		}
		out = append(out, ms...)
	}
	return out, whole
}

var matcherAt = regexp.MustCompile(`^(\d+):(\d+): `)

// matcherFault puts Alertmanager's words into ours: its columns count from 0,
// and it shows patterns with the anchors that it adds.
func matcherFault(err error) string {
	says := strings.TrimPrefix(err.Error(), "failed to create matcher: ")
	says = strings.TrimPrefix(says, "error parsing regexp: ")
	says = strings.ReplaceAll(strings.ReplaceAll(says, "`^(?:", "`"), ")$`", "`")
	if m := matcherAt.FindStringSubmatch(says); m != nil {
		column, _ := strconv.Atoi(m[1])
		says = fmt.Sprintf("at its character %d: %s", column+1, says[len(m[0]):])
	}
	return says
}

// useBelow is the plan's: a baseline of less than 70 % of processor and memory.
const useBelow = 70

func (b *builder) hosts() {
	var local *hostKeys
	var sure []hostAt // hosts whose matchers could all be read
	known := newNames("host")
	sockets := map[string]place{}
	for i := range b.keys.Hosts.items {
		k := &b.keys.Hosts.items[i]
		b.named(k.Name)
		known.add(&b.judge, k.Name)
		ms, whole := b.matchers(k.Match)
		if k.Match.empty() {
			b.fault(k.Match.place, "is empty: every alert would speak of this host; write at least one matcher")
			whole = false
		}
		h := Host{Name: k.Name.v, Match: ms, Local: k.Local.v, RebootGrace: k.RebootGrace.or(5 * time.Minute), UseBelow: k.UseBelow.or(useBelow)}
		if h.UseBelow < 1 || h.UseBelow > 100 {
			b.fault(k.UseBelow.place, "must be from 1 to 100: how many percent of processor and memory are to be in use at most")
		}
		if h.Local {
			if local != nil {
				b.fault(k.Local.place, "the bot runs on one host only, and %s is local already (line %d)", short(local.Name.v), local.Local.line)
			} else {
				local = k
			}
		}
		h.Agent = b.hostAgent(k.Agent, sockets)
		h.Certificates = b.certificates(k)
		b.cfg.Hosts = append(b.cfg.Hosts, h)
		if whole && len(ms) > 0 && k.Name.ok {
			sure = append(sure, hostAt{h, k.Match.place})
		}
	}
	b.overlaps(sure)
}

// Where an agent listens when nobody says otherwise: for its bot, and for people on
// the host. The directory is root's. In one of the bot's own the bot could put its
// socket in the place of the one for people, and both would go when it stops.
const (
	agentSocket = "/run/watchstander-agent/agent.sock"
	HumanSocket = "/run/watchstander-agent/approve.sock"
)

// hostAgent reads the way to one host's agent. Two hosts behind one socket would be
// one host under two names.
func (b *builder) hostAgent(k *hostAgentKeys, sockets map[string]place) *HostAgent {
	if k == nil {
		return nil
	}
	// One socket can be written in many ways.
	path := filepath.Clean(k.Socket.or(agentSocket))
	if !k.Socket.ok && (k.Socket.set || b.open(k.field, "socket")) {
		return &HostAgent{Socket: path} // told already; the usual one is not what is meant
	}
	at := k.at("socket", k.Socket)
	switch first, taken := sockets[path]; {
	case !filepath.IsAbs(path):
		b.fault(at, "must be an absolute path")
	case len(path) > maxSocket:
		b.fault(at, "the path has %d bytes, and a Unix socket's may have %d: choose a shorter one", len(path), maxSocket)
	case taken:
		b.fault(at, "is the socket of another host's agent too (line %d): every host has an agent of its own", first.line)
	}
	sockets[path] = at
	return &HostAgent{Socket: path}
}
