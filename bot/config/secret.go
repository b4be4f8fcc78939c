package config

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
)

// maxSecret is the most bytes that a secret's file may have.
const maxSecret = 64 << 10

// Secret is a secret in a file of its own. It holds the path, never the value. The
// path it shows only in errors, and only where it surely is one: people paste secrets
// where a path belongs.
type Secret struct {
	field string // the key that names it, for messages
	path  string
	// credential: systemd put the file where only the unit can see it, and its
	// mode says nothing.
	credential bool
	// absolute: it was written as an absolute path.
	absolute bool
	// handed: the path is a unit's word, and none that somebody may have pasted.
	handed bool
	// where tells in which folder a relative path was looked up: where the path itself
	// is not shown, a missing file must be found by this.
	where string
}

// String names the key that the secret was given under.
func (s Secret) String() string { return s.field }

// same tells whether two secrets are in one file, however it was written.
func (s Secret) same(o Secret) bool {
	return s.field == o.field && s.path == o.path && s.credential == o.credential
}

// GoString keeps %#v from showing the path.
func (s Secret) GoString() string { return "config.Secret(" + s.field + ")" }

// Read reads the file anew, so that a secret changed on disk is taken up, and
// gives its one line without the white space at its end. Errors name the key, and the
// file where that can be no pasted secret; they hold nothing of the value.
func (s Secret) Read() (string, error) {
	value, why := s.read()
	if why != "" {
		return "", errors.New(s.field + ": " + why)
	}
	return value, nil
}

func (s Secret) read() (value, why string) {
	// Not blocking: a named pipe in the file's place must not hang the bot.
	f, err := os.OpenFile(s.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if s.isPath(err) {
			return "", "the secret's file " + s.path + " " + reason(err)
		}
		return "", "the secret's file " + reason(err) + s.where
	}
	defer f.Close()
	file := "the secret's file " + s.path // which is there
	info, err := f.Stat()
	if err != nil {
		return "", file + " " + reason(err)
	}
	// The group may read: secrets managers give a file to root and the service's
	// group. Whoever may write could put their own secret there.
	const barred = 0o027
	mode := info.Mode()
	switch {
	case !mode.IsRegular():
		return "", file + " is no regular file"
	case !s.credential && mode.Perm()&barred != 0:
		return "", file + fmt.Sprintf(" has mode %04o, so that others may get at it: give it 0400, or 0440 with a group of its own", mode.Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", file + " " + reason(err)
	}
	if len(data) > maxSecret {
		return "", file + " is larger than 64 KiB"
	}
	data = bytes.TrimRight(data, " \t\r\n")
	switch {
	case len(data) == 0:
		return "", file + " is empty"
	case bytes.ContainsFunc(data, unicode.IsControl):
		// It would end up in a header, or be cut there.
		return "", file + " holds more than one line of plain text"
	}
	return string(data), ""
}

// isPath tells of what could not be opened whether it is a path for sure. A pasted
// secret is the name of nothing, and lies in no directory that is there.
func (s Secret) isPath(opening error) bool {
	if _, err := os.Lstat(s.path); err == nil || s.handed {
		return true
	}
	if !s.absolute {
		return false
	}
	if errors.Is(opening, fs.ErrPermission) {
		return true // of a directory on the way
	}
	dir := filepath.Dir(s.path)
	_, err := os.Lstat(dir)
	return err == nil && dir != "/"
}

// reason says why a file cannot be read, without its path.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "may not be read by this user"
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return "cannot be read: " + p.Err.Error()
	}
	return "cannot be read"
}

const inCredentials = " (looked up in $CREDENTIALS_DIRECTORY)"

// secret resolves where a secret's file is, and notes it for checkSecrets.
func (b *builder) secret(g given[string]) Secret {
	s, ok := b.judge.secret(g, b.getenv("CREDENTIALS_DIRECTORY"))
	if ok && b.handed != nil && !s.absolute {
		from, named := b.handed[g.v]
		if !named {
			b.fault(g.place, "the unit hands over no secret of this name: add a LoadCredential= to it")
			return s
		}
		s.path, s.credential, s.handed = from, true, true
	}
	if ok {
		b.secrets = append(b.secrets, placedSecret{s, g.place})
	}
	return s
}

func (j *judge) secret(g given[string], credentials string) (s Secret, ok bool) {
	s = Secret{field: g.field, path: g.v}
	switch {
	case !g.ok:
		return s, false
	case strings.ContainsFunc(g.v, unicode.IsControl):
		j.fault(g.place, "is no path: name a file that holds the secret")
		return s, false
	case filepath.IsAbs(g.v):
		s.path, s.absolute = filepath.Clean(g.v), true
		s.where = " (its path is absolute)"
		if in, err := filepath.Rel(credentials, s.path); credentials != "" && err == nil && filepath.IsLocal(in) {
			s.credential, s.where = true, inCredentials
		}
	case !filepath.IsLocal(g.v):
		j.fault(g.place, "leads out of the folder that it is looked up in: write an absolute path, or a plain name")
		return s, false
	case credentials != "":
		s.path, s.credential, s.where = filepath.Join(credentials, g.v), true, inCredentials
	default:
		s.path = filepath.Join(filepath.Dir(j.file), g.v)
		s.where = " (looked up in the configuration file's folder, since $CREDENTIALS_DIRECTORY is not set)"
		if abs, err := filepath.Abs(s.path); err == nil {
			s.path = abs
		}
	}
	return s, true
}

type placedSecret struct {
	Secret
	at place
}

// checkSecrets reads every secret once, so that a missing one is found at the
// start and not in the night.
func (b *builder) checkSecrets() {
	for _, s := range b.secrets {
		value, why := s.read()
		b.cfg.sums[s.field] = sumOf(value)
		switch {
		case why != "":
			b.fault(s.at, "%s", why)
		case strings.HasSuffix(s.field, "dead_man.url_file"):
			b.webAddress(value, s.at, "the secret's file")
		}
	}
}

// sumKey makes the sums of secrets useless outside this process.
var sumKey = func() []byte { k := make([]byte, 32); _, _ = rand.Read(k); return k }()

// sumOf tells one secret from another without keeping it.
func sumOf(value string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, sumKey)
	h.Write([]byte(value))
	copy(sum[:], h.Sum(nil))
	return sum
}
