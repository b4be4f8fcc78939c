package nixos

import (
	"fmt"
	"path"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
)

// longest is how many characters of somebody else's words are repeated.
const longest = 200

// tame makes others' words fit to stand in a line.
func tame(s string) string { return clean.Line(s, longest) }

// named is a generation in words: "generation 41", with its specialisation, or the
// system's own name where the profile does not have it.
func named(g host.Generation) string {
	if g.Specialisation != "" {
		return short(g) + " (specialisation " + g.Specialisation + ")"
	}
	return short(g)
}

// short is "generation 41".
func short(g host.Generation) string {
	if g.Number == 0 {
		return "the system " + tame(path.Base(g.StorePath))
	}
	return fmt.Sprintf("generation %d", g.Number)
}

// day is when a generation was made; the profile need not know.
func day(t time.Time) string {
	if t.IsZero() {
		return orUnknown("")
	}
	return t.UTC().Format("2 Jan 2006 15:04 UTC")
}

// reading is one figure of a verification, or of the probe.
func (n *NixOS) reading(what, value, source string, st bot.ReadingState, note string) bot.Reading {
	return bot.Reading{Host: n.o.Host.Name, What: what, Value: value, Note: note, Source: source, At: time.Now().UTC().Truncate(time.Millisecond), State: st}
}
