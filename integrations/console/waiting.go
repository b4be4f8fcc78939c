package console

import (
	"time"

	"watchstander/bot"
)

// pending is a line of the person that has no answer yet.
type pending struct {
	say   say
	id    bot.MessageID
	taken bool
	told  bool      // that it is taken
	when  time.Time // it was said, or taken
}

// patience is how long an answer may take before the person is told that the
// line at least has been taken.
const patience = time.Second

// parting is how long a person who leaves waits to know that the last line was
// taken.
const parting = 5 * time.Second

// verdict is a pipe's end: whether all that was said came through.
func (s *session) verdict() error {
	if s.failed == 0 || s.edits != nil {
		return nil
	}
	return bot.Errorf(bot.CodeUnavailable, "%s not taken, or not answered.", plural(s.failed, "line was", "lines were"))
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
	return time.Until(first), !first.IsZero()
}

func (p *pending) deadline(s *session) time.Time {
	switch {
	case s.edits == nil:
		return p.when.Add(s.o.Wait)
	case s.ended && !p.taken:
		return p.when.Add(parting)
	case p.taken && !p.told:
		return p.when.Add(patience)
	}
	return time.Time{}
}

// overdue tells of lines that wait for longer than people like to.
func (s *session) overdue() error {
	for n, p := range s.waiting {
		if at := p.deadline(s); at.IsZero() || time.Now().Before(at) {
			continue
		}
		text := ""
		switch {
		case s.edits != nil && p.taken:
			p.told = true
			text = s.paint.note("taken: %s", brief(p.say.Text))
		case p.taken:
			text = s.paint.warn("taken, but there was no answer in %s: %s", s.o.Wait, brief(p.say.Text))
		default:
			text = s.paint.warn("nobody knows whether this was taken: %s", brief(p.say.Text))
		}
		if !p.told {
			delete(s.waiting, n)
			s.failed++
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
		if err := s.print(s.paint.warn("there was no answer in %s: /%s", s.o.Wait, q.kind)); err != nil {
			return err
		}
	}
	s.more()
	return nil
}
