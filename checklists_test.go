package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot/config"
	"watchstander/schedules"
)

// TestChecklistsOfferCommands: what an item offers can be typed.
func TestChecklistsOfferCommands(t *testing.T) {
	for _, c := range schedules.Builtin() {
		for _, x := range c.Items {
			if x.Offer == "" {
				continue
			}
			if why := grammar.Offered(x.Offer); why != "" {
				t.Errorf("%s.%s offers %q: %s", c.Name, x.ID, x.Offer, why)
			}
		}
	}
}

// TestCheckKnowsOffers: check tells of an offer that nobody could type.
func TestCheckKnowsOffers(t *testing.T) {
	text, err := os.ReadFile("docs/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "offer: service frigate", "offer: servcie frigate", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := check(t.Context(), file, "", nil, &out); err == nil || !strings.Contains(out.String(), "checklists.lists[0].items[1].offer: \"servcie frigate\" cannot be offered: There is no command `servcie`. Did you mean `service`?") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if _, err := config.Parse(text, config.Options{Offer: grammar.Offered}); err != nil {
		t.Error(err)
	}
}
