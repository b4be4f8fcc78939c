package config_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
)

func mustParse(t testing.TB, text string, o config.Options) *config.Config {
	t.Helper()
	c, err := config.Parse(whole(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func faultsOf(t *testing.T, err error) config.Faults {
	t.Helper()
	var f config.Faults
	if !errors.As(err, &f) {
		t.Fatalf("%T %v is not Faults", err, err)
	}
	return f
}

// TestEverythingAtOnce: a file that is wrong in every step of the reading tells
// all of it, in the file's order.
func TestEverythingAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	text := `version: 1
zoen: UTC
zone: Mars/Olympus
listen: 0.0.0.0:9097
listen: 127.0.0.1:9097
log: {level: 5}
people:
  - {name: alice, roles: [operator], matrix: ["@alice"]}
routes:
  - match: ['severity=']
    rooms: [opps]
`
	if err := os.WriteFile(path, whole(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path, config.Options{})
	var got []string
	for _, f := range faultsOf(t, err) {
		if f.File != path || f.Line == 0 || f.Column == 0 || f.Message == "" {
			t.Errorf("%+v", f)
		}
		got = append(got, f.Field)
	}
	want := "zoen zone listen listen log.level people[0].matrix[0] routes[0] routes[0].match[0] routes[0].rooms[0] chats[0].matrix.token_file webhooks[0].bearer_token_file"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s\n%v", strings.Join(got, " "), want, err)
	}
	// What is wrong with the structure hides nothing of what is wrong with the
	// meaning, and a line of the error is one fault.
	if n := strings.Count(err.Error(), "\n") + 1; n != len(got) {
		t.Errorf("%d lines, %d faults", n, len(got))
	}
}

func TestLoadOfNoFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "does not exist",
		dir:                             "cannot be read: is a directory",
	} {
		_, err := config.Load(path, config.Options{})
		if got := faultsOf(t, err).Error(); got != path+": "+want {
			t.Errorf("%s", got)
		}
	}
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, []byte(strings.Repeat("# line\n", 200_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(big, config.Options{}); !strings.Contains(faultsOf(t, err).Error(), "more than the 262144 that are read") {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	c := mustParse(t, "chats: [{name: console, console: {}}]\nrooms: []\nroutes: [{rooms: [console]}]\npeople: [{name: alice, uid: [1000], roles: [operator]}]\n", config.Options{})
	if c.Zone != time.UTC || c.Listen != "127.0.0.1:9097" || c.State != (config.State{Path: "/var/lib/watchstander/state.db", KeepClosed: 365 * 24 * time.Hour}) {
		t.Errorf("%+v", c)
	}
	if c.Alerts != (config.Alerts{30 * time.Minute, 4 * time.Hour, 10 * time.Minute, 5 * time.Minute}) {
		t.Errorf("%+v", c.Alerts)
	}
	if c.DigestAt != (config.Clock{8, 0}) || c.Log != (config.Log{slog.LevelInfo, false}) || c.QuietHours != nil || c.DeadMan != nil || c.Prometheus != nil {
		t.Errorf("%+v", c)
	}
	if c.Chats[0].Console.Socket != "/run/watchstander/console.sock" || c.NoticesRoom != "console" || c.Rooms[0] != (config.Room{ID: "console", Chat: "console"}) {
		t.Errorf("%+v", c)
	}
	if c.Alertmanagers[0].Poll != 30*time.Second || c.Webhooks[0].MaxBody != 32<<20 || c.Webhooks[0].HMAC != nil {
		t.Errorf("%+v", c)
	}
}

func TestSlackDefaults(t *testing.T) {
	c := mustParse(t, `
listen: 127.0.0.1:9000
chats:
  - {name: slack, slack: {team: T024BE7LD, bot_token_file: b, app_token_file: a}}
  - {name: two, slack: {team: T024BE7LE, bot_token_file: b, http: {signing_secret_file: s}, pace: {per_second: 6}}}
  - {name: three, slack: {team: T024BE7LE, bot_token_file: b, http: {signing_secret_file: s, listen: "127.0.0.1:9098"}, pace: {burst: 9, workspace_per_second: 2}}}
rooms: [{name: ops, chat: slack, id: C024BE91L}]
`, config.Options{})
	one, two, three := c.Chats[0].Slack, c.Chats[1].Slack, c.Chats[2].Slack
	if one.Team != "T024BE7LD" || one.Connections != 2 || one.HTTP != nil || one.AppToken.String() != "chats[0].slack.app_token_file" || one.BotToken.String() != "chats[0].slack.bot_token_file" {
		t.Errorf("%+v", one)
	}
	if one.PerSecond != 1 || one.Burst != 3 || one.WorkspacePerSecond != 4 || two.WorkspacePerSecond != 6 || three.Burst != 9 || three.WorkspacePerSecond != 2 {
		t.Errorf("%+v %+v %+v", one, two, three)
	}
	if two.AppToken != nil || two.Connections != 0 || two.HTTP.Listen != c.Listen || three.HTTP.Listen != "127.0.0.1:9098" || two.HTTP.SigningSecret.String() != "chats[1].slack.http.signing_secret_file" {
		t.Errorf("%+v %+v", two, three)
	}
	if c.Rooms[0] != (config.Room{ID: "ops", Chat: "slack", PlatformID: "C024BE91L"}) {
		t.Errorf("%+v", c.Rooms)
	}
}

func TestSystemdFolders(t *testing.T) {
	o := config.Options{Getenv: env("STATE_DIRECTORY", "/var/lib/ws:/var/lib/other", "RUNTIME_DIRECTORY", "/run/ws")}
	text := "chats: [{name: console, console: {}}]\nrooms: []\nroutes: [{rooms: [console]}]\n"
	c := mustParse(t, text, o)
	if c.State.Path != "/var/lib/ws/state.db" || c.Chats[0].Console.Socket != "/run/ws/console.sock" {
		t.Errorf("%+v", c)
	}
	c = mustParse(t, text+"state: {path: /srv/state.db, keep_closed: forever}\n", o)
	if c.State != (config.State{Path: "/srv/state.db"}) {
		t.Errorf("%+v", c.State)
	}
}

func TestByteOrderMarkAndLineEnds(t *testing.T) {
	text := strings.ReplaceAll(string(whole("zone: Europe/Berlin\n")), "\n", "\r\n")
	c, err := config.Parse([]byte("\ufeff"+text), config.Options{})
	if err != nil || c.Zone.String() != "Europe/Berlin" {
		t.Error(c, err)
	}
	if _, err := config.Parse([]byte("zone: \xff"), config.Options{}); faultsOf(t, err).Error() != "config.yaml: is not UTF-8 text" {
		t.Error(err)
	}
}

func TestPersonAndRoles(t *testing.T) {
	c := mustParse(t, `
chats:
  - {name: matrix, matrix: {homeserver: https://example.org, user: "@w:example.org", token_file: t}}
  - {name: second, matrix: {homeserver: http://localhost:8008, user: "@w:example.org", token_file: t}}
  - {name: slack, slack: {team: T024BE7LD, bot_token_file: t, app_token_file: t}}
  - {name: slack2, slack: {team: T024BE7LE, bot_token_file: t, http: {signing_secret_file: t}}}
  - {name: console, console: {}}
people:
  - {name: alice, roles: [admin, dba], matrix: ["@alice:example.org"], slack: [T024BE7LD/U012AB3CD], uid: [1000, 0]}
  - {name: bob, matrix: ["@bob:example.org"], slack: [T024BE7LE/U012AB3CD]}
`, config.Options{})
	for _, x := range []struct {
		chat bot.ChatID
		user bot.UserID
		want bot.PersonID
	}{
		{"matrix", "@alice:example.org", "alice"},
		{"second", "@alice:example.org", "alice"},
		{"console", "uid:1000", "alice"},
		{"console", config.ConsoleUser(0), "alice"},
		{"matrix", "@bob:example.org", "bob"},
		{"matrix", "@Alice:example.org", ""},
		{"matrix", "@alice:example.org ", ""},
		{"matrix", "@alice:example.com", ""},
		{"matrix", "uid:1000", ""},
		{"console", "@alice:example.org", ""},
		{"console", "uid:10", ""},
		{"slack", "@alice:example.org", ""},
		{"slack", "T024BE7LD/U012AB3CD", "alice"},
		{"slack2", "T024BE7LE/U012AB3CD", "bob"},
		{"slack2", "T024BE7LD/U012AB3CD", ""},
		{"slack", "T024BE7LE/U012AB3CD", ""},
		{"slack", "U012AB3CD", ""},
		{"slack", "T024BE7LD/u012ab3cd", ""},
		{"matrix", "", ""},
	} {
		p, ok := c.Person(x.chat, x.user)
		if p.ID != x.want || ok != (x.want != "") {
			t.Errorf("%s on %s is %q, %v", x.user, x.chat, p.ID, ok)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, x := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"zoen", "zone", 1}, {"levle", "level", 1}, {"a", "", 1}, {"kitten", "sitting", 3}, {"rooms", "room", 1}} {
		if got := config.Distance(x.a, x.b); got != x.want {
			t.Errorf("%s, %s: %d", x.a, x.b, got)
		}
	}
}
