package units

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Names of the readings of Security.
const (
	ReadRootLogins   = "ssh root logins"
	ReadLogins       = "ssh logins"
	ReadFailedLogins = "ssh failed logins"
	ReadSudo         = "sudo commands"
	ReadAudit        = "audit events"
	ReadAppArmor     = "apparmor denials"
	ReadFail2ban     = "fail2ban"
)

const (
	// day is how far back Security looks.
	day = 24 * time.Hour
	// mostEntries is how many entries one question reads, the newest; more are said to
	// be there.
	mostEntries = 10_000
	// securityKept is for how long an answer is given again.
	securityKept = 5 * time.Minute
	// enough is how many percent of those who fail again and again must be banned.
	enough = 95
)

// Security tells what the journal has of the last day about who came in, who tried to,
// and what was done as somebody else: of sshd, sudo, the kernel's audit, AppArmor and
// fail2ban. It counts, and names users and addresses; what was run, and with what
// arguments, it does not tell.
type Security struct {
	k        *Keeper
	banAfter int
	most     int // entries that one question reads

	mu   sync.Mutex
	at   time.Time
	kept []bot.Reading
}

var _ bot.Probe = (*Security)(nil)

// Security is the probe of this host. banAfter is after how many failed logins
// fail2ban should ban an address (its maxretry); 0 is 5.
func (k *Keeper) Security(banAfter int) *Security {
	if banAfter <= 0 {
		banAfter = 5
	}
	return &Security{k: k, banAfter: banAfter, most: mostEntries}
}

// Name is "security" and the host's name.
func (s *Security) Name() string { return strings.TrimSpace("security " + s.k.h.Name) }

// Tells are what its readings are called (bot/probing, Teller).
func (s *Security) Tells() []string {
	return []string{ReadRootLogins, ReadLogins, ReadFailedLogins, ReadSudo, ReadAudit, ReadAppArmor, ReadFail2ban}
}

// Read gives the seven readings, at most five minutes old. What the journal does not
// reach, or was too much to be read, makes unknown what would be ok.
func (s *Security) Read(ctx context.Context) []bot.Reading {
	at := now()
	s.mu.Lock()
	kept := slices.Clone(s.kept)
	if age := at.Sub(s.at); age < 0 || age >= securityKept {
		kept = nil
	}
	s.mu.Unlock()
	if kept != nil {
		return kept
	}
	l := daily{s: s, from: at.Add(-day)}
	// An empty journal tells of no logins either.
	if _, reach, err := s.k.boots(ctx); err != nil || reach.IsZero() {
		l.short = "how far back the journal goes is unknown"
	} else if reach.After(l.from.Add(time.Hour)) {
		l.short = "the journal goes back " + phrase.Duration(at.Sub(reach)) + " only"
	}
	out := make([]bot.Reading, 7)
	var all sync.WaitGroup
	failures := make(chan tries, 1)
	all.Go(func() { out[0], out[1] = l.logins(ctx) })
	all.Go(func() {
		var t tries
		out[2], t = l.failedLogins(ctx)
		failures <- t
	})
	all.Go(func() { out[3] = l.sudo(ctx) })
	all.Go(func() { out[4] = l.audit(ctx) })
	all.Go(func() { out[5] = l.appArmor(ctx) })
	all.Go(func() { out[6] = l.fail2ban(ctx, failures) })
	all.Wait()
	for i := range out {
		out[i].Host, out[i].At = s.k.h.Name, at
	}
	if ctx.Err() == nil {
		s.mu.Lock()
		s.at, s.kept = at, slices.Clone(out)
		s.mu.Unlock()
	}
	return out
}

// daily is one look at the last day.
type daily struct {
	s    *Security
	from time.Time
	// short says why the journal does not tell of all of it, "" where it does.
	short string
}

// since reads the last entries of the day whose message fits a pattern, "" for any; cut
// tells that there are more.
func (l daily) since(ctx context.Context, pattern, fields string, matches ...string) (entries []entry, cut bool, err error) {
	args := []string{fmt.Sprintf("--since=@%d", l.from.Unix()), fmt.Sprintf("--lines=%d", l.s.most), "--output-fields=" + fields}
	if pattern != "" {
		args = append(args, "--grep="+pattern)
	}
	entries, cut, err = l.s.k.journal(ctx, append(args, matches...)...)
	return entries, cut || len(entries) >= l.s.most, err
}

// ever tells whether the journal has any such entry, however old: a journal without
// one says nothing about what did not happen.
func (l daily) ever(ctx context.Context, matches ...string) (bool, error) {
	entries, _, err := l.s.k.journal(ctx, append([]string{"--lines=1", "--output-fields=_TRANSPORT"}, matches...)...)
	return len(entries) > 0, err
}

// reading is what was counted, unknown where that may not be all.
func (l daily) reading(what, value, source string, n int, cut bool) bot.Reading {
	r := bot.Reading{What: what, Value: value, Source: source, State: bot.OK}.With(float64(n), bot.FigureCount)
	if cut {
		if r.Value = "at least " + value; n == 0 {
			r.Value = value + " in what was read"
		}
		r.State, r.Note = bot.Unknown, fmt.Sprintf("there may be more than the %d entries that were read", l.s.most)
	}
	if l.short != "" {
		r.State = bot.Unknown
		r.Note = strings.TrimPrefix(r.Note+"; "+l.short, "; ")
	}
	return r
}

func untold(what, source, why string) bot.Reading {
	return bot.Reading{What: what, Source: source, Note: line(strings.TrimSuffix(why, ".")), State: bot.Unknown}
}

// bad makes a reading not ok, for a reason that comes before all others.
func bad(r bot.Reading, why string) bot.Reading {
	r.State, r.Note = bot.NotOK, strings.TrimSuffix(why+"; "+r.Note, "; ")
	return r
}

// most3 is "alice (9), bob (5), carol (2) and 4 more": those with the highest counts.
func most3(counts map[string]int) string {
	const most = 3
	type one struct {
		name string
		n    int
	}
	var all []one
	for name, n := range counts {
		all = append(all, one{name, n})
	}
	slices.SortFunc(all, func(a, b one) int {
		if a.n != b.n {
			return b.n - a.n
		}
		return strings.Compare(a.name, b.name)
	})
	var parts []string
	for _, x := range all[:min(most, len(all))] {
		parts = append(parts, fmt.Sprintf("%s (%d)", line(x.name), x.n))
	}
	out := strings.Join(parts, ", ")
	if more := len(all) - most; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}
