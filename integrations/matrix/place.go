package matrix

import (
	"encoding/json"
	"maps"
	"strings"
)

// place is how far we have heard: the homeserver's token, and each room's
// newest event. The token alone is enough to go on from; to read back over a
// hole in a timeline it is not, since Dendrite goes on past the token into
// history that was heard long ago. The known event ends the reading on every
// homeserver.
type place struct {
	Next string            `json:"next"`
	Last map[string]string `json:"last,omitempty"` // room id → event id
}

// parsePlace reads a cursor. One that is not ours is taken for a bare token.
func parsePlace(cursor string) place {
	var p place
	if strings.HasPrefix(cursor, "{") && json.Unmarshal([]byte(cursor), &p) == nil && p.Next != "" {
		return p
	}
	return place{Next: cursor}
}

// String is the cursor.
func (p place) String() string {
	b, _ := json.Marshal(p) // strings always marshal; map keys come sorted
	return string(b)
}

// after is the place behind an answer. Rooms that are not configured are
// forgotten.
func (p place) after(a answer, configured func(room string) bool) place {
	next := place{Next: a.next, Last: maps.Clone(p.Last)}
	if next.Last == nil {
		next.Last = map[string]string{}
	}
	maps.DeleteFunc(next.Last, func(room, _ string) bool { return !configured(room) })
	for _, t := range a.joined {
		if !configured(t.room) {
			continue
		}
		for _, raw := range t.events {
			if id := eventID(raw); id != "" {
				next.Last[t.room] = id
			}
		}
	}
	return next
}
