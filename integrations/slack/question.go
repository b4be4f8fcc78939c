package slack

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// question is a press that wants words first: the reason for a denial. It is asked in a
// modal, and lives nowhere else: who closes it has said nothing.
type question struct {
	Room    bot.RoomID    `json:"room"`
	Target  bot.MessageID `json:"target"`
	Command string        `json:"command"`
	trigger string
}

const (
	questionCallback = "question"
	answerBlock      = "answer"
	// maxAnswer is how many characters people may write.
	maxAnswer = 500
	// maxModalTitle and maxModalButton are Slack's limits for a modal, in characters.
	maxModalTitle  = 24
	maxModalButton = 24
)

// ask opens the modal. Slack takes the trigger for three seconds; who gets no modal
// presses again.
func (c *Chat) ask(ctx context.Context, q *question) {
	label := verb(q.Command)
	input := slack.NewPlainTextInputBlockElement(nil, answerBlock).WithMultiline(true).WithMaxLength(maxAnswer).WithMinLength(1)
	view := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: questionCallback, PrivateMetadata: string(marshal(q)),
		Title: plain(label, maxModalTitle), Submit: plain(label, maxModalButton), Close: plain("Not now", maxModalButton),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(answerBlock, plain("Why?", maxButton), plain("Everybody in the thread reads it.", maxContext), input)}},
	}
	if _, err := c.api.OpenViewContext(ctx, q.trigger, view); err != nil {
		c.log.Warn("a question could not be asked; whoever pressed may press again", "room", q.Room, "err", wrap(err))
	}
}

// answered takes the words: they go behind the command, as its reason.
func (c *Chat) answered(q interaction) (n news, reason string) {
	if q.View.Callback != questionCallback {
		return n, ""
	}
	var about question
	if json.Unmarshal([]byte(q.View.Private), &about) != nil || q.View.ID == "" || about.Command == "" {
		return n, "it answers no question of ours"
	}
	if _, ok := c.rooms[about.Room]; !ok {
		return n, ""
	}
	words := strings.Join(strings.Fields(clean.Text(q.View.State.Values[answerBlock][answerBlock].Value)), " ")
	n.events = append(n.events, bot.Pressed{Chat: c.chat, Room: about.Room, ID: about.Target + bot.MessageID("/"+q.View.ID), Target: about.Target,
		User: q.person(), Action: about.Command + because(words), At: c.now().UTC()})
	return n, ""
}

func because(words string) string {
	if words == "" {
		return ""
	}
	return " because " + words
}
