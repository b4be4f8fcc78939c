package slackfake

import (
	"fmt"
	"regexp"
)

// The rules of Block Kit, from docs.slack.dev/reference/block-kit where no other source
// is named. What the documentation allows and we never send (video, table, card,
// Markdown, …) is refused as unknown: our stricter choice.

const (
	plainText = "plain_text"
	mrkdwn    = "mrkdwn"
	// maxLink is a button's url; other links have no documented limit.
	maxLink = 3000
)

var fileID = regexp.MustCompile(`^F[A-Z0-9]{8,}$`) // measured: slackapi/python-slack-sdk#1521

func init() {
	// Confirmation dialog.
	confirm := fields{"!title": text(100, plainText), "!text": text(300, plainText, mrkdwn), "!confirm": text(30, plainText),
		"!deny": text(30, plainText), "style": word("primary", "danger")}.check
	// Option: text 75, value 150, description 75; url for overflow menus alone.
	option := fields{"!text": text(75, plainText, mrkdwn), "!value": str(1, 150), "description": text(75, plainText, mrkdwn)}.check
	plainOption := fields{"!text": text(75, plainText), "!value": str(1, 150), "description": text(75, plainText)}.check
	overflowOption := fields{"!text": text(75, plainText), "!value": str(1, 150), "description": text(75, plainText), "url": link(maxLink, "http", "https")}.check
	group := fields{"!label": text(75, plainText), "!options": list(1, 100, plainOption)}.check

	button := fields{"!type": word("button"), "!text": text(75, plainText), "action_id": actionID, "url": link(maxLink, "http", "https", "mailto"),
		"value": str(1, 2000), "style": word("primary", "danger"), "confirm": confirm, "accessibility_label": str(1, 75)}.check
	static := fields{"!type": word("static_select"), "placeholder": text(150, plainText), "action_id": actionID, "options": list(1, 100, plainOption),
		"option_groups": list(1, 100, group), "initial_option": plainOption, "confirm": confirm, "focus_on_load": truth}.also(oneOf("options", "option_groups"))
	multi := fields{"!type": word("multi_static_select"), "placeholder": text(150, plainText), "action_id": actionID, "options": list(1, 100, plainOption),
		"option_groups": list(1, 100, group), "initial_options": list(1, 100, plainOption), "confirm": confirm, "focus_on_load": truth,
		"max_selected_items": number(1, 100)}.also(oneOf("options", "option_groups"))
	overflow := fields{"!type": word("overflow"), "action_id": actionID, "!options": list(1, 5, overflowOption), "confirm": confirm}.check
	boxes := fields{"!type": word("checkboxes"), "action_id": actionID, "!options": list(1, 10, option), "initial_options": list(1, 10, option),
		"confirm": confirm, "focus_on_load": truth}.check
	radios := fields{"!type": word("radio_buttons"), "action_id": actionID, "!options": list(1, 10, option), "initial_option": option,
		"confirm": confirm, "focus_on_load": truth}.check
	input := fields{"!type": word("plain_text_input"), "action_id": actionID, "placeholder": text(150, plainText), "initial_value": str(1, 3000),
		"multiline": truth, "min_length": number(0, 3000), "max_length": number(1, 3000), "focus_on_load": truth,
		"dispatch_action_config": fields{"trigger_actions_on": list(1, 2, word("on_enter_pressed", "on_character_entered"))}.check}.check
	picture := fields{"!type": word("image"), "image_url": link(3000, "http", "https"), "slack_file": slackFile, "!alt_text": str(1, 2000)}.also(oneOf("image_url", "slack_file"))

	blocks := map[string]check{
		"section": fields{"!type": word("section"), "block_id": blockID, "text": text(3000, plainText, mrkdwn),
			"fields": list(1, 10, text(2000, plainText, mrkdwn)), "expand": truth,
			"accessory": byType(map[string]check{"button": button, "static_select": static, "multi_static_select": multi, "overflow": overflow,
				"checkboxes": boxes, "radio_buttons": radios, "image": picture})}.also(anyOf("text", "fields")),
		"divider": fields{"!type": word("divider"), "block_id": blockID}.check,
		"header":  fields{"!type": word("header"), "block_id": blockID, "!text": text(150, plainText), "level": number(1, 4)}.check,
		"image": fields{"!type": word("image"), "block_id": blockID, "image_url": link(3000, "http", "https"), "slack_file": slackFile,
			"!alt_text": str(1, 2000), "title": text(2000, plainText)}.also(oneOf("image_url", "slack_file")),
		"context": fields{"!type": word("context"), "block_id": blockID,
			// The length of a context's text is not documented; 2,000 is ours, as a field's.
			"!elements": list(1, 10, byType(map[string]check{"image": picture, plainText: text(2000, plainText), mrkdwn: text(2000, mrkdwn)}))}.check,
		"actions": fields{"!type": word("actions"), "block_id": blockID, "!elements": list(1, 25, byType(map[string]check{
			"button": button, "static_select": static, "multi_static_select": multi, "overflow": overflow, "checkboxes": boxes, "radio_buttons": radios}))}.check,
		"rich_text": richText(),
	}
	block = byType(blocks)

	// A modal has input blocks too. In messages, Slack takes some since 2025; refusing them
	// there is stricter.
	modal := map[string]check{"input": fields{"!type": word("input"), "block_id": blockID, "!label": text(2000, plainText), "hint": text(2000, plainText),
		"optional": truth, "dispatch_action": truth, "!element": byType(map[string]check{
			"plain_text_input": input, "static_select": static, "multi_static_select": multi, "checkboxes": boxes, "radio_buttons": radios})}.also(
		func(v *checker, _ string, _ object) { v.inputs++ })}
	for kind, c := range blocks {
		modal[kind] = c
	}
	modalBlock = byType(modal)

	attachment = fields{"color": str(1, 30), "fallback": str(0, 3000), "id": number(1, 100), "!blocks": list(1, maxBlocks, func(v *checker, at string, x any) { block(v, at, x) })}.check
}

var block, modalBlock, attachment check

func oneOf(a, b string) func(*checker, string, object) {
	return func(v *checker, at string, o object) {
		_, hasA := o[a]
		_, hasB := o[b]
		if hasA == hasB {
			v.fault(at, "must have one of %s and %s", a, b)
		}
	}
}

func anyOf(a, b string) func(*checker, string, object) {
	return func(v *checker, at string, o object) {
		_, hasA := o[a]
		_, hasB := o[b]
		if !hasA && !hasB {
			v.fault(at, "must have %s or %s", a, b)
		}
	}
}

// slackFile must be a file that the app may see, and that Slack has done with
// (measured: slackapi/python-slack-sdk#1658, #1521: "invalid slack file").
func slackFile(v *checker, at string, x any) {
	fields{"id": str(1, 50), "url": link(3000, "https", "http")}.also(oneOf("id", "url"))(v, at, x)
	o, _ := x.(object)
	if id, has := o["id"].(string); has {
		if !fileID.MatchString(id) {
			v.fault(at+"/id", "input must match regex pattern: ^[F][A-Z0-9]{8,}$")
			return
		}
		if f := v.f.files[id]; f == nil || !v.f.ready(f) || !f.picture() {
			v.fault(at, "invalid slack file")
		}
	} else if url, has := o["url"].(string); has && v.f.fileByURL(url) == nil {
		v.fault(at, "invalid slack file")
	}
}

// message checks all blocks and attachments of a message.
func (v *checker) message(m *message) {
	v.code, v.actions, v.blockIDs = "invalid_blocks", map[string]bool{}, map[string]bool{}
	if len(m.blocks) > maxBlocks {
		v.fault("/blocks", "no more than %d items allowed", maxBlocks)
	}
	for i, b := range m.blocks {
		block(v, fmt.Sprintf("/blocks/%d", i), b)
	}
	if len(v.faults) > 0 {
		return
	}
	v.code = "invalid_attachments"
	if len(m.attachments) > maxAttachments {
		v.code = "too_many_attachments"
		v.fault("/attachments", "no more than %d items allowed", maxAttachments)
		return
	}
	total := len(m.blocks)
	for i, a := range m.attachments {
		// Legacy fields beside blocks are refused, and so are attachments without blocks:
		// Slack shows or ignores them as it likes (our stricter choice).
		attachment(v, fmt.Sprintf("/attachments/%d", i), a)
		if a, ok := a.(object); ok {
			blocks, _ := a["blocks"].([]any)
			total += len(blocks)
		}
	}
	if total > maxBlocks && len(v.faults) == 0 {
		// Documented for blocks; counting those of attachments too is stricter.
		v.code = "invalid_blocks"
		v.fault("/attachments", "no more than %d blocks allowed in a message", maxBlocks)
	}
}
