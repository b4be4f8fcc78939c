package matrix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// keyed is a post of somebody's with a key, so many minutes old.
func keyed(id, sender, key string, minutes int) string {
	ms := findNow.Add(-time.Duration(minutes) * time.Minute).UnixMilli()
	return fmt.Sprintf(`{"event_id":%q,"type":"m.room.message","sender":%q,"origin_server_ts":%d,"content":{"msgtype":"m.notice","body":"x",%q:%q}}`, id, sender, ms, keyName, key)
}

var findNow = time.UnixMilli(1795462820000).UTC()

func TestFind(t *testing.T) {
	old := func(sender string, n int) []string {
		var all []string
		for i := range n {
			all = append(all, keyed(fmt.Sprintf("$old%d", i), sender, "key_old", 60))
		}
		return all
	}
	for name, test := range map[string]struct {
		pages [][]string
		more  bool // pages go on for ever
		found bool
		fails bool
		reads int
	}{
		"on the first page":           {pages: [][]string{{keyed("$1", botUser, "key_1", 1)}}, found: true, reads: 1},
		"on the third":                {pages: [][]string{{keyed("$9", alice, "", 0)}, {`7`, `{}`}, {keyed("$1", botUser, "key_1", 1)}}, found: true, reads: 3},
		"another one's":               {pages: [][]string{{keyed("$1", alice, "key_1", 1)}}, reads: 1},
		"a part's":                    {pages: [][]string{{keyed("$1", botUser, "key_1.1", 1)}}, reads: 1},
		"an own older one ends it":    {pages: [][]string{{keyed("$2", botUser, "key_2", 11)}, {keyed("$1", botUser, "key_1", 12)}}, reads: 1},
		"clocks differ":               {pages: [][]string{{keyed("$2", botUser, "key_2", 9)}, {keyed("$1", botUser, "key_1", 9)}}, found: true, reads: 2},
		"another one's time is a lie": {pages: [][]string{old(alice, 3), {keyed("$1", botUser, "key_1", 1)}}, found: true, reads: 2},
		"a page of old ones ends it":  {pages: [][]string{old(alice, stalePage), {keyed("$1", botUser, "key_1", 1)}}, reads: 1},
		"an endless room":             {pages: [][]string{{keyed("$9", alice, "", 0)}}, more: true, fails: true, reads: maxFindPages},
	} {
		for kind, relType := range map[bot.SendKind]string{bot.SendRoot: "", bot.SendReply: relThread, bot.SendEdit: relReplace} {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				reads := 0
				page := func(string) (Page, error) {
					reads++
					i := min(reads, len(test.pages)) - 1
					p := Page{Events: raws(test.pages[i]...)}
					if reads < len(test.pages) || test.more {
						p.Next = fmt.Sprintf("p%d", reads)
					}
					return p, nil
				}
				f := &fakeTransport{}
				s := bot.Sending{Key: "key_1", Room: "ops", Kind: kind, Since: findNow}
				if relType == "" {
					f.messages = func(q MessagesQuery) (Page, error) { return page(q.From) }
				} else {
					s.Root = "$root"
					f.relations = func(event, got, from string) (Page, error) {
						if event != "$root" || got != relType {
							t.Errorf("asked for %s of %s", got, event)
						}
						return page(from)
					}
				}
				receipt, found, err := newFake(t, f).Find(t.Context(), s)
				if found != test.found || (err != nil) != test.fails || reads != test.reads {
					t.Errorf("found %v, %v, after %d pages", found, err, reads)
				}
				if found && (receipt.ID != "$1" || receipt.At.IsZero()) {
					t.Errorf("%+v", receipt)
				}
			})
		}
	}
}

func TestFindWithoutRelations(t *testing.T) {
	f := &fakeTransport{
		relations: func(string, string, string) (Page, error) {
			return Page{}, &CallError{Call: "relations", Status: 404, Code: "M_UNRECOGNIZED"}
		},
		messages: func(MessagesQuery) (Page, error) {
			return Page{Events: raws(keyed("$1", botUser, "key_1", 1))}, nil
		},
	}
	s := bot.Sending{Key: "key_1", Room: "ops", Kind: bot.SendReply, Root: "$r", Since: findNow}
	if _, found, err := newFake(t, f).Find(t.Context(), s); !found || err != nil {
		t.Error(found, err)
	}
	f.relations = func(string, string, string) (Page, error) { return Page{}, &CallError{Call: "relations", Status: 500} }
	if _, found, err := newFake(t, f).Find(t.Context(), s); found || err == nil {
		t.Error("a failure is no answer")
	}
	s.Room = "lab"
	if _, _, err := newFake(t, f).Find(t.Context(), s); err == nil {
		t.Error("found in a room that is not configured")
	}
}

func TestCheckReadsRooms(t *testing.T) {
	f := &fakeTransport{state: map[string]string{
		ops + " m.room.create":       `{"room_version":"11","m.federate":false}`,
		ops + " m.room.power_levels": `{"users":{"` + botUser + `":"50"},"events":{"m.room.message":50,"m.reaction":51},"events_default":0}`,
		ops + " m.room.tombstone":    `{"replacement_room":"!new"}`,
	}}
	notes := map[string]string{}
	for _, r := range newFake(t, f).Check(t.Context()) {
		notes[r.What] = string(r.State) + " " + r.Value + " " + r.Note
	}
	for what, want := range map[string]string{
		"matrix homeserver":             "ok answers, speaks up to v1.11",
		`matrix room "ops": power`:      "m.reaction (has 50, needs 51)",
		`matrix room "ops": federation`: "closed to other servers",
		`matrix room "ops": successor`:  "!new",
	} {
		if !strings.Contains(notes[what], want) {
			t.Errorf("%s: %q, want %q", what, notes[what], want)
		}
	}
	f.state[ops+" m.room.create"] = `{"room_version":"12","additional_creators":["` + botUser + `"]}`
	for _, r := range newFake(t, f).Check(t.Context()) {
		if r.What == `matrix room "ops": power` && r.State != bot.OK {
			t.Errorf("%+v", r)
		}
		if r.What == `matrix room "ops": federation` && (r.State != bot.OK || !strings.Contains(r.Note, "m.federate")) {
			t.Errorf("%+v", r)
		}
	}
}
