package plan

import (
	"strings"
	"testing"

	"watchstander/bot"
)

func TestWindowsByCron(t *testing.T) {
	nightly := bot.Window{Start: "0 2 * * mon-fri", Lasts: 7200, Zone: "America/Los_Angeles"}
	if err := windowFault(nightly); err != nil {
		t.Error(err)
	}
	if got, want := windowWords(nightly), "whenever cron says 0 2 * * mon-fri, for 2 h (America/Los_Angeles)"; got != want {
		t.Errorf("%s", got)
	}
	for name, w := range map[string]bot.Window{
		"words":      {Start: "0 2 * * * (approved)", Lasts: 7200, Zone: "UTC"},
		"lines":      {Start: "0 2 * * *\nrisk low", Lasts: 7200, Zone: "UTC"},
		"no length":  {Start: "0 2 * * *", Zone: "UTC"},
		"no start":   {Lasts: 7200, Zone: "UTC"},
		"no zone":    {Start: "0 2 * * *", Lasts: 7200},
		"both forms": {Start: "0 2 * * *", Lasts: 7200, Zone: "UTC", From: "01:00", To: "02:00"},
	} {
		if windowFault(w) == nil {
			t.Errorf("%s: %+v passed", name, w)
		}
	}
}

// Plans with windows of the older form keep their digests.
func TestOlderWindowsKeepTheirForm(t *testing.T) {
	p := sample()
	p.Rule.Windows = []bot.Window{{From: "22:00", To: "04:30", Zone: "UTC"}}
	b, err := Canonical(p)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); strings.Contains(s, `"start"`) || strings.Contains(s, `"lasts"`) {
		t.Errorf("%s", s)
	}
	p.Rule.Windows = []bot.Window{{Start: "0 2 * * *", Lasts: 7200, Zone: "UTC"}}
	if b, err = Canonical(p); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(b)
	if err != nil || again.Rule.Windows[0].Start != "0 2 * * *" || again.Rule.Windows[0].Lasts != 7200 {
		t.Errorf("%+v %v", again.Rule.Windows, err)
	}
}
