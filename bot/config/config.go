package config

import (
	"crypto/sha256"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"

	"watchstander/bot"
	"watchstander/schedules"
)

// Config is the file, checked and resolved. It is read only.
type Config struct {
	// sums tell of each secret, by its key, whether it is another one now.
	sums map[string][sha256.Size]byte

	// File is the path it was loaded from, and Digest the SHA-256 of what stood
	// there, in hexadecimal.
	File   string
	Digest string
	// Zone is the zone of the times that people read and type.
	Zone *time.Location
	// State is where the bot keeps what it knows.
	State State
	// Listen is the address (IP and port) of the HTTP server: webhooks,
	// /healthz, /readyz, /metrics. Plain HTTP: port 0 takes any free port.
	Listen        string
	Hosts         []Host
	Chats         []Chat
	Rooms         []Room // the console's implicit room comes last
	People        []bot.Person
	Alertmanagers []Alertmanager
	// Prometheus draws the pictures; nil: there are none.
	Prometheus *Prometheus
	// Grafana is nil where none is looked at.
	Grafana  *Grafana
	Webhooks []Webhook
	Routes   []Route
	Alerts   Alerts
	// QuietHours is nil when no threads are held back.
	QuietHours *QuietHours
	// DigestAt is when the daily digest is posted, in Zone.
	DigestAt Clock
	// Brief is nil when none is posted in the mornings.
	Brief *Brief
	// Checklists are those that come round or come after something, with rooms and a
	// zone; Cron tells when.
	Checklists []bot.Checklist
	crons      map[string]schedules.Cron // by the checklist's name
	// DeadMan is nil when nobody outside watches the bot.
	DeadMan *DeadMan
	// NoticesRoom is told of refused webhooks and of the bot's own troubles.
	NoticesRoom bot.RoomID
	// ApprovalsRoom is shown every plan, beside the room in which it was asked for.
	ApprovalsRoom bot.RoomID
	// Redact are the rules beside the built-in ones, in order.
	Redact []RedactRule
	Log    Log
	// Warnings do not stop the bot; an operator wants to know of them.
	Warnings []Fault
}

// Brief is when the morning brief is posted, and from when on it tells of the evening and
// the night.
type Brief struct {
	At, Since Clock
	Zone      *time.Location
}

// State is where the bot keeps what it knows.
type State struct {
	// Path of the SQLite file, absolute.
	Path string
	// KeepClosed is how long closed threads are kept; 0 is for ever.
	KeepClosed time.Duration
}

// Host is one host that alerts may speak of.
type Host struct {
	Name string
	// Match are the matchers that an alert of this host all fulfils.
	Match labels.Matchers
	// Local: the bot runs on it. At most one host is local.
	Local bool
	// RebootGrace is how long after a boot what fires is gathered in one
	// thread; 0 switches that off.
	RebootGrace time.Duration
	// UseBelow is what a week's means of its processor and memory are to stay below, in
	// percent, 1 to 100.
	UseBelow int
	// Agent is nil for a host on which nothing can be done.
	Agent *HostAgent
	// Certificates are what status looks at.
	Certificates []Certificate
}

// Certificate is one that must not end unnoticed: as a service serves it, as it lies
// in a file, or both.
type Certificate struct {
	// Address is "host:port" of the service, "" for none; ServerName is asked for
	// there, "" for the address' host; Postgres: TLS begins as PostgreSQL has it.
	Address    string
	ServerName string
	Postgres   bool
	// Roots is a PEM file of the authorities that must have signed what is served; ""
	// asks for none.
	Roots string
	// File is a PEM file. With an Address what is served is compared with it.
	File string
}

// HostAgent is the way to a host's agent.
type HostAgent struct {
	// Socket is the Unix socket's path, absolute, at most 104 bytes.
	Socket string
}

// Chat is one chat platform account: exactly one of its kinds is not nil.
type Chat struct {
	ID      bot.ChatID
	Matrix  *Matrix
	Slack   *Slack
	Console *Console
}

// Matrix is an account on a Matrix homeserver.
type Matrix struct {
	// Homeserver is the base address of its client API, without a slash at the
	// end.
	Homeserver string
	// User is the bot's own MXID.
	User  bot.UserID
	Token Secret
	// PerSecond and Burst are the pace of posts: sustained posts a second, and
	// how many may go at once after a rest.
	PerSecond float64
	Burst     int
	// OfferReactions puts the bot's own reactions under an alert's root.
	OfferReactions bool
}

// Slack is an app in one Slack workspace. Exactly one of AppToken and HTTP is not nil.
type Slack struct {
	// Team is the workspace's id ("T…").
	Team     string
	BotToken Secret
	// AppToken opens Socket Mode: the bot calls Slack.
	AppToken *Secret
	// HTTP: Slack calls the bot.
	HTTP *SlackHTTP
	// Connections of Socket Mode at a time, 1 to 10; 0 with HTTP.
	Connections int
	// PerSecond and Burst are the pace of posts in one channel: sustained posts a
	// second, and how many may go at once after a rest. WorkspacePerSecond is the
	// pace in all channels together.
	PerSecond          float64
	Burst              int
	WorkspacePerSecond float64
}

// SlackHTTP is where Slack's requests arrive, from the proxy that speaks TLS.
type SlackHTTP struct {
	// Listen is an address (IP and port); that of the Config where the same server
	// takes them.
	Listen        string
	SigningSecret Secret
}

// Console is the chat for a terminal on the host itself.
type Console struct {
	// Socket is the Unix socket's path, absolute, at most 104 bytes.
	Socket string
}

// Room is a room of a chat.
type Room struct {
	ID   bot.RoomID
	Chat bot.ChatID
	// PlatformID is what the platform calls it ("!abc:example.org", "C024BE91L"); ""
	// for the console's room.
	PlatformID string
}

// Alertmanager is one Alertmanager, or the peers of one cluster.
type Alertmanager struct {
	Name string
	// URLs are the peers' base addresses, without a slash at the end.
	URLs []string
	// Receivers that lead to us: alerts that name none of them are not ours.
	Receivers []string
	// Poll is the time between two looks at its API.
	Poll time.Duration
	Credentials
}

// Credentials are what we show to a server: one of the two, or none.
type Credentials struct {
	Bearer *Secret
	Basic  *Basic
}

// Basic is a user name and password (RFC 7617).
type Basic struct {
	Username string // holds no colon
	Password Secret
}

// Prometheus is where pictures and figures come from.
type Prometheus struct {
	// URL is the base address, without a slash at the end.
	URL string
	// Graph is how far back a picture looks.
	Graph time.Duration
	Credentials
}

// Grafana is where dashboards are looked at by people.
type Grafana struct {
	// URL is the base address, without a slash at the end.
	URL string
	// Token is a service account's; nil: what everybody may know is all that is asked.
	Token *Secret
	// Dashboards are the uids of those that must be there, AtLeast how many there must be.
	Dashboards []string
	AtLeast    int
}

// Webhook is one endpoint at which an Alertmanager delivers:
// POST /webhook/<Name>. Exactly one of Bearer, Basic and HMAC is not nil.
type Webhook struct {
	Name         string // safe as a part of a URL's path
	Alertmanager string
	Credentials
	HMAC *HMAC
	// MaxBody is the most bytes that a body may have.
	MaxBody int64
}

// HMAC is a signature over the body: the header holds "sha256=" and the
// HMAC-SHA-256 in hexadecimal.
type HMAC struct {
	Header string
	Secret Secret
}

// Alerts are the times of an alert thread's life.
type Alerts struct {
	// ReopenWithin: a group that fires again so soon after its end goes on in
	// its old thread; 0 always makes a new one.
	ReopenWithin time.Duration
	// AckReminder is how long an ack lies before it reminds; 0 is never.
	AckReminder time.Duration
	// SilenceWarning is how long before a silence's end its thread says so; 0
	// is never.
	SilenceWarning time.Duration
	// AdoptAfter: an alert that Alertmanager lists for us, that has fired for
	// longer than this, and that no webhook told, is taken anyway.
	AdoptAfter time.Duration
}

// DeadMan is an address outside that expects to be called.
type DeadMan struct {
	// URL is a secret: whoever knows it can keep it quiet.
	URL   Secret
	Every time.Duration
}

// RedactRule is one more pattern that must never be shown.
type RedactRule struct {
	Name    string
	Pattern *regexp.Regexp
}

// Log is how the bot logs.
type Log struct {
	Level slog.Level
	JSON  bool
}

// Cron is when a checklist comes round. One that has no schedule, or does not exist,
// never does.
func (c *Config) Cron(checklist string) schedules.Cron { return c.crons[checklist] }

// LocalHost is the host that the bot runs on, if the file names it.
func (c *Config) LocalHost() (Host, bool) {
	i := slices.IndexFunc(c.Hosts, func(h Host) bool { return h.Local })
	if i < 0 {
		return Host{}, false
	}
	return c.Hosts[i], true
}
