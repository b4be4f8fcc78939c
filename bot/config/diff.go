package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// section is a part of the configuration with a key of its own.
type section struct {
	key string
	// live: a running bot can take up a new one. The others hold sockets, files
	// and connections.
	live bool
	of   func(*Config) any
}

var sections = []section{
	{"zone", true, func(c *Config) any { return c.Zone }},
	{"state", false, func(c *Config) any { return c.State }},
	{"listen", false, func(c *Config) any { return c.Listen }},
	{"hosts", true, func(c *Config) any { return withoutAgents(c.Hosts) }},
	{"hosts[].agent", false, func(c *Config) any { return agentsOf(c.Hosts) }},
	{"chats", false, func(c *Config) any { return c.Chats }},
	{"rooms", false, func(c *Config) any { return c.Rooms }},
	{"people", true, func(c *Config) any { return c.People }},
	{"alertmanagers", false, func(c *Config) any { return c.Alertmanagers }},
	{"prometheus", false, func(c *Config) any { return c.Prometheus }},
	{"grafana", false, func(c *Config) any { return c.Grafana }},
	{"webhooks", false, func(c *Config) any { return c.Webhooks }},
	{"routes", true, func(c *Config) any { return c.Routes }},
	{"alerts", true, func(c *Config) any { return c.Alerts }},
	{"quiet_hours", true, func(c *Config) any { return c.QuietHours }},
	{"digest", true, func(c *Config) any { return c.DigestAt }},
	{"brief", true, func(c *Config) any { return c.Brief }},
	{"checklists", true, func(c *Config) any { return c.Checklists }},
	{"dead_man", false, func(c *Config) any { return c.DeadMan }},
	{"notices_room", true, func(c *Config) any { return c.NoticesRoom }},
	{"approvals_room", true, func(c *Config) any { return c.ApprovalsRoom }},
	{"redact", true, func(c *Config) any { return c.Redact }},
	{"log.level", true, func(c *Config) any { return c.Log.Level }},
	{"log.format", false, func(c *Config) any { return c.Log.JSON }},
}

// Diff tells which keys mean something else in the new configuration: those
// that a running bot can take up, and those that need a restart. What is
// written differently and means the same is no change. The parts lean on each
// other (a route on a new room), so when anything needs a restart, nothing is
// to be taken up before it.
func Diff(old, new *Config) (reload, restart []string) {
	for _, s := range sections {
		switch {
		case same(reflect.ValueOf(s.of(old)), reflect.ValueOf(s.of(new))):
		case s.live:
			reload = append(reload, s.key)
		default:
			restart = append(restart, s.key)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(new.sums)) {
		// A key that is new or gone is told by its section.
		if was, known := old.sums[field]; known && was != new.sums[field] {
			if secretIsLive(field) {
				reload = append(reload, "the secret of "+field)
			} else {
				restart = append(restart, "the secret of "+field)
			}
		}
	}
	return reload, restart
}

func withoutAgents(hosts []Host) []Host {
	hosts = slices.Clone(hosts)
	for i := range hosts {
		hosts[i].Agent = nil
	}
	return hosts
}

// agentsOf are the hosts that have an agent, each with its socket.
func agentsOf(hosts []Host) []string {
	var out []string
	for _, h := range hosts {
		if h.Agent != nil {
			out = append(out, h.Name+" "+h.Agent.Socket)
		}
	}
	slices.Sort(out)
	return out
}

// secretIsLive: what a key of these names is shown or asked for anew each time.
// Chats and Alertmanagers hold theirs.
func secretIsLive(field string) bool {
	return slices.ContainsFunc([]string{"webhooks[", "prometheus.", "grafana.", "dead_man."}, func(key string) bool { return strings.HasPrefix(field, key) })
}

// same compares what two values mean. Compiled patterns and zones are compared
// by what they were made of: their insides hold caches.
func same(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		switch x := a.Interface().(type) {
		case *time.Location:
			return x.String() == b.Interface().(*time.Location).String()
		case *regexp.Regexp:
			return x.String() == b.Interface().(*regexp.Regexp).String()
		case *labels.Matcher:
			return x.String() == b.Interface().(*labels.Matcher).String()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		if s, ok := a.Interface().(Secret); ok {
			return s.same(b.Interface().(Secret))
		}
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
