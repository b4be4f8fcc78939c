package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

// demoSlack is the workspace of a demo: a fake in this process, whose Web API and
// sockets the real adapter reaches over this machine's loopback.
type demoSlack struct {
	fake    *slackfake.Fake
	channel string
}

// The people of the demo's workspace.
const (
	slackTeam  = "T0VULCAN"
	slackOps   = "C0OPS"
	slackAlice = "U0ALICE"
	slackBob   = "U0BOB"
	slackRoom  = "ops"
)

func newDemoSlack(d demoDir) (*demoSlack, error) {
	f := slackfake.New(slackfake.Options{Team: slackTeam, TeamName: "vulcan", Addr: "127.0.0.1:0"})
	s := &demoSlack{fake: f, channel: f.AddChannel(slackfake.Channel{ID: slackOps, Name: slackRoom})}
	f.AddUser(slackfake.User{ID: slackAlice, Name: "alice"})
	f.AddUser(slackfake.User{ID: slackBob, Name: "bob"})
	for name, token := range map[string]string{"bot-token": f.BotToken(), "app-token": f.AppToken()} {
		if err := os.WriteFile(d.file(name), []byte(token), 0o600); err != nil {
			f.Close()
			return nil, err
		}
	}
	return s, nil
}

// chats are what the configuration says of it.
func (s *demoSlack) chats() string {
	return fmt.Sprintf(`chats: [{name: slack, slack: {team: %s, bot_token_file: bot-token, app_token_file: app-token}}]
rooms: [{name: %s, chat: slack, id: %s}]`, slackTeam, slackRoom, s.channel)
}

// account is a person's, as people have it in the configuration.
func (s *demoSlack) account(user string) string { return "slack: [" + slackTeam + "/" + user + "]" }

// connected waits until the bot listens: what is pressed before, nobody hears.
func (s *demoSlack) connected(ctx context.Context) error {
	return s.until(ctx, func() bool { return s.fake.Connections() > 0 })
}

// until looks again and again; few things are told otherwise.
func (s *demoSlack) until(ctx context.Context, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, slackPatience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
	return nil
}

// slackPatience is how long the bot may take to connect, and to open a modal.
const slackPatience = 20 * time.Second

// errNothing: nobody can press what is not there.
var errNothing = errors.New("there is nothing of that name to press")

// press presses a button below a message, or picks from its menu, by what is written on
// it. Where a modal comes of it, its id is given; what asks whether one is sure is
// answered with yes.
func (s *demoSlack) press(ctx context.Context, at slackfake.Ref, what, user string) (view string, err error) {
	m, ok := s.fake.Message(at)
	if !ok {
		return "", errNothing
	}
	same := func(label string) bool { return sameLabel(label, what) }
	for _, b := range m.Buttons {
		for _, o := range b.Options {
			if same(o.Label) || same(b.Label+o.Label) {
				return "", s.fake.Pick(at, o.Value, user)
			}
		}
		if b.Options != nil || !same(b.Label) {
			continue
		}
		if b.URL != "" {
			return "", fmt.Errorf("%s leads to %s", b.Label, b.URL)
		}
		before := len(s.fake.Views(user))
		if err := s.fake.Press(at, b.ActionID, user); err != nil || !strings.HasPrefix(b.ActionID, "ask") {
			return "", err
		}
		if err := s.until(ctx, func() bool { return len(s.fake.Views(user)) > before }); err != nil {
			return "", err
		}
		all := s.fake.Views(user)
		return all[len(all)-1].ID, nil
	}
	return "", errNothing
}

// sameLabel tells whether a label is meant: "silence 1h" is the menu's "Silence …", "for
// 1 h".
func sameLabel(label, said string) bool {
	bare := strings.NewReplacer(" ", "", "…", "", "for ", "", "[", "", "]", "")
	return strings.EqualFold(bare.Replace(label), bare.Replace(said))
}

// sure is what Slack asks before it lets a button be pressed; "" is nothing.
func (s *demoSlack) sure(at slackfake.Ref, what string) string {
	m, _ := s.fake.Message(at)
	for _, b := range m.Buttons {
		if b.Confirm != "" && sameLabel(b.Label, what) {
			return ", and Slack asks first: " + b.Confirm + " Yes."
		}
	}
	return ""
}

// newest is the newest message with something of a name to press.
func (s *demoSlack) newest(label string) (slackfake.Ref, bool) {
	for _, m := range slices.Backward(s.fake.Rendered(s.channel)) {
		for _, b := range m.Buttons {
			if strings.TrimSuffix(b.Label, " …") == label {
				return slackfake.Ref{Channel: m.Channel, TS: m.TS}, true
			}
		}
	}
	return slackfake.Ref{}, false
}

// root is the newest message in the channel itself that holds words.
func (s *demoSlack) root(words string) (slackfake.Ref, bool) {
	for _, m := range slices.Backward(s.fake.Rendered(s.channel)) {
		if m.Mine && m.Thread == "" && m.OnlyFor == "" && strings.Contains(m.Text, words) {
			return slackfake.Ref{Channel: m.Channel, TS: m.TS}, true
		}
	}
	return slackfake.Ref{}, false
}

// planRoot is the message of a plan.
func (s *demoSlack) planRoot(id bot.PlanID) (slackfake.Ref, bool) { return s.root(string(id)) }

// complaints are what the fake has against what the bot did: the demo is a test, too.
func (s *demoSlack) complaints() error {
	var errs []error
	for _, r := range s.fake.Refused() {
		errs = append(errs, fmt.Errorf("slack would have refused a call of %s: %s %v", r.Method, r.Error, r.Messages))
	}
	for _, fault := range s.fake.Faults() {
		errs = append(errs, fmt.Errorf("slack advises against what was done: %s", fault))
	}
	return errors.Join(errs...)
}

// wanted is how a modal's fields are filled in here.
func (s *demoSlack) wanted(view string) string {
	if v, _ := s.fake.View(view); len(v.Fields) > 1 {
		return `Write both in one line, as in "2h because the fan is being changed"; an empty line is [Not now].`
	}
	return "Write why; an empty line is [Not now]."
}

// answer fills a modal's fields in, and sends it; without words it is closed. Where there
// is a second field, what stands behind "because" is for that.
func (s *demoSlack) answer(view, words string) error {
	if strings.TrimSpace(words) == "" {
		return s.fake.Dismiss(view)
	}
	v, _ := s.fake.View(view)
	values := map[string]string{}
	for i, f := range v.Fields {
		mine := words
		if i < len(v.Fields)-1 {
			mine, words, _ = strings.Cut(words, " because ")
		}
		values[f.ActionID] = mine
	}
	return s.fake.Submit(view, values)
}
