package slack

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

const (
	checkBotToken = "xoxb-" + "check-secret"
	checkAppToken = "xapp-" + "check-secret"
)

// answers is Slack for a check: for each method what it says, for some with the
// channel behind a space.
type answers map[string]string

func (a answers) RoundTrip(q *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(q.Body)
	method := strings.TrimPrefix(q.URL.Path, "/api/")
	said, ok := a[method]
	for what, s := range a {
		if m, channel, of := strings.Cut(what, " "); of && m == method && strings.Contains(string(body), "channel="+channel) {
			said, ok = s, true
		}
	}
	want := checkBotToken
	if method == "apps.connections.open" {
		want = checkAppToken
	}
	switch {
	case !strings.Contains(q.Header.Get("Authorization")+string(body), want):
		said = `{"ok":false,"error":"not_authed"}`
	case !ok:
		said = `{"ok":false,"error":"unknown_method"}`
	case said == "":
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	case said == "odd":
		return nil, errors.New("a proxy tells of " + checkBotToken)
	}
	r := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: q}
	if status, rest, ok := strings.Cut(said, "|"); ok {
		r.StatusCode = map[string]int{"429": 429, "503": 503}[status]
		r.Header.Set("Retry-After", "7")
		said = rest
	}
	if scopes, rest, ok := strings.Cut(said, "\n"); ok {
		r.Header.Set("X-OAuth-Scopes", scopes)
		said = rest
	}
	r.Body = io.NopCloser(strings.NewReader(said))
	return r, nil
}

const goodAuth = `{"ok":true,"url":"https://acme.slack.com/","team":"Acme","user":"watchstander","team_id":"T024BE7LD","user_id":"U0WATCH","bot_id":"B0WATCH"}`

func allScopes() string { return strings.Join(scopes(), ",") }

// sound is a workspace in which all is well, with what differs.
func sound(differs answers) answers {
	a := answers{
		"auth.test":                    allScopes() + "\n" + goodAuth,
		"apps.connections.open":        `{"ok":true,"url":"wss://wss.example.org/link/?ticket=` + checkBotToken + `"}`,
		"conversations.info C024BE91L": `{"ok":true,"channel":{"id":"C024BE91L","name":"ops","is_channel":true,"is_member":true}}`,
	}
	for k, v := range differs {
		a[k] = v
	}
	return a
}

// checked gives what Check finds, a line each, and sees that no token is in it.
func checked(t *testing.T, a answers, change ...func(*Options)) string {
	t.Helper()
	o := Options{Chat: "slack", Team: "T024BE7LD", BotToken: checkBotToken, AppToken: checkAppToken, Rooms: map[bot.RoomID]string{"ops": "C024BE91L"}, RoundTripper: a}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range c.Check(t.Context()) {
		if r.Value == "" || r.At.IsZero() || time.Since(r.At) > time.Minute {
			t.Errorf("%+v", r)
		}
		b.WriteString(string(r.State) + " | " + r.What + " | " + r.Value + " | " + r.Note + "\n")
	}
	if strings.Contains(b.String(), "check-secret") {
		t.Errorf("a token is told:\n%s", b.String())
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	rooms := func(o *Options) {
		o.Rooms = map[bot.RoomID]string{"a": "C0ARCHIVED", "b": "C0OUTSIDE", "c": "C0UNKNOWN", "d": "D0DIRECT", "e": "C0SHARED", "f": "C0MOVED", "g": "C0LACKS"}
	}
	for _, x := range []struct {
		name string
		a    answers
		o    func(*Options)
		want string
	}{
		{"all is well", sound(nil), nil, `ok | slack workspace | Acme (T024BE7LD) | 
ok | slack account | watchstander (U0WATCH) | 
ok | slack scopes | all that are needed | 
ok | slack socket mode | can be opened | 
ok | slack channel "ops" | #ops, the bot is in it | 
`},
		{"HTTP in place of Socket Mode", sound(nil), func(o *Options) { o.AppToken, o.SigningSecret = "", checkBotToken }, `ok | slack workspace | Acme (T024BE7LD) | 
ok | slack account | watchstander (U0WATCH) | 
ok | slack scopes | all that are needed | 
ok | slack channel "ops" | #ops, the bot is in it | 
`},
		{"another workspace, a person's token, strange scopes", sound(answers{
			"auth.test": "chat:write,admin,channels:history, channels:read,commands,files:read,groups:history,groups:read,im:history\n" +
				`{"ok":true,"team":"Other","user":"alice","team_id":"T0OTHER","user_id":"U0ALICE"}`}), nil,
			`not ok | slack workspace | Other (T0OTHER) | the bot token is of this workspace, but T024BE7LD is configured
not ok | slack account | alice | the token is a person's: the bot's begins with "xoxb-" (the app's page, OAuth & Permissions)
not ok | slack scopes | too few | missing: files:write; put the manifest (watchstander slack manifest) into the app's page, App Manifest, and install the app again
ok | slack socket mode | can be opened | 
ok | slack channel "ops" | #ops, the bot is in it | 
`},
		{"more scopes", sound(answers{"auth.test": "admin," + allScopes() + "\n" + goodAuth}), nil,
			`ok | slack workspace | Acme (T024BE7LD) | 
ok | slack account | watchstander (U0WATCH) | 
ok | slack scopes | all that are needed | for information: the token may more than the bot needs: admin
ok | slack socket mode | can be opened | 
ok | slack channel "ops" | #ops, the bot is in it | 
`},
		{"no word of scopes, no Socket Mode", sound(answers{"auth.test": goodAuth, "apps.connections.open": `{"ok":false,"error":"missing_scope","needed":"connections:write","provided":"x"}`}), nil,
			`ok | slack workspace | Acme (T024BE7LD) | 
ok | slack account | watchstander (U0WATCH) | 
unknown | slack scopes | not told | Slack's answer does not say what the token may
not ok | slack socket mode | refused | missing_scope: the token may not ask this: put the manifest (watchstander slack manifest) into the app's page, App Manifest, and install the app again; an app-level token needs connections:write (it lacks connections:write)
ok | slack channel "ops" | #ops, the bot is in it | 
`},
		{"a revoked token", sound(answers{"auth.test": `{"ok":false,"error":"token_revoked"}`}), nil,
			`not ok | slack workspace | refused | token_revoked: the token is not accepted: copy it anew from the app's page into its file, and restart the bot
unknown | slack account | not asked | Slack did not take the bot token, or gave no answer
unknown | slack scopes | not asked | Slack did not take the bot token, or gave no answer
unknown | slack socket mode | not asked | Slack did not take the bot token, or gave no answer
unknown | slack channel "ops" | not asked | Slack did not take the bot token, or gave no answer
`},
		{"rooms", sound(answers{
			"conversations.info C0ARCHIVED":  `{"ok":true,"channel":{"id":"C0ARCHIVED","name":"old","is_member":true,"is_archived":true}}`,
			"conversations.info C0OUTSIDE":   `{"ok":true,"channel":{"id":"C0OUTSIDE","name":"general","is_member":false}}`,
			"conversations.info C0UNKNOWN":   `{"ok":false,"error":"channel_not_found"}`,
			"conversations.history D0DIRECT": `{"ok":true,"messages":[]}`,
			"conversations.info C0SHARED":    `{"ok":true,"channel":{"id":"C0SHARED","name":"with-others","is_member":true,"is_ext_shared":true}}`,
			"conversations.info C0MOVED":     `{"ok":true,"channel":{"id":"C0OTHER","name":"moved","is_member":true}}`,
			"conversations.info C0LACKS":     `{"ok":false,"error":"missing_scope","needed":"channels:read"}`,
		}), rooms, `ok | slack workspace | Acme (T024BE7LD) | 
ok | slack account | watchstander (U0WATCH) | 
ok | slack scopes | all that are needed | 
ok | slack socket mode | can be opened | 
not ok | slack channel "a" | #old | it is archived: unarchive it, or configure another one
not ok | slack channel "b" | #general | the bot is not in it: type "/invite @watchstander" there
not ok | slack channel "c" | refused | channel_not_found: there is no such channel, or a private one that the bot is not in: type "/invite @watchstander" there, and compare the id
ok | slack channel "d" | a direct message with the bot | 
ok | slack channel "e" | #with-others, the bot is in it | for information: it is shared with other workspaces, whose people read what is said; the bot obeys none of them
not ok | slack channel "f" | #moved | Slack knows C0MOVED as C0OTHER now: put that id into the configuration
not ok | slack channel "g" | refused | missing_scope: the token may not ask this: put the manifest (watchstander slack manifest) into the app's page, App Manifest, and install the app again; an app-level token needs connections:write (it lacks channels:read)
`},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.o == nil {
				x.o = func(*Options) {}
			}
			if got := checked(t, x.a, x.o); got != x.want {
				t.Errorf("got\n%swant\n%s", got, x.want)
			}
		})
	}
}

// TestCheckTroubles: whatever Slack or the way to it does, it is told in words, and
// nothing of a token with it.
func TestCheckTroubles(t *testing.T) {
	for said, want := range map[string]string{
		``:                                   "no answer | dial: connection refused; look whether this host gets out to https://slack.com, and wss:// too",
		`429|{}`:                             "no usable answer | slack rate limit exceeded, retry after 7s",
		`odd`:                                "no answer | the call failed; look whether this host gets out to https://slack.com, and wss:// too",
		`503|<html>`:                         "no usable answer | HTTP 503: is something between the bot and Slack?",
		`<html>captive portal`:               "no answer | invalid character '<' looking for beginning of value; look whether this host gets out to https://slack.com, and wss:// too",
		`{"ok":false,"error":"odd_one"}`:     "refused | odd_one",
		`{"ok":false,"error":"ratelimited"}`: "no usable answer | ratelimited",
	} {
		line, _, _ := strings.Cut(checked(t, sound(answers{"auth.test": said})), "\n")
		if line != "not ok | slack workspace | "+want {
			t.Errorf("%s:\ngot  %s\nwant %s", said, line, want)
		}
	}
}

// TestCheckTheFake: a token with the manifest's scopes is enough for every kind of room,
// and what people do to a channel is seen.
func TestCheckTheFake(t *testing.T) {
	f := slackfake.New(slackfake.Options{Scopes: scopes()})
	defer f.Close()
	transport := f.Transport()
	defer transport.CloseIdleConnections()
	rooms := map[bot.RoomID]string{
		"closed": f.AddChannel(slackfake.Channel{ID: "C0CLOSED", Name: "closed", Kind: slackfake.Private}),
		"direct": f.DM(f.AddUser(slackfake.User{ID: "U0ALICE", Name: "alice"}), "hello").Channel,
		"open":   f.AddChannel(slackfake.Channel{ID: "C0OPEN", Name: "open"}),
	}
	c, err := New(Options{Chat: "slack", Team: f.Team(), BotToken: f.BotToken(), AppToken: f.AppToken(), Rooms: rooms, API: f.URL(), RoundTripper: transport})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	look := func(want ...string) {
		t.Helper()
		var got []string
		for _, r := range c.Check(t.Context()) {
			got = append(got, string(r.State)+" "+r.What+": "+r.Value)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	first := []string{"ok slack workspace: vulcan (T0VULCAN)", "ok slack account: watchstander (U0WATCH)", "ok slack scopes: all that are needed", "ok slack socket mode: can be opened"}
	look(append(first, `ok slack channel "closed": #closed, the bot is in it`, `ok slack channel "direct": a direct message with the bot`, `ok slack channel "open": #open, the bot is in it`)...)
	f.Kick("C0CLOSED")
	f.Archive("C0OPEN", true)
	look(append(first, `not ok slack channel "closed": refused`, `ok slack channel "direct": a direct message with the bot`, `not ok slack channel "open": #open`)...)
	f.Join("C0CLOSED")
	f.Archive("C0OPEN", false)
	f.Kick("C0OPEN")
	look(append(first, `ok slack channel "closed": #closed, the bot is in it`, `ok slack channel "direct": a direct message with the bot`, `not ok slack channel "open": #open`)...)
	for _, r := range f.Refused() {
		if r.Error != "channel_not_found" {
			t.Errorf("%+v", r)
		}
	}
}
