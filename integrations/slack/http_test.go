package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
)

// taker is a sink that keeps what it took.
type taker struct {
	mu     sync.Mutex
	refuse error
	taken  []bot.Event
	cursor string
}

func (s *taker) Take(_ context.Context, b bot.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	s.taken = append(s.taken, b.Events...)
	if b.Cursor != "" {
		s.cursor = b.Cursor
	}
	return nil
}

// stored is the newest cursor.
func (s *taker) stored() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

// refuses has it take nothing any more, or all again.
func (s *taker) refuses(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// took are the events since it was last asked.
func (s *taker) took() []bot.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.taken
	s.taken = nil
	return events
}

// request is one as Slack signs it, at a time.
func request(contentType, body, secret string, at time.Time) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/slack", strings.NewReader(body))
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + seconds + ":" + body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Slack-Request-Timestamp", seconds)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeForm = "application/x-www-form-urlencoded"
)

// overHTTP is a chat in HTTP mode that listens.
func overHTTP(t *testing.T) (*Chat, *taker) {
	c := idle(t, func(o *Options) { o.AppToken, o.SigningSecret = "", signing+"\n" })
	s := &taker{}
	c.running.Store(true)
	c.setSink(s)
	return c, s
}

func TestHandler(t *testing.T) {
	c, s := overHTTP(t)
	message := `{"type":"event_callback","team_id":"T024BE7LD","event":{"type":"message","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100"}}`
	post := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		c.Handler().ServeHTTP(w, r)
		return w
	}
	for name, x := range map[string]struct {
		r    *http.Request
		want int
		took int
	}{
		"an event":          {request(typeJSON, message, signing, noon), 200, 1},
		"once more":         {request(typeJSON, message, signing, noon), 200, 0},
		"a press":           {request(typeForm, "payload="+url.QueryEscape(pressed(`{"action_id":"press0","value":"ack","action_ts":"1732800005.500000"}`)), signing, noon), 200, 1},
		"a command":         {request(typeForm, "team_id=T024BE7LD&channel_id=C024BE91L&user_id=U1&command=%2Fws&text=status&trigger_id=9.9.9", signing, noon), 200, 1},
		"five minutes old":  {request(typeJSON, message, signing, noon.Add(-5*time.Minute)), 200, 0},
		"older":             {request(typeJSON, message, signing, noon.Add(-301*time.Second)), 401, 0},
		"of the future":     {request(typeJSON, message, signing, noon.Add(301*time.Second)), 401, 0},
		"another secret":    {request(typeJSON, message, signing+"0", noon), 401, 0},
		"no secret":         {request(typeJSON, message, "", noon), 401, 0},
		"another form":      {request("text/plain", message, signing, noon), 400, 0},
		"no form":           {request("", message, signing, noon), 400, 0},
		"a form of nothing": {request(typeForm, "a=b", signing, noon), 400, 0},
	} {
		s.took()
		if name == "once more" || name == "five minutes old" {
			post(request(typeJSON, message, signing, noon)) // whichever is first
			s.took()
		} else {
			c.in.recent = map[bot.MessageID]bool{}
			c.in.order = nil
		}
		w := post(x.r)
		if took := s.took(); w.Code != x.want || len(took) != x.took {
			t.Errorf("%s is answered with %d and comes to %+v", name, w.Code, took)
		}
	}

	s.took()
	for name, spoil := range map[string]func(*http.Request){
		"unsigned":         func(r *http.Request) { r.Header.Del("X-Slack-Signature") },
		"signed emptily":   func(r *http.Request) { r.Header.Set("X-Slack-Signature", "v0=") },
		"signed otherwise": func(r *http.Request) { r.Header.Set("X-Slack-Signature", "v1="+r.Header.Get("X-Slack-Signature")[3:]) },
		"without a time":   func(r *http.Request) { r.Header.Del("X-Slack-Request-Timestamp") },
		"at another time":  func(r *http.Request) { r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(noon.Unix()+1, 10)) },
	} {
		r := request(typeJSON, message, signing, noon)
		spoil(r)
		if w := post(r); w.Code != http.StatusUnauthorized {
			t.Errorf("%s it is answered with %d", name, w.Code)
		}
	}
	if w := post(httptest.NewRequest(http.MethodGet, "/slack", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a GET is answered with %d", w.Code)
	}
	if w := post(request(typeJSON, strings.Repeat(" ", maxRequest+1), signing, noon)); w.Code != http.StatusBadRequest {
		t.Errorf("too much is answered with %d", w.Code)
	}
	if took := s.took(); len(took) > 0 {
		t.Errorf("taken were %+v", took)
	}
	w := post(request(typeJSON, `{"type":"url_verification","challenge":"3eZbrw1aB"}`, signing, noon))
	if w.Code != 200 || w.Body.String() != "3eZbrw1aB" {
		t.Errorf("the challenge is answered with %d %q", w.Code, w.Body)
	}
}

// What cannot be stored is not acknowledged, nor is anything before Run or after it, nor
// without a secret.
func TestHandlerRefuses(t *testing.T) {
	c, s := overHTTP(t)
	s.refuses(errors.New("the disk is full"))
	message := `{"type":"event_callback","team_id":"T024BE7LD","event":{"type":"message","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100"}}`
	post := func(c *Chat, patience time.Duration) int {
		w := httptest.NewRecorder()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c.Handler().ServeHTTP(w, request(typeJSON, message, signing, noon).WithContext(ctx))
		return w.Code
	}
	if code := post(c, 50*time.Millisecond); code != http.StatusServiceUnavailable { // Slack hangs up
		t.Errorf("what was not taken is answered with %d", code)
	}
	s.refuses(nil)
	code := post(c, time.Minute)
	if took := s.took(); code != 200 || len(took) != 1 {
		t.Errorf("once more it is answered with %d, and taken is %+v", code, took)
	}
	c.running.Store(false)
	if code := post(c, time.Minute); code != http.StatusServiceUnavailable {
		t.Errorf("after the end it is answered with %d", code)
	}
	socket := idle(t, nil)
	socket.running.Store(true)
	socket.setSink(s)
	if code := post(socket, time.Minute); code != http.StatusUnauthorized {
		t.Errorf("without a secret it is answered with %d", code)
	}
}

// A press that asks for words is acknowledged, to the end of the answer, before Slack is
// asked to open the modal; and that goes on when Slack has hung up.
func TestAFormOverHTTP(t *testing.T) {
	asked, answer, gone := make(chan struct{}), make(chan struct{}), make(chan bool, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		gone <- r.Context().Err() != nil
		_, _ = w.Write([]byte(`{"ok":true}`))
	}))
	defer api.Close()
	c := idle(t, func(o *Options) { o.AppToken, o.SigningSecret, o.API = "", signing+"\n", api.URL })
	c.running.Store(true)
	c.setSink(&taker{})
	served := make(chan struct{})
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		c.Handler().ServeHTTP(w, r)
	}))
	defer ours.Close()
	value := `{\"command\":\"deny\",\"questions\":[{\"Label\":\"Why?\"}]}`
	signed := request(typeForm, "payload="+url.QueryEscape(pressed(`{"action_id":"ask0","value":"`+value+`","action_ts":"1732800005.500000"}`)), signing, noon)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ours.URL, signed.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = signed.Header
	slack := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // it hangs up after the answer
	resp, err := slack.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	_, err = io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	select {
	case <-served:
		t.Error("the answer ends after the modal was asked for")
	default:
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the press is answered with %d, %v", resp.StatusCode, err)
	}
	close(answer)
	if <-gone {
		t.Error("the modal was given up with the request")
	}
	<-served
}
