package prometheus

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"watchstander/bot"
)

// Defaults of a Config.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxBody   = 16 << 20
	DefaultMaxPoints = 360
	DefaultMaxSeries = 200
)

// Config tells where a server is and how far to trust it. Only URL is needed.
type Config struct {
	// URL is the server's address, http or https, with its path prefix if it has
	// one. A user and password in it are used as basic authentication and appear
	// in no error; a file is the better place for a password.
	URL string
	// Timeout bounds one call, from the name's look-up to the last byte.
	Timeout time.Duration
	// Bearer gives a token. It is asked for each call, so that a rotated secret
	// works at once.
	Bearer func() (string, error)
	// Username and Password are for basic authentication.
	Username string
	Password func() (string, error)
	// MaxBody is the largest answer taken, in bytes after decompression.
	MaxBody int64
	// MaxPoints is how many points a series has at most.
	MaxPoints int
	// MaxSeries is how many series of one expression are kept; others are counted.
	MaxSeries int
	// Transport is for tests, and for special ways to the server; nil means the
	// usual one.
	Transport http.RoundTripper
}

// Client asks one server. It may be used from many goroutines.
type Client struct {
	cfg Config
	raw api.Client
	api v1.API
}

// New makes a client; it does not talk to the server. All faults of the
// configuration are told at once, without the URL's credentials.
func New(cfg Config) (*Client, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.MaxBody = cmp.Or(cfg.MaxBody, DefaultMaxBody)
	cfg.MaxPoints = cmp.Or(cfg.MaxPoints, DefaultMaxPoints)
	cfg.MaxSeries = cmp.Or(cfg.MaxSeries, DefaultMaxSeries)

	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if cfg.Timeout < 0 || cfg.MaxBody < 0 || cfg.MaxPoints < 2 || cfg.MaxSeries < 1 {
		fault("a time-out or limit is too small")
	}
	if cfg.Bearer != nil && (cfg.Username != "" || cfg.Password != nil) {
		fault("give a bearer token or a user with a password, not both")
	}
	if (cfg.Username == "") != (cfg.Password == nil) {
		fault("a user name and a password belong together")
	}
	var user *url.Userinfo
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		fault("the URL cannot be read") // the parser's error would quote it, credentials and all
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		fault("the URL must be http://host or https://host")
	case u.RawQuery != "" || u.Fragment != "":
		fault("the URL must have no query and no fragment")
	default:
		user, u.User = u.User, nil
		if user != nil && (cfg.Bearer != nil || cfg.Username != "") {
			fault("the URL holds a user, and other credentials are configured too")
		}
		cfg.URL = u.String()
	}
	if len(faults) > 0 {
		cause := errors.Join(faults...)
		return nil, bot.Errorf(bot.CodeInvalid, "Prometheus is not configured well: %s", oneLine(cause.Error())).Because(cause)
	}

	next := cfg.Transport
	if next == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes = 64 << 10
		next = t
	}
	raw, err := api.NewClient(api.Config{Address: cfg.URL, Client: &http.Client{
		Transport: &transport{next: next, cfg: cfg, user: user},
		// A redirect could carry the credentials to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}})
	if err != nil {
		return nil, bot.Errorf(bot.CodeInvalid, "Prometheus is not configured well: the URL cannot be used").Because(err)
	}
	return &Client{cfg: cfg, raw: raw, api: v1.NewAPI(raw)}, nil
}

// transport adds the credentials and bounds the answer.
type transport struct {
	next http.RoundTripper
	cfg  Config
	user *url.Userinfo
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	switch {
	case t.cfg.Bearer != nil:
		token, err := credential(t.cfg.Bearer)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	case t.cfg.Password != nil:
		password, err := credential(t.cfg.Password)
		if err != nil {
			return nil, err
		}
		r.SetBasicAuth(t.cfg.Username, password)
	case t.user != nil:
		password, _ := t.user.Password()
		r.SetBasicAuth(t.user.Username(), password)
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	// It does not cut the answer silently: half a JSON document would look like a
	// server's fault.
	resp.Body = http.MaxBytesReader(nil, resp.Body, t.cfg.MaxBody)
	return resp, nil
}

// credential asks for a secret. Its errors hold none of it.
func credential(read func() (string, error)) (string, error) {
	value, err := read()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	value = strings.TrimSpace(value)
	if value == "" || strings.ContainsAny(value, "\r\n\x00") {
		return "", fmt.Errorf("%w: they must be one line", ErrCredentials)
	}
	return value, nil
}
