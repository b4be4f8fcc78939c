package config

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// certificates reads those of one host of the bot's file. The bot connects to
// addresses and reads files with no more rights than its own user has.
func (b *builder) certificates(host *hostKeys) []Certificate {
	var out []Certificate
	for i := range host.Certs.items {
		k := &host.Certs.items[i]
		c := Certificate{Address: k.Address.v, ServerName: k.ServerName.v, Postgres: k.Protocol.v == "postgres", Roots: b.path(k.Roots, ""), File: b.path(k.File, "")}
		switch {
		case k.Address.ok:
			b.hostAndPort(k.Address)
		case k.Address.set || k.line == 0:
		case !k.File.set && !b.open(k.field, "address", "file"):
			b.fault(k.place, "names no certificate: write address (as in vulcan.lan:443), file, or both")
		default:
			for _, g := range []struct {
				key string
				g   given[string]
			}{{"server_name", k.ServerName}, {"protocol", k.Protocol}, {"roots", k.Roots}} {
				if g.g.set && !b.open(k.field, "address") {
					b.fault(g.g.place, "says how a service is asked, and no address is given: write one, or leave %s out", g.key)
				}
			}
		}
		if protocols := []string{"tls", "postgres"}; k.Protocol.ok && !slices.Contains(protocols, k.Protocol.v) {
			b.fault(k.Protocol.place, "there is no protocol %s%s", short(k.Protocol.v), choose(k.Protocol.v, protocols...))
		}
		if k.ServerName.ok && strings.ContainsFunc(k.ServerName.v, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == ':' || c == '/' }) {
			b.fault(k.ServerName.place, "is no server's name: write the name that its certificate is for, as in vulcan.lan")
		}
		if k.File.ok && !host.Local.v {
			b.fault(k.File.place, "would be read on the bot's own machine, and this host is not local: name an address of it, or put the file into the file of its agent")
		}
		if j := slices.IndexFunc(out, func(o Certificate) bool {
			return o.Address == c.Address && o.ServerName == c.ServerName && (c.Address != "" || o.File == c.File)
		}); j >= 0 && (c.Address != "" || c.File != "") {
			b.fault(k.place, "stands twice (line %d)", host.Certs.items[j].line)
		}
		out = append(out, c)
	}
	return out
}

// certificates reads those of the agent's file: files that root alone may read.
func (b *agentBuilder) certificates() {
	for _, g := range b.keys.Certs.items {
		p := b.path(g, "")
		switch {
		case !g.ok:
		case slices.Contains(b.cfg.Certificates, p):
			b.fault(g.place, "stands twice")
		default:
			b.cfg.Certificates = append(b.cfg.Certificates, p)
		}
	}
}

// hostAndPort looks at the address of a service.
func (j *judge) hostAndPort(g given[string]) {
	host, port, err := net.SplitHostPort(g.v)
	switch {
	case strings.Contains(g.v, "://"):
		j.fault(g.place, "is a URL: write host and port alone, as in vulcan.lan:443")
	case err != nil || host == "" || port == "" || !portIsNumber(port) || strings.ContainsFunc(host, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == '/' || c == '@' }):
		j.fault(g.place, "%s is no address: write a host and a port, as in vulcan.lan:443, 127.0.0.1:5432 or \"[::1]:443\"", short(g.v))
	}
}

// path is an absolute, clean path.
func (j *judge) path(g given[string], standard string) string {
	p := g.or(standard)
	switch {
	case !g.ok:
	case !filepath.IsAbs(p):
		j.fault(g.place, "must be an absolute path")
	case strings.ContainsFunc(p, unicode.IsControl):
		j.fault(g.place, "is no path: it holds a control character")
	case filepath.Clean(p) != p:
		j.fault(g.place, "must be written plainly, without \"..\", \"//\" or a \"/\" at its end: %s", filepath.Clean(p))
	}
	return p
}
