package certs

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/phrase"
)

// Options say what to look at.
type Options struct {
	// Host is the configured name of the host, which readings carry.
	Host      string
	Endpoints []Endpoint
	// Files are PEM files of certificates that no endpoint serves.
	Files []string
	// Timeout bounds each endpoint; 5 s.
	Timeout time.Duration
	// Zone gives the zone of the times in readings, anew for each; nil is UTC.
	Zone func() *time.Location
	// Dial connects, over TCP; for tests.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Read gives a file of at most so many bytes; from this machine's disk.
	Read func(path string, most int64) ([]byte, error)
}

// Endpoint is a service that serves a certificate.
type Endpoint struct {
	// Address is "host:port"; loopback is as good as any.
	Address string
	// ServerName is asked for, and must be in the certificate; the address' host
	// when empty.
	ServerName string
	// Protocol is how TLS begins there; "" is at once.
	Protocol Protocol
	// File is where the certificate lies, to be compared with what is served; ""
	// compares nothing.
	File string
	// Roots is a PEM file of the authorities that must have signed it; "" asks for
	// none.
	Roots string
}

// Protocol is how a service comes to speak TLS.
type Protocol string

const (
	Direct   Protocol = ""
	Postgres Protocol = "postgres" // PostgreSQL's SSLRequest
)

const (
	// warnWithin and badWithin are how long before its end a certificate should be
	// renewed, and is not ok.
	warnWithin = 21 * 24 * time.Hour
	badWithin  = 7 * 24 * time.Hour
)

// Probe reads certificates. It may be read by several at once.
type Probe struct{ o Options }

var _ bot.Probe = (*Probe)(nil)

// New makes the probe. It connects to nothing yet.
func New(o Options) *Probe {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Zone == nil {
		o.Zone = func() *time.Location { return time.UTC }
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", address)
		}
	}
	if o.Read == nil {
		o.Read = readFile
	}
	return &Probe{o: o}
}

// Name is "certificates" and the host's name.
func (p *Probe) Name() string { return strings.TrimSpace("certificates " + p.o.Host) }

// Tells are what its readings are called (bot/probing, Teller).
func (p *Probe) Tells() (out []string) {
	for _, e := range p.o.Endpoints {
		out = append(out, e.what())
	}
	for _, f := range p.o.Files {
		out = append(out, "certificate "+line(f))
	}
	return out
}

// Read gives one reading for each endpoint and each file, in their order; what
// cannot be had is unknown, with the reason.
func (p *Probe) Read(ctx context.Context) []bot.Reading {
	out := make([]bot.Reading, len(p.o.Endpoints)+len(p.o.Files))
	var wg sync.WaitGroup
	for i, e := range p.o.Endpoints {
		wg.Go(func() { out[i] = p.endpoint(ctx, e) })
	}
	for i, f := range p.o.Files {
		out[len(p.o.Endpoints)+i] = p.file(f)
	}
	wg.Wait()
	at := time.Now().UTC().Truncate(time.Millisecond)
	for i := range out {
		out[i].Host, out[i].At = p.o.Host, at
	}
	return out
}

func (p *Probe) endpoint(ctx context.Context, e Endpoint) bot.Reading {
	what := e.what()
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	chain, err := p.served(ctx, e)
	if err != nil {
		return unknown(what, e.Address, reason(err))
	}
	r := p.judge(what, e.Address, chain[0])
	var why, doubt []string
	if err := chain[0].VerifyHostname(e.name()); err != nil {
		why = append(why, fmt.Sprintf("it is not for %s", line(e.name())))
	}
	why = append(why, p.chained(chain)...)
	if e.Roots != "" {
		roots, err := p.certificates(e.Roots)
		if err != nil {
			doubt = append(doubt, "whether it is trusted is unknown: "+reason(err))
		} else if !trusted(chain, roots) {
			why = append(why, "no authority in "+line(e.Roots)+" has signed it")
		}
	}
	if e.File != "" {
		onDisk, err := p.certificates(e.File)
		if err != nil {
			doubt = append(doubt, "whether the file has another is unknown: "+reason(err))
		} else {
			why = append(why, p.compared(chain[0], onDisk[0], e.File)...)
		}
	}
	return worse(r, why, doubt)
}

// what is how its reading is called.
func (e Endpoint) what() string {
	if e.ServerName != "" {
		return "certificate of " + line(e.Address) + " for " + line(e.ServerName) // one service may serve several
	}
	return "certificate of " + line(e.Address)
}

// worse adds what makes a reading not ok, and what makes it unknown where it was
// ok.
func worse(r bot.Reading, why, doubt []string) bot.Reading {
	switch {
	case len(why) > 0:
		r.State = bot.NotOK
	case len(doubt) > 0 && r.State == bot.OK:
		r.State = bot.Unknown
	}
	notes := append(why, doubt...)
	if r.Note != "" {
		notes = append([]string{r.Note}, notes...)
	}
	r.Note = strings.Join(notes, "; ")
	return r
}

// name is what the certificate must be for.
func (e Endpoint) name() string {
	if e.ServerName != "" {
		return e.ServerName
	}
	host, _, err := net.SplitHostPort(e.Address)
	if err != nil {
		return e.Address
	}
	return host
}

// judge says how long a certificate still lasts.
func (p *Probe) judge(what, source string, c *x509.Certificate) bot.Reading {
	now := time.Now()
	r := bot.Reading{What: what, Source: line(source), State: bot.OK}.With(c.NotAfter.Sub(now).Seconds(), bot.FigureSeconds)
	left, life := c.NotAfter.Sub(now), c.NotAfter.Sub(c.NotBefore)
	when := phrase.Moment(c.NotAfter, p.o.Zone(), now)
	switch {
	case now.Before(c.NotBefore):
		r.Value, r.State = "not valid before "+phrase.Moment(c.NotBefore, p.o.Zone(), now), bot.NotOK
	case left <= 0:
		r.Value, r.State = fmt.Sprintf("ended %s ago (%s)", phrase.Duration(-left), when), bot.NotOK
	default:
		r.Value = fmt.Sprintf("ends in %s (%s)", phrase.Duration(left), when)
		switch {
		case left < min(badWithin, life/6):
			r.State, r.Note = bot.NotOK, "less than "+phrase.Duration(min(badWithin, life/6))
		case left < min(warnWithin, life/3):
			r.Value += ", to be renewed"
			r.Note = "less than " + phrase.Duration(min(warnWithin, life/3))
		}
	}
	return r
}

// chained tells of certificates above the service's own that end before it does, or
// have ended.
func (p *Probe) chained(chain []*x509.Certificate) []string {
	now := time.Now()
	var why []string
	for _, c := range chain[1:] {
		name, left := line(c.Subject.CommonName), c.NotAfter.Sub(now)
		switch {
		case left >= badWithin || !c.NotAfter.Before(chain[0].NotAfter):
		case left <= 0:
			why = append(why, fmt.Sprintf("%s above it ended %s ago (%s)", name, phrase.Duration(-left), phrase.Moment(c.NotAfter, p.o.Zone(), now)))
		default:
			why = append(why, fmt.Sprintf("%s above it ends in %s", name, phrase.Duration(left)))
		}
	}
	return why
}

// trusted verifies the chain against authorities. That something has ended is
// told already.
func trusted(chain, roots []*x509.Certificate) bool {
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, c := range roots {
		o.Roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	// A moment at which the service's own was surely valid.
	o.CurrentTime = chain[0].NotBefore.Add(chain[0].NotAfter.Sub(chain[0].NotBefore) / 2)
	if now := time.Now(); now.After(chain[0].NotBefore) && now.Before(chain[0].NotAfter) {
		o.CurrentTime = now
	}
	_, err := chain[0].Verify(o)
	return err == nil
}

// compared holds what is served against what lies on the disk.
func (p *Probe) compared(served, onDisk *x509.Certificate, path string) []string {
	switch {
	case onDisk.Equal(served):
		return nil
	case onDisk.NotAfter.After(served.NotAfter):
		return []string{fmt.Sprintf("%s has a newer one, until %s: the service has not loaded it", line(path), phrase.Moment(onDisk.NotAfter, p.o.Zone(), time.Now()))}
	}
	return []string{line(path) + " has another one, which does not last longer"}
}

func (p *Probe) file(path string) bot.Reading {
	what := "certificate " + line(path)
	cs, err := p.certificates(path)
	if err != nil {
		return unknown(what, path, reason(err))
	}
	return p.judge(what, path, cs[0])
}

// certificates reads the certificates of a PEM file. There is at least one.
func (p *Probe) certificates(path string) ([]*x509.Certificate, error) {
	const most = 1 << 20
	text, err := p.o.Read(path, most)
	if err != nil {
		return nil, err
	}
	return parsePEM(text)
}

// readFile reads a file of this machine. A pipe in its place must not hang anybody.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, errors.New("it is no file of certificates")
	}
	return io.ReadAll(io.LimitReader(f, most))
}

func parsePEM(text []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		// Whoever looks at certificates has no business with keys; that it could read
		// one is told, so that somebody names another file.
		if strings.HasSuffix(b.Type, "PRIVATE KEY") {
			return nil, errors.New("it holds a private key, and nothing in it was looked at: name a file with certificates alone")
		}
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, errors.New("a certificate in it cannot be read")
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("it holds no certificate")
	}
	return out, nil
}

func unknown(what, source, why string) bot.Reading {
	return bot.Reading{What: what, Source: line(source), Note: why, State: bot.Unknown}
}

// longest is how many characters of others' words are repeated.
const longest = 160

func line(s string) string { return clean.Line(s, longest) }
