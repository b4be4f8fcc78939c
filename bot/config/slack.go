package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"watchstander/bot"
)

// slackChat is a chat of kind Slack, for what refers to it.
type slackChat struct {
	id   bot.ChatID // "" for one that stands where it cannot
	team string     // "" where none could be read
}

// Forms of Slack's ids. People and workspaces have had other first letters in
// organizations ("W…", "E…").
var (
	slackTeam    = regexp.MustCompile(`^[TE][A-Z0-9]{2,30}$`)
	slackUser    = regexp.MustCompile(`^[UW][A-Z0-9]{2,30}$`)
	slackChannel = regexp.MustCompile(`^[CGD][A-Z0-9]{2,30}$`)
)

// usualConnections: one goes on while Slack has the other replaced.
const usualConnections = 2

func (b *builder) slack(k *slackKeys) *Slack {
	s := &Slack{BotToken: b.secret(k.BotTokenFile), PerSecond: k.Pace.PerSecond.or(1), Burst: k.Pace.Burst.or(3)}
	if k.Team.ok {
		if slackTeam.MatchString(k.Team.v) {
			s.Team = k.Team.v
		} else {
			b.fault(k.Team.place, "%s is no id of a workspace, and its name can be changed: write the id, which begins with \"T\" (in a browser it stands behind app.slack.com/client/)", short(k.Team.v))
		}
	}
	if k.AppTokenFile.set {
		t := b.secret(k.AppTokenFile)
		s.AppToken = &t
	}
	if k.HTTP != nil {
		s.HTTP = &SlackHTTP{Listen: k.HTTP.Listen.or(b.cfg.Listen), SigningSecret: b.secret(k.HTTP.SigningSecretFile)}
		b.listenAt(k.HTTP.Listen)
		if s.AppToken != nil {
			b.fault(k.HTTP.place, "stands beside app_token_file: either the bot calls Slack (app_token_file, Socket Mode), or Slack calls the bot (http)")
		}
		if k.Connections.set {
			b.fault(k.Connections.place, "connections are those of Socket Mode, and there are none beside http: leave it out")
		}
	} else {
		s.Connections = k.Connections.or(usualConnections)
		if s.Connections < 1 || s.Connections > 10 {
			b.fault(k.Connections.place, "must be from 1 to 10: Slack takes no more")
		}
		if !k.AppTokenFile.set && k.line > 0 && !b.open(k.field, "http", "app_token_file") {
			b.fault(k.place, "nothing would be heard: write app_token_file (\"xapp-…\", for Socket Mode), or http for an app that Slack calls")
		}
	}
	b.perSecond(k.Pace.PerSecond)
	b.burst(k.Pace.Burst)
	// Slack's limit for a whole workspace is several hundred posts a minute.
	s.WorkspacePerSecond = k.Pace.Workspace.or(math.Max(4, s.PerSecond))
	b.perSecond(k.Pace.Workspace)
	if k.Pace.Workspace.ok && s.WorkspacePerSecond < s.PerSecond {
		b.fault(k.Pace.Workspace.place, "is less than per_second, the pace in a single channel")
	}
	return s
}

// channelFault tells what is wrong with the id of a channel.
func channelFault(id string) string {
	const write = "write the channel's id, which begins with \"C\" (the channel's details show it at their end)"
	switch {
	case slackChannel.MatchString(id):
		return ""
	case strings.HasPrefix(id, "#"):
		return fmt.Sprintf("%s is a name, which can be given to another channel: %s", short(id), write)
	case strings.Contains(id, "/"):
		return fmt.Sprintf("%s is a link or a path: write the one part of it that begins with \"C\"", short(id))
	case strings.HasPrefix(id, "!"):
		return fmt.Sprintf("%s is a Matrix room, and the chat is Slack's: %s", short(id), write)
	case slackUser.MatchString(id):
		return fmt.Sprintf("%s is a person: %s", short(id), write)
	case slackTeam.MatchString(id):
		return fmt.Sprintf("%s is a workspace: %s", short(id), write)
	}
	return fmt.Sprintf("%s is no id of a channel: %s", short(id), write)
}

// slackUser faults what is not the id of a person with the id of their workspace.
func (b *builder) slackUser(g given[string]) bool {
	team, user, both := strings.Cut(g.v, "/")
	if both && slackTeam.MatchString(team) && slackUser.MatchString(user) {
		return true
	}
	const where = "in the person's profile, behind ⋮, \"Copy member ID\""
	switch {
	case slackUser.MatchString(g.v):
		if team := b.onlyTeam(); team != "" {
			b.fault(g.place, "%s lacks its workspace, without which an id is nobody's: write %q", short(g.v), team+"/"+g.v)
			break
		}
		b.fault(g.place, "%s lacks its workspace, without which an id is nobody's: write the workspace's id before it, like \"T024BE7LD/%s\"", short(g.v), g.v)
	case both && slackUser.MatchString(team) && slackTeam.MatchString(user):
		b.fault(g.place, "%s is the wrong way round: write %q", short(g.v), user+"/"+team)
	case strings.Contains(g.v, "@") && !strings.HasPrefix(g.v, "@"):
		b.fault(g.place, "%s is an address, which can be given to somebody else: write ids, like \"T024BE7LD/U012AB3CD\" (%s)", short(g.v), where)
	case both:
		b.fault(g.place, "%s is no workspace and person by their ids: write them like \"T024BE7LD/U012AB3CD\" (%s)", short(g.v), where)
	default:
		b.fault(g.place, "%s is no id: names can be changed and taken by others, write ids like \"T024BE7LD/U012AB3CD\" (%s)", short(g.v), where)
	}
	return false
}

// onlyTeam is the workspace that must be meant where one alone is configured, else "".
func (b *builder) onlyTeam() string {
	only := ""
	for _, s := range b.slackChats {
		if s.team == "" || only != "" && s.team != only {
			return ""
		}
		only = s.team
	}
	return only
}

// onSlack gives the person's account on every chat in their workspace.
func (b *builder) onSlack(g given[string]) []bot.User {
	team, _, _ := strings.Cut(g.v, "/")
	var out []bot.User
	for _, s := range b.slackChats {
		if s.team == team {
			out = append(out, bot.User{Chat: s.id, ID: bot.UserID(g.v)})
		}
	}
	if len(out) == 0 && len(b.slackChats) > 0 && !slices.ContainsFunc(b.slackChats, func(s slackChat) bool { return s.team == "" }) {
		b.warn(g.place, "no chat is in the workspace %s, so that nobody is known by this", short(team))
	}
	return out
}
