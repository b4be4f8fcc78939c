package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"strings"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/redact"
	"watchstander/integrations/restic"
)

// agentRules are the redactor's rules on a host, which know the secrets that the
// agent's file names: seeds of codes, and what repositories are opened with.
func agentRules(c *config.Agent, worker bool, log *slog.Logger) (*redact.Redactor, error) {
	o := redact.Options{IDPrefixes: bot.IDPrefixes}
	know := func(name, value string) {
		if len(value) >= 8 { // shorter ones would be found everywhere
			o.Known = append(o.Known, redact.Known{Name: name, Value: value})
		}
	}
	for _, p := range c.People {
		if p.Seed == nil || worker {
			continue // a worker has no seeds, and sees none
		}
		value, err := p.Seed.Read()
		if err != nil {
			return nil, fmt.Errorf("the seed of %s: %w", p.ID, err)
		}
		know("totp-seed-"+string(p.ID), value)
	}
	if c.Backup == nil {
		return redact.New(o)
	}
	for _, r := range c.Backup.Repositories {
		for file, secrets := range map[string]func(string) map[string]string{r.PasswordFile: wholeText, r.EnvironmentFile: assigned, r.LocationFile: inLocation} {
			if file == "" {
				continue
			}
			text, err := small(file)
			if err != nil {
				// The repository cannot be opened either, which its probe tells.
				log.Warn("a secret cannot be read, and is not known by the redactor", "repository", r.Name, "err", err)
				continue
			}
			for name, value := range secrets(text) {
				know("repository-"+r.Name+name, value)
			}
		}
	}
	return redact.New(o)
}

func small(file string) (string, error) {
	const most = 64 << 10
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	return string(b), err
}

func wholeText(text string) map[string]string {
	return map[string]string{"": strings.TrimRight(text, "\r\n")}
}

// inLocation is what a repository's location holds of secrets: it itself and its
// password. One without a password is none: it would be found in many a path.
func inLocation(text string) map[string]string {
	location := strings.TrimSpace(text)
	secrets := restic.LocationSecrets(location)
	if len(secrets) < 2 { // a user alone
		return nil
	}
	out := map[string]string{"-location": location}
	for i, s := range secrets {
		out[fmt.Sprintf("-location-%d", i+1)] = s
	}
	return out
}

var secretName = regexp.MustCompile(`(?i)pass|secret|key|token`)

// assigned are the values of an environment file whose names say that they are
// secret, and what secrets the location in it holds.
func assigned(text string) map[string]string {
	out := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if ok && name == "RESTIC_REPOSITORY" {
			maps.Copy(out, inLocation(strings.Trim(value, `"'`)))
		}
		if ok && secretName.MatchString(name) && !strings.HasPrefix(name, "#") {
			out["-"+strings.ToLower(strings.ReplaceAll(name, "_", "-"))] = strings.Trim(value, `"'`)
		}
	}
	return out
}
