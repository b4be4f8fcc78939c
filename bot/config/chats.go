package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/gate"
)

// maxSocket is what a Unix socket's path may have on every system (sun_path is
// 104 bytes on the BSDs, 108 on Linux, its final zero included or not).
const maxSocket = 104

// doors are the ways by which decisions come that no chat carried.
var doors = []string{gate.DoorHost, gate.DoorSSH}

func (b *builder) chats() {
	console := place{}
	for i := range b.keys.Chats.items {
		k := &b.keys.Chats.items[i]
		b.named(k.Name)
		b.chatNames.add(&b.judge, k.Name)
		if slices.Contains(doors, k.Name.v) {
			b.fault(k.Name.place, "%s is the name of a way that leads past all chats: choose another", short(k.Name.v))
		}
		c := Chat{ID: bot.ChatID(k.Name.v)}
		switch {
		case k.Matrix != nil:
			c.Matrix = b.matrix(k.Matrix)
			b.matrixChats = append(b.matrixChats, c.ID)
			b.astray(k, "matrix")
		case k.Slack != nil:
			c.Slack = b.slack(k.Slack)
			b.slackChats = append(b.slackChats, slackChat{c.ID, c.Slack.Team})
			b.astray(k, "slack")
		case k.Console != nil:
			c.Console = b.console(k.Console)
			if console.line > 0 {
				b.fault(k.Console.place, "there is one console at most, and line %d has it", console.line)
				break
			}
			console = k.Console.place
			b.consoleChats = append(b.consoleChats, c.ID)
		default:
			if k.line > 0 && !b.open(k.field, "matrix", "slack", "console") {
				b.fault(k.place, "is of no kind: write one of matrix:, slack: or console:")
			}
		}
		b.cfg.Chats = append(b.cfg.Chats, c)
	}
	if b.keys.Chats.empty() {
		b.fault(b.keys.Chats.place, "is empty: without a chat nobody can be told")
	}
}

// astray faults further kinds of a chat that is of one already. What is wrong inside
// of them is told all the same.
func (b *builder) astray(k *chatKeys, kind string) {
	const says = "a chat is of one kind: make this a chat of its own, beside the one of kind %s"
	if k.Slack != nil && kind != "slack" {
		b.fault(k.Slack.place, says, kind)
		// As if it stood where it can stand: its people and channels are no faults.
		b.slackChats = append(b.slackChats, slackChat{team: b.slack(k.Slack).Team})
	}
	if k.Console != nil {
		b.fault(k.Console.place, says, kind)
		b.console(k.Console)
		b.consoleAstray = true
	}
}

func (b *builder) matrix(k *matrixKeys) *Matrix {
	m := &Matrix{User: bot.UserID(k.User.v), Token: b.secret(k.TokenFile), PerSecond: k.Pace.PerSecond.or(1), Burst: k.Pace.Burst.or(5), OfferReactions: k.Offers.or(true)}
	if u := b.address(k.Homeserver); u != nil {
		m.Homeserver = base(u)
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			b.fault(k.Homeserver.place, "the access token would travel in the clear: write https (http goes to loopback addresses only)")
		}
	}
	if k.User.ok {
		b.mxid(k.User)
	}
	b.perSecond(k.Pace.PerSecond)
	b.burst(k.Pace.Burst)
	return m
}

func (j *judge) perSecond(g given[float64]) {
	if g.ok && (g.v <= 0 || g.v > 100) {
		j.fault(g.place, "must be more than 0 and at most 100 posts a second")
	}
}

func (j *judge) burst(g given[int]) {
	if g.ok && (g.v < 1 || g.v > 1000) {
		j.fault(g.place, "must be from 1 to 1000 posts")
	}
}

func (b *builder) console(k *consoleKeys) *Console {
	path := "/run/watchstander/console.sock"
	if dir := firstPath(b.getenv("RUNTIME_DIRECTORY")); dir != "" {
		path = filepath.Join(dir, "console.sock")
	}
	path = k.Socket.or(path)
	switch {
	case !filepath.IsAbs(path):
		b.fault(k.Socket.place, "must be an absolute path")
	case len(path) > maxSocket:
		b.fault(k.at("socket", k.Socket), "the path has %d bytes, and a Unix socket's may have %d: choose a shorter one", len(path), maxSocket)
	}
	return &Console{Socket: filepath.Clean(path)}
}

// firstPath: systemd writes several directories with colons between them.
func firstPath(list string) string {
	first, _, _ := strings.Cut(list, ":")
	return first
}

func (b *builder) rooms() {
	ids := map[string]place{}
	for i := range b.keys.Rooms.items {
		k := &b.keys.Rooms.items[i]
		b.named(k.Name)
		b.roomNames.add(&b.judge, k.Name)
		b.chatNames.known(&b.judge, k.Chat)
		b.room(k, ids)
		b.cfg.Rooms = append(b.cfg.Rooms, Room{bot.RoomID(k.Name.v), bot.ChatID(k.Chat.v), k.ID.v})
	}
	for _, id := range b.consoleChats {
		if at, taken := b.roomNames.first[string(id)]; taken {
			b.fault(at, "the console's own room has this name already: choose another, or name %s in routes to mean the console", short(string(id)))
			continue
		}
		b.roomNames.first[string(id)] = place{}
		b.roomNames.order = append(b.roomNames.order, string(id))
		b.cfg.Rooms = append(b.cfg.Rooms, Room{ID: bot.RoomID(id), Chat: id})
	}
}

func (b *builder) room(k *roomKeys, ids map[string]place) {
	for _, id := range b.consoleChats {
		if k.Chat.v == string(id) {
			b.fault(k.Chat.place, "the console has one room of its own, and its name is %s: leave this room out, and name that in routes", short(k.Chat.v))
			return
		}
	}
	if !k.ID.ok {
		return
	}
	// Also where the chat is not known: whoever mends that should not find the
	// next fault behind it.
	if why := b.idFault(k.Chat.v, k.ID.v); why != "" {
		b.fault(k.ID.place, "%s", why)
	}
	key := k.Chat.v + " " + k.ID.v
	if at, twice := ids[key]; twice {
		b.fault(k.ID.place, "line %d has this room already: one room has one name", at.line)
		return
	}
	ids[key] = k.ID.place
}

// idFault tells what is wrong with a room's id on a chat; where the chat is not known,
// with one that is none on any.
func (b *builder) idFault(chat, id string) string {
	isSlack := slices.ContainsFunc(b.slackChats, func(s slackChat) bool { return s.id == bot.ChatID(chat) })
	isMatrix := slices.Contains(b.matrixChats, bot.ChatID(chat))
	switch {
	case isSlack, !isMatrix && len(b.matrixChats) == 0 && len(b.slackChats) > 0:
		return channelFault(id)
	case !isMatrix && len(b.slackChats) > 0 && channelFault(id) == "":
		return ""
	}
	return roomIDFault(id)
}

// roomID: "!opaque:server", or without a server from room version 12 on.
var roomID = regexp.MustCompile(`^![^\s:\x00]+(:` + serverName + `)?$`)

const serverName = `([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?`

func roomIDFault(id string) string {
	switch {
	case strings.HasPrefix(id, "#"):
		return fmt.Sprintf("%s is an alias, which can be moved to another room: write the room's id, which begins with \"!\" (Element shows it in the room's settings, under Advanced)", short(id))
	case strings.HasPrefix(id, "@"):
		return fmt.Sprintf("%s is a person: write the id of a room, which begins with \"!\"", short(id))
	case len(id) > 255 || !roomID.MatchString(id):
		return fmt.Sprintf("%s is no room id: write it like \"!abc:example.org\"", short(id))
	}
	return ""
}

// mxidForm takes what the specification calls historical ids too: they exist.
var mxidForm = regexp.MustCompile(`^@[!-9;-~]+:` + serverName + `$`)

// mxid faults what is no Matrix user id.
func (b *builder) mxid(g given[string]) bool {
	if len(g.v) > 255 || !mxidForm.MatchString(g.v) {
		b.fault(g.place, "%s is no Matrix user id: write it whole, like \"@alice:example.org\"", short(g.v))
		return false
	}
	return true
}
