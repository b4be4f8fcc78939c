package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	godbus "github.com/godbus/dbus/v5"
)

// Credential is a secret that systemd hands to a unit when it starts it (LoadCredential=).
type Credential struct {
	// Path is the file that it is taken from; of an encrypted one, where it lies decrypted
	// while the unit runs.
	Path      string
	Encrypted bool
}

// credstores are where systemd looks for what is named by no absolute path.
var credstores = []string{"/etc/credstore", "/run/credstore", "/usr/local/lib/credstore", "/usr/lib/credstore"}

// Credentials gives the secrets that systemd would hand to a service ("watchstander",
// "watchstander.service"), by their names, whether it runs or not. Errors are for people.
func Credentials(ctx context.Context, service string) (map[string]Credential, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("systemd cannot be asked: %s", reason(err))
	}
	defer conn.Close()
	return credentials(ctx, conn, service)
}

func credentials(ctx context.Context, conn Conn, service string) (map[string]Credential, error) {
	service = strings.TrimSuffix(service, ".service") + ".service"
	state, err := conn.GetUnitPropertyContext(ctx, service, "LoadState")
	if err != nil {
		return nil, fmt.Errorf("systemd cannot be asked about %s: %s", service, reason(err))
	}
	if s, _ := state.Value.Value().(string); s != "loaded" {
		return nil, fmt.Errorf("systemd has no unit %s (it is %s)", service, s)
	}
	out := map[string]Credential{}
	for _, property := range []string{"LoadCredentialEncrypted", "LoadCredential"} {
		p, err := conn.GetUnitTypePropertyContext(ctx, service, "Service", property)
		if err != nil {
			// Systemd before 247 has none of it, before 250 none that are encrypted.
			if e, ok := errors.AsType[godbus.Error](err); ok && e.Name == "org.freedesktop.DBus.Error.UnknownProperty" {
				continue
			}
			return nil, fmt.Errorf("systemd does not tell %s of %s: %s", property, service, reason(err))
		}
		var pairs []struct{ Name, Path string }
		if err := p.Value.Store(&pairs); err != nil {
			return nil, fmt.Errorf("what systemd tells of %s of %s cannot be read: %w", property, service, err)
		}
		for _, c := range pairs {
			if property == "LoadCredentialEncrypted" {
				out[c.Name] = Credential{Path: filepath.Join("/run/credentials", service, c.Name), Encrypted: true}
				continue
			}
			out[c.Name] = Credential{Path: inStore(c.Path)}
		}
	}
	return out, nil
}

// inStore finds what is named by no absolute path.
func inStore(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	for _, dir := range credstores {
		if at := filepath.Join(dir, path); !missing(at) {
			return at
		}
	}
	return filepath.Join(credstores[0], path)
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
