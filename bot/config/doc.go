// Package config reads the bot's one YAML file, and the agent's, and tells all
// that is wrong with one at once.
//
// The way is straight: node.go turns YAML into a small tree that knows where
// everything stands; fill.go lays the tree over the structs of keys.go, which
// are the whole list of keys, and finds unknown keys, double keys and wrong
// types; then one file per noun (hosts.go, chats.go, slack.go, people.go, endpoints.go,
// routes.go, times.go, alerts.go, checklists.go) checks the meaning and builds the Config of
// config.go. Nothing stops at the first fault: every step goes on with what it
// has, and stays silent about what follows from a fault already told.
//
// The Config is plain and resolved: zones are loaded, matchers compiled,
// durations counted, names known to exist. Secrets are files that are read when
// they are needed (secret.go). A Config is never changed after Load returns it,
// so goroutines share it freely; a reload makes a new one, and Diff tells what
// of it can be taken up while running.
//
// The agent's file is read by the same machinery: agent_keys.go has its keys,
// agent.go what comes of them, agent_load.go and agent_build.go the way, and
// agent_people.go, agent_policy.go and agent_host.go the meaning; what rules mean,
// bot/gate knows. agent_trust.go looks at all that must be root's alone, which
// trusted.go tells of a file.
//
// Its neighbours: main loads it, gives its parts to the packages that need
// them, and imports time/tzdata so that zones resolve on every machine. It
// imports bot and bot/host for the words, bot/gate to find the faults of a
// policy, schedules for the built-in checklists and for crons, and Alertmanager's own parser for matchers, so that a matcher means
// here what it means there. docs/configuration.md tells
// the same to operators.
package config
