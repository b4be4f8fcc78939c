package flow

import (
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
)

// SettingsOf puts a checked configuration into flow's terms.
func SettingsOf(c *config.Config) *Settings {
	s := &Settings{
		Zone:           c.Zone,
		Rooms:          map[bot.RoomID]Room{},
		Endpoints:      map[string]string{},
		NoticesRoom:    c.NoticesRoom,
		ApprovalsRoom:  c.ApprovalsRoom,
		Person:         c.Person,
		ReopenWithin:   c.Alerts.ReopenWithin,
		AckReminder:    c.Alerts.AckReminder,
		SilenceWarning: c.Alerts.SilenceWarning,
		AdoptAfter:     c.Alerts.AdoptAfter,
		KeepClosed:     c.State.KeepClosed,
		Poll:           map[string]time.Duration{},
	}
	consoles := map[bot.ChatID]bool{}
	for _, ch := range c.Chats {
		consoles[ch.ID] = ch.Console != nil
	}
	for _, r := range c.Rooms {
		s.Rooms[r.ID] = Room{Chat: r.Chat, Everything: consoles[r.Chat]}
	}
	for _, w := range c.Webhooks {
		s.Endpoints[w.Name] = w.Alertmanager
	}
	for _, a := range c.Alertmanagers {
		s.Poll[a.Name] = a.Poll
		s.Alertmanagers = append(s.Alertmanagers, a.Name)
	}
	people := map[bot.PersonID]bot.Person{}
	for _, p := range c.People {
		people[p.ID] = p
	}
	s.People = func(id bot.PersonID) (bot.Person, bool) {
		p, ok := people[id]
		return p, ok
	}
	called := calledBy(c.People)
	s.Called = func(name string) (bot.Person, bool) {
		p, ok := people[called[plainName(name)]]
		return p, ok
	}
	s.Host = func(l bot.Labels) string {
		name, _ := c.Host(l)
		return name
	}
	graces := map[string]time.Duration{}
	s.Scope = c.SilenceScope
	for _, h := range c.Hosts {
		s.Hosts = append(s.Hosts, h.Name)
		graces[h.Name] = h.RebootGrace
	}
	s.RebootGrace = func(host string) time.Duration { return graces[host] }
	s.Route = func(l bot.Labels) []Route {
		var out []Route
		for _, d := range c.Route(l) {
			out = append(out, routeOfConfig(c, d.RouteIndex, RouteAs(d.As), d.Rooms, d.AbsentAfter))
		}
		return out
	}
	for i, r := range c.Routes {
		if RouteAs(r.As) == AsHeartbeat {
			s.Heartbeats = append(s.Heartbeats, routeOfConfig(c, i, AsHeartbeat, r.Rooms, r.AbsentAfter))
		}
	}
	s.Quiet = func(t time.Time, sev bot.Severity) time.Time {
		if c.QuietHours == nil || !c.QuietHours.Holds(sev) {
			return time.Time{}
		}
		until, quiet := c.QuietHours.Until(t)
		if !quiet {
			return time.Time{}
		}
		return until
	}
	s.NextDigest = func(t time.Time) time.Time { return c.DigestAt.Next(t, c.Zone) }
	for _, x := range c.Checklists {
		cron := c.Cron(x.Name)
		s.Checklists = append(s.Checklists, Schedule{Checklist: x, Rule: strings.TrimSpace(x.Cron + " " + x.Zone), Next: cron.Next, Last: cron.Last, Count: cron.Count})
	}
	if b := c.Brief; b != nil {
		s.NextBrief = func(t time.Time) time.Time { return b.At.Next(t, b.Zone) }
		s.BriefSince = func(t time.Time) time.Time { return b.Since.Last(t, b.Zone) }
	}
	return s
}

// calledBy are the names that people call each other by: those of the configuration, and
// accounts as chats hand them out when somebody is mentioned: "@bob:example.org" of Matrix,
// "@U0BOB" of Slack, whose accounts begin with their team. What two have means neither.
func calledBy(people []bot.Person) map[string]bot.PersonID {
	accounts := map[string]bot.PersonID{}
	for _, p := range people {
		for _, u := range p.Users {
			_, short, ok := strings.Cut(string(u.ID), "/")
			if !ok {
				short = string(u.ID)
			}
			short = plainName(short)
			if other, taken := accounts[short]; taken && other != p.ID {
				accounts[short] = ""
				continue
			}
			accounts[short] = p.ID
		}
	}
	for _, p := range people {
		accounts[plainName(string(p.ID))] = p.ID
	}
	return accounts
}

// plainName is a name without its @, in small letters.
func plainName(s string) string { return strings.ToLower(strings.TrimPrefix(s, "@")) }

// routeOfConfig names a heartbeat's route by its matchers: the name must outlive
// an edit of the routes before it.
func routeOfConfig(c *config.Config, i int, as RouteAs, rooms []bot.RoomID, absent time.Duration) Route {
	r := Route{As: as, Rooms: rooms, AbsentAfter: absent}
	if as == AsHeartbeat {
		var parts []string
		for _, m := range c.Routes[i].Match {
			parts = append(parts, m.String())
		}
		r.Name = "{" + strings.Join(parts, ",") + "}"
	}
	return r
}
