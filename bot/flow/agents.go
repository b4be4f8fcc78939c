package flow

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/phrase"
)

// agentHost is the host whose agent is meant.
func (f *Flow) agentHost(name string) (string, error) {
	hosts := slices.Sorted(maps.Keys(f.o.Agents))
	switch {
	case len(hosts) == 0:
		return "", bot.Errorf(bot.CodeUnavailable, "I have no agent on a host: nothing can be looked at or done there. `agent:` in the host's configuration names it.")
	case name == "" && len(hosts) == 1:
		return hosts[0], nil
	case name == "":
		return "", bot.Errorf(bot.CodeInvalid, "Which host? Say it again with `on HOST` behind it: %s.", phrase.Or(hosts))
	case f.o.Agents[name] == nil:
		return "", bot.Errorf(bot.CodeNotFound, "There is no agent on %s; there is one on %s.", name, phrase.Or(hosts))
	}
	return name, nil
}

// agentHealth is how an agent is, for status.
func (f *Flow) agentHealth(host string, now time.Time) bot.Reading {
	r := bot.Reading{Host: "", What: "agent " + host, Value: "answers", At: now, State: bot.OK}
	seen, ok := f.agentSeen.Load(host)
	switch {
	case !ok:
		r.Value, r.State, r.Note = "has not answered yet", bot.Unknown, "since the bot started"
	case now.Sub(seen.(time.Time)) > watchTime+agentAway:
		r.Value, r.State, r.Note = "does not answer", bot.NotOK, "for "+phrase.Duration(now.Sub(seen.(time.Time)))
	}
	return r
}

// readAgent is what all that an agent would tell is called where it does not answer.
const readAgent = "what its agent measures"

// AgentTells are what agents' readings are called, one name of each family. Where an agent
// does not answer, a checklist's evidence has each of them as unknown: an item for which a
// reading of it is optional must not count as well because nobody could look.
var AgentTells = []string{
	"pools", "dataset quotas", "ARC", "snapshots of all pools",
	"failed units", "flapping units",
	"ssh root logins", "ssh logins", "ssh failed logins", "sudo commands", "audit events", "apparmor denials", "fail2ban",
	"backup repositories", "restore of repositories", "dump files",
	"generation", "booted system", "drift", "generations kept", "nixpkgs age", "vulnerabilities",
	"certificate files",
}

// others are the beginnings of the readings by which others tell of the same as an agent.
var others = map[string]string{"pools": "pool ", "failed units": "unit ", "flapping units": "unit ", "certificate files": "certificate "}

// unheard are the readings of agents that did not answer, by name, but for those of which
// somebody else could tell.
func unheard(readings []bot.Reading) (out []bot.Reading) {
	for _, r := range readings {
		if r.What != readAgent {
			continue
		}
		for _, what := range AgentTells {
			if slices.ContainsFunc(readings, func(o bot.Reading) bool {
				like, also := others[what]
				return o.Host == r.Host && o.State != bot.Unknown && (o.What == what || also && strings.HasPrefix(o.What, like))
			}) {
				continue
			}
			x := r
			x.What = what
			out = append(out, x)
		}
	}
	return out
}

// Tells implements probing.Teller.
func (p hostProbe) Tells() []string { return []string{readAgent} }

// hostProbe asks an agent for what its probes measure.
type hostProbe struct {
	host string
	a    api.Agent
}

// AgentProbe makes an agent's readings those of a probe.
func AgentProbe(host string, a api.Agent) bot.Probe { return hostProbe{host, a} }

func (p hostProbe) Name() string { return "agent " + p.host }

func (p hostProbe) Read(ctx context.Context) []bot.Reading {
	rs, err := p.a.Readings(ctx, api.Nothing{})
	if err != nil {
		return []bot.Reading{{Host: p.host, What: readAgent, Note: bot.ForPeople(err), At: time.Now(), State: bot.Unknown}}
	}
	for i := range rs {
		rs[i].Host = p.host
	}
	return rs
}
