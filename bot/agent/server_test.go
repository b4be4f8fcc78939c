package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
)

const botUID = 990

// doors are an agent's two sockets, on real time.
type doors struct {
	*world
	bot, human string // the sockets' paths
	stop       func() error
}

// opened serves a world's agent until the test ends. Nobody can be other users in a
// test, so the other end says by the name of its own socket which one it is: see dialAs.
func opened(t *testing.T, w *world, change func(*Server)) *doors {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws") // t.TempDir may be longer than a socket's path can be
	w.ok(err)
	t.Cleanup(func() { w.ok(os.RemoveAll(dir)) })
	w.run()
	d := &doors{world: w, bot: filepath.Join(dir, "b"), human: filepath.Join(dir, "h")}
	o := ServerOptions{Core: w.core, BotUID: botUID, Log: quiet(), Peer: namedPeer}
	o.Bot, err = net.Listen("unix", d.bot)
	w.ok(err)
	o.Human, err = net.Listen("unix", d.human)
	w.ok(err)
	s := NewServer(o)
	if change != nil {
		change(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	d.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		w.ok(d.stop())
		w.close()
	})
	return d
}

func namedPeer(c net.Conn) (int, error) {
	_, uid, ok := strings.Cut(c.RemoteAddr().String(), "uid")
	if !ok {
		return 0, errNoPeer
	}
	uid, _, _ = strings.Cut(uid, "-")
	return strconv.Atoi(uid)
}

var dialled atomic.Int64

// dialAs connects as a user.
func (d *doors) dialAs(socket string, uid int) net.Conn {
	d.t.Helper()
	from := &net.UnixAddr{Net: "unix", Name: filepath.Join(filepath.Dir(socket), fmt.Sprintf("uid%d-%d", uid, dialled.Add(1)))}
	c, err := net.DialUnix("unix", from, &net.UnixAddr{Net: "unix", Name: socket})
	d.ok(err)
	d.ok(c.SetDeadline(time.Now().Add(20 * time.Second)))
	return c
}

// as is a client for a user, whose connections go through a socket of its own.
func (d *doors) as(t *testing.T, socket string, uid int) *client.Client {
	t.Helper()
	d.t.Helper()
	path := filepath.Join(filepath.Dir(socket), fmt.Sprintf("p%d", dialled.Add(1)))
	l, err := net.Listen("unix", path)
	d.ok(err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up := d.dialAs(socket, uid)
			all.Go(func() { _, _ = io.Copy(up, c); _ = up.Close() })
			all.Go(func() { _, _ = io.Copy(c, up); _ = c.Close() })
		}
	})
	cl := client.New(path)
	t.Cleanup(func() {
		cl.Close()
		d.ok(l.Close())
		all.Wait()
	})
	return cl
}

// raw sends bytes as a user, and gives the status and the failure of the answer.
func (d *doors) raw(socket string, uid int, text string) (int, api.Failure, []byte) {
	d.t.Helper()
	c := d.dialAs(socket, uid)
	defer c.Close()
	go func() { _, _ = io.WriteString(c, text) }() // it may be cut off on the way
	return answered(d.t, c)
}

func answered(t testing.TB, c net.Conn) (int, api.Failure, []byte) {
	t.Helper()
	data, err := io.ReadAll(io.LimitReader(c, 1<<20))
	if len(data) == 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("no answer, or one that does not end: %q, %v", data, err)
	}
	head, body, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	status, err := strconv.Atoi(strings.Fields(string(head))[1])
	if err != nil {
		t.Fatal(err)
	}
	var f api.Failure
	_ = json.Unmarshal(body, &f) // it may be no failure
	return status, f, body
}

// untouched: whatever was asked, nothing was made of it.
func (d *doors) untouched() {
	d.t.Helper()
	d.core.locked(func() {
		if n := len(d.core.records); n != 0 {
			d.t.Errorf("%d proposals were made", n)
		}
	})
}

func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// From the question to the end of the run, by the two sockets.
func TestSocketsRoundTrip(t *testing.T) {
	d := opened(t, newWorld(t).rule(func(r *bot.Rule) { r.Count = 2 }), nil)
	b, carol := d.as(t, d.bot, botUID), d.as(t, d.human, 1003)
	p, err := b.Propose(ctx, d.ask("on"))
	d.ok(err)
	p, err = b.Shown(ctx, api.Shown{Plan: p.Plan.ID, At: time.Now()})
	d.ok(err)
	first := yes(p, "alice")
	p, err = b.Decide(ctx, first)
	d.ok(err)
	if x := p.Decisions[0]; x.StepUp != "" || x.Door != "matrix" {
		t.Errorf("%+v", x)
	}
	// The same word again counts once, and is nobody else's.
	again, err := b.Decide(ctx, first)
	d.ok(err)
	if len(again.Decisions) != 1 || again.Stamp != p.Stamp {
		t.Errorf("%d decisions at %d", len(again.Decisions), again.Stamp)
	}
	other := first
	other.Person = "carol"
	_, err = b.Decide(ctx, other)
	refuses(t, err, bot.CodeConflict, "was another one")
	old := yes(p, "carol")
	old.Digest = strings.Repeat("0", len(p.Digest))
	_, err = b.Decide(ctx, old)
	refuses(t, err, bot.CodeConflict, "of another plan")

	p, err = carol.Decide(ctx, api.Decide{Plan: p.Plan.ID, Digest: p.Digest, ID: "key press", Verdict: bot.Approve})
	d.ok(err)
	if x := p.Decisions[1]; x.Person != "carol" || x.StepUp != bot.StepHost || x.Door != doorHost {
		t.Errorf("%+v", x)
	}
	for since, end := int64(0), time.Now().Add(20*time.Second); !p.State.Over() && time.Now().Before(end); {
		page, err := b.Proposals(ctx, api.Since{Stamp: since, Wait: 5 * time.Second})
		d.ok(err)
		for since = page.Top; len(page.Proposals) > 0; page.Proposals = page.Proposals[1:] {
			p = page.Proposals[0]
		}
	}
	if p.State != bot.Done || d.get("/run/lamp") != "on" || len(p.Evidence) != 1 {
		t.Errorf("%s (%s), the lamp is %s", p.State, p.Why, d.get("/run/lamp"))
	}
	_, err = b.Decide(ctx, yes(p, "alice"))
	refuses(t, err, bot.CodeConflict, "is over")
	_, err = b.Look(ctx, api.Look{Name: "nothing"})
	refuses(t, err, bot.CodeNotFound, `how to look at "nothing"`)
	_, err = b.Propose(ctx, d.ask("purple"))
	refuses(t, err, bot.CodeInvalid, "on or off")
}

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

func TestBadQuestions(t *testing.T) {
	d := opened(t, newWorld(t), nil)
	long := func(n int) string { return `{"stamp":0` + strings.Repeat(" ", n-len(`{"stamp":0}`)) + "}" }
	for name, c := range map[string]struct {
		text, words string
		status      int
	}{
		"unknown member":  {post(api.PathProposals, `{"stamp":0,"uid":0}`), "cannot be read", 400},
		"unknown inside":  {post(api.PathPropose, `{"key":"k","operation":"lamp.set","requester":"bob","said":{"step_up":"host"}}`), "cannot be read", 400},
		"a member twice":  {post(api.PathDecide, `{"person":"alice","person":"bob"}`), "cannot be read", 400},
		"twice, folded":   {post(api.PathDecide, `{"person":"alice","PERSON":"bob"}`), "cannot be read", 400},
		"twice, inside":   {post(api.PathPropose, `{"said":{"door":"a","door":"b"}}`), "cannot be read", 400},
		"not UTF-8":       {post(api.PathDecide, "{\"person\":\"car\xffl\"}"), "not in UTF-8", 400},
		"two values":      {post(api.PathProposals, `{"stamp":0}{"stamp":0}`), "more than one", 400},
		"something after": {post(api.PathProposals, `{"stamp":0}]`), "more than one", 400},
		"not JSON":        {post(api.PathProposals, `stamp=0`), "cannot be read", 400},
		"another type":    {post(api.PathProposals, `{"stamp":"0"}`), "cannot be read", 400},
		"a list":          {post(api.PathProposals, `[]`), "cannot be read", 400},
		"half":            {post(api.PathProposals, `{"stamp":`), "cannot be read", 400},
		"nothing":         {post(api.PathProposals, ""), "cannot be read", 400},
		"a huge number":   {post(api.PathProposals, `{"stamp":1e999}`), "cannot be read", 400},
		"deep":            {post(api.PathPropose, strings.Repeat("[", 60<<10)), "cannot be read", 400},
		"deep inside":     {post(api.PathPropose, `{"arguments":{"to":`+strings.Repeat(`{"a":`, 10<<10)), "cannot be read", 400},
		"too long":        {post(api.PathProposals, long(api.MaxRequest+1)), "longer than", 400},
		"endless":         {"POST /v1/proposals HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("400\r\n"+strings.Repeat(" ", 0x400)+"\r\n", 1024), "longer than", 400},
		"as long as may":  {post(api.PathProposals, long(api.MaxRequest)), "", 200},
		"GET":             {"GET /v1/proposals HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "by POST", 400},
		"a query":         {post(api.PathProposals+"?stamp=0", `{}`), "by POST", 400},
		"CONNECT":         {"CONNECT /v1/proposals HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "by POST", 400},
		"unknown path":    {post("/v2/proposals", `{}`), "no such question", 404},
		"a slash more":    {post("/v1/proposals/", `{}`), "no such question", 404},
		"dots":            {post("/v1/../v1/proposals", `{}`), "no such question", 404},
		"root":            {post("/", `{}`), "no such question", 404},
		"general OPTIONS": {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "no such question", 404},
	} {
		t.Run(name, func(t *testing.T) {
			status, f, body := d.raw(d.bot, botUID, c.text)
			if status != c.status || !strings.Contains(f.Message, c.words) {
				t.Errorf("%d %.200s", status, body)
			}
			if code := (bot.Code)(map[int]string{400: "invalid", 404: "not_found"}[status]); f.Code != code {
				t.Errorf("code %q", f.Code)
			}
		})
	}
	for name, text := range map[string]string{"no HTTP": "\x16\x03\x01 hello\r\n\r\n", "headers": "POST / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 64<<10)} {
		t.Run(name, func(t *testing.T) {
			if status, _, _ := d.raw(d.bot, botUID, text); status != 400 && status != 431 {
				t.Errorf("%d", status)
			}
		})
	}
	d.untouched()
}

// Who sends slowly is cut off; what takes the agent long is not.
func TestSlowCallers(t *testing.T) {
	const little = 200 * time.Millisecond
	d := opened(t, newWorld(t), func(s *Server) { s.times.header, s.times.body, s.times.idle = little, little, little })
	for name, text := range map[string]string{
		"says nothing":   "",
		"half a header":  "POST /v1/heads HTTP/1.1\r\nHost: a\r\nX-Slow: ",
		"half a body":    "POST /v1/heads HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
		"idle":           strings.Replace(post(api.PathProposals, "{}"), "Connection: close\r\n", "", 1),
		"half elsewhere": "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := d.dialAs(d.bot, botUID)
			defer c.Close()
			_, err := io.WriteString(c, text)
			d.ok(err)
			dripped := make(chan struct{})
			if strings.HasPrefix(name, "half") {
				go func() { // a byte now and then wins no time
					defer close(dripped)
					for range time.Tick(little / 10) {
						if _, err := c.Write([]byte(" ")); err != nil {
							return
						}
					}
				}()
			} else {
				close(dripped)
			}
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("it is held")
			}
			_ = c.Close()
			<-dripped
		})
	}
	t.Run("a long poll", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		_, err := d.as(t, d.bot, botUID).Proposals(ctx, api.Since{Wait: 4 * little})
		if took := time.Since(began); err != nil || took < 4*little {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// A plan takes longer to make than a question may take to come.
func TestSlowPlans(t *testing.T) {
	const little = 100 * time.Millisecond
	w := newWorld(t)
	w.lamp.plan = func() error { <-time.After(4 * little); return nil }
	d := opened(t, w, func(s *Server) { s.times.header, s.times.body = little, little })
	_, err := d.as(t, d.bot, botUID).Propose(ctx, d.ask("on"))
	d.ok(err)
}

// Many connections of one user leave room for others, and are given back.
func TestManyConnections(t *testing.T) {
	d := opened(t, newWorld(t), nil)
	ask := func(socket string, uid int) error {
		c := d.dialAs(socket, uid)
		defer c.Close()
		return asks(c)
	}
	for _, x := range []struct {
		socket      string
		many, other int
	}{{d.human, 1001, 1002}, {d.bot, 1001, botUID}} {
		held := make([]net.Conn, 1000)
		for i := range held {
			held[i] = d.dialAs(x.socket, x.many)
		}
		// Of strangers at the bot's socket it makes no difference how many users they are.
		if x.socket == d.bot {
			for uid := 2000; uid < 2200; uid++ {
				held = append(held, d.dialAs(x.socket, uid))
			}
		}
		for range 20 {
			if err := ask(x.socket, x.other); err != nil {
				t.Errorf("%d has no answer: %v", x.other, err)
			}
		}
		if ask(x.socket, x.many) == nil {
			t.Errorf("%d has an answer", x.many)
		}
		for _, c := range held {
			_ = c.Close()
		}
		// The server learns of it in its time.
		end := time.Now().Add(20 * time.Second)
		for err := ask(x.socket, x.many); err != nil; err = ask(x.socket, x.many) {
			if time.Now().After(end) {
				t.Fatalf("nothing is given back: %v", err)
			}
		}
	}
	// All of the share is there again, not only a part of it.
	end := time.Now().Add(20 * time.Second)
	for {
		var conns []net.Conn
		answers := 0
		for range maxOfOne {
			c := d.dialAs(d.human, 1001)
			if conns = append(conns, c); asks(c) == nil {
				answers++
			}
		}
		for _, c := range conns {
			_ = c.Close()
		}
		if answers == maxOfOne {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d", answers, maxOfOne)
		}
	}
}

// asks puts one question on a connection, which stays open, and has any answer.
func asks(c net.Conn) error {
	if _, err := io.WriteString(c, strings.Replace(post(api.PathProposals, "{}"), "Connection: close\r\n", "", 1)); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 16))
	return err
}

// The end of the context ends long polls, and callers who say nothing.
func TestServerEnds(t *testing.T) {
	w := newWorld(t)
	d := opened(t, w, func(s *Server) { s.times.body = time.Second })
	silent := d.dialAs(d.human, 1001)
	defer silent.Close()
	polls := make(chan error, 3)
	began := make(chan struct{}, 3)
	for range cap(polls) {
		b := d.as(t, d.bot, botUID)
		go func() {
			began <- struct{}{}
			_, err := b.Proposals(ctx, api.Since{Wait: api.MaxWait})
			polls <- err
		}()
	}
	for range cap(polls) {
		<-began
	}
	// The polls are in the agent when it has answered as many others after them.
	for range 50 {
		c := d.dialAs(d.bot, botUID)
		d.ok(asks(c))
		_ = c.Close()
	}
	start := time.Now()
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	for range cap(polls) {
		<-polls // an empty page, or that the agent does not answer
	}
	for _, socket := range []string{d.bot, d.human} {
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			t.Errorf("%s still answers", filepath.Base(socket))
		}
	}
}

// A socket that breaks ends the server with its error.
func TestServerBreaks(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer w.close()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	w.ok(err)
	w.ok(l.Close())
	if err := NewServer(ServerOptions{Core: w.core, Human: l, Log: quiet()}).Run(ctx); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
}

// What panics is one question's misfortune, and says nothing of the cause.
func TestPanicsInAnswers(t *testing.T) {
	questions["/v1/panics"] = func(context.Context, api.Agent, []byte) (any, error) { panic("secret") }
	questions["/v1/fails"] = func(context.Context, api.Agent, []byte) (any, error) { return nil, errors.New("secret") }
	questions["/v1/long"] = func(context.Context, api.Agent, []byte) (any, error) { return strings.Repeat("x", api.MaxAnswer), nil }
	t.Cleanup(func() { delete(questions, "/v1/panics"); delete(questions, "/v1/fails"); delete(questions, "/v1/long") })
	d := opened(t, newWorld(t), nil)
	for path, want := range map[string]api.Failure{
		"/v1/panics": {Code: bot.CodeInternal, Message: "Internal error; the log of the agent has the cause."},
		"/v1/fails":  {Code: bot.CodeInternal, Message: "Internal error; the log of the agent has the cause."},
		"/v1/long":   {Code: bot.CodeUnavailable, Message: "The answer has 8388610 bytes, more than travel at once."},
	} {
		if _, f, body := d.raw(d.bot, botUID, post(path, "{}")); f != want || bytes.Contains(body, []byte("secret")) {
			t.Errorf("%s: %.200s", path, body)
		}
	}
}

// FuzzDecode: what is read is one JSON value, and means the same when it is written
// and read again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"plan":"pln_A","digest":"00","id":"1","verdict":"approve","at":"2026-01-02T03:04:05Z"}`, `{"id":"1"}{}`, `{"ID":"\ud800"}`,
		`{"key":"k","operation":"lamp.set","arguments":{"to":["on"]},"requester":"bob","said":{"door":"matrix"}}`, `{"stamp":-1,"wait":30000000000}`, `[[[[`, `{"uid":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same[api.Decide](t, data)
		same[api.Propose](t, data)
		same[api.Trigger](t, data)
		same[api.Since](t, data)
		same[api.Heads](t, data)
	})
}

func same[Q any](t *testing.T, data []byte) {
	q, err := decode[Q](data)
	if err != nil {
		if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeInvalid {
			t.Fatalf("%T: %v", q, err)
		}
		return
	}
	if !json.Valid(data) {
		t.Fatalf("%T: more was read than one value of JSON: %q", q, data)
	}
	once, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	q, err = decode[Q](once)
	if err != nil {
		t.Fatalf("%s: %v", once, err)
	}
	if twice, err := json.Marshal(q); err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%s, then %s: %v", once, twice, err)
	}
}
