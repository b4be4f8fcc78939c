package slack

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"watchstander/bot"
)

// Options say which app speaks in which channels of which workspace.
type Options struct {
	// Chat is the chat's name in the configuration; it is also the batches' Source.
	Chat bot.ChatID
	// Team is the workspace's id ("T…"): people of others are nobody.
	Team string
	// BotToken is the bot's ("xoxb-…"), AppToken the one for Socket Mode ("xapp-…").
	// Surrounding white space, as files have it, is ignored. They appear in no error
	// and in no log.
	BotToken, AppToken string
	// Rooms gives each of the bot's room names the channel's id ("C…", "G…", "D…").
	Rooms map[bot.RoomID]string
	// SigningSecret is what Slack signs its requests with, where it calls [Chat.Handler]
	// in place of Socket Mode; then there is no AppToken.
	SigningSecret string
	// Cursor is the last committed batch's; "" begins with what is said from the first
	// Run on.
	Cursor string
	// Connections to Socket Mode at a time; Slack takes up to ten. 0 means two, so that
	// one goes on while the other is replaced.
	Connections int
	// API is the base address of the Web API, "" for Slack's own. It is for tests.
	API string

	// Behind tells of a press or a command with a slash that it waits for what was said
	// before it, however long that takes to be read back: what lets something run must
	// not pass a word against it. nil: none does.
	Behind func(line string) bool

	// Pace of posts; 0 means no limit. Slack takes about one a second in a channel, and
	// short bursts.
	RoomPerSecond float64
	RoomBurst     int
	ChatPerSecond float64
	ChatBurst     int

	// RoundTripper is the HTTP client's lower half; nil gives one of our own.
	RoundTripper http.RoundTripper
	// Dialer makes the connections of Socket Mode; nil gives one of the library's.
	Dialer *websocket.Dialer
	// Log is where troubles are told; nil is silence.
	Log *slog.Logger
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// Chat is one app in one workspace. Its methods may be called concurrently, but for
// Run, which runs once at a time.
type Chat struct {
	chat  bot.ChatID
	team  string
	rooms map[bot.RoomID]string
	names map[string]bot.RoomID // the other way round
	caps  bot.Caps
	api   *slack.Client
	http  *http.Client
	log   *slog.Logger
	now   func() time.Time

	signing     string // "" in Socket Mode
	connections int
	dialer      *websocket.Dialer

	behind   func(line string) bool
	running  atomic.Bool
	identity atomic.Pointer[identity]
	heard    atomic.Int64 // milliseconds of the last word from Slack
	breaks   breaks
	doubt    chan struct{} // one slot: a call failed as if Slack were gone, or our token
	unsigned unsigned
	live     connections
	in       intake
	roots    roots
}

var (
	_ bot.Chat   = (*Chat)(nil)
	_ bot.Pulse  = (*Chat)(nil)
	_ bot.Eraser = (*Chat)(nil)
)

// Forms of Slack's ids.
var (
	teamID    = regexp.MustCompile(`^[TE][A-Z0-9]{2,30}$`)
	channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{2,30}$`)
)

// New checks the options; its error names every fault in them at once. Nothing is asked
// of Slack yet.
func New(o Options) (*Chat, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, bot.Errorf(bot.CodeInvalid, format, args...))
	}
	if o.Chat == "" {
		fault("The Slack chat has no name.")
	}
	if !teamID.MatchString(o.Team) {
		fault("%q is no id of a Slack workspace: it begins with \"T\" (in a browser, it stands behind app.slack.com/client/).", o.Team)
	}
	if len(o.Rooms) == 0 {
		fault("The Slack chat %q has no rooms.", o.Chat)
	}
	names := make(map[string]bot.RoomID, len(o.Rooms))
	for name, id := range o.Rooms {
		switch other, taken := names[id]; {
		case !channelID.MatchString(id):
			fault("Room %q: %q is no id of a channel. Ids begin with \"C\"; the channel's details show it at the end (a name with \"#\" can be given to another channel).", name, id)
		case taken:
			fault("Rooms %q and %q are the same Slack channel.", min(name, other), max(name, other))
		default:
			names[id] = name
		}
	}
	botToken, appToken := strings.TrimSpace(o.BotToken), strings.TrimSpace(o.AppToken)
	if !strings.HasPrefix(botToken, "xoxb-") || !oneWord(botToken) {
		fault("The bot token is none: it is one line that begins with \"xoxb-\" (the app's page, OAuth & Permissions).")
	}
	signing := strings.TrimSpace(o.SigningSecret)
	switch {
	case appToken == "" && signing == "":
		fault("The Slack chat %q has neither an app-level token, for Socket Mode, nor a signing secret, for HTTP.", o.Chat)
	case appToken != "" && signing != "":
		fault("The Slack chat %q has an app-level token, for Socket Mode, and a signing secret, for HTTP: events would come twice.", o.Chat)
	case signing != "" && (!oneWord(signing) || len(signing) < 16):
		fault("The signing secret is none: it is one line of hexadecimal digits (the app's page, Basic Information).")
	}
	if appToken != "" && (!strings.HasPrefix(appToken, "xapp-") || !oneWord(appToken)) {
		fault("The app-level token is none: it is one line that begins with \"xapp-\" (the app's page, Basic Information).")
	}
	if o.Connections < 0 || o.Connections > 10 {
		fault("%d connections: Slack takes 1 to 10.", o.Connections)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	c := &Chat{
		chat: o.Chat, team: o.Team, rooms: maps.Clone(o.Rooms), names: names,
		caps: bot.Caps{
			RoomPerSecond: o.RoomPerSecond, RoomBurst: o.RoomBurst, ChatPerSecond: o.ChatPerSecond, ChatBurst: o.ChatBurst,
			Threads: true, Edits: true, LateEdits: true, Asides: true, Buttons: true,
		},
		log: o.Log, now: o.Now, behind: o.Behind,
		signing: signing, connections: o.Connections, dialer: o.Dialer,
		doubt: make(chan struct{}, 1),
		in:    intake{turn: make(turn, 1), place: parsePlace(o.Cursor), recent: map[bot.MessageID]bool{}},
	}
	for channel, s := range c.in.place {
		for _, ts := range s.Heard {
			c.in.remember(messageID(channel, ts))
		}
	}
	if c.connections == 0 {
		c.connections = usualConnections
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("chat", string(o.Chat))
	if c.now == nil {
		c.now = time.Now
	}
	c.http = &http.Client{Transport: &reached{base: o.RoundTripper}, Timeout: callTime}
	options := []slack.Option{slack.OptionHTTPClient(c.http), slack.OptionAppLevelToken(appToken)}
	if o.API != "" {
		options = append(options, slack.OptionAPIURL(strings.TrimSuffix(o.API, "/")+"/"))
	}
	c.api = slack.New(botToken, options...)
	return c, nil
}

// callTime bounds one call of the Web API.
const callTime = 20 * time.Second

func oneWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Caps are the app's pace and Slack's abilities.
func (c *Chat) Caps() bot.Caps { return c.caps }

// Close lets go of idle connections; it is for after Run and the last Send.
func (c *Chat) Close() { c.http.CloseIdleConnections() }

// LastHeard is when Slack last sent us anything; bot.Pulse.
func (c *Chat) LastHeard() time.Time {
	if ms := c.heard.Load(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// channel gives the platform's id of a configured room.
func (c *Chat) channel(name bot.RoomID) (string, error) {
	id, ok := c.rooms[name]
	if !ok {
		return "", fmt.Errorf("slack: no room %q is configured in chat %q", name, c.chat)
	}
	return id, nil
}

// Ids. A time stamp names a message within its channel alone, so that ours have both:
// "C024BE91L/1732800000.000100".

func messageID(channel, ts string) bot.MessageID { return bot.MessageID(channel + "/" + ts) }

// stamp is the time stamp of a message in a channel, "" where it is of another one.
func stamp(channel string, id bot.MessageID) string {
	ts, ok := strings.CutPrefix(string(id), channel+"/")
	if !ok {
		return ""
	}
	return ts
}

// roots remembers which roots are gone, and since which break in the connection each
// was last seen to be there.
type roots struct {
	mu    sync.Mutex
	epoch int
	seen  map[bot.MessageID]int
	gone  map[bot.MessageID]bool
	keys  map[bot.MessageID]bot.SendKey // of those that this life has posted
}

// mostRoots bounds what is remembered; what was forgotten is asked for again.
const mostRoots = 5000

// broke begins a new epoch: what was deleted meanwhile, nobody told us.
func (r *roots) broke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch++
}

// look tells whether a root is gone, and whether that is known.
func (r *roots) look(id bot.MessageID) (gone, known bool, epoch int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, seen := r.seen[id]
	return r.gone[id], r.gone[id] || seen && at == r.epoch, r.epoch
}

func (r *roots) there(id bot.MessageID, epoch int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil || len(r.seen) >= mostRoots {
		r.seen = map[bot.MessageID]int{}
	}
	r.seen[id] = epoch
}

func (r *roots) lost(id bot.MessageID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone == nil || len(r.gone) >= mostRoots {
		r.gone = map[bot.MessageID]bool{}
	}
	r.gone[id] = true
}

func (r *roots) named(id bot.MessageID, key bot.SendKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil || len(r.keys) >= mostRoots {
		r.keys = map[bot.MessageID]bot.SendKey{}
	}
	r.keys[id] = key
}

// both adds a root's own key to an edit's, where it is known: a root whose receipt was
// lost is looked for before it is edited, so that this only matters where somebody looks
// later than they need.
func (r *roots) both(m slack.SlackMetadata, id bot.MessageID) slack.SlackMetadata {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key := r.keys[id]; key != "" {
		m.EventPayload = maps.Clone(m.EventPayload)
		m.EventPayload[metadataRoot] = string(key)
	}
	return m
}
