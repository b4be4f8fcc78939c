package slack

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/contract"
	"watchstander/bot/bottest/real"
	"watchstander/integrations/slack/slackfake"
)

// TestContract asks of this adapter, against the strict fake, what is asked of every
// chat: over Socket Mode, and over HTTP.
func TestContract(t *testing.T) {
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			lacks := map[contract.Ability]string{
				contract.Reactions: "people press buttons; a reaction is no word to the bot",
				contract.Variants:  "reactions are not heard",
				contract.Offers:    "there are buttons",
				contract.Once:      "Slack knows no key of a post",
				contract.Erasing:   "a bot's token deletes nobody else's messages",
				contract.Rights:    "a bot's token deletes nobody else's messages",
			}
			if mode == "http" {
				lacks[contract.Order] = "Slack posts events beside each other, and once more what was not taken"
			}
			contract.Run(t, contract.Subject{Place: func(t *testing.T) *contract.Place { return newPlace(t, mode) }, Lacks: lacks})
		})
	}
}

func newPlace(t *testing.T, mode string) *contract.Place {
	w := &witness{mode: mode}
	o := slackfake.Options{Limits: slackfake.Limits{Off: true}, FileDelay: 400 * time.Millisecond, Retries: []time.Duration{100 * time.Millisecond, time.Second, time.Second, time.Second}}
	if mode == "http" {
		o.RequestURL, o.Deliver = "https://bot.example/slack", slackfake.Handler(&w.door)
		o.SigningSecret = signing
	}
	w.fake = slackfake.New(o)
	w.channel = w.fake.AddChannel(slackfake.Channel{Name: "ops"})
	w.alice = w.fake.AddUser(slackfake.User{Name: "alice"})
	t.Cleanup(func() {
		w.fake.Close()
		for _, x := range slices.Concat(w.fake.Faults(), refusedBy(w)) {
			t.Errorf("Slack says: %s", x)
		}
	})
	at := func(nobody bool) func(*testing.T, contract.Setup) (bot.Chat, func()) {
		return func(t *testing.T, s contract.Setup) (bot.Chat, func()) {
			t.Helper()
			o := w.options()
			o.Cursor, o.Log = s.Cursor, s.Log
			if nobody {
				o.API, o.RoundTripper, o.Dialer = "http://"+real.FreeAddr(t)+"/api/", nil, nil
			}
			c, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			if mode == "http" && !nobody {
				w.door.open(c.Handler())
			}
			return c, c.Close
		}
	}
	return &contract.Place{
		Chat: "slack", Room: "ops", Secrets: []string{w.fake.BotToken(), w.fake.AppToken(), signing},
		Make: at(false), Person: w.person(),
		Trouble: contract.Trouble{
			LoseReply: func(*testing.T) {
				w.fake.Trouble(slackfake.Trouble{What: slackfake.TakeAndDrop, Method: "chat."})
			},
			Busy: func(_ *testing.T, wait time.Duration) func() {
				return w.fake.Trouble(slackfake.Trouble{What: slackfake.TooMany, Method: "chat.", Times: -1, RetryAfter: wait})
			},
			Unplug: func(*testing.T) func() {
				w.fake.Unreachable(true)
				lift := w.fake.Trouble(slackfake.Trouble{What: slackfake.Drop, Times: -1})
				w.fake.Cut(0)
				w.door.lock(true)
				return func() {
					w.fake.Unreachable(false)
					lift()
					w.door.lock(false)
				}
			},
			Nobody: at(true),
			Refused: func(key bot.SendKey) []byte {
				w.expected = append(w.expected, "msg_too_long")
				return marshal(content{Text: strings.Repeat("x", 50_000), Metadata: metadata(key)})
			},
			Revoke: func(*testing.T) {
				w.expected = append(w.expected, "token_revoked")
				w.fake.RevokeBotToken("token_revoked")
				w.fake.RevokeAppToken("token_revoked")
			},
		},
	}
}

// refusedBy are the refusals that nobody provoked.
func refusedBy(w *witness) (all []string) {
	for _, r := range w.fake.Refused() {
		if !slices.Contains(w.expected, r.Error) {
			all = append(all, fmt.Sprintf("%+v", r))
		}
	}
	return all
}

// witness is a person in the channel.
type witness struct {
	fake           *slackfake.Fake
	mode           string
	channel, alice string
	door           door
	expected       []string
}

func (w *witness) options() Options {
	o := Options{Chat: "slack", Team: w.fake.Team(), BotToken: w.fake.BotToken(), Rooms: map[bot.RoomID]string{"ops": w.channel},
		API: w.fake.URL(), RoundTripper: w.fake.Transport(), Dialer: w.fake.Dialer(), Connections: 1}
	if w.mode == "http" {
		o.SigningSecret = w.fake.SigningSecret()
	} else {
		o.AppToken = w.fake.AppToken()
	}
	return o
}

func (w *witness) person() contract.Person {
	say := func(text, thread string) bot.MessageID {
		r := w.fake.Say(w.channel, w.alice, escape(text), thread)
		return messageID(w.channel, r.TS)
	}
	at := func(id bot.MessageID) slackfake.Ref {
		return slackfake.Ref{Channel: w.channel, TS: stamp(w.channel, id)}
	}
	must := func(t *testing.T, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return contract.Person{
		User: userID(w.fake.Team(), w.alice),
		Say:  func(_ *testing.T, text string) bot.MessageID { return say(text, "") },
		SayIn: func(_ *testing.T, root bot.MessageID, text string) bot.MessageID {
			return say(text, stamp(w.channel, root))
		},
		Edit:   func(t *testing.T, id bot.MessageID, text string) { must(t, w.fake.Edit(at(id), escape(text))) },
		Delete: func(t *testing.T, id bot.MessageID) { must(t, w.fake.Delete(at(id))) },
		Notice: func(_ *testing.T, text string) { w.fake.BotSays(w.channel, "", "B0OTHER", text, "") },
		Forge: func(_ *testing.T, key bot.SendKey) {
			w.fake.BotPosts(w.channel, "U0OTHER", "B0OTHER", "forged", map[string]any{"event_type": metadataType, "event_payload": map[string]any{metadataKey: string(key)}})
		},
		See: w.see,
	}
}

func (w *witness) see(*testing.T) []contract.Post {
	all := w.fake.Rendered(w.channel)
	mine := map[string]bool{}
	for _, s := range all {
		mine[s.TS] = s.Mine
	}
	files := map[string]slackfake.File{}
	for _, f := range w.fake.Files() {
		files[f.ID] = f
	}
	var posts []contract.Post
	for _, s := range all {
		if s.Tombstone {
			continue
		}
		p := contract.Post{ID: messageID(w.channel, s.TS), Mine: s.Mine, Faces: []string{s.Text}, Markup: len(s.Buttons) > 0 || len(s.Colours) > 0}
		switch {
		case s.Thread != "" && mine[s.Thread]:
			p.Root = messageID(w.channel, s.Thread)
		case s.Thread != "":
			p.Answers = messageID(w.channel, s.Thread)
		}
		for _, id := range s.Pictures {
			p.Attachments = append(p.Attachments, contract.Attachment{Name: files[id].Name, Picture: true, Data: files[id].Data})
		}
		for _, l := range w.fake.Links() {
			if l.TS != s.TS || l.Where == "notification" {
				continue
			}
			if f, ok := fileAt(files, l.URL); ok {
				p.Attachments = append(p.Attachments, contract.Attachment{Name: f.Name, Data: f.Data})
			} else if !l.Auto {
				p.Links = append(p.Links, l.URL)
			}
		}
		for _, x := range w.fake.Pings() {
			if x.TS == s.TS {
				p.Pings = append(p.Pings, x.Kind+" "+x.Target)
			}
		}
		posts = append(posts, p)
	}
	return posts
}

func fileAt(files map[string]slackfake.File, url string) (slackfake.File, bool) {
	for id, f := range files {
		if strings.Contains(url, "/"+id+"/") || strings.HasSuffix(url, "/"+id) {
			return f, true
		}
	}
	return slackfake.File{}, false
}

var _ http.Handler = (*door)(nil)
