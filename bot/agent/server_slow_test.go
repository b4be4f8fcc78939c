package agent

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"watchstander/bot/agent/api"
)

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
