package slackfake

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What is a kind of trouble.
type What int

// Troubles before anything is taken, and after.
const (
	// Refuse answers with Error, and takes nothing.
	Refuse What = iota
	// TooMany answers 429 with RetryAfter, and takes nothing.
	TooMany
	// Fail answers Status (500 when 0), and takes nothing.
	Fail
	// Drop breaks the connection, and takes nothing.
	Drop
	// TakeAndDrop takes the call and breaks the connection without an answer.
	TakeAndDrop
	// TakeAndFail takes the call and answers Status (503 when 0).
	TakeAndFail
	// TakeAndHang takes the call and never answers: the client gives up.
	TakeAndHang
	// Slow answers after Delay; it is taken at once.
	Slow
	// Late takes the call only after Delay, though its caller may be gone by then: an edit
	// that timed out lands after its successor.
	Late
)

// Trouble is something that goes wrong with calls of the Web API, uploads
// ("upload") and response URLs ("response").
type Trouble struct {
	What What
	// Method is the call ("chat.postMessage", or "chat." for all of them), "" means any.
	Method string
	// Channel limits it to one, when it is given.
	Channel string
	// After lets so many calls pass first; Times is how many have the trouble, 0 means
	// one, negative means all until it is lifted.
	After, Times int

	Error      string
	Status     int
	RetryAfter time.Duration
	Delay      time.Duration
}

// Trouble adds a trouble; lift takes it away again. The first that fits a call counts.
func (f *Fake) Trouble(t Trouble) (lift func()) {
	if t.Times == 0 {
		t.Times = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &t
	f.troubles = append(f.troubles, p)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.troubles = slices.DeleteFunc(f.troubles, func(o *Trouble) bool { return o == p })
	}
}

// troubleFor gives the trouble of this call, and counts it. The caller holds the lock.
func (f *Fake) troubleFor(method, channel string) *Trouble {
	for i, t := range f.troubles {
		fits := t.Method == "" || t.Method == method || strings.HasSuffix(t.Method, ".") && strings.HasPrefix(method, t.Method)
		if !fits || t.Channel != "" && t.Channel != channel {
			continue
		}
		if t.After > 0 {
			t.After--
			continue
		}
		if t.Times > 0 {
			if t.Times--; t.Times == 0 {
				f.troubles = slices.Delete(f.troubles, i, i+1)
			}
		}
		hit := *t
		return &hit
	}
	return nil
}

// before does what a trouble does before a call is taken; false means the call is over.
func (f *Fake) before(w http.ResponseWriter, r *http.Request, c *call, t *Trouble) bool {
	note := func(status int, code string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		c.record.Status, c.record.Error, c.record.Unanswered = status, code, status == 0
		f.calls = append(f.calls, c.record)
	}
	switch t.What {
	case Refuse:
		note(http.StatusOK, t.Error)
		answer(w, http.StatusOK, object{"ok": false, "error": t.Error})
	case TooMany:
		note(http.StatusTooManyRequests, "ratelimited")
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((t.RetryAfter+time.Second-1)/time.Second))))
		answer(w, http.StatusTooManyRequests, object{"ok": false, "error": "ratelimited"})
	case Fail:
		note(orStatus(t.Status, http.StatusInternalServerError), "")
		broken(w, orStatus(t.Status, http.StatusInternalServerError))
	case Drop:
		note(0, "")
		panic(http.ErrAbortHandler)
	case Late:
		f.wait(nil, t.Delay)
		return true
	default:
		return true
	}
	return false
}

// afterwards does what a trouble does once the call is taken; false means that nothing
// is to be answered any more.
func (f *Fake) afterwards(w http.ResponseWriter, r *http.Request, c *call, t *Trouble) bool {
	unanswered := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i := len(f.calls) - 1; i >= 0; i-- {
			if f.calls[i] == c.record {
				f.calls[i].Unanswered = true
				return
			}
		}
	}
	switch t.What {
	case TakeAndDrop:
		unanswered()
		panic(http.ErrAbortHandler)
	case TakeAndFail:
		unanswered()
		broken(w, orStatus(t.Status, http.StatusServiceUnavailable))
		return false
	case TakeAndHang:
		unanswered()
		f.wait(r.Context().Done(), time.Hour)
		panic(http.ErrAbortHandler)
	case Slow:
		f.wait(r.Context().Done(), t.Delay)
	}
	return true
}

// wait waits for d, for the fake's end, or for early.
func (f *Fake) wait(early <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-early:
	case <-f.ctx.Done():
	}
}

func orStatus(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}

// broken is Slack's page for its own trouble: no JSON.
func broken(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html><title>Server Error | Slack</title>"))
}

// RevokeBotToken has the bot token refused with an error of Slack's ("token_revoked",
// "account_inactive", …); "" makes it good again. RevokeAppToken does the same for the
// app-level token.
func (f *Fake) RevokeBotToken(code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.botError = code
}

// RevokeAppToken has the app-level token refused; see [Fake.RevokeBotToken].
func (f *Fake) RevokeAppToken(code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.appError = code
}

// DropScope takes a scope from the bot token.
func (f *Fake) DropScope(scope string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scopes = slices.DeleteFunc(slices.Clone(f.scopes), func(s string) bool { return s == scope })
}
