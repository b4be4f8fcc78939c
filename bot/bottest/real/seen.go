package real

import "slices"

// Seen is a message as a person sees it now: edited, reacted to, or gone.
type Seen struct {
	ID        string
	Sender    string
	Type      string // msgtype: "m.text", "m.notice", "m.image", …
	Body      string
	HTML      string
	Thread    string              // the root's id, for a reply in a thread
	Edits     int                 // how often it was edited
	Reactions map[string][]string // key → the senders, in order
	Redacted  bool
	Content   map[string]any // all of it, the last edit's if there was one
}

// See folds a room's events, the oldest first, into the messages that a good
// client would show: only an author's own edits count, and only while they
// stand; so do reactions. An edit that was redacted has lost the word of whose
// edit it was, and stands among the messages as a redacted one.
func See(events []Event) []Seen {
	var seen []*Seen
	byID := map[string]*Seen{}
	for _, e := range events {
		relType, target := e.Relation()
		switch {
		case e.Type == "m.reaction" && relType == "m.annotation":
			if m := byID[target]; m != nil {
				key := e.Field("m.relates_to", "key")
				if !slices.Contains(m.Reactions[key], e.Sender) {
					m.Reactions[key] = append(m.Reactions[key], e.Sender)
				}
			}
		case e.Type == "m.room.message" && relType == "m.replace":
			// An edit of an edit counts for nothing, by the specification.
			content, ok := e.Content["m.new_content"].(map[string]any)
			if m := byID[target]; m != nil && ok && m.Sender == e.Sender && !m.Redacted {
				m.Edits++
				m.show(content)
			}
		case e.Type == "m.room.message":
			m := &Seen{ID: e.ID, Sender: e.Sender, Redacted: e.Redacted(), Reactions: map[string][]string{}}
			m.show(e.Content)
			if relType == "m.thread" {
				m.Thread = target
			}
			seen = append(seen, m)
			byID[e.ID] = m
		}
	}
	all := make([]Seen, 0, len(seen))
	for _, m := range seen {
		all = append(all, *m)
	}
	return all
}

func (m *Seen) show(content map[string]any) {
	e := Event{Content: content}
	m.Content = content
	m.Type, m.Body, m.HTML = e.Field("msgtype"), e.Body(), e.Field("formatted_body")
}
