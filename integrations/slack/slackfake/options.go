package slackfake

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// Options say what kind of workspace and app the fake stands for. The zero value is a
// workspace with an app over Socket Mode that has every scope it may need.
type Options struct {
	// Team is the workspace's id, TeamName its name; "T0VULCAN" and "vulcan" by default.
	Team, TeamName string
	// BotUser ("U…"), BotID ("B…"), AppID ("A…") and BotName are the app's.
	BotUser, BotID, AppID, BotName string
	// BotToken, AppToken and SigningSecret are what the app has to show; made up here
	// when empty, see [Fake.BotToken] and its neighbours.
	BotToken, AppToken, SigningSecret string
	// Scopes are the bot token's; nil means [Scopes].
	Scopes []string

	// Addr makes the fake listen on a real address too ("127.0.0.1:0"). Without it, it
	// is reached through [Fake.Transport] and [Fake.Dialer] alone, which work inside a
	// bubble of testing/synctest; a real listener does not.
	Addr string
	// Now is the clock of everything that Slack writes; nil is the process's own (in a
	// bubble: the bubble's). Timers always are the process's.
	Now func() time.Time

	// RequestURL turns HTTP mode on: events, interactions and commands are posted there
	// through Deliver, and Socket Mode is off. Deliver may be [Handler] of a handler.
	RequestURL string
	Deliver    http.RoundTripper

	Limits Limits
	// Retries are the times after a failed delivery until the next try of an event.
	// nil means Slack's: nearly at once, after one minute, after five (documented:
	// Events API, "Retries"). When they are used up, the event is lost.
	Retries []time.Duration
	// AckWithin is Slack's patience for an acknowledgement; 0 means 3 s (documented).
	AckWithin time.Duration
	// PingEvery is the time between WebSocket pings; 0 means 10 s.
	PingEvery time.Duration
	// ConnectionLife is how long a Socket Mode connection lasts before Slack replaces it;
	// 0 means 18,060 s (what "hello" tells as approximate_connection_time in the
	// documentation), negative means for ever.
	ConnectionLife time.Duration
	// FileDelay is how long an uploaded file is looked at before it can be shown; until
	// then files.info has no mimetype, and a block that refers to it is refused. 0 means
	// 1 s, negative means not at all.
	FileDelay time.Duration
	// OnAccept is called, without any lock, for each call that has taken effect, before
	// its answer is sent: who blocks there holds the answer back.
	OnAccept func(Call)
	// NoEcho keeps the app's own messages out of its events; Slack sends them.
	NoEcho bool
}

// Limits are Slack's pace. A zero field is Slack's value, a negative one is no limit.
type Limits struct {
	Off bool // no limit at all
	// PostPerSecond and PostBurst are chat.postMessage's in one channel: 1 a second, and
	// short bursts (documented: "Rate limits"; the size of a burst is not, 5 is ours).
	PostPerSecond float64
	PostBurst     int
	// PostsPerMinute of the whole workspace; beyond it comes message_limit_exceeded as
	// HTTP 200. Slack says "several hundred"; ours is 300.
	PostsPerMinute int
	// TierScale multiplies the calls that a minute of a method's tier takes; 0 means 1.
	TierScale float64
	// MostHistory bounds a page of conversations.history and .replies whatever the call
	// asks for: 15 for an app that is sold outside the Marketplace (documented: changelog
	// of May 2025). 0 means 999.
	MostHistory int
}

// Scopes are what the bot may need (documented with each method).
var Scopes = []string{
	"app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "files:read", "files:write",
	"groups:history", "groups:read", "im:history", "im:read", "im:write", "reactions:read", "reactions:write", "team:read", "users:read",
}

func (o Options) withDefaults() Options {
	o.Team = cmp.Or(o.Team, "T0VULCAN")
	o.TeamName = cmp.Or(o.TeamName, "vulcan")
	o.BotUser = cmp.Or(o.BotUser, "U0WATCH")
	o.BotID = cmp.Or(o.BotID, "B0WATCH")
	o.AppID = cmp.Or(o.AppID, "A0WATCH")
	o.BotName = cmp.Or(o.BotName, "watchstander")
	o.BotToken = cmp.Or(o.BotToken, "xoxb-"+"fake-bot-token")
	o.AppToken = cmp.Or(o.AppToken, "xapp-"+"fake-app-token")
	o.SigningSecret = cmp.Or(o.SigningSecret, "fake-signing-secret")
	if o.Scopes == nil {
		o.Scopes = Scopes
	}
	o.Scopes = slices.Clone(o.Scopes)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Retries == nil {
		o.Retries = []time.Duration{time.Second, time.Minute, 5 * time.Minute}
	}
	o.AckWithin = cmp.Or(o.AckWithin, 3*time.Second)
	o.PingEvery = cmp.Or(o.PingEvery, 10*time.Second)
	o.ConnectionLife = cmp.Or(o.ConnectionLife, 18060*time.Second)
	o.FileDelay = cmp.Or(o.FileDelay, time.Second)
	o.Limits.PostPerSecond = cmp.Or(o.Limits.PostPerSecond, 1)
	o.Limits.PostBurst = cmp.Or(o.Limits.PostBurst, 5)
	o.Limits.PostsPerMinute = cmp.Or(o.Limits.PostsPerMinute, 300)
	o.Limits.TierScale = cmp.Or(o.Limits.TierScale, 1)
	o.Limits.MostHistory = cmp.Or(o.Limits.MostHistory, 999)
	return o
}
