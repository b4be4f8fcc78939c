package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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
