package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

// play is this binary as another process: `client` attaches to a socket,
// `flood` posts until it is killed, `show` is a server to look at.
func play(role string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	socket, log := os.Getenv("CONSOLE_TEST_SOCKET"), os.Getenv("CONSOLE_TEST_LOG")
	var err error
	switch role {
	case "client":
		err = Attach(ctx, socket, os.Stdin, os.Stdout, ClientOptions{})
	case "flood":
		err = flood(ctx, log)
	case "show":
		err = exhibit(ctx, socket, log)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, bot.ForPeople(err), "//", err)
		return 1
	}
	return 0
}

// flood posts and tells of each receipt, so that its killer knows what must be
// there afterwards.
func flood(ctx context.Context, log string) error {
	c, err := New(Options{ID: "console", Room: "console", Log: log})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for i := 0; ; i++ {
		key := bot.SendKey(fmt.Sprintf("key_%d", i))
		o := bot.Outgoing{Key: key, Room: "console", Kind: bot.SendRoot, Message: diskFull()}
		parts, err := c.Encode(o)
		if err != nil {
			return err
		}
		r, err := c.Send(ctx, bot.Sending{Key: key, Room: "console", Kind: bot.SendRoot, Body: parts[0].Body})
		if err != nil {
			return err
		}
		fmt.Fprintln(out, r.ID)
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// exhibit is a bot that answers a little and posts when told to, for a look at
// the client.
func exhibit(ctx context.Context, socket, log string) error {
	zone, _ := time.LoadLocation("America/Los_Angeles")
	c, err := New(Options{ID: "console", Room: "console", Socket: socket, Log: log, Zone: func() *time.Location { return zone }, Logger: slog.Default(),
		Completions: func() []string {
			return []string{"ack", "alerts", "backup run", "backup status", "backup verify", "help", "silence", "silences", "status"}
		}})
	if err != nil {
		return err
	}
	defer c.Close()
	n := 0
	send := func(kind bot.SendKind, root, to bot.MessageID, m bot.Message) bot.MessageID {
		n++
		o := bot.Outgoing{Key: bot.SendKey(fmt.Sprintf("key_%d_%d", time.Now().UnixNano(), n)), Room: "console", Kind: kind, Root: root, ReplyTo: to, Message: m}
		parts, err := c.Encode(o)
		if err == nil {
			_, err = c.Send(ctx, bot.Sending{Key: o.Key, Room: o.Room, Kind: kind, Root: root, Body: parts[0].Body})
		}
		if err != nil {
			slog.Error("send", "err", err)
		}
		return bot.MessageID(o.Key)
	}
	var last bot.MessageID
	s := newSink()
	s.answer = func(e bot.Said) {
		go func() {
			switch word, _, _ := strings.Cut(e.Text, " "); word {
			case "status":
				send(bot.SendReply, "", e.ID, status())
			case "fire":
				last = send(bot.SendRoot, "", "", diskFull())
			case "resolve":
				send(bot.SendEdit, last, "", diskResolved())
				send(bot.SendReply, last, "", resolvedEntry())
			case "ack":
				send(bot.SendReply, e.Root, "", acked())
			case "graph":
				send(bot.SendReply, last, "", picture())
			case "digest":
				send(bot.SendRoot, "", "", longList())
			case "hostile":
				send(bot.SendRoot, "", "", hostile())
			case "wide":
				send(bot.SendRoot, "", "", wide())
			case "slow":
				time.Sleep(3 * time.Second)
				send(bot.SendReply, e.Root, e.ID, plain("At last."))
			default:
				send(bot.SendReply, e.Root, e.ID, plain("There is no command "+e.Text+"; help lists them."))
			}
		}()
	}
	s.refuse = func(e bot.Said) error {
		if e.Text == "refuse" {
			return errors.New("disk on fire")
		}
		return nil
	}
	return c.Run(ctx, s)
}
