package bottest

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/commands"
	"watchstander/integrations/slack"
	"watchstander/integrations/slack/slackfake"
)

// slackRoom lets a story be played in Slack: what the bot says goes through the real
// adapter to the strict fake, and what people read, and so the model, is what that shows.
// What they do is done there, by its buttons, menus and questions.
type slackRoom struct {
	fake  *slackfake.Fake
	rooms map[bot.RoomID]string

	mu   sync.Mutex
	chat *slack.Chat // of the bot that runs now
	// kinds and edits are what was sent as each message, by its id.
	kinds map[bot.MessageID]bot.SendKind
	edits map[bot.MessageID]int
	// about is where replies belong, by their keys and then by their ids: what one person
	// alone sees stands nowhere.
	about map[bot.SendKey]bot.Outgoing
	aside map[bot.MessageID]bot.Outgoing
	// names are the story's own for what people said, and the other way round.
	names map[bot.MessageID]bot.MessageID
	lift  func() // of the trouble that an unplugged line is
	// unplayable is why a step cannot be played here, "" while all could.
	unplayable string
}

// Slack's accounts, in place of the usual ones.
const slackTeam = "T0VULCAN"

var (
	matrixChat    = regexp.MustCompile(`matrix: \{homeserver: [^}]*\}`)
	matrixAccount = regexp.MustCompile(`"@([a-z-]+):example\.org"`)
	matrixRoom    = regexp.MustCompile(`"!([a-z]+):example\.org"`)
)

// inSlack is a story's configuration with Slack in Matrix' place.
func inSlack(config string) string {
	config = matrixChat.ReplaceAllString(config, "slack: {team: "+slackTeam+", bot_token_file: token, app_token_file: token}")
	config = strings.ReplaceAll(config, "matrix: [", "slack: [")
	config = matrixAccount.ReplaceAllStringFunc(config, func(s string) string { return `"` + string(slackUser(bot.UserID(strings.Trim(s, `"`)))) + `"` })
	return matrixRoom.ReplaceAllStringFunc(config, func(s string) string { return `"C0` + strings.ToUpper(matrixRoom.FindStringSubmatch(s)[1]) + `"` })
}

var anyAccount = regexp.MustCompile(`@[^\s:@]+:[a-z.]+\b`)

// accountsInSlack names people in what a story expects by their accounts there.
func accountsInSlack(text string) string {
	return anyAccount.ReplaceAllStringFunc(text, func(s string) string { return string(slackUser(bot.UserID(s))) })
}

// slackUser is who somebody of a story is in Slack.
func slackUser(id bot.UserID) bot.UserID {
	name, server, _ := strings.Cut(strings.TrimPrefix(string(id), "@"), ":")
	name = strings.ToUpper(strings.ReplaceAll(name, "-", ""))
	if server != "example.org" {
		return bot.UserID("T9OTHER/U9" + name)
	}
	return bot.UserID(slackTeam + "/U0" + name)
}

// unsuited tells by a story's steps why it cannot be played in Slack, "" where nothing
// speaks against it.
func unsuited(s Story) string {
	for _, x := range []struct{ step, why string }{
		{`^event `, "it is about events of Matrix"},
		{`^expect (offers|erased|not-erased)`, "it is about what Slack has not: reactions to tap on, and erasing"},
		{`^chat (lax|poison|fail-pictures|reject-offers|erasing)`, "the trouble is one of another chat"},
		{`^as .* (withdraws|taps)`, "a press cannot be taken back in Slack"},
		{`^as .* (repeats|ago)`, "the strict fake tells events at once, and repeats them in its own tests"},
	} {
		re := regexp.MustCompile(x.step)
		if slices.ContainsFunc(s.Steps, re.MatchString) {
			return x.why
		}
	}
	if strings.Contains(s.Config, "offer_reactions") {
		return "it is about reactions"
	}
	return ""
}

func newSlackRoom(p *player) *slackRoom {
	r := &slackRoom{
		fake:  slackfake.New(slackfake.Options{Team: slackTeam, Limits: slackfake.Limits{Off: true}, FileDelay: -1}),
		rooms: map[bot.RoomID]string{}, kinds: map[bot.MessageID]bot.SendKind{}, edits: map[bot.MessageID]int{}, about: map[bot.SendKey]bot.Outgoing{}, aside: map[bot.MessageID]bot.Outgoing{}, names: map[bot.MessageID]bot.MessageID{},
	}
	for _, room := range p.config.Rooms {
		if room.Chat != p.chat.ID {
			continue
		}
		id := "C0" + strings.ToUpper(string(room.ID))
		r.fake.AddChannel(slackfake.Channel{ID: id, Name: string(room.ID), Shared: true})
		r.rooms[room.ID] = id
	}
	return r
}

// begin makes the adapter of a bot that starts.
func (r *slackRoom) begin(p *player, cursor string) {
	c, err := slack.New(slack.Options{Chat: p.chat.ID, Team: slackTeam, BotToken: r.fake.BotToken(), AppToken: r.fake.AppToken(), Rooms: r.rooms, Cursor: cursor,
		API: r.fake.URL(), RoundTripper: r.fake.Transport(), Dialer: r.fake.Dialer(), Log: slog.New(slog.DiscardHandler), Behind: commands.New(commands.All()).Agrees,
		RoomPerSecond: p.chat.caps.RoomPerSecond, RoomBurst: p.chat.caps.RoomBurst})
	if err != nil {
		p.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chat = c
}

// end lets go of the adapter of a bot that is gone.
func (r *slackRoom) end() { r.now().Close() }

func (r *slackRoom) now() *slack.Chat {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.chat
}

func (r *slackRoom) encode(o bot.Outgoing) ([]bot.Part, error) {
	parts, err := r.now().Encode(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range parts {
		r.about[o.Key.Part(i)] = bot.Outgoing{Root: o.Root, ReplyTo: r.names[o.ReplyTo]}
	}
	return parts, err
}

func (r *slackRoom) send(ctx context.Context, s bot.Sending) (bot.Receipt, error) {
	receipt, err := r.now().Send(ctx, s)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s.Kind == bot.SendEdit {
			r.edits[receipt.ID]++
		} else {
			r.kinds[receipt.ID] = s.Kind
			r.aside[receipt.ID] = r.about[s.Key]
		}
	}
	return receipt, err
}

func (r *slackRoom) unplug(down bool) {
	r.mu.Lock()
	lift := r.lift
	r.lift = nil
	r.mu.Unlock()
	if lift != nil {
		lift()
	}
	r.fake.Unreachable(down)
	if !down {
		return
	}
	lift = r.fake.Trouble(slackfake.Trouble{What: slackfake.Drop, Times: -1})
	r.fake.Cut(0)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lift = lift
}

func (r *slackRoom) ref(room bot.RoomID, id bot.MessageID) slackfake.Ref {
	channel := r.rooms[room]
	return slackfake.Ref{Channel: channel, TS: strings.TrimPrefix(string(id), channel+"/")}
}

// faults are what Slack would not have taken, or would have rung somebody's phone with.
func (r *slackRoom) faults() []string {
	out := r.fake.Faults()
	for _, x := range r.fake.Refused() {
		if x.Error != "message_not_found" && x.Error != "thread_not_found" { // what people deleted
			out = append(out, fmt.Sprintf("%+v", x))
		}
	}
	for _, x := range r.fake.Pings() {
		out = append(out, fmt.Sprintf("a ping: %+v", x))
	}
	return out
}

// signs stand in front of titles, by their tones.
var signs = []string{"🔴 ", "🟠 ", "🔵 ", "✅ ", "🔇 ", "❔ "}

// posts are what the bot's messages in a room show, as a story reads them.
func (r *slackRoom) posts(room bot.RoomID) []Post {
	channel := r.rooms[room]
	all := r.fake.Rendered(channel)
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Post
	for _, s := range all {
		id := bot.MessageID(channel + "/" + s.TS)
		if !s.Mine {
			continue
		}
		p := Post{ID: id, Room: room, Kind: bot.SendReply, Gone: s.Tombstone, Edits: r.edits[id], At: stampTime(s.TS)}
		switch thread := bot.MessageID(channel + "/" + s.Thread); {
		case s.OnlyFor != "":
			o := r.aside[id+"/slash"]
			p.Root, p.ReplyTo = o.Root, o.ReplyTo
		case s.Thread == "" && r.kinds[id] != bot.SendReply:
			p.Kind = bot.SendRoot
		case s.Thread == "":
		case r.names[thread] != "":
			p.ReplyTo = r.names[thread]
		default:
			p.Root = thread
		}
		text := s.Text
		for _, sign := range signs {
			text = strings.TrimPrefix(text, sign)
		}
		title, rest, _ := strings.Cut(text, "\n")
		p.Message = bot.Message{Title: bot.Line(bot.T(title))}
		if rest != "" {
			p.Message.Blocks = []bot.Block{bot.Pre{Body: asStoriesHaveIt(rest)}}
		}
		out = append(out, p)
	}
	return out
}

// asStoriesHaveIt writes lists and pictures as PlainText does.
func asStoriesHaveIt(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "• "):
			lines[i] = "- " + strings.TrimPrefix(l, "• ")
		case strings.HasPrefix(l, "🖼 "):
			lines[i] = "[picture: " + strings.TrimPrefix(l, "🖼 ") + "]"
		case strings.HasPrefix(l, "📎 "):
			lines[i] = "[file: " + strings.TrimPrefix(l, "📎 ") + "]"
		}
	}
	return strings.Join(lines, "\n")
}

func stampTime(ts string) time.Time {
	var s, us int64
	if n, err := fmt.Sscanf(ts, "%d.%d", &s, &us); n != 2 || err != nil {
		return time.Time{}
	}
	return time.Unix(s, us*1000).UTC()
}
