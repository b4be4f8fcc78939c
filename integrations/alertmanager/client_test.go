package alertmanager_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

// pair is two simulated peers, not running, and a client of both.
func pair(t *testing.T, change func(*alertmanager.Options)) (first, second *alertmanagertest.Alertmanager, c *alertmanager.Client) {
	t.Helper()
	first, second = alertmanagertest.NewPair(alertmanagertest.Options{
		Routes:    []alertmanagertest.Route{{Receiver: "bot", GroupBy: []string{"alertname"}}},
		Receivers: []alertmanagertest.Receiver{{Name: "bot"}},
	})
	return first, second, clientOf(t, change, first, second)
}

func clientOf(t *testing.T, change func(*alertmanager.Options), ams ...*alertmanagertest.Alertmanager) *alertmanager.Client {
	t.Helper()
	o := alertmanager.Options{
		Name: "main", Receivers: []string{"bot"}, Log: quiet, Transport: alertmanagertest.Transport(ams...),
	}
	for _, am := range ams {
		o.URLs = append(o.URLs, am.URL())
	}
	if change != nil {
		change(&o)
	}
	c, err := alertmanager.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewRefuses(t *testing.T) {
	good := func() alertmanager.Options {
		return alertmanager.Options{Name: "main", URLs: []string{"http://am1:9093/prefix/"}, Receivers: []string{"bot"}}
	}
	for want, change := range map[string]func(*alertmanager.Options){
		"no name":           func(o *alertmanager.Options) { o.Name = "" },
		"no address":        func(o *alertmanager.Options) { o.URLs = nil },
		"no receiver":       func(o *alertmanager.Options) { o.Receivers = nil },
		"user or password":  func(o *alertmanager.Options) { o.URLs = []string{"http://u:hunter2@am1:9093"} },
		"cannot be read":    func(o *alertmanager.Options) { o.URLs = []string{"http://u:hunter2@am1:%zz"} },
		"must begin with":   func(o *alertmanager.Options) { o.URLs = []string{"hunter2:9093"} },
		"names no host":     func(o *alertmanager.Options) { o.URLs = []string{"http:///x"} },
		"query or fragment": func(o *alertmanager.Options) { o.URLs = []string{"http://am1/?token=hunter2"} },
		"a second time":     func(o *alertmanager.Options) { o.URLs = append(o.URLs, "http://am1:9093/prefix") },
		"choose one":        func(o *alertmanager.Options) { o.Auth = alertmanager.Auth{Bearer: "hunter2", User: "u"} },
		"no user":           func(o *alertmanager.Options) { o.Auth = alertmanager.Auth{Password: "hunter2"} },
		"line break":        func(o *alertmanager.Options) { o.Auth = alertmanager.Auth{Bearer: "hunter2\n"} },
	} {
		o := good()
		change(&o)
		_, err := alertmanager.New(o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v", want, err)
		}
	}
	if _, err := alertmanager.New(good()); err != nil {
		t.Error(err)
	}
}

func TestPollFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, c := pair(t, nil)
		for _, tt := range []struct {
			do   func(*alertmanagertest.Alertmanager)
			want string
		}{
			{func(am *alertmanagertest.Alertmanager) { am.SetUnreachable(true) }, "cannot be reached"},
			{func(am *alertmanagertest.Alertmanager) { am.SetUnreachable(false); am.SetSlow(time.Minute) }, "does not answer within 10 s"},
			{func(am *alertmanagertest.Alertmanager) { am.SetSlow(0); am.AnswerWith(502) }, "answers with status 502"},
			{func(am *alertmanagertest.Alertmanager) { am.AnswerWith(401) }, "refuses our credentials"},
			{func(am *alertmanagertest.Alertmanager) { am.AnswerWith(404) }, "has no API v2 at this address"},
			{func(am *alertmanagertest.Alertmanager) { am.AnswerWith(302) }, "redirects elsewhere; configure the address that it redirects to"},
			{func(am *alertmanagertest.Alertmanager) { am.AnswerWith(200) }, "answers, but not as Alertmanager's API does"},
			{func(am *alertmanagertest.Alertmanager) { am.AnswerWith(0); am.LoseAnswers(1) }, "broke the connection off"},
		} {
			tt.do(first)
			tt.do(second)
			polled := c.Poll(t.Context(), 0)
			want := fmt.Sprintf("Alertmanager main is not available: am1:9093 %[1]s; am2:9093 %[1]s.", tt.want)
			if polled.Failure != want || polled.Settled {
				t.Errorf("failure %q, want %q", polled.Failure, want)
			}
		}
		if polled := c.Poll(t.Context(), 0); polled.Failure != "" {
			t.Errorf("in the end: %q", polled.Failure)
		}
	})
}

// roundTripper answers whatever it is given.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answering(status int, contentType, body string) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
}

// Whatever comes back, the credentials stay out of errors and logs, and are not
// sent to wherever a redirect points.
func TestClientKeepsItsSecrets(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("alice:hunter2"))
	for _, auth := range []alertmanager.Auth{{Bearer: "hunter2"}, {User: "alice", Password: "hunter2"}} {
		for _, status := range []int{200, 302, 400, 401, 404, 422, 500} {
			for _, kind := range []string{"application/json", "text/html", ""} {
				var log bytes.Buffer
				asked := map[string]int{}
				c, err := alertmanager.New(alertmanager.Options{
					Name: "main", URLs: []string{"http://am1:9093"}, Receivers: []string{"bot"}, Auth: auth,
					Log: slog.New(slog.NewTextHandler(&log, nil)),
					Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						asked[r.URL.Host]++
						sent := r.Header.Get("Authorization")
						if !strings.Contains(sent, "hunter2") && !strings.Contains(sent, basic) {
							t.Errorf("Authorization %q", sent)
						}
						resp, err := answering(status, kind, `"you sent `+sent+` and hunter2"`)(r)
						resp.Header.Set("Location", "http://elsewhere/")
						if r.Method == http.MethodGet && status >= 400 && status < 500 { // so that the POST is made
							return answering(200, "application/json", "[]")(r)
						}
						return resp, err
					}),
				})
				if err != nil {
					t.Fatal(err)
				}
				_, makes := c.MakeSilence(t.Context(), key, silenceOf(bot.Matcher{Name: "a", Op: "=", Value: "b"}))
				_, lists := c.Silences(t.Context())
				_, covers := c.Covered(t.Context(), []bot.Matcher{{Name: "a", Op: "=", Value: "b"}})
				all := fmt.Sprintf("%v %v %v %v %+v %s", makes, lists, covers, c.EndSilence(t.Context(), "00000000-0000-4000-8000-00000000dead"),
					c.Check(t.Context()), log.String())
				if strings.Contains(all, "hunter2") || strings.Contains(all, basic) {
					t.Errorf("status %d, %q: a secret shows: %s", status, kind, all)
				}
				if makes == nil {
					t.Errorf("status %d, %q: the silence was made", status, kind)
				}
				if len(asked) != 1 {
					t.Errorf("asked %v", asked)
				}
			}
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	endless := roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := answering(200, "application/json", "")(r)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("["), &spaces{}))
		return resp, err
	})
	c, err := alertmanager.New(alertmanager.Options{
		Name: "main", URLs: []string{"http://am1"}, Receivers: []string{"bot"}, Transport: endless, MaxAnswer: 1 << 20, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Poll(t.Context(), 0).Failure; !strings.Contains(got, "answers with more than is taken") {
		t.Error(got)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Answers that lack what the schema requires do no harm.
func TestHollowAnswers(t *testing.T) {
	for _, body := range []string{
		"null", "[]", "[null]", "[{}]", `[{"receiver":{},"alerts":[null,{}]}]`, "{}", `{"cluster":{},"uptime":"2026-03-01T00:00:00Z"}`,
		`[{"receiver":{"name":"bot"},"alerts":[{"fingerprint":"a"}]}]`, `[{"id":"x","status":{},"matchers":[null,{}]}]`, `"text"`, `[{"startsAt":"soon"}]`,
	} {
		c, err := alertmanager.New(alertmanager.Options{
			Name: "main", URLs: []string{"http://am1"}, Receivers: []string{"bot"}, Log: quiet,
			Transport: answering(200, "application/json", body),
		})
		if err != nil {
			t.Fatal(err)
		}
		if p := c.Poll(t.Context(), 0); p.Settled {
			t.Errorf("%s: settled", body)
		}
		_, _ = c.Silences(t.Context())
		_, _ = c.Covered(t.Context(), []bot.Matcher{{Name: "a", Op: "=", Value: "b"}})
		c.Check(t.Context())
		c.Probe().Read(t.Context())
	}
}

func code(err error) bot.Code {
	if e, ok := errors.AsType[*bot.Error](err); ok {
		return e.Code
	}
	return ""
}
