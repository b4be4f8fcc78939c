package config_test

import (
	"errors"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/config"
)

func TestSilenceScope(t *testing.T) {
	parse := func(hosts, routes string) *config.Config {
		t.Helper()
		c, err := config.Parse([]byte(`
version: 1
state: {path: /var/lib/watchstander/state.db}
hosts: [`+hosts+`]
chats: [{name: matrix, matrix: {homeserver: "https://matrix.example.org", user: "@w:example.org", token_file: token}}]
rooms: [{name: ops, chat: matrix, id: "!ops:example.org"}]
people: [{name: alice, roles: [operator], matrix: ["@alice:example.org"]}]
alertmanagers: [{name: main, urls: ["http://am1:9093"], receivers: [watchstander]}]
webhooks: [{name: main, alertmanager: main, bearer_token_file: token}]
routes: [`+routes+`{rooms: [ops]}]
`), config.Options{File: "c", WithoutSecrets: true})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	vulcan := `{name: vulcan, match: ['instance=~"vulcan.*"', 'job!="lab"']}`
	own := bot.Matcher{Name: "job", Op: "=", Value: "x"}
	for _, x := range []struct {
		name, hosts, routes, host string
		given                     []bot.Matcher
		want                      string
	}{
		{"a host, without heartbeats", vulcan, "", "vulcan", nil, `instance=~"vulcan.*" job!="lab"`},
		{"without Watchdog", vulcan, `{match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [ops]}, `, "vulcan", nil, `instance=~"vulcan.*" job!="lab" alertname!="Watchdog"`},
		{"by its name, of several matchers", vulcan, `{match: ['cluster="a"', 'alertname=~"Watch.*"'], as: heartbeat, absent_after: 10m, rooms: [ops]}, `, "vulcan", nil, `instance=~"vulcan.*" job!="lab" alertname!~"Watch.*"`},
		{"a heartbeat without a name", vulcan, `{match: ['kind!=""', 'kind!~"x"'], as: heartbeat, absent_after: 10m, rooms: [ops]}, `, "vulcan", nil, `instance=~"vulcan.*" job!="lab" kind=""`},
		{"the same twice", vulcan, `{match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [ops]}, ` + `{match: ['alertname="Watchdog"', 'a="b"'], as: heartbeat, absent_after: 10m, rooms: [ops]}, `, "vulcan", nil, `instance=~"vulcan.*" job!="lab" alertname!="Watchdog"`},
		{"others are covered", vulcan, `{match: ['severity="critical"'], rooms: [ops]}, `, "vulcan", nil, `instance=~"vulcan.*" job!="lab"`},
		{"what was given", vulcan, `{match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [ops]}, `, "", []bot.Matcher{own}, `job="x" alertname!="Watchdog"`},
	} {
		ms, err := parse(x.hosts, x.routes).SilenceScope(x.host, x.given)
		var words []string
		for _, m := range ms {
			words = append(words, m.String())
		}
		if got := strings.Join(words, " "); err != nil || got != x.want {
			t.Errorf("%s: %s, %v; want %s", x.name, got, err, x.want)
		}
	}
	c := parse(`{name: all, match: ['job!="lab"']}`, "")
	for host, want := range map[string]bot.Code{"all": bot.CodeInvalid, "mars": bot.CodeNotFound} {
		_, err := c.SilenceScope(host, nil)
		if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != want {
			t.Errorf("%s: %v", host, err)
		}
	}
}
