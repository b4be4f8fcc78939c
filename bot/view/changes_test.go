package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// TestChangesBefore: a switch is told beside all the services that it restarted,
// what happens again and again is one line, and the rest is counted.
func TestChangesBefore(t *testing.T) {
	f := group(1, 0, 0, 0)
	f.Thread.OpenedAt = noon
	add := func(kind bot.ChangeKind, text string, before time.Duration) {
		f.Changes = append(f.Changes, bot.Change{ID: fmt.Sprint(len(f.Changes)), Host: "web", Kind: kind, Text: text, At: noon.Add(-before)})
	}
	add(bot.ChangeSwitch, "generation 42 was made", 5*time.Hour)
	add(bot.ChangeSwitch, "switched to nixos-42", 18*time.Minute+20*time.Second)
	for i := range 12 {
		add(bot.ChangeRestart, fmt.Sprintf("unit%d.service was started", i), 18*time.Minute)
	}
	for i := range 9 {
		add(bot.ChangeRestart, "shaky.service was started again by systemd", time.Duration(9-i)*time.Minute)
	}
	got := text(Root(f, style(t)))
	for _, want := range []string{"Changed in the 6 h before", "generation 42 was made, 5 h before", "switched to nixos-42, 18 min before",
		"shaky.service was started again by systemd, 9 times, the last, 1 min before", "unit11.service", "8 more; changes lists them"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "unit7.service") || strings.Count(got, "shaky") != 1 {
		t.Errorf("holds too much:\n%s", got)
	}
	f.Changes = nil
	if got := text(Root(f, style(t))); strings.Contains(got, "hanged") {
		t.Errorf("nothing is known, and it says so:\n%s", got)
	}
}
