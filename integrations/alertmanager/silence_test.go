package alertmanager_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

func TestMakeSilenceUnsure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c := pair(t, nil)
		s := silenceOf(bot.Matcher{Name: "alertname", Op: "=", Value: "A"})
		live := func() (n int) {
			all, err := c.Silences(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				if s.State == "active" {
					n++
				}
			}
			return n
		}

		// The answer to the POST is lost; the look afterwards finds it.
		second.SetUnreachable(true)
		lose := &loser{next: alertmanagertest.Transport(first, second), method: http.MethodPost}
		c = clientOf(t, func(o *alertmanager.Options) { o.Transport = lose }, first, second)
		lose.n = 1
		id, err := c.MakeSilence(t.Context(), "eff_one", s)
		if err != nil || live() != 1 {
			t.Fatalf("%q, %v, %d live", id, err, live())
		}

		// That look fails too: unavailable, and the next call finds it.
		lose.n, lose.then = 1, func() { first.SetUnreachable(true) }
		if _, err := c.MakeSilence(t.Context(), "eff_two", s); code(err) != bot.CodeUnavailable {
			t.Fatalf("unsure: %v", err)
		}
		first.SetUnreachable(false)
		lose.then = nil
		if _, err := c.MakeSilence(t.Context(), "eff_two", s); err != nil || live() != 2 {
			t.Fatalf("%v, %d live", err, live())
		}
		second.SetUnreachable(false)
		if n := live(); n != 2 {
			t.Fatalf("%d live with both peers", n)
		}

		// A peer that certainly got nothing: the other one makes it.
		refuse := &loser{next: alertmanagertest.Transport(first, second), method: http.MethodPost, refuse: true, n: 1}
		c = clientOf(t, func(o *alertmanager.Options) { o.Transport = refuse }, first, second)
		if _, err := c.MakeSilence(t.Context(), "eff_three", s); err != nil || live() != 3 {
			t.Fatalf("%v, %d live", err, live())
		}
	})
}

// loser loses the answers to the next n requests of a method, or refuses the
// connections.
type loser struct {
	next   http.RoundTripper
	method string
	n      int
	refuse bool
	then   func()
}

func (l *loser) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != l.method || l.n == 0 {
		return l.next.RoundTrip(r)
	}
	l.n--
	if l.refuse {
		r = r.Clone(r.Context())
		r.URL.Host = "nowhere"
		return l.next.RoundTrip(r)
	}
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	if l.then != nil {
		l.then()
	}
	return nil, io.ErrUnexpectedEOF
}

// Two peers that lost each other may both make a silence; they end together.
func TestEndSilenceEndsTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c := pair(t, nil)
		s := silenceOf(bot.Matcher{Name: "alertname", Op: "=", Value: "A"})
		alertmanagertest.Partition(first, true)
		second.SetUnreachable(true)
		one, err := c.MakeSilence(t.Context(), key, s)
		if err != nil {
			t.Fatal(err)
		}
		second.SetUnreachable(false)
		first.SetUnreachable(true)
		two, err := c.MakeSilence(t.Context(), key, s)
		if err != nil || two == one {
			t.Fatalf("%q after %q, %v", two, one, err)
		}
		other := second.Silence(`alertname="A"`, time.Hour, "bob", "mine")
		first.SetUnreachable(false)
		alertmanagertest.Partition(first, false)
		if err := c.EndSilence(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		all, err := c.Silences(t.Context())
		if err != nil || len(all) != 3 || all[0].ID != other || all[0].State != "active" || all[1].State != "expired" || all[2].State != "expired" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestMakeSilenceRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := pair(t, nil)
		match := bot.Matcher{Name: "a", Op: "=", Value: "b"}
		for name, change := range map[string]func(*bot.Silence){
			"no matchers":        func(s *bot.Silence) { s.Matchers = nil },
			"no name":            func(s *bot.Silence) { s.Matchers[0].Name = "" },
			"another operator":   func(s *bot.Silence) { s.Matchers[0].Op = "==" },
			"a bad pattern":      func(s *bot.Silence) { s.Matchers[0] = bot.Matcher{Name: "a", Op: "=~", Value: "("} },
			"everything":         func(s *bot.Silence) { s.Matchers[0] = bot.Matcher{Name: "a", Op: "=~", Value: ".*"} },
			"no comment":         func(s *bot.Silence) { s.Comment = " " },
			"an end in the past": func(s *bot.Silence) { s.EndsAt = time.Now() },
		} {
			s := silenceOf(match)
			change(&s)
			if _, err := c.MakeSilence(t.Context(), key, s); code(err) != bot.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := c.MakeSilence(t.Context(), "", silenceOf(match)); code(err) != bot.CodeInternal {
			t.Errorf("no key: %v", err)
		}
		if all, err := c.Silences(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("made %+v, %v", all, err)
		}
	})
}

// What Alertmanager itself refuses is for people to mend.
func TestMakeSilenceRefusedByAlertmanager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := alertmanagertest.New(alertmanagertest.Options{Version: "0.25.0", Receivers: []alertmanagertest.Receiver{{Name: "bot"}}})
		c := clientOf(t, nil, am)
		_, err := c.MakeSilence(t.Context(), key, silenceOf(bot.Matcher{Name: "my.label", Op: "=", Value: "b"}))
		want := `Alertmanager main refuses the silence: silence invalid: invalid label name "my.label".`
		if code(err) != bot.CodeInvalid || bot.ForPeople(err) != want {
			t.Errorf("%q", bot.ForPeople(err))
		}
	})
}

func TestMakeSilenceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c := pair(t, nil)
		first.SetSlow(time.Hour)
		second.SetSlow(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		done := make(chan error)
		for range 2 {
			go func() {
				_, err := c.MakeSilence(ctx, key, silenceOf(bot.Matcher{Name: "a", Op: "=", Value: "b"}))
				done <- err
			}()
		}
		for range 2 {
			if err := <-done; code(err) != bot.CodeUnavailable {
				t.Error(err)
			}
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
