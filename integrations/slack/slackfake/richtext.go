package slackfake

// richText is the rules of a rich text block (documented: "Rich text block"). Empty
// elements and empty texts are refused (measured: "must be more than 0 characters").
func richText() check {
	style := fields{"bold": truth, "italic": truth, "strike": truth, "code": truth, "underline": truth}.check
	mention := fields{"bold": truth, "italic": truth, "strike": truth, "highlight": truth, "client_highlight": truth, "unlink": truth}.check
	inline := map[string]check{
		"text": fields{"!type": word("text"), "!text": str(1, maxBlocksSize), "style": style}.check,
		"link": fields{"!type": word("link"), "!url": link(maxLink, "http", "https", "mailto"), "text": str(1, maxBlocksSize), "unsafe": truth,
			"style": style}.check,
		"emoji":     fields{"!type": word("emoji"), "!name": str(1, 100), "unicode": str(1, 100), "skin_tone": number(1, 6), "style": style}.check,
		"user":      fields{"!type": word("user"), "!user_id": str(1, 50), "style": mention}.check,
		"usergroup": fields{"!type": word("usergroup"), "!usergroup_id": str(1, 50), "style": mention}.check,
		"channel":   fields{"!type": word("channel"), "!channel_id": str(1, 50), "style": mention}.check,
		"broadcast": fields{"!type": word("broadcast"), "!range": word("here", "channel", "everyone"), "style": mention}.check,
		"color":     fields{"!type": word("color"), "!value": str(1, 30), "style": style}.check,
		"date": fields{"!type": word("date"), "!timestamp": number(0, 1e11), "!format": str(1, 200), "url": link(maxLink, "http", "https"),
			"fallback": str(1, 500), "style": style}.check,
	}
	section := fields{"!type": word("rich_text_section"), "!elements": list(1, 1000, byType(inline))}.check
	quote := fields{"!type": word("rich_text_quote"), "!elements": list(1, 1000, byType(inline)), "border": number(0, 1)}.check
	// In preformatted text nothing but text and links stands, without any style (our
	// stricter choice: what else is sent there is lost or refused).
	pre := fields{"!type": word("rich_text_preformatted"), "border": number(0, 1), "language": str(0, 50), "!elements": list(1, 1000, byType(map[string]check{
		"text": fields{"!type": word("text"), "!text": str(1, maxBlocksSize)}.check,
		"link": fields{"!type": word("link"), "!url": link(maxLink, "http", "https", "mailto"), "text": str(1, maxBlocksSize), "unsafe": truth}.check}))}.check
	items := fields{"!type": word("rich_text_list"), "!style": word("bullet", "ordered"), "indent": number(0, 8), "offset": number(0, 1e6),
		"border": number(0, 1), "!elements": list(1, 1000, byType(map[string]check{"rich_text_section": section}))}.check
	return fields{"!type": word("rich_text"), "block_id": blockID, "!elements": list(1, 1000, byType(map[string]check{
		"rich_text_section": section, "rich_text_list": items, "rich_text_preformatted": pre, "rich_text_quote": quote}))}.check
}
