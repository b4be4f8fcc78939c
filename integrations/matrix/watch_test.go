package matrix

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"watchstander/bot"
)

// What happens to a room is told: what happened before is looked for at the
// start, and again when the bot comes into a room or may have missed something.
func TestRoomTroubles(t *testing.T) {
	state := func(kind, content string) string {
		return strings.TrimSuffix(event("$"+kind, "m.room."+kind, "@mod:house.test", content), "}") + `,"state_key":""}`
	}
	tombstone := state("tombstone", `{"replacement_room":"!new:house.test"}`)
	encryption := state("encryption", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
	join := strings.TrimSuffix(event("$join", "m.room.member", botUser, `{"membership":"join"}`), "}") + `,"state_key":"` + botUser + `"}`
	const lab = "!lab:house.test"
	well := []string{"ops well: left", "ops well: replaced", "ops well: encrypted"}
	for name, x := range map[string]struct {
		place   place
		joined  []string
		state   map[string]string
		pages   []Page
		unread  int // how many pages cannot be read at first
		answers []string
		want    [][]string // by batch
	}{
		"well at the start": {place: place{Next: "1"}, joined: []string{ops}, answers: []string{`{"next_batch":"2"}`}, want: [][]string{well}},
		"replaced and encrypted at the start": {place: place{Next: "1"}, joined: []string{ops},
			state:   map[string]string{ops + " m.room.tombstone": `{"replacement_room":"!new:house.test"}`, ops + " m.room.encryption": `{"algorithm":"x"}`},
			answers: []string{`{"next_batch":"2"}`}, want: [][]string{{"ops well: left", "ops replaced", "ops encrypted"}}},
		// Dendrite's answer about a room that it does not show.
		"an empty answer": {place: place{Next: "1"}, joined: []string{ops}, state: map[string]string{ops + " m.room.tombstone": `{}`, ops + " m.room.encryption": ``},
			answers: []string{`{"next_batch":"2"}`}, want: [][]string{{"ops well: left"}}},
		"out at the start": {place: place{Next: "1", Last: map[string]string{ops: "$last"}}, joined: []string{lab}, answers: []string{`{"next_batch":"2"}`}, want: [][]string{{"ops left"}}},
		"never let in":     {place: place{Next: "1"}, joined: []string{lab}, answers: []string{`{"next_batch":"2"}`}, want: [][]string{{}}},
		"while it runs": {place: place{Next: "1"}, joined: []string{ops},
			answers: []string{`{"next_batch":"2"}`, news("3", ops, `{"events":[`+tombstone+`]}`), news("4", ops, `{"events":[`+encryption+`]}`)},
			want:    [][]string{well, {"ops replaced"}, {"ops encrypted"}}},
		"sent away and invited again": {place: place{Next: "1"}, joined: []string{ops},
			answers: []string{`{"next_batch":"2"}`, `{"next_batch":"3","rooms":{"leave":{"` + ops + `":{}}}}`, news("4", ops, `{"events":[`+join+`]}`), `{"next_batch":"4"}`},
			want:    [][]string{well, {"ops left"}, {}, well}},
		"invited again in a hole": {place: place{Next: "1"}, joined: []string{ops}, pages: []Page{{Events: raws(join)}},
			answers: []string{`{"next_batch":"2"}`, news("3", ops, `{"events":[],"limited":true,"prev_batch":"p"}`), `{"next_batch":"3"}`},
			want:    [][]string{well, {}, well}},
		"a hole that cannot be read at first": {place: place{Next: "1"}, joined: []string{ops}, pages: []Page{{}, {}}, unread: 1,
			answers: slices.Repeat([]string{news("2", ops, `{"events":[],"limited":true,"prev_batch":"p"}`)}, 2), want: [][]string{well}},
		"a hole that was lost": {place: place{Next: "1"}, joined: []string{ops},
			answers: []string{`{"next_batch":"2"}`, news("3", ops, `{"events":[],"limited":true}`), `{"next_batch":"3"}`},
			want:    [][]string{well, {"undecodable"}, well}},
		"a new beginning": {place: place{Next: "1"}, joined: []string{ops},
			answers: []string{`{"next_batch":"2"}`, "", "", "", "", "", `{"next_batch":"n1"}`},
			want:    [][]string{well, append([]string{"undecodable"}, well...)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeTransport{joined: x.joined, state: x.state, messages: func(MessagesQuery) (Page, error) {
					if x.unread--; x.unread >= 0 {
						return Page{}, &CallError{Call: "messages", Status: 502}
					}
					page := x.pages[0]
					x.pages = x.pages[1:]
					return page, nil
				}}
				var steps []step
				for _, a := range x.answers {
					step := step{answer: a}
					if a == "" {
						step.err = &CallError{Call: "sync", Status: 400, Code: "M_UNKNOWN"}
					}
					steps = append(steps, step)
				}
				sink := newSink()
				refused := false
				sink.refuse = func(bot.Batch) error {
					if !refused { // what was not taken is told again
						refused = true
						return errTest
					}
					return nil
				}
				steps = append(steps[:1:1], steps...)
				script := &script{steps: steps}
				play(t, f, script, sink, func(o *Options) { o.Cursor = x.place.String() })
				// Only when all is told, news is waited for.
				if n := len(script.waits); script.waits[0] != 0 || script.waits[1] != 0 || script.waits[n-1] != syncWait {
					t.Errorf("it waits for %s", script.waits)
				}
				var got [][]string
				for _, b := range sink.batches {
					said := []string{}
					for _, e := range b.Events {
						switch e := e.(type) {
						case bot.Troubled:
							room, kind, _ := strings.Cut(strings.TrimPrefix(e.Subject, "matrix room "), " ")
							if e.Over {
								kind = "well: " + kind
							}
							said = append(said, room+" "+kind)
						default:
							said = append(said, texts([]bot.Event{e})...)
						}
					}
					got = append(got, said)
				}
				if !reflect.DeepEqual(got, x.want) {
					t.Errorf("told is %q, want %q", got, x.want)
				}
			})
		})
	}
	if filter := syncFilter(1); !strings.Contains(filter, `"m.room.encryption"`) || !strings.Contains(filter, `"m.room.tombstone"`) {
		t.Errorf("the sync does not ask for it: %s", filter)
	}
}
