package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
)

// served connects and takes the certificates that the service shows, its own
// first.
func (p *Probe) served(ctx context.Context, e Endpoint) ([]*x509.Certificate, error) {
	conn, err := p.o.Dial(ctx, e.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// A service that falls silent is not waited for.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	chain, err := handshake(ctx, conn, e)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return chain, err
}

func handshake(ctx context.Context, conn net.Conn, e Endpoint) ([]*x509.Certificate, error) {
	switch e.Protocol {
	case Direct:
	case Postgres:
		if err := askPostgres(conn); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("the protocol %q is not known", e.Protocol)
	}
	// Nothing but the certificate is taken, and no secret is sent, so nothing is
	// trusted here: an ended or unknown one must be seen too. The oldest version is
	// allowed for the same reason.
	var chain []*x509.Certificate
	c := tls.Client(conn, &tls.Config{
		ServerName: sni(e.name()), InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, //nolint:gosec // see above
		VerifyConnection: func(s tls.ConnectionState) error {
			chain = s.PeerCertificates
			return nil
		},
	})
	err := c.HandshakeContext(ctx)
	if len(chain) > 0 {
		// Some services want a certificate of ours and refuse us after theirs was shown.
		return chain, nil
	}
	if err == nil {
		err = errors.New("it shows no certificate")
	}
	return nil, err
}

// sni is the name to be asked for; addresses are not asked for by name.
func sni(name string) string {
	if net.ParseIP(name) != nil {
		return ""
	}
	return name
}

// askPostgres asks PostgreSQL to begin TLS: a message of eight bytes, the second
// four of which are no version but the request; "S" is yes.
func askPostgres(conn net.Conn) error {
	if _, err := conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[0] != 'S' {
		return errors.New("PostgreSQL there speaks no TLS")
	}
	return nil
}

// reason is an error in words for people.
func reason(err error) string {
	var op *net.OpError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	path := ""
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		path = at.Path
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there"
	case errors.As(err, &dns):
		return "its name cannot be resolved"
	case errors.As(err, &record):
		return "it does not speak TLS"
	case errors.As(err, &op) && op.Op == "remote error":
		return "it refused: " + line(op.Err.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "it hung up"
	case errors.Is(err, fs.ErrNotExist) && path != "":
		return line(path + " does not exist")
	case errors.Is(err, fs.ErrPermission) && path != "":
		return line("no permission to read " + path)
	}
	return line(err.Error())
}
