package nixos

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"

	"watchstander/bot/sys"
)

// check asks one sign of health once.
func (n *NixOS) check(ctx context.Context, c Check) finding {
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	switch {
	case c.Unit != "":
		u, err := n.o.Host.Units.Unit(ctx, c.Unit)
		if err != nil {
			return finding{failing, "systemd does not tell how " + c.Unit + " is"}
		}
		switch u.Active {
		case "active", "reloading", "refreshing": // as `systemctl is-active` has it
			return finding{}
		}
		return finding{failing, c.Unit + " is " + tame(u.Active)}
	case c.URL != "":
		return n.get(ctx, c.URL)
	}
	out, err := n.o.Host.Run.Run(ctx, sys.Command{Argv: c.Argv, Limit: c.Limit})
	switch {
	case err != nil:
		return finding{failing, path.Base(c.Argv[0]) + " did not come to an end"}
	case out.Exit != 0:
		return finding{failing, fmt.Sprintf("%s ended with %d", path.Base(c.Argv[0]), out.Exit)}
	}
	return finding{}
}

// get asks a URL of this host. What it answers with is thrown away.
func (n *NixOS) get(ctx context.Context, url string) finding {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return finding{failing, "its URL cannot be asked"}
	}
	resp, err := n.o.Get(req)
	if err != nil {
		return finding{failing, "it does not answer"}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return finding{failing, fmt.Sprintf("it answers with status %d", resp.StatusCode)}
	}
	return finding{}
}

func checkName(c Check) string { return "health check " + tame(c.Name) }

func (c Check) source() string {
	switch {
	case c.Unit != "":
		return unitSource
	case c.URL != "":
		return c.URL
	}
	return c.Argv[0]
}

// askable tells whether this process can ask a check as a run would: systemd is
// asked over its bus; what a URL, or a program that may need the network or a
// directory to write to, says in a confined process is nothing about the host.
func (n *NixOS) askable(c Check) bool { return !n.o.Confined || c.Unit != "" }

// holding asks each check once, now: the names of those that hold, and of the
// others why they do not.
func (n *NixOS) holding(ctx context.Context, checks []Check) (held []string, broken []brokenCheck) {
	held = []string{}
	for _, c := range checks {
		if f := n.check(ctx, c); f.health == fine {
			held = append(held, c.Name)
		} else {
			broken = append(broken, brokenCheck{c, f.why})
		}
	}
	return held, broken
}

// brokenCheck is one that does not hold, and why.
type brokenCheck struct {
	Check
	why string
}

// checksOf picks checks by their names.
func (n *NixOS) checksOf(names []string) []Check {
	return slices.DeleteFunc(slices.Clone(n.o.Checks), func(c Check) bool { return !slices.Contains(names, c.Name) })
}
