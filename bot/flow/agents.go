package flow

import (
	"context"
	"maps"
	"slices"
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
		return []bot.Reading{{Host: p.host, What: "what its agent measures", Note: bot.ForPeople(err), At: time.Now(), State: bot.Unknown, Blank: true}}
	}
	for i := range rs {
		rs[i].Host = p.host
	}
	return rs
}
