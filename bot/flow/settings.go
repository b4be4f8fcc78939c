package flow

import (
	"time"

	"watchstander/bot"
)

// Settings are what a configuration comes to, in flow's terms. They are
// replaced as a whole when the configuration is loaded again.
type Settings struct {
	Zone *time.Location
	// Rooms are all rooms of all chats.
	Rooms map[bot.RoomID]Room
	// Endpoints tell which Alertmanager posts to a webhook's endpoint.
	Endpoints map[string]string
	// Alertmanagers are the configured ones, the default one first.
	Alertmanagers []string
	// NoticesRoom is told of the bot's own troubles.
	NoticesRoom bot.RoomID
	// ApprovalsRoom is where plans are shown, beside where they are asked for.
	ApprovalsRoom bot.RoomID
	// Checklists with their firings, in the configuration's order.
	Checklists []Schedule
	// Route tells what to do with an alert. It always tells something.
	Route func(bot.Labels) []Route
	// Heartbeats are the routes that wait for one, so that one that never came
	// is missed too.
	Heartbeats []Route
	// Hosts are the configured ones, in the configuration's order.
	Hosts []string
	// Host is the configured host that an alert speaks of, "" for none.
	Host func(bot.Labels) string
	// Scope is what a silence over a host, or over matchers that somebody gave, has as
	// matchers (bot.World, MaintenanceScope).
	Scope func(host string, given []bot.Matcher) ([]bot.Matcher, error)
	// Person finds who writes from an account.
	Person func(bot.ChatID, bot.UserID) (bot.Person, bool)
	// People finds a person by name.
	People func(bot.PersonID) (bot.Person, bool)
	// Called finds a person as people call them in a chat. It proves nothing of who writes.
	Called func(string) (bot.Person, bool)
	// RebootGrace is how long a host's alerts gather after its boot.
	RebootGrace func(host string) time.Duration
	// Quiet tells until when a new thread of this severity is held back, zero
	// when it is not.
	Quiet func(time.Time, bot.Severity) time.Time
	// NextDigest is the first digest after a time.
	NextDigest func(time.Time) time.Time

	// NextBrief is the first morning brief after a time, and BriefSince the evening from
	// which on one at that time tells; nil where there are none.
	NextBrief, BriefSince func(time.Time) time.Time

	ReopenWithin   time.Duration
	AckReminder    time.Duration // 0: never
	SilenceWarning time.Duration
	AdoptAfter     time.Duration
	KeepClosed     time.Duration // 0: for ever
	Poll           map[string]time.Duration
}

// Room is where a room belongs.
type Room struct {
	Chat bot.ChatID
	// Everything: it shows every thread, whatever the routes say (the console).
	Everything bool
}

// Route is what is to be done with an alert.
type Route struct {
	As    RouteAs
	Rooms []bot.RoomID
	// Name and AbsentAfter belong to heartbeats.
	Name        string
	AbsentAfter time.Duration
}

// RouteAs is the kind of a Route.
type RouteAs string

const (
	AsThread    RouteAs = "thread"
	AsDigest    RouteAs = "digest"
	AsHeartbeat RouteAs = "heartbeat"
)
