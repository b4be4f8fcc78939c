package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

// slackHelp is how to be somebody in the channel.
const slackHelp = `  status              said in #ops; "@watchstander status" names the bot
  /ws status          a command that nobody else sees, and neither its answer
  in 2 ack looking    said in the thread of [2]
  press 2 Ack         a button of [2]; "press 2 for 1 h" picks from its menu
  channel             all of #ops, as it stands now`

// slackVisit is the demo with somebody at the keyboard, in the fake of Slack.
func (d *demo) slackVisit(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	fmt.Fprintf(out, `Watchstander in Slack, on a simulated NixOS host named vulcan with a simulated
Alertmanager. The bot's part for Slack is the real one; Slack is not: a fake of
it runs in this process, and its messages are drawn here as text. Beside ▎ is
what Slack shows beside a bar of colour, [in brackets] what can be pressed, ▾ a
menu, ↗ a link.

You are alice, an operator, in the channel #ops. Alerts will fire in a moment.

%s

Have something done on the host, too: "rollback" needs bob, whom this demo
plays. "rollback %d" goes wrong, and is undone. To "zfs arc set --max 32G" and
"service restart nginx" you may agree yourself. "service restart postgresql"
wants a code, "/ws approve PLAN 123456", from an authenticator with the seed that
was made for this demo (or from oathtool --totp -b SEED):

  %s

An alert of your own, from another terminal:

%s

Ctrl-D, or Ctrl-C, leaves and ends the demo.
`, slackHelp, demoBroken, d.operated.proofs.seed, d.curl())
	switch err := d.operated.backUp(ctx); {
	case errors.Is(err, errNoRestic):
		fmt.Fprintf(out, "\n%s\n", noRestic)
	case err != nil:
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	keys, to, restore, err := slackKeys(in, out)
	if err != nil {
		return err
	}
	defer restore()
	v := &slackVisitor{d: d, w: newSlackWindow(d.slack, to)}
	v.w.fits(out)
	if err := d.slack.connected(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	notes := make(chan string)
	wg.Go(func() { v.w.follow(ctx) })
	wg.Go(func() { v.tells(ctx, notes) })
	wg.Go(func() { d.play(ctx, notes) })
	wg.Go(func() {
		(&bob{patience: bobReads, agree: d.slack.bobAgrees}).agrees(ctx, d.operated.bots(), notes)
	})
	// A terminal's reader cannot be stopped: it is left behind, and ends with the program.
	lines := make(chan string)
	go func() {
		defer close(lines)
		for {
			line, err := keys.read()
			if err != nil {
				return
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			v.takes(ctx, line)
			if keys.piped {
				v.rests(ctx)
			}
		}
	}
}

// slackKeyboard is where lines come from: a terminal, or a pipe.
type slackKeyboard struct {
	read  func() (string, error)
	piped bool
}

// slackKeys are the keyboard, and where to write so that a line that was begun stays
// whole.
func slackKeys(in io.Reader, out io.Writer) (k slackKeyboard, to io.Writer, restore func(), err error) {
	from, isFile := in.(*os.File)
	if _, onFile := out.(*os.File); !isFile || !onFile || !term.IsTerminal(int(from.Fd())) {
		s := bufio.NewScanner(in)
		read := func() (string, error) {
			if s.Scan() {
				return s.Text(), nil
			}
			return "", io.EOF
		}
		return slackKeyboard{read: read, piped: true}, out, func() {}, nil
	}
	before, err := term.MakeRaw(int(from.Fd()))
	if err != nil {
		return k, nil, nil, err
	}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{from, out}, "alice> ")
	if w, h, err := term.GetSize(int(from.Fd())); err == nil && w > 0 {
		_ = t.SetSize(w, h) // it is the terminal's own
	}
	return slackKeyboard{read: t.ReadLine}, t, func() { _ = term.Restore(int(from.Fd()), before) }, nil
}

// slackVisitor is alice.
type slackVisitor struct {
	d     *demo
	w     *slackWindow
	modal string // the question that she is being asked; "" for none
}

// tells prints what the demo itself has to say.
func (v *slackVisitor) tells(ctx context.Context, notes <-chan string) {
	for {
		select {
		case <-ctx.Done():
			return
		case note := <-notes:
			v.w.note("-- " + note)
		}
	}
}

// rests gives what was piped the time to be answered: who pipes does not read on.
func (v *slackVisitor) rests(ctx context.Context) {
	const long, quiet = 10 * time.Second, 2500 * time.Millisecond
	for end := time.Now().Add(long); time.Now().Before(end) && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-v.d.slack.fake.Changed():
		case <-time.After(quiet):
			return
		}
	}
}

// takes does what a line says.
func (v *slackVisitor) takes(ctx context.Context, line string) {
	line = strings.TrimSpace(line)
	f, channel := v.d.slack.fake, v.d.slack.channel
	word, rest, _ := strings.Cut(line, " ")
	number, more, _ := strings.Cut(strings.TrimSpace(rest), " ")
	at, found := v.w.at(strings.Trim(number, "[]"))
	more = strings.TrimSpace(more)
	switch {
	case v.modal != "":
		view := v.modal
		v.modal = ""
		if err := v.d.slack.answer(view, line); err != nil {
			v.w.note("-- " + err.Error())
		}
	case line == "":
	case word == "/ws":
		if err := f.Slash(word, rest, slackAlice, channel); err != nil {
			v.w.note("-- " + err.Error())
		}
	case strings.HasPrefix(line, "/"):
		v.w.note("-- There is no such command here; the bot's is /ws.")
	case line == "channel":
		v.w.whole()
	case (word == "press" || word == "in") && number != "" && !found:
		v.w.note("-- There is no message [" + number + "].")
	case word == "press" && number != "":
		v.presses(ctx, at, more)
	case word == "press" && number == "" || word == "in" && more == "":
		v.w.note("-- As in \"press 2 Ack\" or \"in 2 ack looking\": the number of a message, and what.")
	case word == "in":
		f.Say(channel, slackAlice, v.d.slack.typed(more), at.TS)
	default:
		f.Say(channel, slackAlice, v.d.slack.typed(line), "")
	}
}

func (v *slackVisitor) presses(ctx context.Context, at slackfake.Ref, what string) {
	if asked := v.d.slack.sure(at, what); asked != "" {
		v.w.note("-- You press it" + asked)
	}
	view, err := v.d.slack.press(ctx, at, what, slackAlice)
	switch {
	case errors.Is(err, errNothing):
		m, _ := v.d.slack.fake.Message(at)
		said := "-- There is nothing to press there."
		if len(m.Buttons) > 0 {
			said = "-- To press there is: " + strings.Join(labelled(m.Buttons), " ")
		}
		v.w.note(said)
	case err != nil:
		v.w.note("-- " + err.Error())
	case view != "":
		v.modal = view
		v.w.note(modal(v.d.slack.fake, slackAlice) + "\n-- " + v.d.slack.wanted(view))
	}
}

// typed is what a client of Slack's sends of a line.
func (s *demoSlack) typed(line string) string {
	line = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(line)
	return strings.ReplaceAll(line, "@watchstander", "<@"+s.fake.BotUser()+">")
}

// bobAgrees has bob press the button, once the plan has one.
func (s *demoSlack) bobAgrees(ctx context.Context, id bot.PlanID) error {
	var at slackfake.Ref
	err := s.until(ctx, func() bool {
		var ok bool
		at, ok = s.planRoot(id)
		m, _ := s.fake.Message(at)
		return ok && len(m.Buttons) > 0
	})
	if err == nil {
		_, err = s.press(ctx, at, "Approve", slackBob)
	}
	return err
}
