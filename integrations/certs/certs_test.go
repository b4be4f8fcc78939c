package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// issued is a certificate with its key.
type issued struct {
	cert *x509.Certificate
	der  []byte
	key  *ecdsa.PrivateKey
}

var serial int64

// issue makes a certificate that lasts from so long ago until so long from now;
// without an issuer it is an authority of its own.
func issue(t *testing.T, by *issued, name string, since, left time.Duration, hosts ...string) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-since), NotAfter: time.Now().Add(left),
		IsCA: len(hosts) == 0, BasicConstraintsValid: true}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &issued{c, der, key}
}

func (i *issued) write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cert.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: []byte("not looked at")}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.der})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve serves certificates on loopback, after what before does with each
// connection.
func serve(t *testing.T, config *tls.Config, before func(net.Conn) bool, chain ...*issued) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config == nil {
		config = &tls.Config{}
	}
	c := tls.Certificate{}
	for _, i := range chain {
		c.Certificate = append(c.Certificate, i.der)
	}
	if len(chain) > 0 {
		c.PrivateKey = chain[0].key
		config.Certificates = []tls.Certificate{c}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if before == nil || before(conn) {
				conn.SetDeadline(time.Now().Add(5 * time.Second))
				tls.Server(conn, config).Handshake()
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

func read(t *testing.T, o Options) bot.Reading {
	t.Helper()
	o.Host = "vulcan"
	rs := New(o).Read(t.Context())
	if len(rs) != 1 {
		t.Fatalf("%d readings", len(rs))
	}
	if r := rs[0]; r.Host != "vulcan" || r.At.IsZero() || r.Source == "" {
		t.Errorf("%+v", r)
	}
	return rs[0]
}

func TestDaysLeft(t *testing.T) {
	for _, c := range []struct {
		name        string
		since, left time.Duration
		state       bot.ReadingState
		value, note string
	}{
		{"fresh", 10 * day, 80*day + time.Minute, bot.OK, "ends in 80 d (", ""},
		{"to be renewed", 69 * day, 20*day + time.Hour + time.Minute, bot.OK, "ends in 20 d 1 h (", "less than 21 d"},
		{"nearly over", 85 * day, 5*day + time.Minute, bot.NotOK, "ends in 5 d (", "less than 7 d"},
		{"over", 91 * day, -day, bot.NotOK, "ended 1 d ago (", ""},
		{"not yet", -day, 90 * day, bot.NotOK, "not valid before ", ""},
		// Of an authority that gives out a day at a time, a week is no measure.
		{"a day's, fresh", 8 * time.Hour, 16*time.Hour + 30*time.Second, bot.OK, "ends in 16 h (", ""},
		{"a day's, to be renewed", 18 * time.Hour, 6 * time.Hour, bot.OK, "to be renewed", "less than 8 h"},
		{"a day's, nearly over", 21 * time.Hour, 3*time.Hour + 30*time.Second, bot.NotOK, "ends in 3 h (", "less than 4 h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, Options{Endpoints: []Endpoint{{Address: serve(t, nil, nil, issue(t, nil, "x", c.since, c.left, "127.0.0.1"))}}})
			if r.State != c.state || !strings.Contains(r.Value, c.value) || r.Note != c.note || !strings.HasPrefix(r.What, "certificate of 127.0.0.1:") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	root := issue(t, nil, "Step CA", 400*day, 3650*day)
	between := issue(t, root, "Between", day, 6*day+time.Minute)
	old := issue(t, root, "old", day, 80*day, "vulcan.lan")
	renewed := issue(t, root, "renewed", 0, 90*day, "vulcan.lan")
	other := issue(t, nil, "Other CA", day, 3650*day)
	over := issue(t, root, "over", 90*day, -time.Hour, "vulcan.lan")
	dead := issue(t, root, "Dead", 400*day, -40*day)
	orphan := issue(t, dead, "orphan", day, 80*day, "vulcan.lan")
	ended := "Dead above it ended 40 d ago (" + phrase.Moment(dead.cert.NotAfter, time.UTC, time.Now()) + ")"
	below := issue(t, between, "below", day, 80*day, "vulcan.lan")
	postgres := func(answer byte) func(net.Conn) bool {
		return func(c net.Conn) bool {
			var ask [8]byte
			if _, err := io.ReadFull(c, ask[:]); err != nil || ask != [8]byte{0, 0, 0, 8, 4, 210, 22, 47} {
				t.Errorf("%v: %v", ask, err)
			}
			c.Write([]byte{answer})
			return answer == 'S'
		}
	}
	for _, c := range []struct {
		name  string
		e     Endpoint
		state bot.ReadingState
		note  string
	}{
		{"as on the disk, and trusted", Endpoint{Address: serve(t, nil, nil, old), File: old.write(t), Roots: root.write(t)}, bot.OK, ""},
		{"renewed on the disk, and not loaded", Endpoint{Address: serve(t, nil, nil, old), File: renewed.write(t)}, bot.NotOK, "has a newer one, until "},
		{"older on the disk", Endpoint{Address: serve(t, nil, nil, renewed), File: old.write(t)}, bot.NotOK, "has another one, which does not last longer"},
		{"no file", Endpoint{Address: serve(t, nil, nil, old), File: "/nonexistent/x.pem"}, bot.Unknown, "whether the file has another is unknown: /nonexistent/x.pem does not exist"},
		{"another authority's", Endpoint{Address: serve(t, nil, nil, old), Roots: other.write(t)}, bot.NotOK, "has signed it"},
		{"no roots", Endpoint{Address: serve(t, nil, nil, old), Roots: t.TempDir()}, bot.Unknown, "whether it is trusted is unknown: it is no file of certificates"},
		{"over, which is told once", Endpoint{Address: serve(t, nil, nil, over), Roots: root.write(t)}, bot.NotOK, ""},
		{"what is above it ends first", Endpoint{Address: serve(t, nil, nil, below, between), Roots: root.write(t)}, bot.NotOK, "Between above it ends in 6 d"},
		{"what is above it has ended", Endpoint{Address: serve(t, nil, nil, orphan, dead)}, bot.NotOK, ended},
		{"of somebody else", Endpoint{Address: serve(t, nil, nil, old), ServerName: "mars.lan"}, bot.NotOK, "it is not for mars.lan"},
		{"wants one of ours", Endpoint{Address: serve(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, nil, old)}, bot.OK, ""},
		{"PostgreSQL", Endpoint{Address: serve(t, nil, postgres('S'), old), Protocol: Postgres}, bot.OK, ""},
		{"PostgreSQL without", Endpoint{Address: serve(t, nil, postgres('N'), old), Protocol: Postgres}, bot.Unknown, "PostgreSQL there speaks no TLS"},
		{"another protocol", Endpoint{Address: serve(t, nil, nil, old), Protocol: "smtp"}, bot.Unknown, "not known"},
		{"no TLS", Endpoint{Address: serve(t, nil, func(c net.Conn) bool { c.Write([]byte("SSH-2.0-x\r\n")); return false }, old)}, bot.Unknown, ""},
		{"no certificate", Endpoint{Address: serve(t, nil, nil)}, bot.Unknown, "it refused: "},
		{"nobody", Endpoint{Address: nobody(t)}, bot.Unknown, "nobody listens there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.e.ServerName == "" {
				c.e.ServerName = "vulcan.lan"
			}
			r := read(t, Options{Endpoints: []Endpoint{c.e}})
			if r.State != c.state || !strings.Contains(r.Note, c.note) || c.note == "" && c.state == bot.OK && r.Note != "" {
				t.Errorf("%+v", r)
			}
			if c.name == "over, which is told once" && (r.Note != "" || !strings.HasPrefix(r.Value, "ended 1 h ago")) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// One that falls silent holds nobody up for longer than its time.
func TestSilent(t *testing.T) {
	release := make(chan struct{})
	silent := serve(t, nil, func(c net.Conn) bool { <-release; return false }, issue(t, nil, "x", day, day, "x"))
	quick := serve(t, nil, nil, issue(t, nil, "x", day, 300*day, "127.0.0.1"))
	began := time.Now()
	rs := New(Options{Timeout: 100 * time.Millisecond, Endpoints: []Endpoint{{Address: silent}, {Address: silent, Protocol: Postgres}, {Address: quick}}}).Read(t.Context())
	close(release)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	for i, want := range []string{"no answer in time", "no answer in time", ""} {
		if rs[i].Note != want {
			t.Errorf("%+v", rs[i])
		}
	}
}

func TestFiles(t *testing.T) {
	c := issue(t, nil, "x", 10*day, 80*day+time.Minute, "x")
	r := read(t, Options{Files: []string{c.write(t)}})
	if r.State != bot.OK || !strings.HasPrefix(r.Value, "ends in 80 d (") {
		t.Errorf("%+v", r)
	}
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// A key is nobody's business here, whatever it is called, and wherever it stands.
	const keyed = "it holds a private key, and nothing in it was looked at: name a file with certificates alone"
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	for path, note := range map[string]string{
		write(block("PRIVATE KEY", []byte("x")) + block("CERTIFICATE", c.der)):    keyed,
		write(block("CERTIFICATE", c.der) + block("EC PRIVATE KEY", []byte("x"))): keyed,
		write(block("ENCRYPTED PRIVATE KEY", []byte("x"))):                        keyed,
		"/nonexistent/\x1bx":    "/nonexistent/␛x does not exist",
		write("no certificate"): "it holds no certificate",
		write(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))): "a certificate in it cannot be read",
		write(strings.Repeat("x", 1<<20+1)):                                                    "it is no file of certificates",
	} {
		if r := read(t, Options{Files: []string{path}}); r.State != bot.Unknown || r.Note != note || r.Value != "" {
			t.Errorf("%+v", r)
		}
	}
	// Whoever reads through something else reads nothing by itself.
	other := Options{Files: []string{"/x"}, Read: func(path string, most int64) ([]byte, error) {
		return []byte(block("CERTIFICATE", c.der)), nil
	}}
	if r := read(t, other); r.State != bot.OK || r.What != "certificate /x" {
		t.Errorf("%+v", r)
	}
	if n := New(Options{Host: "vulcan"}).Name(); n != "certificates vulcan" {
		t.Error(n)
	}
}

func TestReason(t *testing.T) {
	for want, err := range map[string]error{
		"its name cannot be resolved": fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "x"}),
		"it hung up":                  fmt.Errorf("read: %w", io.EOF),
		"no answer in time":           context.DeadlineExceeded,
		"odd␛":                        errors.New("odd\x1b"),
	} {
		if got := reason(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

func FuzzParsePEM(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if cs, err := parsePEM(text); (err == nil) != (len(cs) > 0) {
			t.Errorf("%d certificates: %v", len(cs), err)
		}
	})
}
