// Package bottest tells stories: scripts on fake time that read like a timeline,
// played on the real flow, state, commands and webhook handler, against a
// simulated Alertmanager and a strict chat in memory. After every step an
// independent model, which knows nothing of views, compares what the room says
// with what is true.
//
// A story is a txtar file. Its comment is the tale; "config.yaml" (optional)
// replaces the usual configuration, "agent.yaml" (optional) gives it vulcan, a
// simulated host with a real agent that has this file; "atlas.yaml" (optional) gives
// it a second such host, which a step is about that begins with "at atlas";
// "begins" (optional) is when it does, in RFC 3339, where the calendar matters;
// "no-crash" (optional) says why a crash would change what is expected; "story" is the
// script, a step a line:
//
//	fire NAME label=value …        an alert begins to fire (summary="…" is an annotation)
//	resolve NAME label=value …     it ends
//	advance 10m                    time passes
//	as alice [in THREAD] says …    somebody writes
//	as alice presses ✅ on THREAD  somebody reacts;  … withdraws from THREAD
//	expect thread THREAD …         the root holds the text   (not: expect thread THREAD lacks …)
//	expect reply THREAD …          some reply holds the text
//	expect answer …                the newest answer outside threads holds it
//	expect roots N                 so many threads have a root in the room
//
// THREAD is a beginning of words of the root's title, or #N for the N-th root.
// Steps for trouble (crash, chat down, lose, reject, am …, deliver …) are listed
// in steps.go.
//
// The same stories are played in Slack too, by the real adapter against its strict fake
// (slack.go, slack_people.go).
//
// How a story is read stands here; play.go plays it, setup.go makes its world and
// starts and kills the bot in it, hosts.go makes the host with its agent.
//
// Neighbours: the stories are in testdata/stories; story_test.go plays each of
// them plainly, and again with a crash after each commit and after each message
// that was accepted but not answered.
package bottest

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// usual is the configuration of a story that brings none.
const usual = `
version: 1
zone: America/Los_Angeles
state: {path: /nonexistent/state.db}
hosts:
  - {name: vulcan, match: ['instance=~"vulcan.*"'], local: true, reboot_grace: 5m}
chats:
  - name: matrix
    matrix: {homeserver: "https://matrix.example.org", user: "@watchstander:example.org", token_file: token}
rooms:
  - {name: ops, chat: matrix, id: "!ops:example.org"}
people:
  - {name: alice, roles: [operator], matrix: ["@alice:example.org"]}
  - {name: bob, roles: [operator], matrix: ["@bob:example.org"]}
  - {name: olga, roles: [observer], matrix: ["@olga:example.org"]}
alertmanagers:
  - {name: main, urls: ["http://am1:9093"], receivers: [watchstander], poll: 30s}
webhooks:
  - {name: main, alertmanager: main, bearer_token_file: token}
routes:
  - {match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [ops]}
  - {match: ['severity="info"'], as: digest, rooms: [ops]}
  - {rooms: [ops]}
`

// slow is the usual configuration without a heartbeat, and with few polls: for
// stories of days, in which a commit a minute would be most of the work.
var slow = strings.NewReplacer(
	"poll: 30s", "poll: 5m",
	`  - {match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [ops]}`+"\n", "").Replace(usual)

const token = "story-token-0123456789"

// Backups tells whether the story needs a real restic.
func (s Story) Backups() bool { return strings.Contains(s.Agent, "\nbackup:") }

// Story is one script.
type Story struct {
	Name   string
	Config string
	// Agent is the file of vulcan's agent, "" for a story without one.
	Agent string
	// Second is that of a second host's, atlas, "" for most.
	Second string
	Steps  []string
	// Begins is when it does; zero for the first moment of the year 2000 (UTC).
	Begins time.Time
	// NoCrash is the reason why a crash would change what is expected, "" for most.
	NoCrash string
	// Long is the reason why it is played with crashes only where every point is
	// tried, "" for most.
	Long string
}

// Read reads a story from a txtar archive.
func Read(name string, data []byte) (Story, error) {
	s := Story{Name: strings.TrimSuffix(filepath.Base(name), ".txtar"), Config: usual}
	for _, f := range txtar.Parse(data).Files {
		switch f.Name {
		case "config.yaml":
			// "@usual" stands for the usual configuration, "@slow" for one of long stories.
			s.Config = strings.NewReplacer("@usual", usual, "@slow", slow, "@gated", gated, "@long-gated", slowGated).Replace(string(f.Data))
		case "agent.yaml":
			// "@vulcan" stands for the usual one, "@backups" for one with backups.
			s.Agent = strings.NewReplacer("@vulcan", vulcan, "@backups", backups).Replace(string(f.Data))
		case "atlas.yaml":
			s.Second = strings.NewReplacer("@vulcan", strings.Replace(vulcan, "host: vulcan", "host: atlas", 1)).Replace(string(f.Data))
		case "no-crash":
			s.NoCrash = strings.TrimSpace(string(f.Data))
		case "long":
			s.Long = strings.TrimSpace(string(f.Data))
		case "begins":
			at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(f.Data)))
			if err != nil {
				return s, fmt.Errorf("%s: begins: %w", name, err)
			}
			s.Begins = at
		case "story":
			s.Steps = strings.Split(string(f.Data), "\n")
		default:
			return s, fmt.Errorf("%s: a story has no part %q", name, f.Name)
		}
	}
	if !strings.Contains(s.Config, "\nchecklists:") {
		s.Config += "checklists: {builtin: false}\n" // most stories are about something else
	}
	if s.Steps == nil {
		return s, fmt.Errorf("%s: there is no story in it", name)
	}
	return s, nil
}
