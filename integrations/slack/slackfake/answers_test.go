package slackfake

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

func TestACommandIsAnsweredWithItsAcknowledgement(t *testing.T) {
	check := func(b *bench) {
		all := b.Rendered(b.ops)
		if len(all) != 1 || all[0].Text != "all well" || all[0].OnlyFor != alice || !all[0].Mine {
			b.Errorf("%+v", all)
		}
		if !strings.Contains(b.Transcript(b.ops), "(only alice sees this): all well") {
			b.Errorf("%s", b.Transcript(b.ops))
		}
		if err := b.Press(Ref{b.ops, all[0].TS}, "x", bob); err == nil {
			b.Error("somebody else pressed what only alice sees")
		}
	}
	inBubble(t, Options{}, func(b *bench) {
		b.connect(1, func(smc *socketmode.Client, e socketmode.Event) {
			_ = smc.Ack(*e.Request, map[string]string{"text": "all well"})
		})
		_ = b.Slash("/ws", "status", alice, b.ops)
		settle(time.Second)
		check(b)
	})
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q, err := slack.SlashCommandParse(r); err != nil || q.Command != "/ws" || q.Text != "status & more" || q.UserID != alice {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, "all well")
	})
	inBubble(t, Options{RequestURL: "https://bot.example/slack", Deliver: Handler(app)}, func(b *bench) {
		_ = b.Slash("/ws", "status & more", alice, b.ops)
		settle(time.Second)
		check(b)
	})
}

func TestAResponseURLChangesTheOriginal(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		urls := make(chan string, 1)
		b.connect(1, func(smc *socketmode.Client, e socketmode.Event) {
			ack(smc, e)
			if x, ok := e.Data.(slack.InteractionCallback); ok {
				urls <- x.ResponseURL
			}
		})
		button := slack.MsgOptionBlocks(slack.NewActionBlock("", slack.NewButtonBlockElement("a", "ack", slack.NewTextBlockObject(slack.PlainTextType, "Ack", false, false))))
		ts := b.mustPost(slack.MsgOptionText("fire", false), button)
		if err := b.Press(Ref{b.ops, ts}, "ack", alice); err != nil {
			b.Fatal(err)
		}
		url := <-urls
		say := func(o ...slack.MsgOption) error {
			_, _, err := b.api.PostMessageContext(b.ctx, b.ops, o...)
			return err
		}
		if err := say(slack.MsgOptionText("acked", false), slack.MsgOptionReplaceOriginal(url)); err != nil {
			b.Error(err)
		}
		if s, _ := b.Message(Ref{b.ops, ts}); s.Text != "acked" || len(s.Buttons) != 0 {
			b.Errorf("%+v", s)
		}
		if err := say(slack.MsgOptionDeleteOriginal(url)); err != nil {
			b.Error(err)
		}
		if n := len(b.Rendered(b.ops)); n != 0 {
			b.Errorf("%d messages are left", n)
		}
		resp, err := b.http.Post(url, "application/json", strings.NewReader(`{"text":"x","blocks":[{"type":"marquee"}]}`))
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		var out struct{ Error string }
		if json.NewDecoder(resp.Body).Decode(&out); resp.StatusCode != http.StatusNotFound || out.Error != "invalid_blocks" {
			b.Errorf("%d %s", resp.StatusCode, out.Error)
		}
	})
}

func TestPeopleOfOtherWorkspacesAreToldApart(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		g := b.connect(1, ack)
		shared := b.AddChannel(Channel{Name: "shared", Shared: true})
		mallory := b.AddUser(User{Name: "alice", Team: "T0OTHER"})
		b.Say(shared, mallory, "approve p1", "")
		outside := b.AddChannel(Channel{Name: "random", Without: true})
		b.Say(outside, alice, "the bot is not here", "")
		settle(time.Second)
		all := g.events()
		if len(all) != 1 {
			b.Fatalf("%d events", len(all))
		}
		x := all[0].Data.(slackevents.EventsAPIEvent)
		m := x.InnerEvent.Data.(*slackevents.MessageEvent)
		if x.TeamID != b.Team() || m.UserTeam != "T0OTHER" || m.User != mallory || !x.Data.(*slackevents.EventsAPICallbackEvent).IsExtSharedChannel {
			b.Errorf("%+v", m)
		}
		u, err := b.api.GetUserInfoContext(b.ctx, mallory)
		if err != nil || u.TeamID != "T0OTHER" {
			b.Errorf("%v %+v", err, u)
		}
	})
}

func TestWhoPrintsAChannelIsWoken(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		changed := b.Changed()
		select {
		case <-changed:
			b.Error("nothing has changed")
		default:
		}
		b.mustPost(slack.MsgOptionText("x", false))
		<-changed
		if all := b.Channels(); len(all) != 1 || all[0].ID != b.ops {
			b.Errorf("%+v", all)
		}
	})
}

func TestInspect(t *testing.T) {
	good := Inspect(url.Values{"text": {"t"}, "blocks": {`[{"type":"section","text":{"type":"mrkdwn","text":"*b* <@U1> <https://x.example|x>"}}]`}})
	if good.Error != "" || good.Shown.Text != "b @U1 x" || len(good.Pings) != 1 || len(good.Links) != 1 || good.Size == 0 || !good.Shown.Mine {
		t.Errorf("%+v", good)
	}
	bad := Inspect(url.Values{"text": {"t"}, "blocks": {`[{"type":"section","text":{"type":"mrkdwn","text":""}},{"type":["x"]},5,null]`}})
	if bad.Error != "invalid_blocks" || len(bad.Messages) != 4 {
		t.Errorf("%+v", bad)
	}
	if empty := Inspect(nil); empty.Error != "no_text" {
		t.Errorf("%+v", empty)
	}
}
