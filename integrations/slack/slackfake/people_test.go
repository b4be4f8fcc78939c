package slackfake

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

func TestPressesAndMenus(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		g := b.connect(1, ack)
		option := slack.NewOptionBlockObject("silence 4h", slack.NewTextBlockObject(slack.PlainTextType, "4 hours", false, false), nil)
		actions := slack.NewActionBlock("", slack.NewButtonBlockElement("press0", "ack", slack.NewTextBlockObject(slack.PlainTextType, "Ack", false, false)),
			slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, slack.NewTextBlockObject(slack.PlainTextType, "Silence", false, false), "pick1", option))
		ts := b.mustPost(slack.MsgOptionText("fire", false), slack.MsgOptionAttachments(slack.Attachment{Color: "#d93025", Blocks: slack.Blocks{BlockSet: []slack.Block{actions}}}))
		at := Ref{b.ops, ts}
		for _, err := range []error{b.Press(at, "Ack", alice), b.Pick(at, "4 hours", bob)} {
			if err != nil {
				b.Error(err)
			}
		}
		if b.Press(at, "deny", alice) == nil {
			b.Error("what is not there was pressed")
		}
		settle(time.Second)
		var said []slack.InteractionCallback
		for _, e := range g.events() {
			if e.Type == socketmode.EventTypeInteractive {
				said = append(said, e.Data.(slack.InteractionCallback))
			}
		}
		if len(said) != 2 {
			b.Fatalf("%d interactions", len(said))
		}
		press, pick := said[0], said[1]
		if a := press.ActionCallback.BlockActions[0]; a.ActionID != "press0" || a.Value != "ack" || press.User.ID != alice || press.User.TeamID != "T0VULCAN" ||
			press.Team.ID != "T0VULCAN" || press.Channel.ID != b.ops || press.Message.Timestamp != ts || press.Container.MessageTs != ts || press.Container.Type != "message_attachment" {
			b.Errorf("press: %+v", press)
		}
		if a := pick.ActionCallback.BlockActions[0]; a.SelectedOption.Value != "silence 4h" || pick.User.ID != bob {
			b.Errorf("pick: %+v", pick)
		}
		// A response URL takes five answers.
		for i := range 6 {
			_, _, err := b.api.PostMessageContext(b.ctx, b.ops, slack.MsgOptionText("only you", false), slack.MsgOptionResponseURL(press.ResponseURL, slack.ResponseTypeEphemeral))
			if (err == nil) != (i < 5) {
				b.Errorf("answer %d: %v", i, err)
			}
		}
		time.Sleep(31 * time.Minute)
		if _, _, err := b.api.PostMessageContext(b.ctx, b.ops, slack.MsgOptionText("late", false), slack.MsgOptionResponseURL(pick.ResponseURL, slack.ResponseTypeEphemeral)); err == nil {
			b.Error("an answer was taken after half an hour")
		}
		seen := 0
		for _, s := range b.Rendered(b.ops) {
			if s.OnlyFor == alice && s.Text == "only you" {
				seen++
			}
		}
		h, _ := b.api.GetConversationHistoryContext(b.ctx, &slack.GetConversationHistoryParameters{ChannelID: b.ops})
		if seen != 5 || len(h.Messages) != 1 {
			b.Errorf("%d ephemeral messages, %d in the history", seen, len(h.Messages))
		}
	})
}

func TestModals(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		words := func(s string) *slack.TextBlockObject {
			return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
		}
		modal := slack.ModalViewRequest{Type: slack.VTModal, Title: words("Deny"), Submit: words("Deny"), CallbackID: "deny", PrivateMetadata: "p1",
			Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock("why", words("Why?"), nil, slack.NewPlainTextInputBlockElement(nil, "reason"))}}}
		triggers := make(chan string, 10)
		var submitted []slack.InteractionCallback
		b.connect(1, func(smc *socketmode.Client, e socketmode.Event) {
			switch x := e.Data.(type) {
			case slack.SlashCommand:
				triggers <- x.TriggerID
			case slack.InteractionCallback:
				submitted = append(submitted, x)
				if len(submitted) == 1 {
					_ = smc.Ack(*e.Request, slack.NewErrorsViewSubmissionResponse(map[string]string{"why": "say more"}))
					return
				}
			}
			ack(smc, e)
		})
		if err := b.Slash("/ws", "deny p1", alice, b.ops); err != nil {
			b.Fatal(err)
		}
		trigger := <-triggers
		if _, err := b.api.OpenViewContext(b.ctx, trigger, modal); err != nil {
			b.Fatal(err)
		}
		if _, err := b.api.OpenViewContext(b.ctx, trigger, modal); code(err) != "exchanged_trigger_id" {
			b.Errorf("twice: %v", err)
		}
		_ = b.Slash("/ws", "deny p1", alice, b.ops)
		trigger = <-triggers
		time.Sleep(3 * time.Second)
		if _, err := b.api.OpenViewContext(b.ctx, trigger, modal); code(err) != "expired_trigger_id" {
			b.Errorf("late: %v", err)
		}
		v := b.Views(alice)[0]
		if v.Title != "Deny" || !v.Open || len(v.Fields) != 1 || v.Private != "p1" {
			b.Errorf("%+v", v)
		}
		if b.Submit(v.ID, nil) == nil {
			b.Error("an empty field was submitted")
		}
		for _, reason := range []string{"no", "not on a Friday"} {
			if err := b.Submit(v.ID, map[string]string{"reason": reason}); err != nil {
				b.Fatal(err)
			}
			settle(time.Second)
			if v = b.Views(alice)[0]; reason == "no" && (v.Errors["why"] != "say more" || !v.Open) {
				b.Errorf("after the first: %+v", v)
			}
		}
		if v.Open || len(submitted) != 2 || submitted[1].View.State.Values["why"]["reason"].Value != "not on a Friday" || submitted[1].View.PrivateMetadata != "p1" {
			b.Errorf("after the second: %+v", v)
		}
		modal.Submit = nil
		_ = b.Slash("/ws", "deny p1", alice, b.ops)
		if _, err := b.api.OpenViewContext(b.ctx, <-triggers, modal); code(err) != "invalid_arguments" {
			b.Errorf("inputs without submit: %v", err)
		}
	})
}

func TestWhatComesToLife(t *testing.T) {
	inBubble(t, Options{Limits: Limits{Off: true}}, func(b *bench) {
		rich := func(text string) slack.MsgOption {
			return slack.MsgOptionBlocks(slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionTextElement(text, nil))))
		}
		hostile := "<!channel> <@U0ALICE> *b* `c` <https://x.example|y> :fire: @here"
		ts := b.mustPost(slack.MsgOptionText("quiet", false), rich(hostile))
		if s, _ := b.Message(Ref{b.ops, ts}); s.Text != hostile || len(b.Pings())+len(b.Links()) != 0 {
			b.Errorf("rich text is not verbatim: %q, %v, %v", s.Text, b.Pings(), b.Links())
		}
		ts = b.mustPost(slack.MsgOptionText(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(hostile), false), slack.MsgOptionDisableMarkdown())
		if s, _ := b.Message(Ref{b.ops, ts}); s.Text != strings.Replace(hostile, ":fire:", "⟪fire⟫", 1) || len(b.Pings()) != 0 {
			b.Errorf("an escaped text: %q, %v", s.Text, b.Pings())
		}
		ts = b.mustPost(slack.MsgOptionText(hostile, false))
		if s, _ := b.Message(Ref{b.ops, ts}); s.Text != "@channel @alice b c y ⟪fire⟫ @here" {
			b.Errorf("a raw text shows as %q", s.Text)
		}
		if p := b.Pings(); len(p) != 2 || p[0].Kind != "channel" || p[1].Target != alice || p[1].TS != ts {
			b.Errorf("pings: %+v", p)
		}
		b.mustPost(slack.MsgOptionText("<!everyone>", false), rich("words"))
		if p := b.Pings(); len(p) != 3 || p[2].Where != "notification" {
			b.Errorf("pings of a notification: %+v", p)
		}
		b.mustPost(slack.MsgOptionText("@here @bob", false), slack.MsgOptionLinkNames(true))
		if p := b.Pings(); len(p) != 5 || p[3].Kind != "here" || p[4].Target != bob {
			b.Errorf("pings of link_names: %+v", p)
		}
		last := b.Links()
		if l := last[len(last)-1]; l.URL != "https://x.example" || l.Label != "y" || l.Auto {
			b.Errorf("links: %+v", last)
		}
	})
}

func TestFilesAreShownWhenTheyAreReady(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 2000)...)
		upload := func(data []byte, length int) (string, error) {
			u, err := b.api.GetUploadURLExternalContext(b.ctx, slack.GetUploadURLExternalParameters{FileName: "g.png", FileSize: length, AltTxt: "a graph"})
			if err != nil {
				return "", err
			}
			if err := b.api.UploadToURL(b.ctx, slack.UploadToURLParameters{UploadURL: u.UploadURL, Reader: bytes.NewReader(data), Filename: "g.png"}); err != nil {
				return u.FileID, err
			}
			_, err = b.api.CompleteUploadExternalContext(b.ctx, slack.CompleteUploadExternalParameters{Files: []slack.FileSummary{{ID: u.FileID, Title: "t"}}})
			return u.FileID, err
		}
		if _, err := upload(png, len(png)+1); err == nil {
			b.Error("a file of another length was taken")
		}
		id, err := upload(png, len(png))
		if err != nil {
			b.Fatal(err)
		}
		picture := slack.MsgOptionBlocks(&slack.ImageBlock{Type: slack.MBTImage, AltText: "a graph", SlackFile: &slack.SlackFileObject{ID: id}})
		if _, err := b.post(slack.MsgOptionText("x", false), picture); code(err) != "invalid_blocks" {
			b.Errorf("before it was ready: %v", err)
		}
		time.Sleep(time.Second)
		f, _, _, err := b.api.GetFileInfoContext(b.ctx, id, 0, 0)
		if err != nil || f.Mimetype != "image/png" || len(b.Files()[0].Shared) != 0 {
			b.Errorf("%v %+v %+v", err, f, b.Files())
		}
		b.mustPost(slack.MsgOptionText("x", false), picture)
		if all := b.Files(); len(all) != 1 || len(all[0].Shared) != 1 || !bytes.Equal(all[0].Data, png) {
			b.Errorf("%d files, shared in %v", len(all), all[0].Shared)
		}
	})
}

func TestPeopleEditDeleteAndReact(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		g := b.connect(1, ack)
		at := b.Say(b.ops, alice, "silence x", "")
		_ = b.Edit(at, "silence y")
		_ = b.Unfurl(at, "https://example.org")
		_ = b.React(at, bob, "eyes")
		_ = b.Unreact(at, bob, "eyes")
		_ = b.Delete(at)
		b.DM(bob, "status")
		b.BotSays(b.ops, "", "B0OTHER", "<@U0WATCH> status", "")
		settle(time.Second)
		var all []string
		for _, e := range g.events() {
			switch m := e.Data.(slackevents.EventsAPIEvent).InnerEvent.Data.(type) {
			case *slackevents.MessageEvent:
				all = append(all, strings.TrimSuffix("message "+m.SubType+" "+m.ChannelType, " "))
				if m.SubType == "message_changed" && (m.Message == nil || m.Message.Timestamp != at.TS) {
					b.Errorf("changed: %+v", m)
				}
			case *slackevents.ReactionAddedEvent:
				all = append(all, "added "+m.Reaction+" "+m.Item.Timestamp)
			case *slackevents.ReactionRemovedEvent:
				all = append(all, "removed "+m.Reaction+" "+m.Item.Timestamp)
			case *slackevents.AppMentionEvent:
				all = append(all, "mention")
			}
		}
		want := []string{"message  channel", "message message_changed channel", "message message_changed channel", "added eyes " + at.TS, "removed eyes " + at.TS,
			"message message_deleted channel", "message  im", "message bot_message channel", "mention"}
		if strings.Join(all, "\n") != strings.Join(want, "\n") {
			b.Errorf("got\n%s\nwant\n%s", strings.Join(all, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestDoublesAndShuffles(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		g := b.connect(1, ack)
		b.DoubleEvents(1)
		b.Say(b.ops, alice, "once", "")
		settle(time.Second)
		b.Shuffle(3)
		for _, s := range []string{"1", "2", "3"} {
			b.Say(b.ops, alice, s, "")
		}
		settle(time.Second)
		b.Shuffle(5)
		b.Say(b.ops, alice, "4", "")
		settle(3 * time.Second)
		var texts []string
		ids := map[string]bool{}
		for _, e := range g.events() {
			x := e.Data.(slackevents.EventsAPIEvent)
			texts = append(texts, x.InnerEvent.Data.(*slackevents.MessageEvent).Text)
			ids[x.Data.(*slackevents.EventsAPICallbackEvent).EventID] = true
		}
		if strings.Join(texts, " ") != "once once 3 2 1 4" || len(ids) != 6 {
			b.Errorf("%v under %d ids", texts, len(ids))
		}
	})
}

func TestTranscript(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		button := slack.NewActionBlock("", slack.NewButtonBlockElement("a", "ack", slack.NewTextBlockObject(slack.PlainTextType, "Ack", false, false)))
		root := b.mustPost(slack.MsgOptionText("fire on *vulcan*", false), slack.MsgOptionAttachments(slack.Attachment{Color: "#d93025", Blocks: slack.Blocks{BlockSet: []slack.Block{button}}}))
		b.Say(b.ops, alice, "looking", root)
		b.Say(b.ops, bob, "lunch?", "")
		_ = b.React(Ref{b.ops, root}, bob, "eyes")
		want := "── #ops ──\n" +
			"00:00:00 watchstander: fire on vulcan\n" +
			"         ▎[Ack]\n" +
			"         :eyes: 1\n" +
			"      ↳ 00:00:00 alice: looking\n" +
			"00:00:00 bob: lunch?\n"
		if got := b.Transcript(b.ops); got != want {
			b.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if _, err := json.Marshal(b.Rendered(b.ops)); err != nil {
			b.Error(err)
		}
	})
}
