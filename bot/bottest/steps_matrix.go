package bottest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/integrations/matrix"
)

var rootRef = regexp.MustCompile(`\$root\(([^)]*)\)`)

// stepEvent brings an event as a Matrix homeserver hands it out, through the real
// adapter's ears: edits, notices and our own words must not get past them. In
// the content $root(THREAD) is the id of a thread's root, and $last that of the
// newest message of a person.
func (p *player) stepEvent(l line) error {
	user := l.words[1]
	if !strings.HasPrefix(user, "@") {
		user = "@" + user + ":example.org"
	}
	var failed error
	content := rootRef.ReplaceAllStringFunc(l.rest(3), func(s string) string {
		post, err := p.root(rootRef.FindStringSubmatch(s)[1])
		if err != nil {
			failed = err
		}
		return string(post.ID)
	})
	if failed != nil {
		return failed
	}
	content = strings.ReplaceAll(content, "$last", string(p.lastID))
	if !json.Valid([]byte(content)) {
		return fmt.Errorf("the content is no JSON: %s", content)
	}
	p.said++
	id := bot.MessageID(fmt.Sprintf("u%d", p.said))
	raw, err := json.Marshal(map[string]any{"event_id": id, "type": l.words[2], "sender": user,
		"origin_server_ts": time.Now().UnixMilli(), "content": json.RawMessage(content)})
	if err != nil {
		return err
	}
	events, err := p.hear(raw)
	if err != nil {
		return err
	}
	p.lastID = id
	if len(events) > 0 {
		p.chat.Hear(events...)
	}
	return nil
}

// hear is what the adapter makes of one event in the first room.
func (p *player) hear(raw json.RawMessage) ([]bot.Event, error) {
	room := p.config.Rooms[0]
	answer, err := json.Marshal(map[string]any{"next_batch": "s2", "rooms": map[string]any{"join": map[string]any{
		room.PlatformID: map[string]any{"timeline": map[string]any{"events": []any{raw}}}}}})
	if err != nil {
		return nil, err
	}
	c, err := matrix.New(matrix.Options{Chat: "matrix", User: "@watchstander:example.org", Cursor: "s1",
		Rooms: map[bot.RoomID]string{room.ID: room.PlatformID}, Transport: &oneSync{answer: answer, room: room.PlatformID}})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(p.t.Context())
	defer stop()
	heard := &ear{stop: stop}
	err = c.Run(ctx, heard)
	return heard.events, err
}

// ear takes one batch, and stops listening.
type ear struct {
	events []bot.Event
	stop   context.CancelFunc
}

func (e *ear) Take(_ context.Context, b bot.Batch) error {
	e.events = b.Events
	e.stop()
	return nil
}

// oneSync is a homeserver that has one thing to tell. The calls that nobody
// makes while hearing are not there.
type oneSync struct {
	matrix.Transport
	answer json.RawMessage
	room   string
}

func (o *oneSync) Sync(ctx context.Context, _ matrix.SyncQuery) (json.RawMessage, error) {
	if o.answer == nil {
		<-ctx.Done()
		return nil, &matrix.CallError{Call: "sync", Ended: ctx.Err()}
	}
	answer := o.answer
	o.answer = nil
	return answer, nil
}

func (o *oneSync) WhoAmI(context.Context) (string, error)              { return "@watchstander:example.org", nil }
func (o *oneSync) JoinedRooms(context.Context) ([]string, error)       { return []string{o.room}, nil }
func (o *oneSync) DisplayName(context.Context, string) (string, error) { return "watchstander", nil }
