// Package config reads the bot's one YAML file and tells all that is wrong with
// it at once.
//
// The way is straight: node.go turns YAML into a small tree that knows where
// everything stands; fill.go lays the tree over the structs of keys.go, which
// are the whole list of keys, and finds unknown keys, double keys and wrong
// types; then one file per noun (hosts.go, chats.go, people.go, endpoints.go,
// routes.go, times.go, alerts.go) checks the meaning and builds the Config of
// config.go. Nothing stops at the first fault: every step goes on with what it
// has, and stays silent about what follows from a fault already told.
//
// The Config is plain and resolved: zones are loaded, matchers compiled,
// durations counted, names known to exist. Secrets are files that are read when
// they are needed (secret.go). A Config is never changed after Load returns it,
// so goroutines share it freely; a reload makes a new one, and Diff tells what
// of it can be taken up while running.
//
// Its neighbours: main loads it, gives its parts to the packages that need
// them, and imports time/tzdata so that zones resolve on every machine. It
// imports bot for the words, and Alertmanager's own parser for matchers, so
// that a matcher means here what it means there. docs/configuration.md tells
// the same to operators.
package config
