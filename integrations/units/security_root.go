package units

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"watchstander/bot"
)

var (
	// sudo writes "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/…",
	// and where it refuses, why, before the TTY.
	sudoed  = regexp.MustCompile(`^\s*(\S+) : (?:[A-Z]+=|(.*?)(?: ; |$))`)
	ofSudo  = []string{"_COMM=sudo", "SYSLOG_IDENTIFIER=sudo"}
	ofAudit = []string{"_TRANSPORT=audit"}
)

const (
	sourceSudo     = "sudo in the journal, last 24 h"
	sourceAudit    = "the kernel's audit in the journal, last 24 h"
	sourceAppArmor = "AppArmor in the journal, last 24 h"

	grepSudo = ` : .*(TTY|PWD|USER|COMMAND)=`
	// grepAudit are the records that somebody asked for by a rule with a key, and those
	// that the kernel itself calls anomalies or changes of the audit.
	grepAudit    = `^(ANOM_|CONFIG_CHANGE|SYSCALL .* key="|SYSCALL .* key=[0-9A-F])`
	grepAppArmor = `apparmor="DENIED"`
)

// sudo counts commands by whoever ran them, and what was refused.
func (l daily) sudo(ctx context.Context) bot.Reading {
	entries, cut, err := l.since(ctx, grepSudo, "MESSAGE", ofSudo...)
	if err != nil {
		return untold(ReadSudo, sourceSudo, bot.ForPeople(err))
	}
	by, refused := map[string]int{}, map[string]int{}
	n, denied, unread := 0, 0, 0
	for _, e := range entries {
		m := sudoed.FindStringSubmatch(e.text("MESSAGE"))
		switch {
		case m == nil:
			unread++
		case strings.HasPrefix(m[2], "(command continued)"): // of a long one, which is counted
		case m[2] == "":
			n++
			by[m[1]]++
		case strings.Contains(m[2], "incorrect password attempt"), strings.Contains(m[2], "a password is required"):
			refused[m[1]]++
		default: // "user NOT in sudoers", "command not allowed", and their like
			denied++
			refused[m[1]]++
		}
	}
	r := l.reading(ReadSudo, counted(n, by), sourceSudo, n, cut)
	if len(refused) > 0 {
		r.Value += "; refused: " + most3(refused)
	}
	if unread > 0 && r.State == bot.OK {
		r.State, r.Note = bot.Unknown, fmt.Sprintf("%d of its entries could not be read", unread)
	}
	if denied > 0 {
		r = bad(r, "somebody tried what is not theirs")
	}
	return r
}

var auditKey = regexp.MustCompile(` key=(?:"([^"]*)"|([0-9A-F]+))`)

// audit counts the records that matter, by the key of the rule that asked for them.
func (l daily) audit(ctx context.Context) bot.Reading {
	entries, cut, err := l.since(ctx, grepAudit, "MESSAGE", ofAudit...)
	if err != nil {
		return untold(ReadAudit, sourceAudit, bot.ForPeople(err))
	}
	if len(entries) == 0 {
		switch there, err := l.ever(ctx, ofAudit...); {
		case err != nil:
			return untold(ReadAudit, sourceAudit, bot.ForPeople(err))
		case !there:
			return untold(ReadAudit, sourceAudit, "there is no audit in the journal: it is off, or auditd keeps it to itself")
		}
	}
	by, odd := map[string]int{}, 0
	for _, e := range entries {
		kind, rest, _ := strings.Cut(e.text("MESSAGE"), " ")
		if strings.HasPrefix(kind, "ANOM_") {
			odd++
		}
		if m := auditKey.FindStringSubmatch(" " + rest); m != nil && kind == "SYSCALL" {
			kind = m[1] + m[2]
		}
		by[kind]++
	}
	r := l.reading(ReadAudit, counted(len(entries), by), sourceAudit, len(entries), cut)
	if odd > 0 {
		r = bad(r, fmt.Sprintf("the kernel calls %d of them anomalies", odd))
	}
	return r
}

var (
	deniedTo = regexp.MustCompile(`apparmor="DENIED".*? profile=(?:"([^"]*)"|(\S+))`)
	serial   = regexp.MustCompile(`audit\(\d+\.\d+:(\d+)\)`)
)

// appArmor counts what profiles forbade. The kernel writes a denial twice where no
// auditd takes it: to its log and to the audit; the record's number tells.
func (l daily) appArmor(ctx context.Context) bot.Reading {
	const enabled = "/sys/module/apparmor/parameters/enabled"
	text, err := l.s.k.h.Files.Read(enabled, 16)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !bytes.HasPrefix(text, []byte("Y")):
		return untold(ReadAppArmor, enabled, "AppArmor is not on")
	case err != nil:
		return untold(ReadAppArmor, enabled, "whether AppArmor is on cannot be read")
	}
	entries, cut, err := l.since(ctx, grepAppArmor, "MESSAGE,_AUDIT_ID", "_TRANSPORT=kernel", "_TRANSPORT=audit")
	if err != nil {
		return untold(ReadAppArmor, sourceAppArmor, bot.ForPeople(err))
	}
	by, seen, n := map[string]int{}, map[string]bool{}, 0
	for _, e := range entries {
		text := e.text("MESSAGE")
		id := e.text("_AUDIT_ID")
		if m := serial.FindStringSubmatch(text); id == "" && m != nil {
			id = m[1]
		}
		if id != "" && seen[id] {
			continue
		}
		seen[id] = true
		n++
		profile := "an unnamed profile"
		if m := deniedTo.FindStringSubmatch(text); m != nil {
			profile = m[1] + m[2]
		}
		by[profile]++
	}
	r := l.reading(ReadAppArmor, counted(n, by), sourceAppArmor, n, cut)
	if n > 0 {
		r = bad(r, "a profile forbids what a program wants, or a program wants what it must not")
	}
	return r
}
