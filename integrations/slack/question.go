package slack

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// question is a press that wants words first: the reason for a denial, the time of a
// silence. It is asked in a modal, and lives nowhere else: who closes it has said nothing.
type question struct {
	Room    bot.RoomID    `json:"room"`
	Target  bot.MessageID `json:"target"`
	Form    form          `json:"form"`
	trigger string
}

// form is an action's form as its button carries it.
type form struct {
	Command   string         `json:"command"`
	About     string         `json:"about,omitempty"`
	Questions []bot.Question `json:"questions"`
}

// Limits of a modal, in characters where nothing else is said.
const (
	questionCallback = "question"
	answerBlock      = "answer"
	maxAnswer        = 500 // of ours: what people may write
	maxModalTitle    = 24
	maxModalButton   = 24
	maxHint          = 150

	// askTime bounds the opening: what comes behind a press waits for it, and has to be
	// acknowledged within three seconds.
	askTime = 2 * time.Second
)

// formValue is a button's value, where there is room for the questions. What they are
// about is told to be left out where it does not fit.
func formValue(a bot.Action) (value string, ok bool) {
	f := form{Command: a.Name, About: a.Form.About, Questions: a.Form.Questions}
	if value = string(marshal(f)); len(value) > maxValue {
		f.About = "What it is about is too long to be shown here; the thread has it."
		value = string(marshal(f))
	}
	return value, len(value) <= maxValue
}

func readForm(value string) (f form, ok bool) {
	err := json.Unmarshal([]byte(value), &f)
	return f, err == nil && f.Command != "" && len(f.Questions) > 0
}

// ask opens the modal. Slack takes the trigger for three seconds; who gets no modal
// presses again. One that opens later than we wait for is answered like any other.
func (c *Chat) ask(ctx context.Context, q *question) {
	label := verb(q.Form.Command)
	var blocks []slack.Block
	if about := clean.Isolate(clean.Text(q.Form.About)); strings.TrimSpace(about) != "" {
		blocks = append(blocks, slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, about, false, false), nil, nil))
	}
	for i, x := range q.Form.Questions {
		id := answerBlock + strconv.Itoa(i)
		var placeholder, hint *slack.TextBlockObject
		if x.Long && x.Hint != "" {
			hint = plain(x.Hint, maxHint)
		} else if x.Hint != "" {
			placeholder = plain(x.Hint, maxHint)
		}
		field := slack.NewPlainTextInputBlockElement(placeholder, id).WithMultiline(x.Long).WithMaxLength(maxAnswer)
		input := slack.NewInputBlock(id, plain(x.Label, maxButton), hint, field)
		input.Optional = x.Optional
		blocks = append(blocks, input)
	}
	about := *q
	about.Form.About = "" // it has been told
	view := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: questionCallback, PrivateMetadata: string(marshal(about)),
		Title: plain(label, maxModalTitle), Submit: plain(label, maxModalButton), Close: plain("Not now", maxModalButton),
		Blocks: slack.Blocks{BlockSet: blocks},
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if _, err := c.api.OpenViewContext(ctx, q.trigger, view); err != nil {
		c.log.Warn("a question could not be asked; whoever pressed may press again", "room", q.Room, "err", wrap(err))
	}
}

// answered takes the words: they go behind the command, each after its word.
func (c *Chat) answered(q interaction) (n news, reason string) {
	if q.View.Callback != questionCallback {
		return n, ""
	}
	var about question
	if json.Unmarshal([]byte(q.View.Private), &about) != nil || q.View.ID == "" || about.Form.Command == "" {
		return n, "it answers no question of ours"
	}
	if _, ok := c.rooms[about.Room]; !ok {
		return n, ""
	}
	line := []string{about.Form.Command}
	for i, x := range about.Form.Questions {
		id := answerBlock + strconv.Itoa(i)
		words := strings.Join(strings.Fields(clean.Text(q.View.State.Values[id][id].Value)), " ")
		if words == "" {
			continue
		}
		if x.Word != "" {
			line = append(line, x.Word)
		}
		line = append(line, words)
	}
	n.events = append(n.events, bot.Pressed{Chat: c.chat, Room: about.Room, ID: about.Target + bot.MessageID("/"+q.View.ID), Target: about.Target,
		User: q.person(), Action: strings.Join(line, " "), At: c.now().UTC()})
	return n, ""
}
