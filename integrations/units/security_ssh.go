package units

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// What sshd writes, as the monitor that runs as root does. From OpenSSH 9.8 on that is
// sshd-session.
var (
	sshd = []string{"_UID=0", "SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session"}

	accepted = regexp.MustCompile(`^Accepted (\S+) for (\S+) from (\S+) port \d+`)
	// A name that somebody tries is his to choose, also one that looks like the rest of
	// the line: the last address counts.
	failed = []*regexp.Regexp{
		regexp.MustCompile(`^Failed [^ ]+ for (?:invalid user )?.* from (\S+) port (\d+)(?: ssh2)?(?:: .*)?$`),
		regexp.MustCompile(`^Invalid user .* from (\S+) port (\d+)$`),
		regexp.MustCompile(`^error: maximum authentication attempts exceeded for .* from (\S+) port (\d+) ssh2(?: \[preauth\])?$`),
		regexp.MustCompile(`^(?:Connection (?:closed|reset) by|Disconnected from) (?:authenticating|invalid) user .* (\S+) port (\d+)(?: \[preauth\])?$`),
	}
)

const (
	grepAccepted = `^Accepted `
	grepFailed   = `^(Failed |Invalid user |error: maximum authentication attempts exceeded |(Connection (closed|reset) by|Disconnected from) (authenticating|invalid) user )`
	sourceSSH    = "sshd in the journal, last 24 h"
)

// logins are those that sshd let in, root's apart.
func (l daily) logins(ctx context.Context) (roots, others bot.Reading) {
	neither := func(why string) (bot.Reading, bot.Reading) {
		return untold(ReadRootLogins, sourceSSH, why), untold(ReadLogins, sourceSSH, why)
	}
	entries, cut, err := l.since(ctx, grepAccepted, "MESSAGE", sshd...)
	if err != nil {
		return neither(bot.ForPeople(err))
	}
	if len(entries) == 0 {
		switch there, err := l.ever(ctx, sshd...); {
		case err != nil:
			return neither(bot.ForPeople(err))
		case !there:
			return neither("sshd has written nothing to the journal")
		}
	}
	all, root := map[string]int{}, map[string]int{}
	n, ofRoot, unread := 0, 0, 0
	for _, e := range entries {
		m := accepted.FindStringSubmatch(e.text("MESSAGE"))
		if m == nil {
			unread++
			continue
		}
		n++
		all[m[2]+" from "+m[3]]++
		if m[2] == "root" {
			ofRoot++
			root[m[3]]++
		}
	}
	roots = l.reading(ReadRootLogins, "none", sourceSSH, ofRoot, cut)
	if unread > 0 && roots.State == bot.OK {
		roots.State, roots.Note = bot.Unknown, phrase.Count(unread, "login", "logins")+" could not be read"
	}
	if ofRoot > 0 {
		roots.Value = fmt.Sprintf("%d from %s", ofRoot, most3(root))
		roots = bad(roots, "nobody should come in as root")
	}
	others = l.reading(ReadLogins, counted(n, all), sourceSSH, n, cut)
	return roots, others
}

// counted is "5: alice from 192.0.2.4 (3), …", or "none".
func counted(n int, by map[string]int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", n, most3(by))
}

// tries are the failed logins of the day, by address.
type tries struct {
	by  map[string]int
	cut bool
	err error
}

// failedLogins counts what was refused: each refusal that sshd tells of, and each
// connection that came with a name and went without one.
func (l daily) failedLogins(ctx context.Context) (bot.Reading, tries) {
	entries, cut, err := l.since(ctx, grepFailed, "MESSAGE", sshd...)
	t := tries{by: map[string]int{}, cut: cut, err: err}
	if err != nil {
		return untold(ReadFailedLogins, sourceSSH, bot.ForPeople(err)), t
	}
	if len(entries) == 0 {
		there, err := l.ever(ctx, sshd...)
		if err == nil && !there {
			err = bot.Errorf(bot.CodeUnavailable, "sshd has written nothing to the journal.")
		}
		if t.err = err; err != nil {
			return untold(ReadFailedLogins, sourceSSH, bot.ForPeople(err)), t
		}
	}
	refused := map[[2]string]int{} // by address and port: one connection
	for _, e := range entries {
		text := e.text("MESSAGE")
		for i, form := range failed {
			m := form.FindStringSubmatch(text)
			if m == nil {
				continue
			}
			at := [2]string{m[1], m[2]}
			// "Failed none" is how every client begins.
			if i == 0 && !strings.HasPrefix(text, "Failed none ") {
				refused[at]++
			} else {
				refused[at] += 0
			}
			break
		}
	}
	n := 0
	for at, times := range refused {
		n += max(1, times)
		t.by[at[0]] += max(1, times)
	}
	r := l.reading(ReadFailedLogins, counted(n, t.by), sourceSSH, n, cut)
	return r, t
}

var (
	banned  = regexp.MustCompile(`\[([\w.-]+)\] (?:Restore )?Ban (\S+)\s*$`)
	ofJails = []string{"_SYSTEMD_UNIT=fail2ban.service"}
)

const sourceJails = "fail2ban in the journal, last 24 h"

// fail2ban counts bans, and how many of those addresses were banned whose logins
// failed often enough within the day. One that tries more slowly than fail2ban's
// findtime is among them, and not banned.
func (l daily) fail2ban(ctx context.Context, failures <-chan tries) bot.Reading {
	u, err := l.s.k.h.Units.Unit(ctx, "fail2ban.service")
	entries, cut, unread := l.since(ctx, `\] (Restore )?Ban `, "MESSAGE", ofJails...)
	t := <-failures
	switch {
	case err != nil:
		return untold(ReadFail2ban, "systemd over D-Bus", "systemd does not answer")
	case u.Load == "not-found":
		return untold(ReadFail2ban, "systemd over D-Bus", "there is no fail2ban.service")
	case u.Active != "active":
		return bad(bot.Reading{What: ReadFail2ban, Value: stateWords(u), Source: "systemd over D-Bus"}, "it should run")
	case unread != nil:
		return untold(ReadFail2ban, sourceJails, bot.ForPeople(unread))
	}
	if len(entries) == 0 {
		switch there, err := l.ever(ctx, ofJails...); {
		case err != nil:
			return untold(ReadFail2ban, sourceJails, bot.ForPeople(err))
		case !there:
			return untold(ReadFail2ban, sourceJails, "fail2ban has written nothing to the journal")
		}
	}
	bans, addresses := 0, map[string]bool{}
	for _, e := range entries {
		if m := banned.FindStringSubmatch(e.text("MESSAGE")); m != nil {
			bans++
			addresses[m[2]] = true
		}
	}
	r := l.reading(ReadFail2ban, phrase.Count(bans, "ban", "bans"), sourceJails, bans, cut || t.cut)
	r.Figure, r.Unit = 0, "" // which is the share
	if t.err != nil {
		r.State, r.Note = bot.Unknown, "who failed to log in is unknown: "+line(strings.TrimSuffix(bot.ForPeople(t.err), "."))
		return r
	}
	due, done := 0, 0
	for address, n := range t.by {
		if n >= l.s.banAfter {
			due++
			if addresses[address] {
				done++
			}
		}
	}
	if due == 0 {
		r.Value += fmt.Sprintf("; no address failed to log in %d times", l.s.banAfter)
		return r
	}
	share := float64(done) / float64(due) * 100
	r.Value += fmt.Sprintf("; %d of %s with %d failed logins or more banned", done, phrase.Count(due, "address", "addresses"), l.s.banAfter)
	r = r.With(share, bot.FigurePercent)
	if share < enough && !cut && !t.cut {
		r = bad(r, fmt.Sprintf("less than %d %%", enough))
	}
	return r
}
