package slackfake

// speak takes a message into a channel: it is the bot's.
func (f *Fake) speak(m *message) {
	m.user, m.botID, m.app, m.team = f.o.BotUser, f.o.BotID, f.o.AppID, f.o.Team
}

// sendable checks that the bot may speak in a channel.
func (f *Fake) sendable(c *channel) *failure {
	switch {
	case c.archived:
		return fail("is_archived")
	case !c.members[f.o.BotUser]:
		return fail("not_in_channel") // chat:write.public is not among the scopes
	}
	return nil
}

func (f *Fake) postMessage(c *call) *failure {
	ch, refused := c.channel()
	if refused != nil {
		return refused
	}
	if refused := f.sendable(ch); refused != nil {
		return refused
	}
	m, has, refused := c.content()
	if refused != nil {
		return refused
	}
	if m.text == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		return fail("no_text")
	}
	thread := c.args.Get("thread_ts")
	if thread != "" && !stampForm.MatchString(thread) {
		return fail("invalid_arguments", "thread_ts is no time stamp")
	}
	if thread != "" {
		switch root := ch.find(thread); {
		case root == nil, root.tombstone:
			// Measured (facts): a reply to a root that is gone appears in the channel,
			// without any error.
			thread = ""
		case root.thread != "" && root.thread != root.ts:
			// Documented advice: use the root's ts, never a reply's. Refusing is stricter.
			return fail("cannot_reply_to_message")
		}
	}
	if !f.pace.workspace(f.limits, c.at) {
		return fail("message_limit_exceeded") // measured (facts): HTTP 200, ok false
	}
	f.speak(m)
	m.thread, m.broadcast = thread, c.truth("reply_broadcast") && thread != ""
	f.add(ch, m)
	f.dress(m)
	f.share(ch, m)
	f.notice(c, ch, m)
	c.took, c.record.TS = true, m.ts
	c.out["channel"], c.out["ts"], c.out["message"] = ch.ID, m.ts, f.shape(ch, m, true)
	if has["text"] && m.text == "" && (len(m.blocks) > 0 || len(m.attachments) > 0) {
		// Documented: a missing text is a warning about accessibility.
		c.out["warning"] = "missing_text_in_message"
		c.out["response_metadata"] = object{"warnings": []any{"missing_text_in_message"}}
	}
	f.messageEvent(ch, m)
	return nil
}

func (f *Fake) update(c *call) *failure {
	ch, refused := c.channel()
	if refused != nil {
		return refused
	}
	if refused := f.sendable(ch); refused != nil {
		return refused
	}
	was := ch.find(c.args.Get("ts"))
	switch {
	case was == nil, was.onlyFor != "":
		return fail("message_not_found")
	case was.tombstone, was.botID != f.o.BotID:
		return fail("cant_update_message")
	}
	next, has, refused := c.content()
	if refused != nil {
		return refused
	}
	if !has["text"] && !has["blocks"] && !has["attachments"] {
		return fail("no_text")
	}
	before := f.shape(ch, was, true)
	// Documented (chat.update): blocks stay only where neither blocks nor a text come; a
	// text alone takes them away. Attachments and metadata that do not come stay as they
	// are; "[]" and "{}" take them away.
	switch {
	case has["blocks"]:
		was.blocks = next.blocks
	case has["text"]:
		was.blocks = nil
	}
	if has["text"] {
		was.text = next.text
	}
	if has["attachments"] {
		was.attachments = next.attachments
	}
	if has["metadata"] {
		was.metadata = next.metadata
	}
	if was.text == "" && len(was.blocks) == 0 && len(was.attachments) == 0 {
		return fail("no_text")
	}
	was.mrkdwn = true // mrkdwn is no argument of chat.update
	if !has["blocks"] || len(next.blocks) == 0 {
		was.edited, was.editor = c.at, f.o.BotUser // documented: not shown where blocks are used
	}
	f.dress(was)
	f.share(ch, was)
	f.notice(c, ch, was)
	c.took, c.record.TS = true, was.ts
	c.out["channel"], c.out["ts"], c.out["text"], c.out["message"] = ch.ID, was.ts, was.text, f.shape(ch, was, true)
	f.changedEvent(ch, was, before)
	return nil
}

func (f *Fake) delete(c *call) *failure {
	ch, refused := c.channel()
	if refused != nil {
		return refused
	}
	m := ch.find(c.args.Get("ts"))
	switch {
	case m == nil, m.onlyFor != "":
		return fail("message_not_found")
	case m.botID != f.o.BotID, m.tombstone:
		return fail("cant_delete_message")
	}
	c.took, c.record.TS = true, m.ts
	f.erase(ch, m)
	c.out["channel"], c.out["ts"] = ch.ID, m.ts
	return nil
}

// erase deletes a message. A root with replies leaves a tombstone, one without is gone;
// a tombstone goes with its last reply (measured by others, see [Fake.shape]).
func (f *Fake) erase(c *channel, m *message) {
	before := f.shape(c, m, true)
	if len(c.replies(m.ts)) > 0 {
		*m = message{ts: m.ts, thread: m.ts, tombstone: true, user: "USLACKBOT", team: m.team}
		f.changedEvent(c, m, before)
		return
	}
	c.remove(m)
	f.deletedEvent(c, m.ts, before)
	if root := c.find(m.thread); root != nil && root.tombstone && len(c.replies(root.ts)) == 0 {
		before := f.shape(c, root, true)
		c.remove(root)
		f.deletedEvent(c, root.ts, before)
	}
}

func (f *Fake) postEphemeral(c *call) *failure {
	ch, refused := c.channel()
	if refused != nil {
		return refused
	}
	if refused := f.sendable(ch); refused != nil {
		return refused
	}
	user := c.args.Get("user")
	if f.users[user] == nil {
		return fail("user_not_in_channel")
	}
	m, _, refused := c.content()
	if refused != nil {
		return refused
	}
	if m.text == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		return fail("no_text")
	}
	f.whisper(c, ch, m, user, c.args.Get("thread_ts"))
	c.took, c.record.TS = true, m.ts
	c.out["message_ts"] = m.ts
	return nil
}

// whisper shows an ephemeral message: to one person, in no history, in no event.
func (f *Fake) whisper(c *call, ch *channel, m *message, user, thread string) {
	f.speak(m)
	m.onlyFor, m.thread = user, thread
	f.add(ch, m)
	f.dress(m)
	f.notice(c, ch, m)
	f.stir()
}

func (f *Fake) getPermalink(c *call) *failure {
	ch, refused := c.channel()
	if refused != nil {
		return refused
	}
	m := ch.find(c.args.Get("message_ts"))
	if m == nil || m.onlyFor != "" {
		return fail("message_not_found")
	}
	c.out["channel"], c.out["permalink"] = ch.ID, f.permalink(ch, m)
	return nil
}
