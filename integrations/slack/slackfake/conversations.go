package slackfake

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

func (f *Fake) conversationsInfo(c *call) *failure {
	ch, refused := c.channel()
	if refused != nil {
		return refused
	}
	if refused := f.scopeFor(ch, "read"); refused != nil {
		return refused
	}
	c.out["channel"] = ch.shape(f)
	return nil
}

func (f *Fake) conversationsOpen(c *call) *failure {
	user := c.args.Get("users")
	switch {
	case user == "" || strings.Contains(user, ","):
		return fail("invalid_user_combination")
	case f.users[user] == nil:
		return fail("user_not_found")
	case f.users[user].Bot:
		return fail("cannot_dm_bot")
	}
	ch := f.dm(user)
	c.took = true
	c.out["channel"] = object{"id": ch.ID}
	if c.truth("return_im") {
		c.out["channel"] = ch.shape(f)
	}
	return nil
}

// page is what a call asks for of a channel's messages.
type page struct {
	oldest, latest string
	inclusive, all bool
	limit          int
	after          string // the cursor's ts: the last one shown
}

const cursorMark = "next_ts:"

func (c *call) page() (p page, refused *failure) {
	p = page{oldest: c.args.Get("oldest"), latest: c.args.Get("latest"), inclusive: c.truth("inclusive"), all: c.truth("include_all_metadata"), limit: 100}
	for what, ts := range map[string]string{"oldest": p.oldest, "latest": p.latest} {
		if ts == "" {
			continue
		}
		if _, err := strconv.ParseFloat(ts, 64); err != nil {
			return p, fail("invalid_ts_" + what)
		}
	}
	if s := c.args.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 999 { // documented: at most 999
			return p, fail("invalid_limit")
		}
		p.limit = n
	}
	if most := c.f.limits.MostHistory; most > 0 {
		p.limit = min(p.limit, most)
	}
	if s := c.args.Get("cursor"); s != "" {
		b, err := base64.StdEncoding.DecodeString(s)
		ts, ok := strings.CutPrefix(string(b), cursorMark)
		if err != nil || !ok || !stampForm.MatchString(ts) {
			return p, fail("invalid_cursor")
		}
		p.after = ts
	}
	return p, nil
}

// in tells whether a message is in the asked time; "latest" and "oldest" are themselves
// in it only when inclusive (documented).
func (p page) in(ts string) bool {
	if p.oldest != "" {
		if d := compareStamps(ts, padded(p.oldest)); d < 0 || d == 0 && !p.inclusive {
			return false
		}
	}
	if p.latest != "" {
		if d := compareStamps(ts, padded(p.latest)); d > 0 || d == 0 && !p.inclusive {
			return false
		}
	}
	return true
}

func padded(ts string) string {
	s, us, _ := strings.Cut(ts, ".")
	return s + "." + (us + "000000")[:6]
}

// give writes a page of messages, in the order in which they are.
func (c *call) give(ch *channel, p page, all []*message, past func(ts string) bool) []any {
	if p.after != "" {
		all = slices.DeleteFunc(all, func(m *message) bool { return !past(m.ts) })
	}
	c.out["has_more"] = len(all) > p.limit
	if len(all) > p.limit {
		all = all[:p.limit]
		next := base64.StdEncoding.EncodeToString([]byte(cursorMark + all[len(all)-1].ts))
		c.out["response_metadata"] = object{"next_cursor": next}
	} else {
		c.out["response_metadata"] = object{"next_cursor": ""}
	}
	out := make([]any, 0, len(all))
	for _, m := range all {
		out = append(out, c.f.shape(ch, m, p.all))
	}
	return out
}

// readable is the channel of a call that reads messages.
func (c *call) readable() (*channel, *failure) {
	ch, refused := c.channel()
	if refused != nil {
		return nil, refused
	}
	if refused := c.f.scopeFor(ch, "history"); refused != nil {
		return nil, refused
	}
	if !ch.members[c.f.o.BotUser] {
		return nil, fail("not_in_channel")
	}
	return ch, nil
}

// history gives what stands in the channel itself, the newest first: no replies but
// those that were broadcast, and no ephemeral messages.
func (f *Fake) history(c *call) *failure {
	ch, refused := c.readable()
	if refused != nil {
		return refused
	}
	p, refused := c.page()
	if refused != nil {
		return refused
	}
	var all []*message
	for _, m := range slices.Backward(ch.messages) {
		if m.onlyFor == "" && p.in(m.ts) && (m.thread == "" || m.thread == m.ts || m.broadcast) {
			all = append(all, m)
		}
	}
	c.out["messages"] = c.give(ch, p, all, func(ts string) bool { return compareStamps(ts, p.after) < 0 })
	c.out["pin_count"] = 0
	return nil
}

// replies gives a thread, its root first on every page, then the oldest first. Of a
// message that is gone, thread_not_found comes (documented); of one that is a reply,
// that reply alone.
func (f *Fake) replies(c *call) *failure {
	ch, refused := c.readable()
	if refused != nil {
		return refused
	}
	p, refused := c.page()
	if refused != nil {
		return refused
	}
	root := ch.find(c.args.Get("ts"))
	if root == nil || root.onlyFor != "" {
		return fail("thread_not_found")
	}
	if root.thread != "" && root.thread != root.ts {
		c.out["messages"] = c.give(ch, page{limit: 1, all: p.all}, []*message{root}, nil)
		return nil
	}
	var all []*message
	for _, m := range ch.replies(root.ts) {
		if p.in(m.ts) {
			all = append(all, m)
		}
	}
	if p.limit > 1 {
		p.limit-- // the root counts
		out := c.give(ch, p, all, func(ts string) bool { return compareStamps(ts, p.after) > 0 })
		c.out["messages"] = append([]any{f.shape(ch, root, p.all)}, out...)
		return nil
	}
	c.out["messages"] = []any{f.shape(ch, root, p.all)}
	c.out["has_more"] = len(all) > 0
	return nil
}
