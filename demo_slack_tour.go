package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

// slackTour is the scripted visit in the fake of Slack.
func (d *demo) slackTour(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, `A tour of Watchstander in Slack: the real bot and the real agent, around a
simulated NixOS host named vulcan and a simulated Alertmanager. The bot's part
for Slack is the real one; Slack is not: a fake of it runs in this process, strict
about what Slack takes, and its messages are drawn here as text. Beside ▎ is what
Slack shows beside a bar of colour, [in brackets] what can be pressed, ▾ a menu,
↗ a link. Nobody types: this program plays alice, an operator, and bob, the
colleague whom some plans need. Waits that are minutes on a real host are seconds
here.`)
	err := d.slackPlayed(ctx, out, (*slackPlay).whole)
	if err != nil {
		fmt.Fprintf(out, "\nThe tour failed: %v\n", err)
		return exitCode(1)
	}
	fmt.Fprintln(out, "\nThe tour is over: everything happened as it should, and the fake\nof Slack had nothing to refuse.")
	return nil
}

// slackPlayed has the channel drawn while a tour goes on.
func (d *demo) slackPlayed(ctx context.Context, out io.Writer, play func(*slackPlay, context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, tourTime)
	defer cancel()
	s := &screen{to: out, changed: make(chan struct{}, 1)}
	t := &slackPlay{tour: tour{d: d, s: s, ends: slackEnds}, w: newSlackWindow(d.slack, out)}
	t.w.fits(out)
	t.w.also = s.remember
	following, leave := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { t.w.follow(following) })
	err := d.slack.connected(ctx)
	if err == nil {
		err = play(t, ctx)
	}
	leave()
	all.Wait()
	return errors.Join(err, d.slack.complaints())
}

// slackEnds finds how a plan ended, in its thread's log.
const slackEnds = `(?m)^    \S+ (DONE|FAILED|UNDONE|UNDOING FAILED|INTERRUPTED|STALE|DENIED|CANCELLED|EXPIRED)\b`

// slackPlay is a tour that goes on in Slack.
type slackPlay struct {
	tour
	w *slackWindow
}

// whole is all of it.
func (t *slackPlay) whole(ctx context.Context) error {
	made := t.d.operated.backUp(ctx)
	if err := t.plays(ctx, t.threads(ctx)); err != nil {
		return err
	}
	if err := t.plays(ctx, t.operations(ctx)); err != nil {
		return err
	}
	switch {
	case errors.Is(made, errNoRestic) && os.Getenv(requireReal) == "":
		t.notes("-- %s", noRestic)
	case made != nil:
		return made
	default:
		if err := t.plays(ctx, t.verified(ctx)); err != nil {
			return err
		}
	}
	if err := t.plays(ctx, t.left()); err != nil {
		return err
	}
	t.notes("-- The whole channel, as it stands now. Slack shows a thread beside the channel when it is opened; here it stands below its first message.")
	t.w.whole()
	return nil
}

// comes is what nobody says.
func (t *slackPlay) comes(what string, do func()) func() error {
	return func() error {
		t.notes("-- %s", what)
		do()
		return nil
	}
}

// slash is a command that alone its sender sees.
func (t *slackPlay) slash(line string) func() error {
	return func() error {
		line := t.inSlack(line)
		t.notes("\nalice, in #%s> /ws %s\n", slackRoom, line)
		return t.d.slack.fake.Slash("/ws", line, slackAlice, t.d.slack.channel)
	}
}

// slashCode is slash with the code of now behind the line.
func (t *slackPlay) slashCode(line string) func() error {
	return func() error {
		code, err := t.d.operated.proofs.code()
		if err != nil {
			return err
		}
		t.code = code
		return t.slash(line + " " + code)()
	}
}

// inSlack puts the newest plan where a line says "@plan".
func (t *slackPlay) inSlack(line string) string {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if all := newestPlanID.FindAll(t.s.text.Bytes(), -1); len(all) > 0 {
		return strings.ReplaceAll(line, "@plan", string(all[len(all)-1]))
	}
	return line
}

// newestPlanID finds the id of a plan.
var newestPlanID = regexp.MustCompile(`pln_[A-Z0-9]+`)

// speaks is alice in the channel.
func (t *slackPlay) speaks(line string) func() error {
	return func() error {
		t.notes("\nalice, in #%s> %s\n", slackRoom, line)
		text := strings.ReplaceAll(line, "@watchstander", "<@"+t.d.slack.fake.BotUser()+">")
		t.d.slack.fake.Say(t.d.slack.channel, slackAlice, text, "")
		return nil
	}
}

// replies is alice in the thread of the newest message that holds words.
func (t *slackPlay) replies(words, line string) func() error {
	return func() error {
		at, ok := t.d.slack.root(words)
		if !ok {
			return fmt.Errorf("there is no thread of %q", words)
		}
		t.notes("\nalice, in the thread of %s> %s\n", words, line)
		t.d.slack.fake.Say(t.d.slack.channel, slackAlice, line, at.TS)
		return nil
	}
}

// presses is somebody at the newest message that holds words; because is what they write
// into a modal.
func (t *slackPlay) presses(ctx context.Context, user, words, what, because string) func() error {
	return func() error {
		at, ok := t.d.slack.root(words)
		if words == "" {
			at, ok = t.d.slack.newest(what)
		}
		if !ok {
			return fmt.Errorf("there is no message of %q", words)
		}
		t.notes("%s presses [%s] on [%s]%s", t.d.slack.name(user), what, t.w.numbered(at), t.d.slack.sure(at, what))
		view, err := t.d.slack.press(ctx, at, what, user)
		if err != nil || view == "" {
			return err
		}
		t.notes("%s\n", modal(t.d.slack.fake, user))
		t.notes("%s writes> %s\n", t.d.slack.name(user), because)
		return t.d.slack.answer(view, because)
	}
}

// notes draws what is no message.
func (t *slackPlay) notes(format string, args ...any) {
	t.w.aside(strings.Trim(fmt.Sprintf(format, args...), "\n"))
}

// threads is what an alert's look like.
func (t *slackPlay) threads(ctx context.Context) []scene {
	d := t.d
	d.am.Fire(bot.Labels{"alertname": "Watchdog", "severity": "none"})
	return []scene{
		{do: t.slash("status"), want: []string{`only alice sees this`, `Nothing fires`}},
		{do: t.comes("the load of vulcan rises", d.loadRises), want: []string{`FIRING.*HighLoad.*vulcan`, `\[Ack\]`}},
		{do: t.presses(ctx, slackAlice, "HighLoad", "Ack", ""), want: []string{`ACKED`, `Acked by alice`}},
		{do: t.comes("another host joins in: the ack does not cover it", d.loadSpreads), want: []string{`No longer acked`}},
		{do: t.comes("the disk fills", d.diskFills), want: []string{`CRITICAL.*DiskFull`, `🖼 DiskFull.*vulcan 96%`}},
		{do: t.presses(ctx, slackAlice, "DiskFull", "for 1 h", ""), want: []string{`SILENCED.*DiskFull`, `is silenced; it still fires`}},
		{do: t.comes("the load falls", d.loadFalls), want: []string{`RESOLVED.*HighLoad`}},
		{do: t.replies("DiskFull", "unsilence"), want: []string{`Silence ended by alice`, `no longer held back`}},
		{do: t.comes("the disk is freed", d.diskIsFreed), want: []string{`RESOLVED.*DiskFull`, `#1 DiskFull \(vulcan\) is resolved`}},
		{do: t.speaks("@watchstander stauts"), want: []string{`Did you mean`}},
	}
}

// operations is what is done to a host.
func (t *slackPlay) operations(ctx context.Context) []scene {
	o := t.d.operated
	generation := func(n int) func() error { return func() error { return o.hasGeneration(n) } }
	return []scene{
		{do: t.speaks("rollback"), want: planned},
		{do: t.presses(ctx, slackAlice, "", "Approve", ""), want: []string{`Your word does not count`}, holds: generation(42)},
		{do: t.presses(ctx, slackBob, "", "Deny", "not before the release is out"), ends: "DENIED", want: []string{`not before the release is out`}, holds: generation(42)},
		{do: t.slash("rollback 40"), want: planned},
		{do: t.presses(ctx, slackBob, "", "Approve", ""), ends: "UNDONE", holds: generation(42),
			want: []string{`bob agrees`, `RUNNING`, `Activating generation 40`, `unit nginx\.service: fails in both looks`, `What was before is back: running system generation 42`}},
		{do: t.speaks("rollback 41"), want: planned},
		{do: t.presses(ctx, slackBob, "", "Approve", ""), ends: "DONE", holds: generation(41), want: []string{`boot default: generation 41`}},
		{do: t.speaks("service restart postgresql"), want: planned},
		{do: t.slashCode("approve @plan"), ends: "DONE", holds: t.codeHidden, want: []string{`alice agrees \(with a time-based code\)`}},
	}
}

// verified looks at a real repository.
func (t *slackPlay) verified(ctx context.Context) []scene {
	return []scene{
		{do: t.speaks("backup verify"), want: planned},
		{do: t.presses(ctx, slackAlice, "", "Approve", ""), ends: "DONE", want: []string{`restored and compared with the live file, 0 differ`}},
	}
}

// left is what is left of it all.
func (t *slackPlay) left() []scene {
	return []scene{
		{do: t.slash("approvals"), want: []string{`Nothing waits`}},
		{do: t.slash("journal kind end"), want: []string{`(?i)undone`}},
	}
}

// modal draws the newest question that somebody is asked.
func modal(f *slackfake.Fake, user string) string {
	all := f.Views(user)
	if len(all) == 0 {
		return ""
	}
	v := all[len(all)-1]
	var b strings.Builder
	fmt.Fprintf(&b, "    ┌ %s\n", v.Title)
	for line := range strings.SplitSeq(v.Text, "\n") {
		fmt.Fprintf(&b, "    │ %s\n", line)
	}
	fmt.Fprintf(&b, "    └ [%s] [%s]", v.Close, v.Submit)
	return b.String()
}
