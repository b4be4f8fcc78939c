package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// object is a JSON object taken apart by exact names. Go's own decoding into
// structs also takes "Sender" for "sender", so that one event could be two
// things to two readers.
type object map[string]json.RawMessage

// parseObject gives nil for what is no object.
func parseObject(raw json.RawMessage) object {
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

// text is a member's string; ok is false when it is missing or something else.
func (o object) text(name string) (s string, ok bool) {
	raw, found := o[name]
	if !found || !bytes.HasPrefix(raw, []byte(`"`)) || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// object is a member's object, nil when it is missing or something else.
func (o object) object(name string) object { return parseObject(o[name]) }

// list is a member's list. A missing one is empty; ok is false when it is
// something else.
func (o object) list(name string) (items []json.RawMessage, ok bool) {
	raw, found := o[name]
	if !found {
		return nil, true
	}
	return items, json.Unmarshal(raw, &items) == nil
}

// has tells whether a member is there and is not null.
func (o object) has(name string) bool {
	raw, found := o[name]
	return found && !bytes.Equal(raw, []byte("null"))
}

// answer is a sync's answer, as far as it matters here.
type answer struct {
	next    string
	joined  []timeline // by room id, so that the order is always the same
	invited []string
	left    []string
	broken  []broken
}

// timeline is what happened in one room.
type timeline struct {
	room   string
	events []json.RawMessage
	// limited: events between the last sync and the first of these are missing,
	// and prev is where they end.
	limited bool
	prev    string
}

// broken is a piece of an answer that is not of the form that the API gives
// it.
type broken struct {
	where string
	raw   json.RawMessage
}

var errNoToken = errors.New("matrix: the sync's answer has no next_batch")

// parseAnswer takes an answer apart. It fails only where there is no token to
// go on from; whatever else is wrong ends up in broken, and stops nothing.
func parseAnswer(raw json.RawMessage) (answer, error) {
	var a answer
	top := parseObject(raw)
	next, _ := top.text("next_batch")
	if next == "" {
		return a, errNoToken
	}
	a.next = next
	if !top.has("rooms") {
		return a, nil
	}
	rooms := top.object("rooms")
	if rooms == nil {
		a.broken = append(a.broken, broken{"rooms", top["rooms"]})
		return a, nil
	}
	section := func(name string) object {
		o := rooms.object(name)
		if o == nil && rooms.has(name) {
			a.broken = append(a.broken, broken{"rooms." + name, rooms[name]})
		}
		return o
	}
	a.invited = slices.Sorted(maps.Keys(section("invite")))
	a.left = slices.Sorted(maps.Keys(section("leave")))
	join := section("join")
	for _, id := range slices.Sorted(maps.Keys(join)) {
		t, ok := parseTimeline(id, join[id])
		if !ok {
			a.broken = append(a.broken, broken{"timeline of " + id, join[id]})
		}
		a.joined = append(a.joined, t)
	}
	return a, nil
}

// parseTimeline reads what can be read; ok is false when something could not.
func parseTimeline(id string, raw json.RawMessage) (t timeline, ok bool) {
	t.room = id
	room := parseObject(raw)
	if room == nil {
		return t, false
	}
	if !room.has("timeline") {
		return t, true
	}
	line := room.object("timeline")
	if line == nil {
		return t, false
	}
	t.events, ok = line.list("events")
	t.prev, _ = line.text("prev_batch")
	t.limited = string(line["limited"]) == "true"
	return t, ok
}
