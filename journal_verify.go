package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
)

type verifyOptions struct {
	agentFile string
	host      string
	known     []string
}

// looked is what a first look at a journal finds: what it logged of others.
type looked struct {
	host  string
	heads []journal.Entry
}

// look reads a journal without judging it.
func look(read entries) (l looked, err error) {
	err = read(func(all iter.Seq2[journal.Entry, error]) error {
		for e, err := range all {
			if err != nil {
				continue // verify tells of it
			}
			if e.Kind == journal.KindHead {
				l.heads = append(l.heads, e)
			} else if l.host == "" {
				l.host = e.Host
			}
		}
		return nil
	})
	return l, err
}

// verifyJournals checks one journal, or two against each other.
func verifyJournals(ctx context.Context, f journalFlags, o verifyOptions, out io.Writer) error {
	if f.file != "" && o.agentFile != "" {
		return bot.Errorf(bot.CodeInvalid, "Give --file for an agent's journal alone, or --agent-file for the bot's and an agent's.")
	}
	var kept []journal.Head
	for _, s := range o.known {
		h, err := parseHead(s)
		if err != nil {
			return err
		}
		kept = append(kept, h)
	}
	first, name, zone, err := journalOf(ctx, f)
	if err != nil {
		return err
	}
	v := verifier{out: out, zone: zone}
	if o.agentFile == "" {
		if err := v.verify(name, first, kept, ""); err != nil {
			return err
		}
		return v.end()
	}
	// What the bot logged of the agent is read before the agent's journal is, and
	// the other way round: heads that arrive meanwhile are never missed.
	agents := journalFile(ctx, o.agentFile)
	of, err := look(first)
	if err != nil {
		return err
	}
	back, err := look(agents)
	if err != nil {
		return err
	}
	host := o.host
	if host == "" {
		host = back.host
	}
	if err := v.verify("the agent's journal in "+o.agentFile, agents, journal.Heads(of.heads, journal.OfAgent, host), "the bot"); err != nil {
		return err
	}
	if err := v.verify(name, first, slices.Concat(kept, journal.Heads(back.heads, journal.OfBot, "")), "the agent"); err != nil {
		return err
	}
	return v.end()
}

// verifier tells what it finds.
type verifier struct {
	out    io.Writer
	zone   *time.Location
	broken bool
}

// verify checks a journal. by is who logged the known heads, "" where somebody
// kept them.
func (v *verifier) verify(name string, read entries, known []journal.Head, by string) error {
	var count int64
	var first, last time.Time
	var head journal.Head
	var fault error
	err := read(func(all iter.Seq2[journal.Entry, error]) error {
		counted := func(yield func(journal.Entry, error) bool) {
			for e, err := range all {
				if !yield(e, err) {
					return
				}
				// It was looked at, and is right.
				count++
				if first.IsZero() {
					first = e.At
				}
				last = e.At
			}
		}
		head, fault = journal.VerifyAgainst(counted, journal.Head{}, known...)
		return nil
	})
	if err != nil {
		return err
	}
	broken, ok := errors.AsType[*journal.Broken](fault)
	if fault != nil && !ok {
		return unreadable(name, fault)
	}
	if ok {
		v.broken = true
		fmt.Fprintf(v.out, "BROKEN  %s\n        %s\n        what is before it is whole: %s\n", name, broken, entriesCount(count))
	} else {
		fmt.Fprintf(v.out, "whole   %s: %s\n", name, entriesCount(count))
	}
	if count > 0 {
		fmt.Fprintf(v.out, "        first  %s\n        last   %s\n        head   %d:%s\n", instant(first, v.zone), instant(last, v.zone), head.Seq, head.Hash)
	}
	if ok {
		return nil
	}
	kept := "that you know of"
	if by != "" {
		kept = "that " + by + " logged"
	}
	switch n := len(known); n {
	case 0:
		fmt.Fprintf(v.out, "        there is no head of it %s: whether its end is cut off is unknown\n", kept)
	case 1:
		fmt.Fprintf(v.out, "        the head of it %s is there\n", kept)
	default:
		fmt.Fprintf(v.out, "        the %d heads of it %s are there\n", n, kept)
	}
	return nil
}

func (v *verifier) end() error {
	if v.broken {
		return exitCode(1)
	}
	return nil
}
