package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/integrations/systemd"
)

// handedBy has the secrets read from where a unit's are from, and looks at each: one that is
// missing keeps systemd from starting the unit, whether the configuration names it or not.
// Without a unit it does nothing.
func handedBy(ctx context.Context, unit string, o *config.Options) ([]bot.Reading, error) {
	if unit == "" {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("--unit wants root, who alone may read a unit's secrets")
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	credentials, err := systemd.Credentials(ctx, unit)
	if err != nil {
		return nil, err
	}
	o.Credentials = map[string]string{}
	var out []bot.Reading
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		c := credentials[name]
		o.Credentials[name] = c.Path
		what := fmt.Sprintf("secret %s of the unit", name)
		_, err := os.Stat(c.Path)
		switch {
		case err == nil:
			out = append(out, read(what, bot.OK, c.Path, ""))
		case c.Encrypted:
			out = append(out, read(what, bot.Unknown, c.Path, "it is encrypted, and lies there only while the unit runs"))
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, read(what, bot.NotOK, c.Path, "does not exist, so that systemd does not start the unit"))
		default:
			out = append(out, read(what, bot.NotOK, c.Path, err.Error()))
		}
	}
	return out, nil
}
