package slackfake

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of a message.
const (
	// maxText: Slack documents that longer texts are truncated, and advises against more
	// than adviseText; that they are refused is our stricter choice.
	maxText    = 40000
	adviseText = 4000
	// maxBlocksSize bounds the JSON of all blocks of a message. It is not documented:
	// 13,297 characters of Markdown were taken (slackapi/bolt-js#2509), 11,341 of rich text
	// were refused. Ours is below both.
	maxBlocksSize  = 11000
	maxBlocks      = 50 // documented
	maxAttachments = 20 // documented advice; too_many_attachments comes at 100, ours is stricter
	maxMetadata    = 16000
)

var (
	stampForm    = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{6}$`)
	metadataType = regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`)
)

// content reads and checks what a message shows; has tells which arguments came.
func (c *call) content() (m *message, has map[string]bool, refused *failure) {
	m = &message{text: c.args.Get("text"), mrkdwn: true, subtype: ""}
	has = map[string]bool{}
	for _, name := range []string{"text", "blocks", "attachments", "metadata"} {
		_, has[name] = c.args[name]
	}
	if c.args.Get("mrkdwn") == "false" || c.args.Get("mrkdwn") == "0" {
		m.mrkdwn = false
	}
	switch n := utf8.RuneCountInString(m.text); {
	case n > maxText:
		return nil, nil, fail("msg_too_long")
	case n > adviseText:
		c.f.fault(c.method + ": a text of more than 4,000 characters")
	}
	if !utf8.ValidString(m.text) || strings.ContainsRune(m.text, 0) {
		return nil, nil, fail("invalid_arguments", "the text is not valid UTF-8, or holds a null character")
	}
	switch parse := c.args.Get("parse"); parse {
	case "", "none", "full", "client", "mrkdwn", "false", "true":
	default:
		return nil, nil, fail("invalid_arguments", "unknown parse: "+parse)
	}
	size := 0
	if has["blocks"] {
		if err := json.Unmarshal([]byte(c.args.Get("blocks")), &m.blocks); err != nil {
			return nil, nil, fail("invalid_blocks_format")
		}
		size += len(c.args.Get("blocks"))
	}
	if has["attachments"] {
		if err := json.Unmarshal([]byte(c.args.Get("attachments")), &m.attachments); err != nil {
			return nil, nil, fail("invalid_attachments")
		}
		size += len(c.args.Get("attachments"))
	}
	v := &checker{f: c.f}
	v.message(m)
	if len(v.faults) > 0 {
		return nil, nil, fail(v.code, v.faults...)
	}
	if size > maxBlocksSize {
		return nil, nil, fail("msg_blocks_too_long")
	}
	if has["metadata"] && c.method != "chat.postEphemeral" {
		if refused := m.readMetadata(c.args.Get("metadata")); refused != nil {
			return nil, nil, refused
		}
	}
	return m, has, nil
}

// readMetadata checks the form (documented: "Using message metadata"): an event type of
// letters, digits and "_", and a payload that is an object of plain values, objects of
// them and lists. Its size is not documented; ours is 16,000 bytes.
func (m *message) readMetadata(raw string) *failure {
	if len(raw) > maxMetadata {
		return fail("metadata_too_large")
	}
	var all object
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		return fail("invalid_metadata_format")
	}
	if len(all) == 0 {
		m.metadata = nil // an empty object takes it away
		return nil
	}
	kind, _ := all["event_type"].(string)
	payload, ok := all["event_payload"].(object)
	if kind == "" && !ok && len(all) <= 2 {
		return nil // what the library sends for none
	}
	if !ok || !metadataType.MatchString(kind) {
		return fail("invalid_metadata_format")
	}
	for name := range all {
		switch name {
		case "event_type", "event_payload", "entities":
		default:
			return fail("invalid_metadata_format")
		}
	}
	m.metadata = object{"event_type": kind, "event_payload": payload}
	return nil
}

// dress gives blocks the ids that Slack makes up for those without.
func (f *Fake) dress(m *message) {
	each := func(blocks []any) {
		for _, b := range blocks {
			if b, ok := b.(object); ok {
				if id, _ := b["block_id"].(string); id == "" {
					b["block_id"] = strings.ToLower(f.newID("b"))
				}
			}
		}
	}
	each(m.blocks)
	for i, a := range m.attachments {
		if a, ok := a.(object); ok {
			a["id"] = i + 1
			blocks, _ := a["blocks"].([]any)
			each(blocks)
		}
	}
}
