package console

import (
	"context"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// What a line came to, the client learns in two steps. That it is taken the
// server says for certain. Its answer is certain only where the bot names the
// line that it answers, which it does outside threads. In a thread a command's
// effect stands as a line of the thread's log, as what happens by itself does:
// there whatever the bot says next counts as the answer to every line that was
// said before it. So a line is never credited with somebody else's answer at the
// cost of a later one, and what a reply claims of a line is no more than that
// something was said since.

// pending is a line of the person that has no answer yet.
type pending struct {
	say   say
	id    bot.MessageID
	taken bool
	heard bool      // something was said in its thread before it was known to be taken
	when  time.Time // it was said, or taken
}

// patience is how long an answer may take before the person is told that the
// line at least has been taken.
const patience = time.Second

// parting is how long a person who leaves waits to know that the last line was
// taken.
const parting = 5 * time.Second

// verdict is a pipe's end: whether all that was said came through. What the
// answers say is for people: a refusal is one among others.
func (s *session) verdict() error {
	if s.failed == 0 || s.edits != nil {
		return nil
	}
	return bot.Errorf(bot.CodeUnavailable, "%s not taken.", plural(s.failed, "line was", "lines were"))
}

// taken notes that a line is in the bot's state.
func (s *session) taken(n int) {
	p := s.waiting[n]
	switch {
	case p == nil:
	case p.heard:
		delete(s.waiting, n)
		s.more()
	default:
		p.taken = true
		if s.edits != nil {
			p.when = time.Now()
		}
	}
}

// answered looks whose answer a reply is.
func (s *session) answered(p post, f frame) {
	for _, n := range sorted(s.waiting) {
		x := s.waiting[n]
		switch {
		case f.ReplyTo == x.id, f.ReplyTo == "" && p.Thread > 0 && x.say.Thread == p.Thread && x.taken:
			delete(s.waiting, n)
		case f.ReplyTo == "" && p.Thread > 0 && x.say.Thread == p.Thread:
			x.heard = true // it may yet be refused
		}
	}
	s.more()
}

// settled tells whether nothing keeps a session whose input has ended: on a
// pipe no answer that is to come, on a terminal no line whose fate is unknown.
func (s *session) settled() bool {
	if s.edits == nil {
		return len(s.waiting) == 0 && len(s.asked) == 0
	}
	for _, p := range s.waiting {
		if !p.taken {
			return false
		}
	}
	return true
}

// due tells when the next look at what waits is due.
func (s *session) due() (time.Duration, bool) {
	var first time.Time
	sooner := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	for _, p := range s.waiting {
		sooner(p.deadline(s))
	}
	for _, q := range s.asked {
		sooner(q.when.Add(s.o.Wait))
	}
	if s.away != nil {
		sooner(s.away.at)
	}
	return time.Until(first), !first.IsZero()
}

func (p *pending) deadline(s *session) time.Time {
	switch {
	case s.edits == nil:
		return p.when.Add(s.o.Wait)
	case s.ended && !p.taken:
		return p.when.Add(parting)
	case p.taken:
		return p.when.Add(patience)
	}
	return time.Time{}
}

// overdue tells of lines that wait for longer than people like to.
func (s *session) overdue(ctx context.Context) error {
	if s.away != nil && !time.Now().Before(s.away.at) {
		if err := s.reattach(ctx); err != nil {
			return err
		}
	}
	for _, n := range sorted(s.waiting) {
		p := s.waiting[n]
		if at := p.deadline(s); at.IsZero() || time.Now().Before(at) {
			continue
		}
		delete(s.waiting, n)
		text := ""
		switch {
		case s.edits != nil && p.taken:
			text = s.paint.note("taken: %s", s.brief(p.say.Text))
		case p.taken:
			text = s.paint.note("taken, but nothing was said to it in %s: %s", phrase.Duration(s.o.Wait), s.brief(p.say.Text))
		default:
			s.failed++
			text = s.paint.warn("nobody knows whether this was taken: %s", s.brief(p.say.Text))
		}
		if err := s.print(text); err != nil {
			return err
		}
	}
	for n, q := range s.asked {
		if time.Now().Before(q.when.Add(s.o.Wait)) {
			continue
		}
		delete(s.asked, n)
		s.failed++
		if err := s.print(s.paint.warn("there was no answer in %s: /%s", phrase.Duration(s.o.Wait), q.kind)); err != nil {
			return err
		}
	}
	s.more()
	return nil
}
