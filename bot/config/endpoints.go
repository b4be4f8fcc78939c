package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (b *builder) listen() {
	b.cfg.Listen = b.keys.Listen.or("127.0.0.1:9097")
	b.listenAt(b.keys.Listen)
}

// listenAt faults what is no address to listen on.
func (b *builder) listenAt(k given[string]) {
	if !k.ok {
		return
	}
	host, port, err := net.SplitHostPort(k.v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		b.fault(k.place, "%s is no address to listen on: write an IP address and a port, such as 127.0.0.1:9097 or \"[::1]:9097\"", short(k.v))
		return
	}
	if host != "localhost" && host != "" {
		if _, err := netip.ParseAddr(host); err != nil {
			b.fault(k.place, "%s is a name, and names may lead anywhere: write the IP address itself", short(host))
			return
		}
	}
	if !loopback(host) && !b.keys.ListenPublic.v {
		b.fault(k.place, "%s can be reached from other machines, and there is no TLS here: listen on 127.0.0.1 behind a proxy that speaks TLS, or write listen_public: true to say that you mean it", short(k.v))
	}
}

// loopback tells whether only this machine can be meant.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// address reads an http or https address; nil when it is a fault. Messages
// never show it: it may hold a password.
func (j *judge) address(g given[string]) *url.URL {
	if !g.ok {
		return nil
	}
	return j.webAddress(g.v, g.place, "")
}

func (j *judge) webAddress(text string, at place, whose string) *url.URL {
	in := ""
	if whose != "" {
		in = whose + " holds no address that can be called: "
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		j.fault(at, "%sthis is no address: write it like https://matrix.example.org", in)
	case u.User != nil:
		j.fault(at, "%san address holds no user name or password, which have keys and files of their own", in)
	case u.Scheme != "http" && u.Scheme != "https":
		j.fault(at, "%san address begins with http:// or https://", in)
	case u.Hostname() == "" || !portIsNumber(u.Port()):
		j.fault(at, "%san address has a host, and a port from 1 to 65535 if any", in)
	case whose == "" && (u.RawQuery != "" || u.ForceQuery || u.Fragment != ""):
		j.fault(at, "a base address ends before any ? or #")
	default:
		return u
	}
	return nil
}

func portIsNumber(p string) bool {
	n, err := strconv.ParseUint(p, 10, 16)
	return p == "" || err == nil && n > 0
}

// base is the address without a slash at its end, ready for a path to follow.
func base(u *url.URL) string { return strings.TrimRight(u.String(), "/") }

func (b *builder) alertmanagers() {
	if b.keys.Alertmanagers.empty() {
		b.fault(b.keys.Alertmanagers.place, "is empty: without an Alertmanager there is nothing to tell")
	}
	for i := range b.keys.Alertmanagers.items {
		k := &b.keys.Alertmanagers.items[i]
		b.named(k.Name)
		b.alertmanagerNames.add(&b.judge, k.Name)
		a := Alertmanager{Name: k.Name.v, Poll: k.Poll.or(30 * time.Second)}
		a.Credentials = b.credentials(k.BearerTokenFile, k.BasicAuth)
		for _, g := range k.URLs.items {
			u := b.address(g)
			if u == nil {
				continue
			}
			if slices.Contains(a.URLs, base(u)) {
				b.fault(g.place, "stands twice: a peer is asked once")
				continue
			}
			a.URLs = append(a.URLs, base(u))
			b.inTheClear(u, a.Credentials, g.place)
		}
		if k.URLs.empty() {
			b.fault(k.URLs.place, "is empty: write the address of every peer")
		}
		for _, g := range k.Receivers.items {
			if g.ok {
				a.Receivers = append(a.Receivers, g.v)
			}
		}
		if k.Receivers.empty() {
			b.fault(k.Receivers.place, "is empty: no alert would be ours; write the receivers that lead here")
		}
		b.atLeast(k.Poll, time.Second)
		b.cfg.Alertmanagers = append(b.cfg.Alertmanagers, a)
	}
}

// credentials are at most one of the two.
func (b *builder) credentials(bearer given[string], basic *basicKeys) (c Credentials) {
	if bearer.set {
		s := b.secret(bearer)
		c.Bearer = &s
	}
	if basic != nil {
		c.Basic = &Basic{Username: basic.Username.v, Password: b.secret(basic.PasswordFile)}
		if strings.Contains(basic.Username.v, ":") {
			b.fault(basic.Username.place, "a user name holds no colon; the password has a file of its own")
		}
	}
	if c.Bearer != nil && c.Basic != nil {
		b.fault(bearer.place, "stands beside basic_auth: leave one of the two out")
	}
	return c
}

func (b *builder) inTheClear(u *url.URL, c Credentials, at place) {
	if u.Scheme == "http" && !loopback(u.Hostname()) && (c.Bearer != nil || c.Basic != nil) {
		b.warn(at, "the credentials travel in the clear: use https where others share the network")
	}
}

func (b *builder) prometheus() {
	k := b.keys.Prometheus
	if k == nil {
		return
	}
	p := &Prometheus{Graph: k.Graph.or(3 * time.Hour), Credentials: b.credentials(k.BearerTokenFile, k.BasicAuth)}
	if u := b.address(k.URL); u != nil {
		p.URL = base(u)
		b.inTheClear(u, p.Credentials, k.URL.place)
	}
	b.atLeast(k.Graph, time.Minute)
	b.cfg.Prometheus = p
}

// uidForm is what Grafana lets a dashboard's uid be.
var uidForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`)

func (b *builder) grafana() {
	k := b.keys.Grafana
	if k == nil {
		return
	}
	g := &Grafana{AtLeast: k.AtLeast.v}
	if k.TokenFile.set {
		s := b.secret(k.TokenFile)
		g.Token = &s
	}
	if u := b.address(k.URL); u != nil {
		g.URL = base(u)
		b.inTheClear(u, Credentials{Bearer: g.Token}, k.URL.place)
	}
	for _, x := range k.Dashboards.items {
		switch {
		case !x.ok:
		case !uidForm.MatchString(x.v):
			b.fault(x.place, "%s is no dashboard's uid: it stands in the dashboard's address, behind /d/", short(x.v))
		case slices.Contains(g.Dashboards, x.v):
			b.fault(x.place, "stands twice")
		default:
			g.Dashboards = append(g.Dashboards, x.v)
		}
	}
	b.cfg.Grafana = g
}

// headerForm is what RFC 9110 lets a header be named.
var headerForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

const minBody = 64 << 10 // a group of some dozen alerts is larger

func (b *builder) webhooks() {
	served := newNames("webhook")
	delivers := map[string]bool{}
	for i := range b.keys.Webhooks.items {
		k := &b.keys.Webhooks.items[i]
		b.named(k.Name)
		served.add(&b.judge, k.Name)
		b.alertmanagerNames.known(&b.judge, k.Alertmanager)
		delivers[k.Alertmanager.v] = true
		w := Webhook{Name: k.Name.v, Alertmanager: k.Alertmanager.v, MaxBody: int64(k.MaxBody.or(32 << 20))}
		w.Credentials = b.credentials(k.BearerTokenFile, k.BasicAuth)
		if k.HMAC != nil {
			w.HMAC = &HMAC{Header: k.HMAC.Header.or("X-Signature-256"), Secret: b.secret(k.HMAC.SecretFile)}
			if !headerForm.MatchString(w.HMAC.Header) {
				b.fault(k.HMAC.Header.place, "%s is no header's name", short(w.HMAC.Header))
			}
			if w.Bearer != nil || w.Basic != nil {
				b.fault(k.HMAC.place, "stands beside other credentials: a webhook checks exactly one kind")
			}
		} else if w.Bearer == nil && w.Basic == nil && k.line > 0 && !b.open(k.field, "bearer_token_file", "basic_auth", "hmac") {
			b.fault(k.place, "has no credentials, so that anybody could make up alerts: write one of bearer_token_file, basic_auth, hmac")
		}
		if k.MaxBody.ok && k.MaxBody.v < minBody {
			b.fault(k.MaxBody.place, "is too small for a group of alerts, and what is refused may be lost: write at least 64KiB")
		}
		b.cfg.Webhooks = append(b.cfg.Webhooks, w)
	}
	for i := range b.keys.Alertmanagers.items {
		if k := &b.keys.Alertmanagers.items[i]; k.Name.ok && !delivers[k.Name.v] {
			b.warn(k.place, "no webhook belongs to it: its alerts are found by polling alone, after alerts.adopt_after")
		}
	}
}

// atLeast faults durations that make no sense.
func (j *judge) atLeast(g given[time.Duration], least time.Duration) {
	if g.ok && g.v < least {
		j.fault(g.place, "must be at least %s", spelt(least))
	}
}
