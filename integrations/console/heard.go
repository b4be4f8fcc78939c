package console

import (
	"slices"
	"time"

	"watchstander/bot"
)

// hears takes one line of the server.
func (s *session) hears(w told) error {
	if s.away != nil {
		if err := s.greeted(w); err != nil {
			return err
		}
		s.away, s.catching = nil, true
		return nil
	}
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
		why := bot.Errorf(bot.CodeUnavailable, "%s", cleanLine(*l.Bye))
		if l.Again {
			return gone{why}
		}
		return why
	case l.Post != nil:
		return s.posted(l.Re, *l.Post)
	case l.Said != nil:
		s.paint.named(l.Said.User, l.Said.Name)
		if !s.fresh(string(l.Said.ID), l.Said.At, time.Time{}) {
			return nil
		}
		return s.print(s.paint.said(*l.Said))
	case l.Erased != nil:
		return s.erased(*l.Erased)
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

// orphans tells of which lines nobody knows what became. Said again in this
// session, they are known again.
func (s *session) orphans() error {
	for _, n := range sorted(s.waiting) {
		p := s.waiting[n]
		if p.taken {
			continue
		}
		delete(s.waiting, n)
		s.failed++
		text := "nobody knows whether this was taken: %s"
		if s.edits != nil && s.dial != nil {
			s.doubt(n, p.say)
			text += " (typed again, it will not be done twice)"
		}
		if err := s.print(s.paint.warn(text, s.brief(p.say.Text))); err != nil {
			return err
		}
	}
	return nil
}

// doubt keeps the number of a line that may be in the state.
func (s *session) doubt(n int, x say) {
	if len(s.unsure) < maxKept {
		s.unsure[x.key()] = n
	}
}

// fresh tells whether something is to be shown, and remembers that it was. Only
// what a bot tells that came back may have been shown, or be older than this
// session.
func (s *session) fresh(key string, at, changed time.Time) bool {
	last, known := s.shown[key]
	known = known && !changed.After(last)
	if changed.After(at) {
		at = changed
	}
	if s.catching && (known || at.Before(s.began)) {
		return false
	}
	if s.shown == nil || len(s.shown) >= maxShown {
		s.shown = map[string]time.Time{} // something may be told twice then
	}
	s.shown[key] = at
	return true
}

// maxShown bounds what is remembered.
const maxShown = 10_000

func (s *session) refused(r refused) error {
	p := s.waiting[r.N]
	if p == nil {
		return nil
	}
	delete(s.waiting, r.N)
	s.failed++
	text := s.paint.warn("not taken (%s): %s", s.brief(p.say.Text), r.Why)
	if r.Again {
		s.doubt(r.N, p.say)
		text = s.paint.warn("not taken (%s): %s Type it again; it will not be done twice.", s.brief(p.say.Text), r.Why)
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
	past := s.catching && re != nil && *re == 0
	if fresh := s.fresh(string(f.Key), p.At, p.Changed); past && !fresh {
		s.meet(p, f)
		return nil
	}
	text := ""
	if before := s.roots[bot.MessageID(f.Key)]; past && f.Kind == bot.SendRoot && before != nil {
		// It stands on the screen as it was before the bot went.
		s.meet(p, f)
		text = s.paint.edit(place{at: p.Changed, thread: p.Thread}, before, f.Message)
	} else {
		text = s.show(p, f)
	}
	if (re == nil || past) && f.Kind == bot.SendReply {
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
	if d.N == 0 {
		s.catching = false
		return s.print(s.paint.note("attached again"))
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
	return text + s.paint.note("attached to %s as %s; /help tells what can be typed, Ctrl-D leaves", s.hi.Room, s.paint.who(s.hi.User))
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

// brief is a typed line in few words, without what is to be hidden.
func (s *session) brief(text string) string {
	if s.o.Hide != nil {
		text = s.o.Hide(text)
	}
	return brief(text)
}

// brief is a line in few words, for telling which one is meant.
func brief(text string) string {
	if widthOf(text) <= 50 {
		return text
	}
	return cut(text, 49, true) + "…"
}

func sorted[V any](m map[int]V) []int {
	out := make([]int, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
