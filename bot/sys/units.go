package sys

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// unitKinds are systemd's types of units.
var unitKinds = []string{
	"service", "socket", "target", "device", "mount", "automount", "timer", "swap", "path", "slice", "scope",
}

// CheckUnitName tells whether systemd would take the name of a unit: its letters,
// its length, its type at the end. It is no pattern then, and no option.
func CheckUnitName(name string) error {
	const most = 255
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 || len(name) > most || !slices.Contains(unitKinds, name[dot+1:]) || name[0] == '@' {
		return fmt.Errorf("%w: %.300q is no unit's name", fs.ErrInvalid, name)
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(`:-_.\@`, c) >= 0:
		default:
			return fmt.Errorf("%w: %.300q is no unit's name", fs.ErrInvalid, name)
		}
	}
	return nil
}

// Check tells whether a transient unit is one that Units take: a service's name, an
// absolute program, and text that can be sent over a bus.
func (t Transient) Check() error {
	if err := CheckUnitName(t.Name); err != nil {
		return err
	}
	if !strings.HasSuffix(t.Name, ".service") {
		return fmt.Errorf("%w: %s is no service", fs.ErrInvalid, t.Name)
	}
	if err := (Command{Argv: t.Argv, Env: t.Env}).Check(); err != nil {
		return err
	}
	if t.Limit < 0 || t.StopLimit < 0 {
		return fmt.Errorf("%w: the limit of %s is below nothing", fs.ErrInvalid, t.Name)
	}
	for _, p := range t.Writable {
		if !strings.HasPrefix(p, "/") || path.Clean(p) != p {
			return fmt.Errorf("%w: %q is no absolute path", fs.ErrInvalid, p)
		}
	}
	for _, s := range slices.Concat([]string{t.Description}, t.Argv, t.Env, t.Writable) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fmt.Errorf("%w: %s has text that cannot be sent over a bus", fs.ErrInvalid, t.Name)
		}
	}
	return nil
}
