package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

type trustedFile struct {
	path string
	at   place
	// secret: others must not be able to read it, either.
	secret bool
}

// trusted is a path to a file that must be root's alone.
func (b *agentBuilder) trusted(g given[string], secret bool) string {
	p := b.path(g, "")
	if g.ok && filepath.IsAbs(p) {
		b.files = append(b.files, trustedFile{p, g.place, secret})
	}
	return p
}

// checkState looks at the state's directory: whoever could put files there could
// have agreed to a plan, or exchange one before it runs.
func (b *agentBuilder) checkState() {
	if !filepath.IsAbs(b.cfg.State) || filepath.Clean(b.cfg.State) != b.cfg.State {
		return // a fault of its own, or there is no file at all
	}
	err := b.o.TrustState(b.cfg.State)
	if b.o.WithoutSecrets && errors.Is(err, fs.ErrPermission) {
		return // this user may not look at it, either
	}
	if err != nil {
		b.fault(b.keys.at("state", b.keys.State), "cannot be trusted: %s", err)
	}
}

// checkLock looks at where the builds' lock lies. It may have to be there, since
// the host's builds take it there: that is a warning.
func (b *agentBuilder) checkLock() {
	if !b.lock.ok || !filepath.IsAbs(b.lock.v) {
		return
	}
	dir := filepath.Dir(b.lock.v)
	if _, err := os.Stat(dir); err != nil {
		return // it may be made with the first build, or this user may not see it
	}
	if err := TrustedDirectory(dir); err != nil {
		b.warn(b.lock.place, "others than root may decide about this lock (%s): whoever makes it first can hold it for ever, and no run that needs it begins; let the builds lock something in a directory that root alone may write, such as /run/nixos", err)
	}
}

// checkFiles looks at the files that the configuration names.
func (b *agentBuilder) checkFiles() {
	for _, f := range b.files {
		if f.secret && b.o.WithoutPasswords {
			continue
		}
		if err := b.o.Trust(f.path); err != nil {
			b.fault(f.at, "cannot be trusted: %s", err)
			continue
		}
		info, err := os.Stat(f.path)
		switch {
		case err != nil:
			b.fault(f.at, "%s", reason(err))
		case f.secret && info.Mode().Perm()&0o007 != 0:
			b.fault(f.at, "has mode %04o, so that everybody may read it: give it 0400", info.Mode().Perm())
		}
	}
	for _, d := range b.directories {
		if err := b.o.TrustPrograms(d.path); err != nil {
			b.fault(d.at, "cannot be trusted: %s", err)
		}
	}
	if !b.o.WithoutSeeds {
		b.checkSeeds()
	}
}
