package alertmanager

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-openapi/runtime"
	rtclient "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/prometheus/alertmanager/api/v2/client"

	"watchstander/bot"
)

// Options describe one Alertmanager: a single one, or the peers of one cluster.
// Zero values give what is said at each.
type Options struct {
	// Name is its configured name ("main").
	Name string
	// URLs are the peers' addresses, as a browser would open them, with the path
	// prefix where there is one. No user or password in them: see Auth.
	URLs []string
	// Receivers are those whose alerts count as ours, by their exact names.
	Receivers []string
	// Auth is shown to every peer.
	Auth Auth
	// Timeout bounds one request to one peer, and, since peers are asked at the
	// same time, mostly the whole call; 10 s.
	Timeout time.Duration
	// SettleAfter is how long a peer must be up before what it does not list
	// counts as gone; 3 min, in which Prometheus has sent every alert again.
	SettleAfter time.Duration
	// MaxAnswer is the size of the largest answer taken, in bytes; 64 MiB.
	MaxAnswer int64
	// Transport carries the requests; nil: one of the client's own.
	Transport http.RoundTripper
	// Log gets causes; nil: slog.Default.
	Log *slog.Logger
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Auth is what the client shows to Alertmanager (or to the proxy before it):
// either a bearer token or user and password, or nothing. Printing it shows
// nothing of it.
type Auth struct {
	Bearer         string
	User, Password string
}

func (a Auth) String() string {
	switch {
	case a.Bearer != "":
		return "(bearer token)"
	case a.User != "":
		return "(user and password)"
	}
	return "(no credentials)"
}

// GoString keeps %#v from showing the fields.
func (a Auth) GoString() string { return a.String() }

// LogValue keeps loggers from showing the fields.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText keeps encoders from showing the fields.
func (a Auth) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// scrub takes the secrets out of a text that came from outside.
func (a Auth) scrub(s string) string {
	for _, secret := range []string{
		a.Bearer, base64.StdEncoding.EncodeToString([]byte(a.User + ":" + a.Password)), a.Password,
	} {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "…")
		}
	}
	return s
}

// Client speaks to one Alertmanager. It may be used by many goroutines; every
// one that it starts has ended when the call returns.
type Client struct {
	o     Options
	peers []*peer
	own   *http.Transport // nil when the caller gave one
	// making lets one silence at a time be looked for and made.
	making chan struct{}

	mu   sync.Mutex
	said map[string]string // by peer: its last failure, so that the log hears of changes alone
}

// peer is one member of the cluster.
type peer struct {
	name string // its address without a scheme, for people: "am1:9093"
	api  *client.AlertmanagerAPI
}

// New makes a client. It asks nothing yet; its errors are faults of the options,
// and never hold a credential.
func New(o Options) (*Client, error) {
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.SettleAfter = cmp.Or(o.SettleAfter, 3*time.Minute)
	o.MaxAnswer = cmp.Or(o.MaxAnswer, 64<<20)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Log = o.Log.With("alertmanager", o.Name)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Receivers = slices.Clone(o.Receivers)
	slices.Sort(o.Receivers)
	o.Receivers = slices.Compact(o.Receivers)

	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("alertmanager %q: "+format, append([]any{o.Name}, args...)...))
	}
	if o.Name == "" {
		bad("it has no name")
	}
	if len(o.URLs) == 0 {
		bad("it has no address")
	}
	if len(o.Receivers) == 0 {
		bad("no receiver of it counts as ours")
	}
	if o.Auth.Bearer != "" && o.Auth.User+o.Auth.Password != "" {
		bad("it has both a bearer token and a user; choose one")
	}
	if o.Auth.User == "" && o.Auth.Password != "" {
		bad("it has a password, but no user")
	}
	if strings.ContainsAny(o.Auth.Bearer+o.Auth.User+o.Auth.Password, "\r\n") {
		bad("its credentials hold a line break: trim what was read from their file")
	}

	c := &Client{o: o, making: make(chan struct{}, 1), said: map[string]string{}}
	transport := o.Transport
	if transport == nil {
		c.own = defaultTransport(o.Timeout)
		transport = c.own
	}
	web := &http.Client{Transport: &guard{next: transport, auth: o.Auth, maxBytes: o.MaxAnswer}}
	for i, raw := range o.URLs {
		u, problem := parseURL(raw)
		if problem != "" {
			bad("address %d %s", i+1, problem)
			continue
		}
		p := &peer{name: u.Host + strings.TrimSuffix(u.Path, "/")}
		if slices.ContainsFunc(c.peers, func(q *peer) bool { return q.name == p.name }) {
			bad("address %d is a second time %s", i+1, p.name)
		}
		rt := rtclient.NewWithClient(u.Host, u.Path+"/api/v2", []string{u.Scheme}, web)
		rt.Debug = false // the library switches it on for DEBUG=1 in the environment, and dumps headers
		rt.Transport = transport
		rt.Consumers = map[string]runtime.Consumer{runtime.JSONMime: runtime.JSONConsumer()}
		p.api = client.New(rt, strfmt.Default)
		c.peers = append(c.peers, p)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c, nil
}

// parseURL returns what is wrong as a predicate without the address in it, for
// a password may hide anywhere in what somebody took for an address.
func parseURL(raw string) (_ *url.URL, problem string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, "cannot be read as a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "must begin with http:// or https://"
	case u.Host == "":
		return nil, "names no host"
	case u.User != nil:
		return nil, "holds a user or password; configure them apart, so that no log shows them"
	case u.RawQuery != "" || u.Fragment != "":
		return nil, "has a query or fragment; it should be the address of the web interface"
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, ""
}

// Close lets go of idle connections. A Transport that the caller gave is the
// caller's.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Name is the configured name.
func (c *Client) Name() string { return c.o.Name }

// each asks all peers at once and returns when all have answered or their time
// is over; the answers are in the order of the peers.
func each[T any](ctx context.Context, c *Client, ask func(context.Context, *peer) (T, error)) []answer[T] {
	out := make([]answer[T], len(c.peers))
	var asking sync.WaitGroup
	for i, p := range c.peers {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
			defer cancel()
			out[i].peer = p
			out[i].value, out[i].err = ask(ctx, p)
			if out[i].err != nil && ctx.Err() != nil {
				// The library's own words for it differ from case to case.
				out[i].err = errors.Join(ctx.Err(), out[i].err)
			}
		})
	}
	asking.Wait()
	for _, a := range out {
		c.note(a.peer, a.err)
	}
	return out
}

type answer[T any] struct {
	peer  *peer
	value T
	err   error
}

// note logs when a peer begins to fail, fails in another way, or answers again.
func (c *Client) note(p *peer, err error) {
	now := ""
	if err != nil {
		now = sentence(err, c.o.Timeout)
	}
	c.mu.Lock()
	before := c.said[p.name]
	c.said[p.name] = now
	c.mu.Unlock()
	switch {
	case now == before:
	case now == "":
		c.o.Log.Info("alertmanager answers again", "peer", p.name)
	default:
		c.o.Log.Warn("alertmanager "+now, "peer", p.name, "err", c.cause(p, err))
	}
}

// noAnswer is the error for people when no peer did what was asked; nil when
// one did. It is CodeForbidden if all of them refuse our credentials, and
// otherwise CodeUnavailable.
func noAnswer[T any](c *Client, answers []answer[T]) *bot.Error {
	var parts []string
	var causes []error
	code := bot.CodeForbidden
	for _, a := range answers {
		if a.err == nil {
			return nil
		}
		says := sentence(a.err, c.o.Timeout)
		if says != saysForbidden { // then trying again may help
			code = bot.CodeUnavailable
		}
		parts = append(parts, a.peer.name+" "+says)
		causes = append(causes, c.cause(a.peer, a.err))
	}
	return bot.Errorf(code, "Alertmanager %s is not available: %s.", c.o.Name, strings.Join(parts, "; ")).
		Because(errors.Join(causes...))
}

// cause is err for the log: with the peer's name, without the URL that net/http
// puts before it, and without our credentials, whoever echoed them.
func (c *Client) cause(p *peer, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &cause{text: p.name + ": " + c.o.Auth.scrub(err.Error()), err: err}
}

type cause struct {
	text string
	err  error
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.err }
