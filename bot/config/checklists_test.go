package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/schedules"
)

func checklistNames(c *config.Config) string {
	var out []string
	for _, x := range c.Checklists {
		out = append(out, x.Name)
	}
	return strings.Join(out, " ")
}

func checklist(t *testing.T, c *config.Config, name string) bot.Checklist {
	t.Helper()
	i := slices.IndexFunc(c.Checklists, func(x bot.Checklist) bool { return x.Name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return c.Checklists[i]
}

func item(t *testing.T, c bot.Checklist, id string) bot.Item {
	t.Helper()
	i := slices.IndexFunc(c.Items, func(x bot.Item) bool { return x.ID == id })
	if i < 0 {
		t.Fatalf("there is no item %s", id)
	}
	return c.Items[i]
}

// TestBuiltinChecklists: without a word all are on, in the notices room and the zone.
func TestBuiltinChecklists(t *testing.T) {
	c := mustParse(t, "zone: Europe/Berlin\n", config.Options{})
	want := schedules.Builtin()
	for i := range want {
		want[i].Rooms, want[i].Zone = []bot.RoomID{"ops"}, "Europe/Berlin"
	}
	if !reflect.DeepEqual(c.Checklists, want) {
		t.Errorf("%+v", c.Checklists)
	}
	noon := time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
	if at := c.Cron("daily").Next(noon); !at.Equal(time.Date(2026, 1, 11, 7, 0, 0, 0, time.UTC)) {
		t.Error(at)
	}
	if at := c.Cron("validation").Next(noon); !at.IsZero() {
		t.Error(at)
	}
}

func TestChecklistsThatAreOff(t *testing.T) {
	for _, x := range []struct{ keys, names string }{
		{"{builtin: false}", ""},
		{"{builtin: false, lists: [{name: weekly}]}", "weekly"},
		{"{lists: [{name: weekly, off: true}, {name: validation, off: true}]}", "daily monthly quarterly incident drill"},
		{"{lists: [{name: own, after: [switch], items: [{id: a, task: Look}]}]}", "daily weekly monthly quarterly validation incident drill own"},
		{"{builtin: false, lists: [{name: own, off: true, after: [switch], items: [{id: a, task: Look}]}]}", ""},
	} {
		if got := checklistNames(mustParse(t, "checklists: "+x.keys+"\n", config.Options{})); got != x.names {
			t.Errorf("%s: %s; want %s", x.keys, got, x.names)
		}
	}
}

func TestChecklistsWithChanges(t *testing.T) {
	c := mustParse(t, `
rooms: [{name: ops, chat: matrix, id: "!abc:example.org"}, {name: lab, chat: matrix, id: "!def:example.org"}, {name: den, chat: matrix, id: "!den:example.org"}]
checklists:
  rooms: [lab]
  zone: America/Los_Angeles
  lists:
    - name: daily
      cron: "*/30 8-9 * * *"
      zone: Asia/Kathmandu
      missed: skip
      rooms: [den]
      items:
        - {id: alarms, off: true}
        - {id: backups, task: Look into the cellar, evidence: [backup b2], optional: []}
        - {id: own, task: " Sweep the floor ", role: caretaker}
        - {id: measured, task: See the load, evidence: [load]}
    - {name: validation, lasts: 2h, remind: 0s, after: [switch]}
    - {name: own, after: [reboot], items: [{id: a, task: Look}]}
`, config.Options{})
	daily, was := checklist(t, c, "daily"), schedules.Builtin()[0]
	if daily.Zone != "Asia/Kathmandu" || daily.Missed != bot.SkipMissed || !slices.Equal(daily.Rooms, []bot.RoomID{"den"}) || daily.Title != was.Title || daily.Remind != 7*time.Minute {
		t.Errorf("%+v", daily)
	}
	if at := c.Cron("daily").Next(time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)); !at.Equal(time.Date(2026, 1, 10, 2, 15, 0, 0, time.UTC)) {
		t.Error(at)
	}
	if len(daily.Items) != len(was.Items)+1 || slices.ContainsFunc(daily.Items, func(x bot.Item) bool { return x.ID == "alarms" }) {
		t.Errorf("%d items", len(daily.Items))
	}
	b := item(t, daily, "backups")
	if b.Task != "Look into the cellar" || b.Plan != "Check backup completion" || b.Offer != "backup status" || !slices.Equal(b.Evidence, []string{"backup b2"}) || b.Optional != nil {
		t.Errorf("%+v", b)
	}
	if x := item(t, daily, "own"); x.Task != "Sweep the floor" || x.Role != "caretaker" || x.Person != "Nothing measures it." {
		t.Errorf("%+v", x)
	}
	if x := item(t, daily, "measured"); x.Person != "" {
		t.Errorf("%+v", x)
	}
	if v := checklist(t, c, "validation"); v.Lasts != 2*time.Hour || v.Remind != 0 || !slices.Equal(v.After, []bot.ChangeKind{"switch"}) || v.Zone != "America/Los_Angeles" || !slices.Equal(v.Rooms, []bot.RoomID{"lab"}) {
		t.Errorf("%+v", v)
	}
	if x := checklist(t, c, "own"); x.Title != "own" || x.Lasts != 24*time.Hour || x.Missed != bot.CatchUp || x.Cron != "" {
		t.Errorf("%+v", x)
	}
	if again := schedules.Builtin()[0]; !reflect.DeepEqual(again, was) {
		t.Error("the built-in one is changed")
	}
}

// folder has a configuration with one checklist from a file.
func folder(t *testing.T, entry, file string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, whole("checklists: {builtin: false, lists: [{"+entry+"}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBuiltinFilesAreChecklists: what is written for the program, people may copy: both
// readers take the same from it.
func TestBuiltinFilesAreChecklists(t *testing.T) {
	for _, want := range schedules.Builtin() {
		data, err := schedules.BuiltinFile(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(folder(t, "name: copy, file: own.yaml", string(data)), config.Options{WithoutSecrets: true})
		if err != nil {
			t.Fatal(err)
		}
		want.Name, want.Rooms, want.Zone = "copy", []bot.RoomID{"ops"}, "UTC"
		if !reflect.DeepEqual(c.Checklists, []bot.Checklist{want}) {
			t.Errorf("%+v; want %+v", c.Checklists, want)
		}
	}
}

func TestChecklistFiles(t *testing.T) {
	const good = "title: Own\ncron: 0 8 * * *\nitems:\n  - {id: a, task: Look}\n  - {id: b, task: Listen}\n"
	c, err := config.Load(folder(t, "name: daily, file: own.yaml, items: [{id: a, off: true}], cron: 0 9 * * *", good), config.Options{WithoutSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Checklists[0]; len(c.Checklists) != 1 || d.Name != "daily" || d.Title != "Own" || d.Cron != "0 9 * * *" || len(d.Items) != 1 || d.Items[0].ID != "b" || d.Remind != 0 {
		t.Errorf("%+v", c.Checklists)
	}
	for _, x := range []struct{ name, entry, file, faults string }{
		{"missing", "name: own, file: other.yaml", good, `DIR/config.yaml:1:56: checklists.lists[0].file: "DIR/other.yaml" does not exist`},
		{"a folder", "name: own, file: .", good, `DIR/config.yaml:1:56: checklists.lists[0].file: "DIR" is no file`},
		{"its lines are its own", "name: own, file: own.yaml", "cron: 0 25 * * *\nitmes: []\n", "DIR/own.yaml:2:1: itmes: no such key, did you mean \"items\"?"},
		{"its cron", "name: own, file: own.yaml", strings.Replace(good, " 8 ", " 25 ", 1), `DIR/own.yaml:2:7: cron: hour: there is no "25": write 0 to 23`},
		{"its items", "name: own, file: own.yaml", strings.Replace(good, "task: Listen", "look: []", 1), "DIR/own.yaml:5:5: items[1].task: is missing: write what is to be done, as an order"},
		{"another one's item", "name: own, file: own.yaml, items: [{id: c, off: true}]", good, `DIR/config.yaml:1:79: checklists.lists[0].items[0].id: there is no item "c" that could be off, did you mean "a"?`},
	} {
		t.Run(x.name, func(t *testing.T) {
			path := folder(t, x.entry, x.file)
			_, err := config.Load(path, config.Options{WithoutSecrets: true})
			if got := strings.ReplaceAll(faultsOf(t, err).Error(), filepath.Dir(path), "DIR"); got != x.faults {
				t.Errorf("%s\nwant %s", got, x.faults)
			}
		})
	}
}

func TestNamesInChecklists(t *testing.T) {
	o := config.Options{File: "f", Runbooks: []string{"status", "alerts"}, Offer: func(command string) string {
		if command == "status" {
			return ""
		}
		return "there is only status"
	}}
	mustParse(t, "checklists: {lists: [{name: daily, items: [{id: x, task: Look, runbook: status, offer: status}]}]}\n", o)
	_, err := config.Parse(whole("checklists: {lists: [{name: daily, items: [{id: x, task: Look, runbook: alert, offer: statsu}]}]}\n"), o)
	const want = `f:1:73: checklists.lists[0].items[0].runbook: there is no runbook "alert", did you mean "alerts"?
f:1:87: checklists.lists[0].items[0].offer: "statsu" cannot be offered: there is only status`
	if got := faultsOf(t, err).Error(); got != want {
		t.Error(got)
	}
}
