package slack

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/slack-go/slack"

	"watchstander/bot"
)

// calls are the client's functions that this package may use, with Slack's name of the
// method and the scopes that its documentation asks of a bot token. A scope of a kind of
// conversation is asked for each kind that rooms can be of; what a configured channel
// ("C…", "G…") is looked at with is never used on a direct message.
var calls = map[string]struct {
	method string
	scopes []string
}{
	"AuthTestContext":                 {"auth.test", nil},
	"GetConversationInfoContext":      {"conversations.info", []string{"channels:read", "groups:read"}},
	"GetConversationHistoryContext":   {"conversations.history", []string{"channels:history", "groups:history", "im:history"}},
	"GetConversationRepliesContext":   {"conversations.replies", []string{"channels:history", "groups:history", "im:history"}},
	"PostMessageContext":              {"chat.postMessage", []string{"chat:write"}},
	"PostMessageWithResponseContext":  {"chat.postMessage", []string{"chat:write"}},
	"PostEphemeralContext":            {"chat.postEphemeral", []string{"chat:write"}},
	"UpdateMessageContext":            {"chat.update", []string{"chat:write"}},
	"DeleteMessageContext":            {"chat.delete", []string{"chat:write"}},
	"GetUploadURLExternalContext":     {"files.getUploadURLExternal", []string{"files:write"}},
	"UploadToURL":                     {"", nil}, // the address itself is the right
	"CompleteUploadExternalContext":   {"files.completeUploadExternal", []string{"files:write"}},
	"GetFileInfoContext":              {"files.info", []string{"files:read"}},
	"DeleteFileContext":               {"files.delete", []string{"files:write"}},
	"AddReactionContext":              {"reactions.add", []string{"reactions:write"}},
	"GetUserInfoContext":              {"users.info", []string{"users:read"}},
	"OpenViewContext":                 {"views.open", nil},
	"UpdateViewContext":               {"views.update", nil},
	"StartSocketModeContext":          {"apps.connections.open", nil}, // connections:write, of the app-level token
	"New, of the package socketmode,": {"apps.connections.open", nil},
}

// subscriptions are the events that a bot can subscribe to, with the scopes that they
// need.
var subscriptions = map[string][]string{
	"app_mention":           {"app_mentions:read"},
	"message.channels":      {"channels:history"},
	"message.groups":        {"groups:history"},
	"message.im":            {"im:history"},
	"message.mpim":          {"mpim:history"},
	"reaction_added":        {"reactions:read"},
	"reaction_removed":      {"reactions:read"},
	"member_joined_channel": {"channels:read", "groups:read"},
	"member_left_channel":   {"channels:read", "groups:read"},
	"channel_archive":       {"channels:read"},
	"group_archive":         {"groups:read"},
	"app_home_opened":       nil,
	"tokens_revoked":        nil,
	"app_uninstalled":       nil,
}

func parsed(t *testing.T, text string) slack.Manifest {
	t.Helper()
	var m slack.Manifest
	// Strict: a key that the library does not know is one that Slack does not.
	if err := yaml.UnmarshalWithOptions([]byte(text), &m, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestManifestScopes: the manifest asks for what the code's calls and the manifest's own
// events and commands need, and for nothing else.
func TestManifestScopes(t *testing.T) {
	m := parsed(t, manifest)
	needed := map[string][]string{} // scope → for what
	need := func(what string, scopes ...string) {
		for _, s := range scopes {
			needed[s] = append(needed[s], what)
		}
	}
	used := clientCalls(t)
	if len(used) < 8 {
		t.Errorf("only these calls were found: %v", used)
	}
	for name, where := range used {
		c, known := calls[name]
		if !known {
			t.Errorf("%s: nobody has looked up which scopes %s needs", where, name)
		}
		need(c.method, c.scopes...)
	}
	for _, e := range m.Settings.EventSubscriptions.BotEvents {
		scopes, known := subscriptions[e]
		if !known {
			t.Errorf("nobody has looked up which scopes the event %s needs", e)
		}
		need("the event "+e, scopes...)
	}
	if len(m.Features.SlashCommands) > 0 {
		need("slash commands", "commands")
	}
	for _, s := range slices.Sorted(maps.Keys(needed)) {
		if !slices.Contains(m.OAuthConfig.Scopes.Bot, s) {
			t.Errorf("the manifest lacks %s, for %s", s, strings.Join(needed[s], ", "))
		}
	}
	for _, s := range m.OAuthConfig.Scopes.Bot {
		if needed[s] == nil {
			t.Errorf("the manifest asks for %s, and nothing needs it", s)
		}
	}
	if !slices.IsSorted(m.OAuthConfig.Scopes.Bot) {
		t.Error("the scopes are not in order")
	}
	if len(m.OAuthConfig.Scopes.User)+len(m.OAuthConfig.Scopes.BotOptional) > 0 {
		t.Error("the manifest asks for a person's rights")
	}
}

// TestManifestEvents: what the manifest subscribes to is heard, and of what it does not
// nothing would be.
func TestManifestEvents(t *testing.T) {
	c, err := New(Options{Chat: "slack", Team: "T024BE7LD", BotToken: checkBotToken, AppToken: checkAppToken, Rooms: map[bot.RoomID]string{"ops": "C024BE91L"}})
	if err != nil {
		t.Fatal(err)
	}
	subscribed := parsed(t, manifest).Settings.EventSubscriptions.BotEvents
	for e := range subscriptions {
		kind, _, _ := strings.Cut(e, ".")
		raw := fmt.Sprintf(`{"type":"event_callback","team_id":"T024BE7LD","event_id":"Ev1","event":{"type":%q,"channel":"C024BE91L","user":"U012AB3CD","text":"help","ts":"1732800000.000100","event_ts":"1732800000.000100"}}`, kind)
		heard := len(c.envelope("events_api", []byte(raw)).events) > 0
		if wanted := slices.Contains(subscribed, e); heard != wanted && e != "message.mpim" {
			t.Errorf("%s is subscribed to: %v; it is heard: %v", e, wanted, heard)
		}
	}
	// A direct message among several is no room that can be configured.
	if slices.Contains(subscribed, "message.mpim") {
		t.Error("message.mpim is subscribed to")
	}
}

// clientCalls are the client's functions that the code calls, each with a place.
func clientCalls(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]string{}
	set := token.NewFileSet()
	isAPI := func(x ast.Expr) bool {
		s, ok := x.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "api"
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		accounted := map[ast.Expr]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt: // made
				for _, x := range n.Lhs {
					accounted[x] = true
				}
			case *ast.CallExpr:
				s, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if p, ok := s.X.(*ast.Ident); ok && p.Name == "socketmode" && s.Sel.Name == "New" {
					accounted[n.Args[0]] = true
					used["New, of the package socketmode,"] = set.Position(n.Pos()).String()
				}
				if isAPI(s.X) {
					accounted[s.X] = true
					used[s.Sel.Name] = set.Position(n.Pos()).String()
				}
			case *ast.SelectorExpr:
				// Handed on, its calls would not be seen here.
				if isAPI(n) && !accounted[n] {
					t.Errorf("%s: the client is used in a way that this test does not understand", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
	return used
}

func TestManifestOfSocketMode(t *testing.T) {
	text, err := Manifest("")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("manifest.yaml")
	if err != nil || text != string(file) {
		t.Error("the command prints something else than the file", err)
	}
	m := parsed(t, text)
	if !m.Settings.SocketModeEnabled || m.Settings.TokenRotationEnabled || m.Settings.OrgDeployEnabled || !m.Settings.Interactivity.IsEnabled || strings.Contains(text, "http:") || strings.Contains(text, "_url:") {
		t.Errorf("%+v", m.Settings)
	}
	if c := m.Features.SlashCommands; len(c) != 1 || c[0].Command != "/ws" || !c[0].ShouldEscape || c[0].Url != "" {
		t.Errorf("%+v", c)
	}
	if !m.Features.AppHome.MessagesTabEnabled || m.Features.AppHome.MessagesTabReadOnlyEnabled {
		t.Error("nobody can write to the bot alone")
	}
	// Slack's limits for these.
	if len(m.Display.Name) > 35 || len(m.Display.Description) > 140 || len(m.Features.BotUser.DisplayName) > 80 {
		t.Errorf("%+v", m.Display)
	}
	if !slices.Equal(scopes(), m.OAuthConfig.Scopes.Bot) || len(scopes()) == 0 {
		t.Errorf("check compares with %v", scopes())
	}
}

func TestManifestOfHTTPMode(t *testing.T) {
	const address = "https://bot.example.org/slack/ops"
	text, err := Manifest(address)
	if err != nil {
		t.Fatal(err)
	}
	m, was := parsed(t, text), parsed(t, manifest)
	if m.Settings.SocketModeEnabled || m.Settings.EventSubscriptions.RequestUrl != address || m.Settings.Interactivity.RequestUrl != address || m.Features.SlashCommands[0].Url != address {
		t.Errorf("%s", text)
	}
	// Nothing else changes.
	if !slices.Equal(m.OAuthConfig.Scopes.Bot, was.OAuthConfig.Scopes.Bot) || !slices.Equal(m.Settings.EventSubscriptions.BotEvents, was.Settings.EventSubscriptions.BotEvents) ||
		!m.Settings.Interactivity.IsEnabled || !m.Features.SlashCommands[0].ShouldEscape {
		t.Errorf("%s", text)
	}
	if n := strings.Count(text, "\n") - strings.Count(manifest, "\n"); n != 3 || strings.Count(text, address) != 3 {
		t.Errorf("%d lines more:\n%s", n, text)
	}
	for _, bad := range []string{"http://bot.example.org/slack/ops", "bot.example.org/slack/ops", "https://bot.example.org", "https://bot.example.org/", "https:///x",
		"https://a:b@bot.example.org/slack/ops", "https://bot.example.org/slack?x", "https://bot.example.org/slack#x", "https://bot.example.org/%zz", " "} {
		if text, err := Manifest(bad); err == nil || text != "" {
			t.Errorf("%q is taken", bad)
		}
	}
	// What would end the quotes in YAML is no part of an address.
	text, err = Manifest("https://bot.example.org/a\"\nb: c")
	if err == nil && parsed(t, text).Features.SlashCommands[0].Command != "/ws" {
		t.Error(text)
	}
}
