package real

import (
	"net/http"
	"testing"
)

type sent struct {
	EventID string `json:"event_id"`
}

// Send sends an event with a transaction id ([NewTxn]) and returns the event's
// id. The homeserver has accepted it then, but /messages and /sync show it a
// little later: use [User.Await] to read it.
func (u *User) Send(t testing.TB, room, eventType, txn string, content any) string {
	t.Helper()
	var sent sent
	u.must(t, http.MethodPut, Path("rooms", room, "send", eventType, txn), content, &sent)
	return sent.EventID
}

// Say sends a text message.
func (u *User) Say(t testing.TB, room, body string) string {
	t.Helper()
	return u.Send(t, room, "m.room.message", NewTxn(), text(body))
}

// Notice sends what bots send.
func (u *User) Notice(t testing.TB, room, body string) string {
	t.Helper()
	return u.Send(t, room, "m.room.message", NewTxn(), map[string]any{"msgtype": "m.notice", "body": body})
}

// Reply sends a text message into the thread that hangs on root.
func (u *User) Reply(t testing.TB, room, root, body string) string {
	t.Helper()
	content := text(body)
	content["m.relates_to"] = map[string]any{
		"rel_type":        "m.thread",
		"event_id":        root,
		"is_falling_back": true,
		"m.in_reply_to":   map[string]any{"event_id": root},
	}
	return u.Send(t, room, "m.room.message", NewTxn(), content)
}

// Edit replaces an own text message's words.
func (u *User) Edit(t testing.TB, room, target, body string) string {
	t.Helper()
	content := text("* " + body)
	content["m.new_content"] = text(body)
	content["m.relates_to"] = map[string]any{"rel_type": "m.replace", "event_id": target}
	return u.Send(t, room, "m.room.message", NewTxn(), content)
}

// React puts a reaction on an event and returns the reaction's own id, which
// is what Redact takes to withdraw it.
func (u *User) React(t testing.TB, room, target, key string) string {
	t.Helper()
	return u.Send(t, room, "m.reaction", NewTxn(), map[string]any{
		"m.relates_to": map[string]any{"rel_type": "m.annotation", "event_id": target, "key": key},
	})
}

// Redact takes an event's content away.
func (u *User) Redact(t testing.TB, room, target, reason string) string {
	t.Helper()
	var sent sent
	u.must(t, http.MethodPut, Path("rooms", room, "redact", target, NewTxn()), map[string]string{"reason": reason}, &sent)
	return sent.EventID
}

func text(body string) map[string]any {
	return map[string]any{"msgtype": "m.text", "body": body}
}
