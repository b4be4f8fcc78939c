package console

import (
	"slices"
	"time"

	"watchstander/bot"
)

// hears takes one line of the server.
func (s *session) hears(w told) error {
	switch l := w.line; {
	case w.err != nil:
		if err := s.orphans(); err != nil {
			return err
		}
		return lost(w.err)
	case l.Bye != nil:
		if err := s.orphans(); err != nil {
			return err
		}
		return bot.Errorf(bot.CodeUnavailable, "%s", cleanLine(*l.Bye))
	case l.Post != nil:
		return s.posted(l.Re, *l.Post)
	case l.Said != nil:
		s.paint.named(l.Said.User, l.Said.Name)
		return s.print(s.paint.said(*l.Said))
	case l.Hello != nil:
		s.welcome(*l.Hello)
	case l.Taken != nil:
		s.taken(l.Taken.N)
	case l.Refused != nil:
		return s.refused(*l.Refused)
	case l.Done != nil:
		return s.done(*l.Done)
	}
	return nil
}

// orphans tells which lines nobody will ever hear of again here.
func (s *session) orphans() error {
	for _, n := range sorted(s.waiting) {
		if p := s.waiting[n]; !p.taken {
			if err := s.print(s.paint.warn("nobody knows whether this was taken: %s", brief(p.say.Text))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) refused(r refused) error {
	p := s.waiting[r.N]
	if p == nil {
		return nil
	}
	delete(s.waiting, r.N)
	s.failed++
	text := s.paint.warn("not taken (%s): %s", brief(p.say.Text), r.Why)
	if r.Again {
		if len(s.unsure) < maxKept {
			s.unsure[p.say.key()] = r.N
		}
		text = s.paint.warn("not taken (%s): %s Type it again; it will not be done twice.", brief(p.say.Text), r.Why)
	}
	s.more()
	return s.print(text)
}

// posted takes a post: news, or part of an answer.
func (s *session) posted(re *int, p post) error {
	f, err := frameOf(p)
	if err != nil {
		return s.print(s.paint.warn("A message came that this program is too old to show. Attach with the bot's own version."))
	}
	if re != nil {
		if q := s.asked[*re]; q != nil && (q.kind == doList || q.kind == doEnter) {
			q.posts = append(q.posts, p)
			s.meet(p, f)
			return nil
		}
	}
	text := s.show(p, f)
	if re == nil && f.Kind == bot.SendReply {
		s.answered(p, f)
	}
	return s.print(text)
}

// show paints a post by its kind.
func (s *session) show(p post, f frame) string {
	w := place{at: p.At, thread: p.Thread, changed: p.Changed}
	s.keeps.note(p.Thread, f.Message)
	switch f.Kind {
	case bot.SendRoot:
		s.meet(p, f)
		return s.paint.root(w, f.Message)
	case bot.SendEdit:
		before := s.roots[f.Root]
		s.meet(p, f)
		return s.paint.edit(w, before, f.Message)
	case bot.SendReply:
		if p.Thread > 0 {
			return s.paint.reply(w, f.Message)
		}
		return s.paint.answer(w, f.Message)
	}
	return ""
}

// maxRoots bounds how many roots the client remembers, to tell what an edit
// changed.
const maxRoots = 1000

// meet remembers a thread as it is now.
func (s *session) meet(p post, f frame) {
	root := f.Root
	if f.Kind == bot.SendRoot {
		root = bot.MessageID(f.Key)
	}
	if s.roots[root] == nil && len(s.roots) >= maxRoots {
		clear(s.roots) // the next edits are told without their differences
	}
	m := f.Message
	m.Blocks = slices.Clone(m.Blocks)
	withoutBytes(&m)
	s.roots[root] = &m
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers.thread(p.Thread)
	s.offers.noteIDs(m)
}

// done ends an answer; number 0 is the past, after which the person may type.
func (s *session) done(d done) error {
	if d.N == 0 && !s.ready {
		s.ready = true
		s.more()
		return s.print(s.greeting(d))
	}
	q := s.asked[d.N]
	if q == nil {
		return nil
	}
	delete(s.asked, d.N)
	text := ""
	switch q.kind {
	case doList:
		text = s.list(q)
	case doEnter:
		if slices.ContainsFunc(q.posts, func(p post) bool { return p.Thread == q.thread }) {
			s.enter(q.thread)
			break
		}
		d.Note = noThread(q.thread)
		if s.edits == nil {
			s.in = 0 // what follows is not meant for where the pipe was before
		}
	}
	if d.Left > 0 {
		text += s.paint.note("%d older ones were left out", d.Left)
	}
	if d.Note != "" {
		s.failed++
		text += s.paint.warn("%s", d.Note)
	}
	s.more()
	return s.print(text)
}

// greeting tells where one is, behind the past.
func (s *session) greeting(d done) string {
	if s.edits == nil {
		if s.paint.day == "" {
			// Whoever reads a pipe knows which day it is.
			s.paint.day = s.paint.dayOf(time.Now())
		}
		return ""
	}
	text := ""
	if d.Left > 0 {
		text = s.paint.note("%d older open threads are not shown; /threads lists them", d.Left)
	}
	return text + s.paint.note("attached to %s as %s; /help tells what can be typed", s.hi.Room, s.paint.who(s.hi.User))
}

func (s *session) list(q *inquiry) string {
	if len(q.posts) == 0 {
		return s.paint.note("no thread is open")
	}
	text := ""
	for _, p := range q.posts {
		f, err := frameOf(p)
		if err != nil {
			continue
		}
		text += s.paint.headline(place{at: p.At, thread: p.Thread}, f.Message)
	}
	if !q.all {
		text += s.paint.note("/threads all lists those that are over, too")
	}
	return text
}

// brief is a line in few words, for telling which one is meant.
func brief(text string) string {
	if widthOf(text) <= 50 {
		return text
	}
	return cut(text, 49, true) + "…"
}

func sorted(m map[int]*pending) []int {
	out := make([]int, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
