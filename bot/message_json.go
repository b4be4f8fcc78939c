package bot

import (
	"encoding/json"
	"fmt"
)

// The state keeps log entries as JSON. A block is an object with one member,
// its kind's name, so that a reader of the database sees what it is.

type wireBlock struct {
	Para    *Para    `json:"para,omitempty"`
	Fields  *Fields  `json:"fields,omitempty"`
	List    *List    `json:"list,omitempty"`
	Pre     *Pre     `json:"pre,omitempty"`
	Picture *Picture `json:"picture,omitempty"`
	File    *File    `json:"file,omitempty"`
}

type wireMessage struct {
	Tone    Tone        `json:"tone,omitempty"`
	Title   Text        `json:"title,omitempty"`
	Blocks  []wireBlock `json:"blocks,omitempty"`
	Actions []Action    `json:"actions,omitempty"`
	Note    Text        `json:"note,omitempty"`
	Over    bool        `json:"over,omitempty"`
	Whole   bool        `json:"whole,omitempty"`
	Aside   bool        `json:"aside,omitempty"`
}

// MarshalJSON writes the form that UnmarshalJSON reads.
func (m Message) MarshalJSON() ([]byte, error) {
	w := wireMessage{Tone: m.Tone, Title: m.Title, Actions: m.Actions, Note: m.Note, Over: m.Over, Whole: m.Whole, Aside: m.Aside}
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case Para:
			w.Blocks = append(w.Blocks, wireBlock{Para: &b})
		case Fields:
			w.Blocks = append(w.Blocks, wireBlock{Fields: &b})
		case List:
			w.Blocks = append(w.Blocks, wireBlock{List: &b})
		case Pre:
			w.Blocks = append(w.Blocks, wireBlock{Pre: &b})
		case Picture:
			w.Blocks = append(w.Blocks, wireBlock{Picture: &b})
		case File:
			w.Blocks = append(w.Blocks, wireBlock{File: &b})
		default:
			return nil, fmt.Errorf("bot: a message holds a block of unknown type %T", b)
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote; a block of no known kind, as a
// newer version may have written it, is an error.
func (m *Message) UnmarshalJSON(data []byte) error {
	var w wireMessage
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*m = Message{Tone: w.Tone, Title: w.Title, Actions: w.Actions, Note: w.Note, Over: w.Over, Whole: w.Whole, Aside: w.Aside}
	for i, b := range w.Blocks {
		switch {
		case b.Para != nil:
			m.Blocks = append(m.Blocks, *b.Para)
		case b.Fields != nil:
			m.Blocks = append(m.Blocks, *b.Fields)
		case b.List != nil:
			m.Blocks = append(m.Blocks, *b.List)
		case b.Pre != nil:
			m.Blocks = append(m.Blocks, *b.Pre)
		case b.Picture != nil:
			m.Blocks = append(m.Blocks, *b.Picture)
		case b.File != nil:
			m.Blocks = append(m.Blocks, *b.File)
		default:
			return fmt.Errorf("bot: block %d of a stored message is of no known kind", i)
		}
	}
	return nil
}
