package matrix

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"watchstander/bot"
	"watchstander/bot/bottest/contract"
	"watchstander/bot/bottest/real"
)

// TestContract asks of this adapter, on a real homeserver, what is asked of
// every chat.
func TestContract(t *testing.T) {
	hs := real.StartHomeserver(t, real.HomeserverOptions{})
	alice := hs.NewUser(t, "alice")
	places := 0
	contract.Run(t, contract.Subject{Place: func(t *testing.T) *contract.Place {
		places++ // an account for each place: its sync brings nothing of the others
		return newPlace(t, hs, alice, hs.NewUser(t, fmt.Sprintf("watchstander%d", places)))
	}})
}

func newPlace(t *testing.T, hs *real.Homeserver, alice, self *real.User) *contract.Place {
	room := alice.CreateRoom(t, real.RoomOptions{Name: "ops", Invite: []*real.User{self}})
	self.Join(t, room)
	letErase(t, alice, self, room, 50)
	proxy := real.StartProxy(t, hs.URL)
	at := func(address func(*testing.T) string) func(*testing.T, contract.Setup) (bot.Chat, func()) {
		return func(t *testing.T, s contract.Setup) (bot.Chat, func()) {
			t.Helper()
			c, err := New(Options{
				Chat: "matrix", Homeserver: address(t), User: bot.UserID(self.ID), Token: self.Token,
				Rooms: map[bot.RoomID]string{"ops": room}, Cursor: s.Cursor, Log: s.Log,
				// A loud root is no notice: that it is our own is all that keeps it
				// from being heard.
				Loud: []bot.Tone{bot.ToneCritical}, Offers: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			return c, c.Close
		}
	}
	w := &witness{alice: alice, self: self.ID, room: room, files: map[string][]byte{}}
	return &contract.Place{
		Chat: "matrix", Room: "ops", Secrets: []string{self.Token},
		Make:   at(func(*testing.T) string { return proxy.URL }),
		Person: w.person(),
		Trouble: contract.Trouble{
			LoseReply: func(t *testing.T) { loseReply(t, proxy) },
			Busy:      func(t *testing.T, wait time.Duration) func() { return busy(t, proxy, self, room, wait) },
			Unplug:    func(*testing.T) func() { proxy.Unplug(); return proxy.Plug },
			Nobody:    at(func(t *testing.T) string { return "http://" + real.FreeAddr(t) }),
			Refused: func(key bot.SendKey) []byte {
				// Longer than an event may be, which is known to the homeserver alone.
				return marshal(content{Type: "m.notice", Body: strings.Repeat("x", 70_000), Key: key})
			},
			Powerless: func(t *testing.T) { letErase(t, alice, self, room, 0) },
			Revoke: func(t *testing.T) {
				if err := self.Do(t.Context(), http.MethodPost, real.Path("logout"), struct{}{}, nil); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
}

// letErase gives the bot a power level, as a moderator does.
func letErase(t *testing.T, alice, self *real.User, room string, level int) {
	alice.SetState(t, room, "m.room.power_levels", "", map[string]any{"users": map[string]any{alice.ID: 100, self.ID: level}})
}

// loseReply waits beside the test until the homeserver has the next post.
func loseReply(t *testing.T, proxy *real.Proxy) {
	held := proxy.HoldReply(1, real.OfKind(real.KindSend))
	go func() {
		select {
		case <-held.Reached():
		case <-t.Context().Done():
		}
		held.Cut()
	}()
}

// busy spends what the proxy lets through with a post that no homeserver takes.
func busy(t *testing.T, proxy *real.Proxy, self *real.User, room string, wait time.Duration) (calm func()) {
	t.Helper()
	proxy.Limit(1/wait.Seconds(), 1)
	err := self.Via(proxy.URL).Do(t.Context(), http.MethodPut, real.Path("rooms", room, "send", typeMessage, real.NewTxn()), []int{1}, nil)
	if err == nil {
		t.Fatal("the homeserver took a post that is none")
	}
	return func() { proxy.Limit(0, 0) }
}

// witness is a person with a client of the test's own, which shares nothing with
// the adapter.
type witness struct {
	alice      *real.User
	self, room string
	files      map[string][]byte
}

func (w *witness) person() contract.Person {
	id := func(s string) bot.MessageID { return bot.MessageID(s) }
	a, room := w.alice, w.room
	return contract.Person{
		User: bot.UserID(a.ID),
		Say:  func(t *testing.T, text string) bot.MessageID { return id(a.Say(t, room, text)) },
		SayIn: func(t *testing.T, root bot.MessageID, text string) bot.MessageID {
			return id(a.Reply(t, room, string(root), text))
		},
		Edit: func(t *testing.T, target bot.MessageID, text string) { a.Edit(t, room, string(target), text) },
		React: func(t *testing.T, target bot.MessageID, emoji string) bot.MessageID {
			return id(a.React(t, room, string(target), emoji))
		},
		Withdraw: func(t *testing.T, reaction bot.MessageID) { a.Redact(t, room, string(reaction), "") },
		Delete:   func(t *testing.T, target bot.MessageID) { a.Redact(t, room, string(target), "gone") },
		Notice:   func(t *testing.T, text string) { a.Notice(t, room, text) },
		Forge: func(t *testing.T, key bot.SendKey) {
			txn := string(key) // the same transaction id too: it is another device's
			a.Send(t, room, typeMessage, txn, map[string]any{"msgtype": "m.notice", "body": "forged", keyName: key})
		},
		See: w.see,
	}
}

func (w *witness) see(t *testing.T) []contract.Post {
	t.Helper()
	events := w.alice.Messages(t, w.room)
	answers, pings := map[string]string{}, map[string][]string{}
	for _, e := range events {
		relType, target := e.Relation()
		if relType == "" {
			answers[e.ID] = e.Field("m.relates_to", "m.in_reply_to", "event_id")
		}
		if relType != relReplace {
			target = e.ID
		}
		if e.Sender == w.self && e.Type == typeMessage {
			pings[target] = append(pings[target], w.pings(e.Content)...)
			if inner, ok := e.Content["m.new_content"].(map[string]any); ok {
				pings[target] = append(pings[target], w.pings(inner)...)
			}
		}
	}
	var posts []contract.Post
	for _, m := range real.See(events) {
		if m.Redacted {
			continue
		}
		p := contract.Post{
			ID: bot.MessageID(m.ID), Mine: m.Sender == w.self, Root: bot.MessageID(m.Thread), Answers: bot.MessageID(answers[m.ID]),
			Faces: []string{m.Body}, Pings: pings[m.ID],
		}
		for emoji, senders := range m.Reactions {
			for _, sender := range senders {
				if sender == w.self {
					p.Offers = append(p.Offers, emoji)
				}
			}
		}
		if m.HTML != "" {
			text, links := drawn(t, m.HTML)
			p.Faces, p.Links, p.Markup = []string{text, m.Body}, links, true
		}
		if m.Type == "m.image" || m.Type == "m.file" {
			p.Attachments = []contract.Attachment{w.file(t, m)}
		}
		for _, link := range p.Links {
			if strings.Contains(link, "matrix.to") || strings.HasPrefix(link, "matrix:") {
				p.Pings = append(p.Pings, link)
			}
		}
		posts = append(posts, p)
	}
	return posts
}

// pings are whom a content wakes: by its mentions, and on homeservers that look
// for them in the text.
func (w *witness) pings(content map[string]any) (all []string) {
	mentions, declared := content["m.mentions"].(map[string]any)
	if room, _ := mentions["room"].(bool); room {
		all = append(all, "@room")
	}
	users, _ := mentions["user_ids"].([]any)
	for _, u := range users {
		all = append(all, fmt.Sprint(u))
	}
	body, _ := content["body"].(string)
	for _, name := range []string{"@room", w.alice.ID} {
		if strings.Contains(body, name) {
			all = append(all, name+" in the text")
		}
	}
	if kind, _ := content["msgtype"].(string); !declared || kind != "m.notice" {
		all = append(all, "whomever the words of a "+kind+" name")
	}
	return all
}

func (w *witness) file(t *testing.T, m real.Seen) contract.Attachment {
	t.Helper()
	address, _ := m.Content["url"].(string)
	if w.files[address] == nil {
		w.files[address] = w.alice.Download(t, address)
	}
	name, _ := m.Content["filename"].(string)
	return contract.Attachment{Name: name, Picture: m.Type == "m.image", Data: w.files[address]}
}

// drawable are the tags that Matrix' clients draw; what stands in others may
// vanish. Each has its attributes.
var drawable = map[string][]string{
	"p": nil, "br": nil, "strong": nil, "code": nil, "pre": nil, "ul": nil, "li": nil, "del": nil,
	"span": {"data-mx-color"}, "a": {"href"},
	"html": nil, "head": nil, "body": nil, // the parser's own
}

// drawn reads HTML as a browser does.
func drawn(t *testing.T, source string) (text string, links []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatalf("%q is no HTML: %v", source, err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			b.WriteString(n.Data)
		case html.ElementNode:
			attributes, known := drawable[n.Data]
			if !known {
				t.Errorf("there is a <%s> in %q", n.Data, source)
			}
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) {
					t.Errorf("there is a %s of <%s> in %q", a.Key, n.Data, source)
				}
				if a.Key == "href" {
					links = append(links, a.Val)
				}
			}
			if n.Data != "strong" && n.Data != "code" && n.Data != "span" && n.Data != "a" && n.Data != "del" {
				b.WriteByte('\n')
			}
		case html.CommentNode:
			t.Errorf("there is a comment in %q", source)
		}
	}
	return b.String(), links
}
