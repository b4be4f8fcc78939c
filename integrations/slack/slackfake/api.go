package slackfake

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request.
const maxBody = 64 << 20

// call is one call of the Web API while it is answered.
type call struct {
	f      *Fake
	method string
	args   url.Values
	at     time.Time
	out    object
	took   bool // it has had an effect
	record Call
}

// Call is what is recorded of a call of the Web API.
type Call struct {
	Method, Channel string
	At              time.Time
	// Error is Slack's word, "" for ok; Status is HTTP's.
	Error  string
	Status int
	// TS is the message that it made or changed.
	TS string
	// Took tells that the call had an effect, whatever was answered.
	Took bool
	// Unanswered tells that no answer was given ([Fake.Trouble]).
	Unanswered bool
}

// failure is a refusal in Slack's own words.
type failure struct {
	code     string
	messages []string // response_metadata.messages
	needed   string
	provided string
}

func fail(code string, messages ...string) *failure { return &failure{code: code, messages: messages} }

func (f *Fake) route(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/api/"):
		f.api(w, r, strings.TrimPrefix(path, "/api/"))
	case path == "/link/":
		f.serveSocket(w, r)
	case strings.HasPrefix(path, "/upload/v1/"):
		f.serveUpload(w, r, strings.TrimPrefix(path, "/upload/v1/"))
	case strings.HasPrefix(path, "/actions/"), strings.HasPrefix(path, "/commands/"):
		f.serveResponse(w, r)
	default:
		http.NotFound(w, r)
	}
}

// api answers one call: who calls, may they, how fast, with what, and then what.
func (f *Fake) api(w http.ResponseWriter, r *http.Request, name string) {
	c := &call{f: f, method: name, out: object{"ok": true}}
	token, refused := c.read(r)
	f.mu.Lock()
	c.at = f.now()
	c.record = Call{Method: name, Channel: c.args.Get("channel"), At: c.at, Status: http.StatusOK}
	trouble := f.troubleFor(name, c.record.Channel)
	f.mu.Unlock()
	if refused != nil && r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // its caller died while sending it: it never came whole, and nobody hears of it
	}
	if trouble != nil && !f.before(w, r, c, trouble) {
		return
	}
	f.mu.Lock()
	m, known := methods[name]
	if refused == nil {
		switch {
		case !known:
			refused = fail("unknown_method")
		default:
			refused = f.permit(m, token)
		}
	}
	if refused == nil {
		if wait := f.pace.call(f, name, m.tier, c.args.Get("channel"), c.at); wait > 0 {
			f.mu.Unlock()
			f.limited(w, c, wait)
			return
		}
		if refused = c.check(m); refused == nil {
			refused = m.handle(f, c)
		}
	}
	if known && !m.app && (refused == nil || refused.code == "missing_scope") {
		w.Header().Set("X-OAuth-Scopes", strings.Join(f.scopes, ",")) // documented: what the token may, with each answer
	}
	f.done(c, refused)
	f.mu.Unlock()
	if c.took && f.o.OnAccept != nil {
		f.o.OnAccept(c.record)
	}
	if trouble != nil && !f.afterwards(w, r, c, trouble) {
		return
	}
	answer(w, http.StatusOK, c.out)
}

// done writes the answer and the record of a call. The caller holds the lock.
func (f *Fake) done(c *call, refused *failure) {
	if refused != nil {
		c.out = refused.answer()
		c.record.Error = refused.code
		f.refuse(c, refused)
	}
	if c.took {
		c.record.Took = true
	}
	f.calls = append(f.calls, c.record)
}

func (x *failure) answer() object {
	out := object{"ok": false, "error": x.code}
	if len(x.messages) > 0 {
		// Both forms come (measured: slackapi/python-slack-sdk#1658).
		var all, errors []any
		for _, m := range x.messages {
			all, errors = append(all, "[ERROR] "+m), append(errors, m)
		}
		out["errors"], out["response_metadata"] = errors, object{"messages": all}
	}
	if x.needed != "" {
		out["needed"], out["provided"] = x.needed, x.provided
	}
	return out
}

func answer(w http.ResponseWriter, status int, out object) {
	b, _ := json.Marshal(out)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// limited answers 429: Retry-After in whole seconds (documented), and nothing is taken.
func (f *Fake) limited(w http.ResponseWriter, c *call, wait time.Duration) {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	f.mu.Lock()
	c.record.Status, c.record.Error = http.StatusTooManyRequests, "ratelimited"
	f.calls = append(f.calls, c.record)
	f.mu.Unlock()
	answer(w, http.StatusTooManyRequests, object{"ok": false, "error": "ratelimited"})
}

// read takes the token and the arguments out of a request.
func (c *call) read(r *http.Request) (token string, refused *failure) {
	c.args = url.Values{}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return "", fail("request_timeout")
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		token = ""
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return token, fail("invalid_charset")
	}
	switch {
	case r.Method == http.MethodGet:
		c.args = r.URL.Query()
	case kind == "application/x-www-form-urlencoded":
		if c.args, err = url.ParseQuery(string(body)); err != nil {
			return token, fail("invalid_form_data")
		}
	case kind == "application/json" && len(bytes.TrimSpace(body)) == 0:
	case kind == "application/json":
		var all map[string]json.RawMessage
		if err := json.Unmarshal(body, &all); err != nil {
			return token, fail("invalid_json")
		}
		for name, v := range all {
			var s string
			if json.Unmarshal(v, &s) == nil {
				c.args.Set(name, s)
			} else if !bytes.Equal(v, []byte("null")) {
				c.args.Set(name, string(v))
			}
		}
	case len(body) > 0:
		return token, fail("invalid_post_type")
	}
	if posted := c.args.Get("token"); posted != "" {
		if c.method == "apps.connections.open" {
			return "", fail("not_authed") // documented: the token is taken from the header alone
		}
		token = posted
	}
	c.args.Del("token")
	return token, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// permit checks a token and its scopes.
func (f *Fake) permit(m method, token string) *failure {
	isBot, isApp := same(token, f.o.BotToken), same(token, f.o.AppToken)
	switch {
	case token == "":
		return fail("not_authed")
	case !isBot && !isApp:
		return fail("invalid_auth")
	case isApp && f.appError != "":
		return fail(f.appError)
	case isBot && f.botError != "":
		return fail(f.botError)
	case isApp != m.app:
		return fail("not_allowed_token_type")
	}
	if m.scope == "" || m.app || slices.ContainsFunc(strings.Split(m.scope, "|"), func(s string) bool { return slices.Contains(f.scopes, s) }) {
		return nil
	}
	return &failure{code: "missing_scope", needed: strings.ReplaceAll(m.scope, "|", ","), provided: strings.Join(f.scopes, ",")}
}

// scopeFor checks what a method needs in this kind of channel ("history", "read").
func (f *Fake) scopeFor(c *channel, what string) *failure {
	need := map[Kind]string{Public: "channels:", Private: "groups:", DM: "im:"}[c.Kind] + what
	if slices.Contains(f.scopes, need) {
		return nil
	}
	return &failure{code: "missing_scope", needed: need, provided: strings.Join(f.scopes, ",")}
}

// check looks at the arguments' names: what is missing, and what nobody knows. Slack
// ignores what it does not know; refusing it is our stricter choice, since an argument
// without effect is a mistake of the caller's.
func (c *call) check(m method) *failure {
	known := strings.Fields(m.args)
	for name := range c.args {
		switch {
		case slices.Contains(known, name), slices.Contains(known, "!"+name):
		case slices.Contains(known, "-"+name):
			c.f.fault(c.method + ": the argument " + name + " is not documented, and has no effect")
		default:
			return fail("invalid_arguments", "unknown argument: "+name)
		}
		if len(c.args[name]) != 1 {
			return fail("invalid_array_arg")
		}
	}
	for _, name := range known {
		if name, must := strings.CutPrefix(name, "!"); must && c.args.Get(name) == "" {
			return fail("invalid_arguments", "missing required field: "+name)
		}
	}
	return nil
}

// truth reads a boolean argument.
func (c *call) truth(name string) bool {
	switch strings.ToLower(c.args.Get(name)) {
	case "1", "true":
		return true
	}
	return false
}

// channel finds the channel of a call. Names are refused: they can be given to another
// channel (our stricter choice; Slack takes some).
func (c *call) channel() (*channel, *failure) {
	ch := c.f.channels[c.args.Get("channel")]
	switch {
	case ch == nil, ch.Kind != Public && !ch.members[c.f.o.BotUser]:
		return nil, fail("channel_not_found") // documented: private channels hide from those outside
	}
	return ch, nil
}

// Calls are all calls so far, in the order of their ends.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Refused is a call that Slack refused, with what was wrong with it.
type Refused struct {
	Method, Channel, Error string
	Messages               []string
}

// Refused are all calls that were refused with an error of Slack's; most tests expect none.
// Troubles that a test made itself, and 429, are not among them.
func (f *Fake) Refused() []Refused {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.refused)
}

func (f *Fake) refuse(c *call, x *failure) {
	f.refused = append(f.refused, Refused{Method: c.method, Channel: c.record.Channel, Error: x.code, Messages: x.messages})
}
