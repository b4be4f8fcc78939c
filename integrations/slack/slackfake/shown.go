package slackfake

import (
	"fmt"
	"strings"
)

// blocks reads what stands in blocks, as text for a person.
func (r *reader) blocks(all []any) {
	for _, x := range all {
		b, _ := x.(object)
		id, _ := b["block_id"].(string)
		switch b["type"] {
		case "section":
			if b["text"] != nil {
				r.line(r.text(b["text"]))
			}
			fields, _ := b["fields"].([]any)
			for _, one := range fields {
				r.line(r.text(one))
			}
			r.element(id, b["accessory"])
		case "header":
			r.line(r.text(b["text"]))
		case "divider":
			r.line("────")
		case "image":
			r.picture(b)
		case "context":
			var words []string
			elements, _ := b["elements"].([]any)
			for _, e := range elements {
				if o, _ := e.(object); o["type"] == "image" {
					r.picture(o)
				} else {
					words = append(words, r.text(e))
				}
			}
			r.line(strings.Join(words, "  "))
		case "actions":
			elements, _ := b["elements"].([]any)
			for _, e := range elements {
				r.element(id, e)
			}
		case "input":
			r.line(r.text(b["label"]))
			if b["hint"] != nil {
				r.line(r.text(b["hint"]))
			}
			r.element(id, b["element"])
			if o, _ := b["element"].(object); o["type"] == "plain_text_input" {
				r.line(strings.TrimSpace("____ " + r.text(o["placeholder"])))
			}
		case "rich_text":
			elements, _ := b["elements"].([]any)
			for _, e := range elements {
				r.rich(e)
			}
		}
	}
}

func (r *reader) picture(o object) {
	alt, _ := o["alt_text"].(string)
	id := fmt.Sprint(o["image_url"])
	if file, _ := o["slack_file"].(object); file != nil {
		id = fmt.Sprint(file["id"])
	}
	r.pictures = append(r.pictures, id)
	r.line("🖼 " + alt)
}

// element reads a button, a menu or an input.
func (r *reader) element(block string, x any) {
	o, _ := x.(object)
	str := func(name string) string { s, _ := o[name].(string); return s }
	b := Button{ActionID: str("action_id"), BlockID: block, Value: str("value"), Style: str("style"), URL: str("url"), kind: str("type"), raw: o}
	switch b.kind {
	case "":
		return
	case "image":
		r.picture(o)
		return
	case "button":
		b.Label = r.text(o["text"])
		if b.URL != "" {
			r.links = append(r.links, Link{URL: b.URL, Label: b.Label, Where: r.where})
		}
	default:
		b.Label = r.text(o["placeholder"])
		options, _ := o["options"].([]any)
		for _, g := range o2list(o["option_groups"]) {
			g, _ := g.(object)
			options = append(options, o2list(g["options"])...)
		}
		for _, one := range options {
			p, _ := one.(object)
			value, _ := p["value"].(string)
			b.Options = append(b.Options, Option{Label: r.text(p["text"]), Value: value})
		}
	}
	if c, _ := o["confirm"].(object); c != nil {
		b.Confirm = r.text(c["title"]) + " " + r.text(c["text"])
	}
	r.buttons = append(r.buttons, b)
}

func o2list(x any) []any { all, _ := x.([]any); return all }

// rich reads a part of a rich text: its words are verbatim.
func (r *reader) rich(x any) {
	o, _ := x.(object)
	switch o["type"] {
	case "rich_text_list":
		indent, _ := o["indent"].(float64)
		for i, item := range o2list(o["elements"]) {
			item, _ := item.(object)
			mark := "• "
			if o["style"] == "ordered" {
				mark = fmt.Sprintf("%d. ", i+1)
			}
			r.line(strings.Repeat("  ", int(indent)) + mark + r.inline(item["elements"]))
		}
	case "rich_text_preformatted":
		r.line(r.inline(o["elements"]))
	case "rich_text_quote":
		r.line("▌ " + r.inline(o["elements"]))
	default:
		r.line(r.inline(o["elements"]))
	}
}

func (r *reader) inline(x any) string {
	var out strings.Builder
	for _, e := range o2list(x) {
		o, _ := e.(object)
		str := func(name string) string { s, _ := o[name].(string); return s }
		switch o["type"] {
		case "text":
			out.WriteString(str("text"))
		case "link":
			label := str("text")
			if label == "" {
				label = str("url")
			}
			r.links = append(r.links, Link{URL: str("url"), Label: label, Where: r.where})
			out.WriteString(label)
		case "emoji":
			out.WriteString("⟪" + str("name") + "⟫")
		case "user":
			out.WriteString(r.token("@" + str("user_id")))
		case "usergroup":
			r.ping("group", str("usergroup_id"))
			out.WriteString("@" + str("usergroup_id"))
		case "channel":
			out.WriteString(r.token("#" + str("channel_id")))
		case "broadcast":
			r.ping(str("range"), str("range"))
			out.WriteString("@" + str("range"))
		case "date":
			out.WriteString(str("fallback"))
		}
	}
	return out.String()
}
