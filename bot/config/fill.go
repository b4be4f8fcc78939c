package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// given is one value as the file gives it.
type given[T any] struct {
	place
	set bool // the key is there
	ok  bool // and its value could be read
	v   T
}

// or is the value, or the default where none could be read.
func (g given[T]) or(def T) T {
	if g.ok {
		return g.v
	}
	return def
}

// list is a list as the file gives it.
type list[T any] struct {
	place
	set   bool // the key is there
	bad   bool // and its value is no list
	items []T
}

// empty: it is a list, and nothing stands in it.
func (l *list[T]) empty() bool { return l.set && !l.bad && len(l.items) == 0 }

// filler is a value that takes itself from a node.
type filler interface {
	fill(j *judge, n *node, field string)
}

func (g *given[T]) fill(j *judge, n *node, field string) {
	g.place, g.set = j.here(n, field), true
	if complaint := scan(n, &g.v); complaint != "" {
		j.fault(g.place, "%s", complaint)
		return
	}
	g.ok = true
}

func (l *list[T]) fill(j *judge, n *node, field string) {
	l.place, l.set = j.here(n, field), true
	if n.kind != sequence {
		l.bad = true
		j.fault(l.place, "must be a list, not %s: put it into [brackets], or write one member on each line after a dash", n.kind)
		return
	}
	l.items = make([]T, len(n.items))
	for i, item := range n.items {
		if item != nil {
			j.fill(item, reflect.ValueOf(&l.items[i]).Elem(), fmt.Sprintf("%s[%d]", field, i))
		}
	}
}

// here is where a node stands.
func (j *judge) here(n *node, field string) place {
	at := place{n.line, n.column, field}
	j.places[field] = at
	return at
}

// fill lays a node over a value: a filler, a struct of keys.go, or a pointer to
// one.
func (j *judge) fill(n *node, v reflect.Value, field string) {
	if f, ok := v.Addr().Interface().(filler); ok {
		f.fill(j, n, field)
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	at := j.here(n, field)
	v.Addr().Interface().(interface{ stand(place) }).stand(at)
	if n.kind != mapping {
		j.strange[field] = true
		j.fault(at, "must be a mapping with the keys %s, not %s", strings.Join(keysOf(v.Type()), ", "), n.kind)
		return
	}
	j.fillStruct(n, v, at)
}

func (j *judge) fillStruct(n *node, v reflect.Value, at place) {
	known := keysOf(v.Type())
	first := map[string]entry{}
	told := map[string]bool{} // keys whose absence is told by what stands in their place
	for _, e := range n.entries {
		here := place{e.line, e.column, join(at.field, e.key)}
		if before, twice := first[e.key]; twice {
			j.fault(here, "the key stands twice (line %d): leave one of them out", before.line)
			continue
		}
		first[e.key] = e
		i := slices.Index(known, e.key)
		switch {
		case i < 0:
			j.strange[at.field] = true
			means, says := j.unknownKey(at.field, e.key, known)
			j.fault(here, "%s", says)
			told[means] = true
		case e.value == nil: // a fault already
		case e.value.kind == nothing:
			j.fault(here, "has no value: give it one, or leave the key out")
		default:
			j.fill(e.value, v.Field(i+1), here.field)
		}
	}
	for i, key := range known {
		need := v.Type().Field(i + 1).Tag.Get("need")
		if _, there := first[key]; need != "" && !there && !told[key] {
			j.fault(at.key(key), "is missing: %s", need)
		}
	}
}

// keysOf are the keys of a struct of keys.go: all fields but the first, which
// is its place.
func keysOf(t reflect.Type) []string {
	var out []string
	for i := 1; i < t.NumField(); i++ {
		out = append(out, t.Field(i).Tag.Get("yaml"))
	}
	return out
}

// advice is a better answer than "no such key": the key that is meant, if there is
// one, and what to say.
type advice struct{ key, says string }

// instead are keys that people will try.
var instead = map[string]advice{
	"hosts[].certs":                     {"certificates", "no such key: write certificates"},
	"hosts[].certificates[].url":        {"address", "no such key: write address, with a host and a port, as in vulcan.lan:443"},
	"hosts[].certificates[].port":       {"address", "no such key: the port belongs to address, as in vulcan.lan:443"},
	"hosts[].certificates[].path":       {"file", "no such key: write file"},
	"hosts[].certificates[].ca":         {"roots", "no such key: write roots"},
	"hosts[].certificates[].key":        {"", "a private key is none of the bot's business: it looks at certificates alone"},
	"chats[].slack.token_file":          {"bot_token_file", "no such key: there are two tokens, write bot_token_file (\"xoxb-…\") and app_token_file (\"xapp-…\")"},
	"chats[].slack.signing_secret_file": {"http", "belongs below http: write http: {signing_secret_file: …} for an app that Slack calls, and app_token_file alone for Socket Mode"},
	"chats[].slack.signing_secret":      {"http", "a secret never stands in this file: put it into a file of its own, and write http: {signing_secret_file: …} with that file's path"},
	"chats[].slack.workspace":           {"team", "no such key: write team, with the workspace's id (\"T…\")"},
	"chats[].slack.http.url":            {"", "no such key: the address that Slack calls stands in the app's manifest (watchstander slack manifest --http URL); here stands where the proxy finds the bot, listen"},
	"people[].email":                    {"", "does not belong here: an address can be given to somebody else, people are known by their chat accounts and uids"},
	"people[].password":                 {"", "does not belong here: people are known by their chat accounts and uids"},
	"webhooks[].tls":                    {"", "there is no TLS here: listen on a loopback address, behind a proxy that speaks it"},
	"alertmanagers[].url":               {"urls", "no such key, write a list of all peers instead: urls: [http://…]"},
	"alertmanagers[].receiver":          {"receivers", "no such key, write a list instead: receivers: [watchstander]"},
	"grafana.urls":                      {"url", "no such key, there is one Grafana: url: http://…"},
	"grafana.password":                  {"token_file", "no password is taken: make a service account in Grafana, and write token_file with the file that holds its token"},
	"grafana.basic_auth":                {"token_file", "no password is taken: make a service account in Grafana, and write token_file with the file that holds its token"},
	"prometheus.urls":                   {"url", "no such key, there is one Prometheus: url: http://…"},
	"people[].role":                     {"roles", "no such key, write a list instead: roles: [operator]"},
	"routes[].room":                     {"rooms", "no such key, write a list instead: rooms: [ops]"},
	"routes[].receiver":                 {"rooms", "no such key: routes lead to rooms here, write rooms: [ops]"},
	"checklists.daily":                  {"lists", "no such key: write lists: [{name: daily, …}]"},
	"checklists.weekly":                 {"lists", "no such key: write lists: [{name: weekly, …}]"},
	"checklists.monthly":                {"lists", "no such key: write lists: [{name: monthly, …}]"},
	"checklists.quarterly":              {"lists", "no such key: write lists: [{name: quarterly, …}]"},
	"checklists.validation":             {"lists", "no such key: write lists: [{name: validation, …}]"},
	"checklists.off":                    {"builtin", "no such key: write builtin: false for no checklists but your own"},
	"checklists.lists[].schedule":       {"cron", "no such key: write cron, as in \"0 8 * * mon\""},
	"checklists.lists[].room":           {"rooms", "no such key, write a list instead: rooms: [ops]"},
	"checklists.lists[].at":             {"cron", "no such key: write cron, as in \"0 8 * * *\""},
	"rooms[].alias":                     {"id", "no such key: an alias can be moved to another room, write the room's id"},
}

// secretWords are keys under which people elsewhere write secrets in the clear.
var secretWords = []string{"token", "access_token", "api_token", "bearer_token", "bearer", "password", "passwd", "passphrase", "secret", "credentials", "api_key", "key"}

// unknownKey is what to say of a key that is not known, and the key that was
// meant, if that can be told: its absence is then no fault of its own.
func (j *judge) unknownKey(path, key string, known []string) (means, says string) {
	if x, ok := j.instead[join(anyIndex(path), key)]; ok {
		return x.key, x.says
	}
	if file := secretKey(key, known); file != "" {
		return file, fmt.Sprintf("a secret never stands in this file: put it into a file of its own, and write %s with that file's path", file)
	}
	if best := nearest(key, known); best != "" {
		return best, fmt.Sprintf("no such key, did you mean %q?", best)
	}
	return "", "no such key: known are " + strings.Join(known, ", ")
}

// secretKey is the key that names the file of a secret that was written in the
// clear.
func secretKey(key string, known []string) string {
	if slices.Contains(known, key+"_file") {
		return key + "_file"
	}
	if !slices.Contains(secretWords, strings.ToLower(key)) {
		return ""
	}
	i := slices.IndexFunc(known, func(k string) bool { return strings.HasSuffix(k, "_file") })
	if i < 0 {
		return ""
	}
	return known[i]
}

// anyIndex makes "chats[].matrix" of "chats[3].matrix".
func anyIndex(path string) string {
	var b strings.Builder
	inside := false
	for _, c := range path {
		inside = inside && c != ']'
		if !inside {
			b.WriteRune(c)
		}
		inside = inside || c == '['
	}
	return b.String()
}
