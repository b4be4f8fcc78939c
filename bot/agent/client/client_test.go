package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// at serves f on a socket, one connection after the other, and asks there.
func at(t *testing.T, f func(net.Conn)) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws") // t.TempDir may be longer than a socket's path can be
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				f(c)
			})
		}
	})
	c := New(filepath.Join(dir, "s"))
	t.Cleanup(func() {
		c.Close()
		_ = l.Close()
		all.Wait()
		_ = os.RemoveAll(dir)
	})
	return c
}

// says reads a question's first bytes and says something, whatever was asked.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, text)
	}
}

func answer(status, body string) string {
	return "HTTP/1.1 " + status + "\r\nConnection: close\r\n\r\n" + body
}

// forever says the same again until nobody listens.
func forever(first, again string) func(net.Conn) {
	return func(c net.Conn) {
		says(first)(c)
		for {
			if _, err := io.WriteString(c, again); err != nil {
				return
			}
		}
	}
}

func TestBadAgents(t *testing.T) {
	kilo := strings.Repeat("x", 1024)
	for name, c := range map[string]struct {
		agent func(net.Conn)
		code  bot.Code
		words string
	}{
		"hangs up":          {says(""), bot.CodeUnavailable, "The agent does not answer."},
		"no HTTP":           {says("220 mail.example ESMTP\r\n"), bot.CodeUnavailable, "The agent does not answer."},
		"half a header":     {says("HTTP/1.1 200 OK\r\nX: "), bot.CodeUnavailable, "The agent does not answer."},
		"half a body":       {says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), bot.CodeUnavailable, "The agent does not answer."},
		"no JSON":           {says(answer("200 OK", "<html>")), bot.CodeUnavailable, "cannot be read"},
		"another type":      {says(answer("200 OK", `{"stamp":"x"}`)), bot.CodeUnavailable, "cannot be read"},
		"two values":        {says(answer("200 OK", `{}{}`)), bot.CodeUnavailable, "cannot be read"},
		"nothing":           {says(answer("200 OK", "")), bot.CodeUnavailable, "cannot be read"},
		"no content":        {says(answer("204 No Content", "")), bot.CodeUnavailable, "no agent"},
		"endless body":      {forever(answer("200 OK", ""), kilo), bot.CodeUnavailable, "longer than what is read"},
		"endless failure":   {forever(answer("500 Oh", ""), kilo), bot.CodeUnavailable, "longer than what is read"},
		"endless header":    {forever("HTTP/1.1 200 OK\r\nX: ", kilo), bot.CodeUnavailable, "does not answer"},
		"endless 100s":      {forever("", "HTTP/1.1 103 Early Hints\r\n\r\n"), bot.CodeUnavailable, "does not answer"},
		"a redirect":        {says("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/v1/look\r\nConnection: close\r\n\r\n"), bot.CodeUnavailable, "no agent"},
		"another's failure": {says(answer("502 Bad Gateway", `{"error":"upstream"}`)), bot.CodeUnavailable, "no agent"},
		"an unknown code":   {says(answer("400 Bad", `{"code":"approved","message":"Yes."}`)), bot.CodeUnavailable, "no agent"},
		"a long message":    {says(answer("400 Bad", `{"code":"invalid","message":"`+strings.Repeat(kilo, 9)+`"}`)), bot.CodeUnavailable, "no agent"},
		"a failure":         {says(answer("409 Conflict", `{"code":"conflict","message":"It is over: 100 %s."}`)), bot.CodeConflict, "It is over: 100 %s."},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			p, err := at(t, c.agent).Shown(ctx, api.Shown{Plan: "pln_A"})
			refuses(t, err, c.code, c.words)
			if ctx.Err() != nil || p.Digest != "" {
				t.Errorf("%v, %+v", ctx.Err(), p)
			}
		})
	}
}

// An agent that says nothing is waited for as long as the context says, and no
// longer than the client's own time.
func TestSilence(t *testing.T) {
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	for name, agent := range map[string]func(net.Conn){"nothing": silent, "half": func(c net.Conn) { says(answer("200 OK", "{"))(c); silent(c) }} {
		t.Run(name, func(t *testing.T) {
			c := at(t, agent)
			ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			_, err := c.Heads(ended, api.Heads{})
			refuses(t, err, bot.CodeUnavailable, "did not answer in time")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("its cause is lost: %v", err)
			}
			if c.http.Timeout != answerTime {
				t.Errorf("it waits for %v", c.http.Timeout)
			}
			c.http.Timeout = 50 * time.Millisecond
			_, err = c.Heads(ctx, api.Heads{})
			refuses(t, err, bot.CodeUnavailable, "did not answer in time")
		})
	}
}

func TestNoAgent(t *testing.T) {
	dir := t.TempDir()
	c := New(filepath.Join(dir, "none"))
	defer c.Close()
	_, err := c.Proposals(ctx, api.Since{})
	refuses(t, err, bot.CodeUnavailable, "The agent does not answer.")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its cause is lost: %v", err)
	}
	_, err = c.Decide(ctx, api.Decide{Reason: strings.Repeat("x", api.MaxRequest)})
	refuses(t, err, bot.CodeInvalid, "more than the agent reads")
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.Proposals(ended, api.Since{})
	refuses(t, err, bot.CodeUnavailable, "did not answer in time")
}

// Every question goes to its own path, by POST, with its words.
func TestPaths(t *testing.T) {
	type asked struct {
		path string
		body string
	}
	seen := make(chan asked, 1)
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.RawQuery != "" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		seen <- asked{r.URL.Path, string(body)}
		if r.URL.Path == api.PathReadings {
			_, _ = io.WriteString(w, `[{"what":"lamp","figure":61.5,"unit":"%"}]`)
			return
		}
		_, _ = io.WriteString(w, `{"stamp":7,"top":7,"seq":7,"digest":"d"}`)
	})
	for path, ask := range map[string]func() (any, error){
		api.PathPropose:       func() (any, error) { return c.Propose(ctx, api.Propose{Key: "word"}) },
		api.PathShown:         func() (any, error) { return c.Shown(ctx, api.Shown{Plan: "word"}) },
		api.PathDecide:        func() (any, error) { return c.Decide(ctx, api.Decide{Plan: "word"}) },
		api.PathWithdraw:      func() (any, error) { return c.Withdraw(ctx, api.Withdraw{Plan: "word"}) },
		api.PathCancel:        func() (any, error) { return c.Cancel(ctx, api.Cancel{Plan: "word"}) },
		api.PathConfirm:       func() (any, error) { return c.Confirm(ctx, api.Confirm{Plan: "word"}) },
		api.PathSpend:         func() (any, error) { return c.Spend(ctx, api.Spend{Person: "word"}) },
		api.PathStatement:     func() (any, error) { return c.Statement(ctx, api.Statement{Plan: "word"}) },
		api.PathProposals:     func() (any, error) { return c.Proposals(ctx, api.Since{Stamp: 4711}) },
		api.PathLook:          func() (any, error) { return c.Look(ctx, api.Look{Name: "word"}) },
		api.PathReadings:      func() (any, error) { return c.Readings(ctx, api.Nothing{}) },
		api.PathHeads:         func() (any, error) { return c.Heads(ctx, api.Heads{}) },
		api.PathTrigger:       func() (any, error) { return c.Trigger(ctx, api.Trigger{Standing: "word"}) },
		api.PathBreakGlass:    func() (any, error) { return c.BreakGlass(ctx, api.BreakGlass{Reason: "word"}) },
		api.PathBreakGlassRun: func() (any, error) { return c.BreakGlassRun(ctx, api.BreakGlassRun{Plan: "word"}) },
	} {
		got, err := ask()
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		q := <-seen
		if q.path != path || !json.Valid([]byte(q.body)) {
			t.Errorf("%s went to %s: %s", path, q.path, q.body)
		}
		words := map[string]string{api.PathProposals: `"stamp":4711`, api.PathReadings: `{}`, api.PathHeads: `"head"`}[path]
		if words == "" {
			words = `"word"`
		}
		if !strings.Contains(q.body, words) {
			t.Errorf("%s: %s", path, q.body)
		}
		if rs, ok := got.([]bot.Reading); ok && (len(rs) != 1 || rs[0].Figure != 61.5 || rs[0].Unit != bot.FigurePercent) {
			t.Errorf("%+v", rs)
		}
		if _, nothing := got.(api.Nothing); nothing {
			continue
		}
		if b, err := json.Marshal(got); err != nil || !strings.Contains(string(b), "7") && !strings.Contains(string(b), `"d"`) && !strings.Contains(string(b), "lamp") {
			t.Errorf("%s: the answer is lost: %s %v", path, b, err)
		}
	}
}

// All the codes that an agent has come back as they were.
func TestCodes(t *testing.T) {
	for _, code := range []bot.Code{bot.CodeInvalid, bot.CodeForbidden, bot.CodeNotFound, bot.CodeConflict, bot.CodeUnavailable, bot.CodeInternal} {
		c := served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(api.Status(code))
			_ = json.NewEncoder(w).Encode(api.Failure{Code: code, Message: "Not " + string(code) + "."})
		})
		_, err := c.Look(ctx, api.Look{})
		refuses(t, err, code, "Not "+string(code)+".")
	}
}

// What may take minutes is asked only of an agent that is there: systemd holds the
// socket of one that does not come up.
func TestNobodyThere(t *testing.T) {
	asked := make(chan string, 10)
	hanging := make(chan struct{})
	c := open(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		<-hanging
	})
	defer close(hanging)
	c.patience = 50 * time.Millisecond
	_, err := c.Propose(ctx, api.Propose{})
	refuses(t, err, bot.CodeUnavailable, "did not answer in time")
	if !errors.Is(err, api.ErrAway) {
		t.Errorf("%v", err)
	}
	if path := <-asked; path != api.PathProposals || len(asked) > 0 {
		t.Errorf("it was asked %s, and %d more", path, len(asked))
	}
}

// served is a client of what answers as f does. Whether anybody is there, which
// is asked first, is none of f's business.
func served(t *testing.T, f http.HandlerFunc) *Client {
	t.Helper()
	return open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.PathProposals {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if strings.Contains(string(body), "9223372036854775807") {
				_, _ = io.WriteString(w, "{}")
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		f(w, r)
	})
}

func open(t *testing.T, f http.HandlerFunc) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: f, ReadHeaderTimeout: time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	c := New(filepath.Join(dir, "s"))
	t.Cleanup(func() {
		c.Close()
		_ = s.Close()
		<-done
		_ = os.RemoveAll(dir)
	})
	return c
}

func refuses(t *testing.T, err error, code bot.Code, words string) {
	t.Helper()
	e, ok := errors.AsType[*bot.Error](err)
	if !ok || e.Code != code || !strings.Contains(e.Message, words) {
		t.Errorf("%v (%T), and should be %s: …%s…", err, err, code, words)
	}
}
