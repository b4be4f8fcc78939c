package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/plan"
	"watchstander/commands"
	"watchstander/integrations/console"
)

// takes keeps what people said.
type takes chan bot.Said

func (k takes) Take(_ context.Context, b bot.Batch) error {
	for _, e := range b.Events {
		k <- e.(bot.Said)
	}
	return nil
}

// With the chat down the console alone is left: the statement that it shows in a
// thread can be signed as it was copied off the screen, and what approve prints
// goes back through the console whole, for the commands to read.
func TestApproveThroughTheConsole(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := lampPlan()
	now := p.MintedAt.Add(time.Minute)
	st, text, key, theirs := bobsWord(t, p, dir)

	c, err := console.New(console.Options{ID: "console", Room: "console", Socket: filepath.Join(dir, "s"), Threaded: threaded})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	said, ended := make(takes, 10), make(chan error, 1)
	go func() { ended <- c.Run(ctx, said) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	post(t, c, bot.Outgoing{Key: "root", Room: "console", Kind: bot.SendRoot, Message: bot.Message{Title: bot.Line(bot.T("a plan"))}})
	post(t, c, bot.Outgoing{Key: "slip", Room: "console", Kind: bot.SendReply, Root: "root",
		Message: bot.Message{Title: bot.Line(bot.T("Your statement")), Blocks: []bot.Block{bot.Pre{Body: text}}}})
	typed := func(text string) string {
		t.Helper()
		var out bytes.Buffer
		o := console.ClientOptions{Past: 10, Env: func(string) string { return "" }}
		if err := console.Local(ctx, c, "uid:1", strings.NewReader(text), &out, o); err != nil {
			t.Fatalf("%v:\n%s", err, out.String())
		}
		return out.String()
	}
	screen := typed("")
	var out strings.Builder
	a := approving{in: strings.NewReader(screen), out: &out, yes: st.Digest, key: key, signer: signer}
	if err := a.sign(t.Context(), "-"); err != nil {
		t.Fatalf("the screen's statement: %v:\n%s", err, screen)
	}
	_, pasted, _ := strings.Cut(out.String(), "all of it:\n\n")
	heard := make(chan string, 1)
	go func() { // whoever types waits for an answer
		s := <-said
		if err := say(t.Context(), c, bot.Outgoing{Key: "heard", Room: "console", Kind: bot.SendReply, Root: s.Root, ReplyTo: s.ID, Message: bot.Message{Title: bot.Line(bot.T("I see"))}}); err != nil {
			t.Error(err)
		}
		heard <- s.Text
	}()
	typed(pasted)

	line := <-heard
	if len(said) != 0 {
		t.Errorf("the signature came in pieces: %q, %q", line, (<-said).Text)
	}
	outcome, err := commands.New(commands.All()).Interpret(t.Context(), line, bot.Call{World: onePlan{thread: bot.Thread{State: bot.ThreadState{Plan: &bot.PlanState{Proposal: bot.Proposal{Plan: p}}}}},
		By: bot.Person{ID: "bob", Roles: []bot.Role{"approver", "operator", "admin"}}, At: now, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	d, ok := outcome.(bot.Decide)
	if !ok || d.Plan != p.ID || d.Verdict != bot.Approve {
		t.Fatalf("the commands read %+v", outcome)
	}
	if err := plan.VerifySignature(st, d.Signature, []ssh.PublicKey{theirs}); err != nil {
		t.Errorf("the agent would not take it: %v", err)
	}
}

// onePlan is a world of one plan.
type onePlan struct {
	bot.World
	thread bot.Thread
}

func (w onePlan) Plan(context.Context, bot.PlanID) (bot.Thread, error) { return w.thread, nil }
func (onePlan) Zone() *time.Location                                   { return time.UTC }

func post(t *testing.T, c *console.Chat, o bot.Outgoing) {
	t.Helper()
	if err := say(t.Context(), c, o); err != nil {
		t.Fatal(err)
	}
}

func say(ctx context.Context, c *console.Chat, o bot.Outgoing) error {
	parts, err := c.Encode(o)
	if err != nil {
		return err
	}
	_, err = c.Send(ctx, bot.Sending{Key: o.Key, Room: o.Room, Kind: o.Kind, Root: o.Root, Body: parts[0].Body})
	return err
}
