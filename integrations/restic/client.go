package restic

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot/clean"
	"watchstander/bot/sys"
)

// client runs restic on one repository. It is made anew for each piece of work,
// so that rotated secrets are taken up.
type client struct {
	h    sys.Host
	c    *Config
	r    *Repository
	env  []string
	args []string // that every command gets
	// location is where the repository is; it may hold a password.
	location string
	// secrets are struck out of what restic says.
	secrets []string
}

const (
	mostEnvironment = 256 << 10
	mostLocation    = 16 << 10
	// kept is how much is kept of what restic says.
	kept = 256 << 10
)

// open reads how a repository is reached. It touches no network.
func (b *Backups) open(r *Repository) (*client, error) {
	c := &client{h: b.h, c: &b.c, r: r}
	var vars []variable
	if r.EnvironmentFile != "" {
		text, err := b.h.Files.Read(r.EnvironmentFile, mostEnvironment)
		if err != nil {
			return nil, &Fault{Kind: NotStarted, Text: "its environment file cannot be read", Cause: err}
		}
		if vars, err = parseEnvironment(string(text)); err != nil {
			return nil, &Fault{Kind: NotStarted, Text: "its environment file is wrong: " + err.Error()}
		}
	}
	c.location = r.Location
	if r.LocationFile != "" {
		text, err := b.h.Files.Read(r.LocationFile, mostLocation)
		if err != nil {
			return nil, &Fault{Kind: NotStarted, Text: "the file with its location cannot be read", Cause: err}
		}
		c.location = strings.TrimSpace(string(text))
	}
	values := map[string]string{}
	for _, v := range vars {
		values[v.name] = v.value
	}
	if r.Location == "" && r.LocationFile == "" {
		c.location = values["RESTIC_REPOSITORY"]
		if file := values["RESTIC_REPOSITORY_FILE"]; c.location == "" && file != "" {
			text, err := b.h.Files.Read(file, mostLocation)
			if err != nil {
				return nil, &Fault{Kind: NotStarted, Text: "the file with its location cannot be read", Cause: err}
			}
			c.location = strings.TrimSpace(string(text))
		}
	}
	if c.location == "" || strings.ContainsAny(c.location, "\x00\r\n") {
		return nil, &Fault{Kind: NotStarted, Text: "it has no location"}
	}
	// Restic takes one door and refuses two. RESTIC_HOST would hide the snapshots
	// of other hosts, and the pace of its progress is ours to set.
	ours := []string{"RESTIC_REPOSITORY", "RESTIC_REPOSITORY_FILE", "RESTIC_HOST", "RESTIC_PROGRESS_FPS", "RESTIC_CACHE_DIR"}
	if r.PasswordFile != "" {
		ours = append(ours, "RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND")
	}
	if b.c.SearchPath != "" {
		ours = append(ours, "PATH")
		c.env = append(c.env, "PATH="+b.c.SearchPath)
	}
	for name, value := range values {
		if !slices.Contains(ours, name) {
			c.env = append(c.env, name+"="+value)
		}
		c.hide(value)
	}
	slices.Sort(c.env)
	// Not as an argument: those can be read by everybody on the host.
	c.env = append(c.env, "RESTIC_REPOSITORY="+c.location)
	c.hide(c.location)
	c.secrets = append(c.secrets, LocationSecrets(c.location)...)
	// The longest first: what stands in another one must not break it up.
	slices.SortFunc(c.secrets, func(a, b string) int { return len(b) - len(a) })
	c.args = []string{"--cache-dir=" + b.cacheDir()}
	if r.PasswordFile != "" {
		c.args = append(c.args, "--password-file="+r.PasswordFile)
	}
	if r.LimitDownload > 0 {
		c.args = append(c.args, "--limit-download="+strconv.Itoa(r.LimitDownload))
	}
	return c, nil
}

// hide remembers what must not be repeated. Short values ("1", "true") would
// punch holes into every sentence, and protect nothing.
func (c *client) hide(value string) {
	const least = 6
	if len(value) >= least {
		c.secrets = append(c.secrets, value)
	}
}

// LocationSecrets are the passwords in a location ("rest:https://user:pass@host"): with
// their user, alone, and decoded. One without a password has its user at most.
func LocationSecrets(location string) []string {
	userinfo, ok := userinfo(location)
	if !ok {
		return nil
	}
	out := []string{userinfo + "@"}
	if _, password, found := strings.Cut(userinfo, ":"); found && password != "" {
		out = append(out, password)
		if plain, err := url.PathUnescape(password); err == nil && plain != password {
			out = append(out, plain)
		}
	}
	return out
}

// userinfo is what stands before the last "@" of a URL's host part.
func userinfo(location string) (string, bool) {
	_, rest, found := strings.Cut(location, "://")
	if !found {
		return "", false
	}
	authority, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return "", false
	}
	return authority[:at], true
}

// plainLocation is the location without its password, for the digest of a plan.
func (c *client) plainLocation() string {
	if info, ok := userinfo(c.location); ok {
		return strings.Replace(c.location, info+"@", "", 1)
	}
	return c.location
}

// localPath is the directory that a local repository lies in.
func (c *client) localPath() (string, bool) {
	p := strings.TrimPrefix(c.location, "local:")
	return p, strings.HasPrefix(p, "/")
}

// strike makes restic's words fit for people: without secrets, in one line.
func (c *client) strike(text string) string {
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s, "…")
	}
	// Whole ids say no more to people, and look like secrets.
	text = packID.ReplaceAllStringFunc(text, func(id string) string { return id[:8] })
	return clean.Line(strings.Join(strings.Fields(text), " "), longest)
}

// longest is how many characters of restic's words are repeated.
const longest = 240

// call is one run of restic.
type call struct {
	args  []string // the command and its flags
	names []string // positional ones, put behind "--"
	// limit bounds its time, and what names it; 0 leaves it to the context.
	limit time.Duration
	what  string
	env   []string
	// most is how much of its output is kept; kept where it is 0.
	most int
	out  io.Writer
	line func(stream, line string)
	// cache is another directory than the usual one, "" for that.
	cache string
}

// run runs restic. What is not exit code 0 is a *Fault, with the output beside it.
func (c *client) run(ctx context.Context, k call) (sys.Output, error) {
	argv := append([]string{c.c.Program}, k.args...)
	argv = append(argv, c.args...)
	if k.cache != "" {
		argv = slices.DeleteFunc(argv, func(a string) bool { return strings.HasPrefix(a, "--cache-dir=") })
		argv = append(argv, "--cache-dir="+k.cache)
	}
	if len(k.names) > 0 {
		argv = append(append(argv, "--"), k.names...)
	}
	if k.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = withBudget(ctx, k.what, k.limit)
		defer cancel()
	}
	out, err := c.h.Run.Run(ctx, sys.Command{
		Argv: argv, Env: append(slices.Clone(c.env), k.env...), Most: cmp.Or(k.most, kept), Stdout: k.out, Line: k.line,
	})
	if err != nil {
		return out, c.unended(err, out)
	}
	if out.Exit != 0 {
		return out, c.fault(out)
	}
	return out, nil
}

// version asks restic for its version, "0.18.1".
func (c *client) version(ctx context.Context) (string, error) {
	out, err := c.run(ctx, call{args: []string{"version"}, limit: 20 * time.Second, what: "asking restic for its version"})
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(bytes.TrimSpace(out.Stdout)))
	if len(fields) < 2 || fields[0] != "restic" {
		return "", &Fault{Kind: NotStarted, Text: "the program does not say that it is restic"}
	}
	return clean.Line(fields[1], 40), nil
}

// atLeast compares versions by their numbers; what is none of them is new.
func atLeast(version string, major, minor int) bool {
	var a, b int
	if n, err := fmt.Sscanf(version, "%d.%d", &a, &b); err != nil || n != 2 {
		return true
	}
	return a > major || a == major && b >= minor
}

// unlock removes locks whose process is gone. It cannot clear a live one.
func (c *client) unlock(ctx context.Context) error {
	_, err := c.run(ctx, call{args: []string{"unlock"}, limit: time.Minute, what: "removing dead locks"})
	return err
}
