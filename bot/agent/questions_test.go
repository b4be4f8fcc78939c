package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

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
