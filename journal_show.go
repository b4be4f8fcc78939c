package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/journal"
)

type showOptions struct {
	kinds                                  []string
	by, host, subject, since, until, words string
	limit                                  int
}

// filter is what the options choose.
func (o showOptions) filter(zone *time.Location, now time.Time) (f journal.Filter, err error) {
	f = journal.Filter{By: bot.PersonID(o.by), Host: o.host, Subject: o.subject, Words: o.words}
	for _, k := range o.kinds {
		if !slices.Contains(journal.Kinds(), journal.Kind(k)) {
			return f, bot.Errorf(bot.CodeInvalid, "There is no kind %q; there are %s.", k, kindNames())
		}
		f.Kinds = append(f.Kinds, journal.Kind(k))
	}
	if f.Since, err = parseMoment(o.since, zone, now); err != nil {
		return f, err
	}
	f.Until, err = parseMoment(o.until, zone, now)
	return f, err
}

// parseMoment reads a time as people type it, zero for nothing.
func parseMoment(s string, zone *time.Location, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := model.ParseDuration(s); err == nil {
		return now.Add(-time.Duration(d)), nil
	}
	for _, form := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, bot.Errorf(bot.CodeInvalid, "%q is no time; write a duration back from now (7d), a date (2026-03-01), or a date and time (2026-03-01 22:00).", s)
}

// showJournal writes what the options choose. What is broken is told where it is.
func showJournal(ctx context.Context, f journalFlags, o showOptions, now time.Time, out, errs io.Writer) error {
	read, _, zone, err := journalOf(ctx, f)
	if err != nil {
		return err
	}
	filter, err := o.filter(zone, now)
	if err != nil {
		return err
	}
	var lines []string
	var fault error
	err = read(func(all iter.Seq2[journal.Entry, error]) error {
		// The chain is followed in the same reading; the first fault is told, and
		// each entry that is none.
		following := func(yield func(journal.Entry, error) bool) {
			ask := true
			for e, err := range all {
				if err != nil {
					lines = append(lines, "!! "+clean.Text(err.Error())+"\n")
				} else if filter.Match(e) {
					lines = append(lines, shown(e, zone))
				}
				if n := len(lines) - o.limit; o.limit > 0 && n > 0 {
					lines = lines[n:]
				}
				if ask {
					ask = yield(e, err)
				}
			}
		}
		_, fault = journal.Verify(following, journal.Head{})
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range lines {
		if _, err := io.WriteString(out, l); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		fmt.Fprintln(errs, "watchstander: no entry fits.")
	}
	if fault != nil {
		fmt.Fprintf(errs, "watchstander: %s; what is shown from there on may not be what happened. See `watchstander journal verify`.\n", clean.Text(fault.Error()))
		return exitCode(1)
	}
	return nil
}

// shown is an entry for people.
func shown(e journal.Entry, zone *time.Location) string {
	var b strings.Builder
	line := func(s string) string { return clean.Line(s, 2*journal.MaxName) }
	fmt.Fprintf(&b, "%d  %s  %s", e.Seq, instant(e.At, zone), e.Kind)
	if e.By != "" {
		b.WriteString(" by " + line(string(e.By)))
	}
	if e.Host != "" {
		b.WriteString(" on " + line(e.Host))
	}
	if e.Subject != "" {
		b.WriteString(", " + line(e.Subject))
	}
	b.WriteByte('\n')
	indented(&b, "    ", e.Text)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		indented(&b, "    "+name+": ", e.Fields[name])
	}
	return b.String()
}

// indented writes a text of several lines so that none of it looks like another
// entry.
func indented(b *strings.Builder, first, s string) {
	if s == "" {
		return
	}
	for i, l := range strings.Split(clean.Text(s), "\n") {
		if i > 0 {
			first = "      | "
		}
		b.WriteString(first + l + "\n")
	}
}
