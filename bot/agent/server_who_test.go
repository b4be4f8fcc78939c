package agent

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
)

// Whoever is not the bot is refused at its socket whatever is asked, root too; and
// so is the bot at the other one.
func TestSocketsOfOthers(t *testing.T) {
	d := opened(t, newWorld(t), nil)
	for _, c := range []struct {
		socket string
		uid    int
	}{{d.bot, 1001}, {d.bot, 0}, {d.bot, 4242}, {d.human, botUID}} {
		ask := []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", post("/none", "{}")}
		for path := range questions {
			ask = append(ask, post(path, "{}"))
		}
		for _, text := range ask {
			status, f, _ := d.raw(c.socket, c.uid, text)
			if status != http.StatusForbidden || f.Code != bot.CodeForbidden || f.Message != "This socket is not for you." {
				t.Errorf("%d at %s: %.30q: %d %+v", c.uid, filepath.Base(c.socket), text, status, f)
			}
		}
	}
	d.untouched()
}

// What others say about themselves counts for nothing.
func TestForgedPrincipals(t *testing.T) {
	w := newWorld(t).rule(func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepHost} })
	d := opened(t, w, nil)
	b := d.as(t, d.bot, botUID)
	p := d.proposed()
	say := yes(p, "alice")
	_, err := b.Decide(ctx, say)
	refuses(t, err, bot.CodeForbidden, "lacks the proof")
	say.Said.Door = doorHost // as if she were there
	_, err = b.Decide(ctx, say)
	refuses(t, err, bot.CodeForbidden, "does not come by host")

	bobs := d.as(t, d.human, 1002)
	_, err = bobs.Decide(ctx, yes(p, "alice"))
	refuses(t, err, bot.CodeForbidden, `You are bob here, and cannot speak for "alice".`)
	_, err = bobs.Cancel(ctx, api.Cancel{Plan: p.Plan.ID, Person: "dave"})
	refuses(t, err, bot.CodeForbidden, "cannot speak for")
	_, err = bobs.Propose(ctx, d.ask("on"))
	refuses(t, err, bot.CodeForbidden, "not for user 1002")
	_, err = bobs.BreakGlass(ctx, api.BreakGlass{Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Reason: "fire"})
	refuses(t, err, bot.CodeForbidden, "not for user 1002")
	_, err = b.BreakGlass(ctx, api.BreakGlass{Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Reason: "fire"})
	refuses(t, err, bot.CodeForbidden, "not for the bot")
	_, err = d.as(t, d.human, 0).Decide(ctx, yes(p, "alice"))
	refuses(t, err, bot.CodeForbidden, "Root is nobody in particular")
	for _, ask := range []func(*client.Client) error{
		func(c *client.Client) error { _, err := c.Decide(ctx, yes(p, "alice")); return err },
		func(c *client.Client) error { _, err := c.Proposals(ctx, api.Since{}); return err },
		func(c *client.Client) error { _, err := c.Readings(ctx, api.Nothing{}); return err },
	} {
		refuses(t, ask(d.as(t, d.human, 4242)), bot.CodeForbidden, "User 4242 is nobody")
	}
	// Headers say nothing either.
	body, err := json.Marshal(yes(p, "alice"))
	d.ok(err)
	text := strings.Replace(post(api.PathDecide, string(body)), "Host: a", "Host: a\r\nX-Remote-User: alice\r\nX-Forwarded-For: 1001", 1)
	if _, f, _ := d.raw(d.human, 1002, text); f.Code != bot.CodeForbidden {
		t.Errorf("%+v", f)
	}
	if n := len(d.now(p.Plan.ID).Decisions); n != 0 {
		t.Errorf("%d decisions", n)
	}
}

// The kernel says who this test is.
func TestPeerOfTheKernel(t *testing.T) {
	w := newWorld(t)
	w.people[0].UIDs = []int{os.Getuid()}
	d := opened(t, w, func(s *Server) { s.o.Peer = peerUID })
	c := client.New(d.human)
	defer c.Close()
	_, err := c.Decide(ctx, api.Decide{Plan: "pln_NONE", ID: "1", Person: "carol", Verdict: bot.Deny})
	if os.Getuid() == 0 {
		refuses(t, err, bot.CodeForbidden, "Root is nobody in particular")
	} else {
		refuses(t, err, bot.CodeForbidden, "You are alice here")
	}
	atBot := client.New(d.bot)
	defer atBot.Close()
	_, err = atBot.Proposals(ctx, api.Since{})
	refuses(t, err, bot.CodeForbidden, "This socket is not for you.")
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	if _, err := peerUID(near); !errors.Is(err, errNoPeer) {
		t.Errorf("a pipe has a user: %v", err)
	}
}

// Without a user at the other end, nothing is answered.
func TestPeerUnknown(t *testing.T) {
	d := opened(t, newWorld(t), func(s *Server) { s.o.Peer = func(net.Conn) (int, error) { return botUID, errNoPeer } })
	c := d.dialAs(d.bot, botUID)
	defer c.Close()
	_, _ = io.WriteString(c, post(api.PathProposals, "{}"))
	if data, _ := io.ReadAll(c); len(data) > 0 {
		t.Errorf("%.100q", data)
	}
}
