package config

import (
	"time"
)

// The structs of this file are all keys that the YAML file may have, as they
// are written there. The first field of each is its place; the others carry
// their key, and what to write when a key that must be there is missing.

type fileKeys struct {
	place
	Version       given[int]             `yaml:"version" need:"write version: 1"`
	Zone          given[string]          `yaml:"zone"`
	State         stateKeys              `yaml:"state"`
	Listen        given[string]          `yaml:"listen"`
	ListenPublic  given[bool]            `yaml:"listen_public"`
	Hosts         list[hostKeys]         `yaml:"hosts"`
	Chats         list[chatKeys]         `yaml:"chats" need:"without a chat nobody can be told; the least is one of kind console"`
	Rooms         list[roomKeys]         `yaml:"rooms"`
	People        list[personKeys]       `yaml:"people"`
	Alertmanagers list[alertmanagerKeys] `yaml:"alertmanagers" need:"without an Alertmanager there is nothing to tell"`
	Prometheus    *prometheusKeys        `yaml:"prometheus"`
	Grafana       *grafanaKeys           `yaml:"grafana"`
	Webhooks      list[webhookKeys]      `yaml:"webhooks"`
	Routes        list[routeKeys]        `yaml:"routes" need:"the least is one route that matches everything: - rooms: [ops]"`
	Alerts        alertKeys              `yaml:"alerts"`
	QuietHours    *quietKeys             `yaml:"quiet_hours"`
	Digest        digestKeys             `yaml:"digest"`
	Brief         *briefKeys             `yaml:"brief"`
	Checklists    checklistsKeys         `yaml:"checklists"`
	DeadMan       *deadManKeys           `yaml:"dead_man"`
	NoticesRoom   given[string]          `yaml:"notices_room"`
	ApprovalsRoom given[string]          `yaml:"approvals_room"`
	Redact        redactKeys             `yaml:"redact"`
	Log           logKeys                `yaml:"log"`
}

type stateKeys struct {
	place
	Path       given[string] `yaml:"path"`
	KeepClosed given[keep]   `yaml:"keep_closed"`
}

type hostKeys struct {
	place
	Name        given[string]         `yaml:"name" need:"the name that people will read and type"`
	Match       list[given[string]]   `yaml:"match" need:"the matchers of the alerts that speak of this host, as in ['instance=~\"vulcan(:[0-9]+)?\"']"`
	Local       given[bool]           `yaml:"local"`
	RebootGrace given[time.Duration]  `yaml:"reboot_grace"`
	UseBelow    given[int]            `yaml:"use_below"`
	Agent       *hostAgentKeys        `yaml:"agent"`
	Certs       list[certificateKeys] `yaml:"certificates"`
}

type certificateKeys struct {
	place
	Address    given[string] `yaml:"address"`
	ServerName given[string] `yaml:"server_name"`
	Protocol   given[string] `yaml:"protocol"`
	Roots      given[string] `yaml:"roots"`
	File       given[string] `yaml:"file"`
}

type hostAgentKeys struct {
	place
	Socket given[string] `yaml:"socket"`
}

type chatKeys struct {
	place
	Name    given[string] `yaml:"name" need:"the name by which rooms refer to this chat"`
	Matrix  *matrixKeys   `yaml:"matrix"`
	Slack   *slackKeys    `yaml:"slack"`
	Console *consoleKeys  `yaml:"console"`
}

type matrixKeys struct {
	place
	Homeserver given[string] `yaml:"homeserver" need:"the base address of the homeserver's client API, as in https://matrix.example.org"`
	User       given[string] `yaml:"user" need:"the bot's own MXID, as in \"@watchstander:example.org\""`
	TokenFile  given[string] `yaml:"token_file" need:"the file that holds the bot's access token"`
	Pace       paceKeys      `yaml:"pace"`
	Offers     given[bool]   `yaml:"offer_reactions"`
}

type paceKeys struct {
	place
	PerSecond given[float64] `yaml:"per_second"`
	Burst     given[int]     `yaml:"burst"`
}

type slackKeys struct {
	place
	Team         given[string]  `yaml:"team" need:"the workspace's id, as in T024BE7LD (in a browser it stands behind app.slack.com/client/)"`
	BotTokenFile given[string]  `yaml:"bot_token_file" need:"the file that holds the bot's token (\"xoxb-…\"; the app's page shows it under OAuth & Permissions)"`
	AppTokenFile given[string]  `yaml:"app_token_file"`
	HTTP         *slackHTTPKeys `yaml:"http"`
	Connections  given[int]     `yaml:"connections"`
	Pace         slackPaceKeys  `yaml:"pace"`
}

type slackHTTPKeys struct {
	place
	Listen            given[string] `yaml:"listen"`
	SigningSecretFile given[string] `yaml:"signing_secret_file" need:"the file that holds the app's signing secret (the app's page shows it under Basic Information)"`
}

type slackPaceKeys struct {
	place
	PerSecond given[float64] `yaml:"per_second"`
	Burst     given[int]     `yaml:"burst"`
	Workspace given[float64] `yaml:"workspace_per_second"`
}

type consoleKeys struct {
	place
	Socket given[string] `yaml:"socket"`
}

type roomKeys struct {
	place
	Name given[string] `yaml:"name" need:"the name by which routes and people refer to this room"`
	Chat given[string] `yaml:"chat" need:"the name of the chat that the room is in"`
	ID   given[string] `yaml:"id" need:"the platform's id of the room, as in \"!abc:example.org\" (Matrix) or C024BE91L (Slack)"`
}

type personKeys struct {
	place
	Name   given[string]       `yaml:"name" need:"the name that this person's deeds are told under"`
	Roles  list[given[string]] `yaml:"roles"`
	Matrix list[given[string]] `yaml:"matrix"`
	Slack  list[given[string]] `yaml:"slack"`
	UID    list[given[int]]    `yaml:"uid"`
}

type alertmanagerKeys struct {
	place
	Name            given[string]        `yaml:"name" need:"the name by which webhooks refer to this Alertmanager"`
	URLs            list[given[string]]  `yaml:"urls" need:"the addresses of all peers, as in [http://127.0.0.1:9093]"`
	Receivers       list[given[string]]  `yaml:"receivers" need:"the receivers in Alertmanager's configuration that lead here, as in [watchstander]"`
	Poll            given[time.Duration] `yaml:"poll"`
	BearerTokenFile given[string]        `yaml:"bearer_token_file"`
	BasicAuth       *basicKeys           `yaml:"basic_auth"`
}

type basicKeys struct {
	place
	Username     given[string] `yaml:"username" need:"the user name"`
	PasswordFile given[string] `yaml:"password_file" need:"the file that holds the password"`
}

type prometheusKeys struct {
	place
	URL             given[string]        `yaml:"url" need:"Prometheus' address, as in http://127.0.0.1:9090"`
	Graph           given[time.Duration] `yaml:"graph"`
	BearerTokenFile given[string]        `yaml:"bearer_token_file"`
	BasicAuth       *basicKeys           `yaml:"basic_auth"`
}

type grafanaKeys struct {
	place
	URL        given[string]       `yaml:"url" need:"Grafana's address, as in http://127.0.0.1:3000"`
	TokenFile  given[string]       `yaml:"token_file"`
	Dashboards list[given[string]] `yaml:"dashboards"`
	AtLeast    given[int]          `yaml:"at_least"`
}

type webhookKeys struct {
	place
	Name            given[string] `yaml:"name" need:"the last part of the address that Alertmanager delivers to: /webhook/NAME"`
	Alertmanager    given[string] `yaml:"alertmanager" need:"the name of the Alertmanager that delivers here"`
	BearerTokenFile given[string] `yaml:"bearer_token_file"`
	BasicAuth       *basicKeys    `yaml:"basic_auth"`
	HMAC            *hmacKeys     `yaml:"hmac"`
	MaxBody         given[size]   `yaml:"max_body"`
}

type hmacKeys struct {
	place
	Header     given[string] `yaml:"header"`
	SecretFile given[string] `yaml:"secret_file" need:"the file that holds the secret that the sender signs with"`
}

type routeKeys struct {
	place
	Match       list[given[string]]  `yaml:"match"`
	As          given[string]        `yaml:"as"`
	AbsentAfter given[time.Duration] `yaml:"absent_after"`
	Rooms       list[given[string]]  `yaml:"rooms" need:"the names of the rooms that are told, as in [ops]"`
	Continue    given[bool]          `yaml:"continue"`
}

type alertKeys struct {
	place
	ReopenWithin   given[time.Duration] `yaml:"reopen_within"`
	AckReminder    given[time.Duration] `yaml:"ack_reminder"`
	SilenceWarning given[time.Duration] `yaml:"silence_warning"`
	AdoptAfter     given[time.Duration] `yaml:"adopt_after"`
}

type quietKeys struct {
	place
	From given[Clock]        `yaml:"from" need:"when the quiet hours begin, as in \"22:00\""`
	To   given[Clock]        `yaml:"to" need:"when the quiet hours end, as in \"07:00\""`
	Zone given[string]       `yaml:"zone"`
	Hold list[given[string]] `yaml:"hold"`
}

type digestKeys struct {
	place
	At given[Clock] `yaml:"at"`
}

type briefKeys struct {
	place
	At    given[Clock]  `yaml:"at" need:"when it is posted, as in \"07:30\""`
	Since given[Clock]  `yaml:"since"`
	Zone  given[string] `yaml:"zone"`
}

type checklistsKeys struct {
	place
	Builtin given[bool]         `yaml:"builtin"`
	Rooms   list[given[string]] `yaml:"rooms"`
	Zone    given[string]       `yaml:"zone"`
	Lists   list[checklistKeys] `yaml:"lists"`
}

// checklistKeys are an entry of the bot's file: a built-in checklist with changes, or
// another one.
type checklistKeys struct {
	place
	Name   given[string]        `yaml:"name" need:"the name that people type: a built-in one (daily, weekly, monthly, quarterly, validation, incident, drill), or one of your own"`
	Off    given[bool]          `yaml:"off"`
	File   given[string]        `yaml:"file"`
	Rooms  list[given[string]]  `yaml:"rooms"`
	Title  given[string]        `yaml:"title"`
	Cron   given[string]        `yaml:"cron"`
	Zone   given[string]        `yaml:"zone"`
	Missed given[string]        `yaml:"missed"`
	After  list[given[string]]  `yaml:"after"`
	Lasts  given[time.Duration] `yaml:"lasts"`
	Remind given[time.Duration] `yaml:"remind"`
	Report given[bool]          `yaml:"report"`
	Timed  given[bool]          `yaml:"timed"`
	Since  given[bool]          `yaml:"since"`
	Items  list[itemKeys]       `yaml:"items"`
}

// checklistFileKeys are a file of its own with a checklist in it, as the built-in ones
// are written (schedules/checklists).
type checklistFileKeys struct {
	place
	Title  given[string]        `yaml:"title"`
	Cron   given[string]        `yaml:"cron"`
	Zone   given[string]        `yaml:"zone"`
	Missed given[string]        `yaml:"missed"`
	After  list[given[string]]  `yaml:"after"`
	Lasts  given[time.Duration] `yaml:"lasts"`
	Remind given[time.Duration] `yaml:"remind"`
	Report given[bool]          `yaml:"report"`
	Timed  given[bool]          `yaml:"timed"`
	Since  given[bool]          `yaml:"since"`
	Items  list[itemKeys]       `yaml:"items" need:"what is to be done, a list of items with id and task"`
}

type itemKeys struct {
	place
	ID       given[string]       `yaml:"id" need:"a short name that stays when the words of the task change"`
	Off      given[bool]         `yaml:"off"`
	Task     given[string]       `yaml:"task"`
	Plan     given[string]       `yaml:"plan"`
	Look     list[given[string]] `yaml:"look"`
	Why      given[string]       `yaml:"why"`
	Runbook  given[string]       `yaml:"runbook"`
	Role     given[string]       `yaml:"role"`
	Evidence list[given[string]] `yaml:"evidence"`
	Optional list[given[string]] `yaml:"optional"`
	Person   given[string]       `yaml:"person"`
	Offer    given[string]       `yaml:"offer"`
}

type deadManKeys struct {
	place
	URLFile given[string]        `yaml:"url_file" need:"the file that holds the address to call"`
	Every   given[time.Duration] `yaml:"every"`
}

type redactKeys struct {
	place
	Rules list[ruleKeys] `yaml:"rules"`
}

type ruleKeys struct {
	place
	Name    given[string] `yaml:"name" need:"what stands in the place of what was taken out"`
	Pattern given[string] `yaml:"pattern" need:"the regular expression (RE2) of what must never be shown"`
}

type logKeys struct {
	place
	Level  given[string] `yaml:"level"`
	Format given[string] `yaml:"format"`
}
