package agent

import (
	"errors"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

func (w *world) shows(who bot.PersonID, codes ...string) error {
	answer, err := w.core.Spend(ctx, Bot(), api.Spend{Person: who, Codes: codes, Said: api.Said{Door: "matrix", Message: "m1"}})
	if answer != (api.Nothing{}) {
		w.t.Errorf("the answer is %+v", answer)
	}
	return err
}

func (w *world) approves(p bot.Proposal, who bot.PersonID, code string) error {
	d := yes(p, who)
	d.Code = code
	_, err := w.core.Decide(ctx, Bot(), d)
	return err
}

// A code that somebody showed without a word counts no more: for no plan, by nobody
// who read it, not after a restart either. The next one does. The journal tells of it,
// without the code.
func TestShownCodesAreSpent(t *testing.T) {
	played(t, withCodes, func(w *world) {
		p := w.proposed()
		code := w.code(0)
		w.ok(w.shows("carol", "123456", code))
		refuses(t, w.approves(p, "carol", code), bot.CodeForbidden, "used already")
		w.stop()
		w.run()
		refuses(t, w.approves(w.proposed(), "carol", code), bot.CodeForbidden, "used already")
		refuses(t, w.approves(p, "carol", w.code(-30*time.Second)), bot.CodeForbidden, "used already")
		w.ok(w.shows("carol", code)) // once more, as after a crash of the bot
		w.ok(w.shows("carol", w.code(-30*time.Second)))
		w.ok(w.approves(p, "carol", w.code(30*time.Second)))
		// Alice's seed is the same one here, and her codes are hers.
		w.ok(w.approves(p, "alice", code))
		w.ends(p.Plan.ID, bot.Done)
		notes := w.entries(journal.KindNote)
		if len(notes) != 1 || notes[0].By != "carol" || notes[0].Fields["door"] != "matrix" || !strings.Contains(notes[0].Text, "used up") {
			t.Errorf("%+v", notes)
		}
		for _, e := range w.entries(journal.KindNote, journal.KindDecision, journal.KindRefusal) {
			if strings.Contains(e.Text, code) {
				t.Errorf("the journal repeats it: %s", e.Text)
			}
			for _, v := range e.Fields {
				if strings.Contains(v, code) {
					t.Errorf("the journal repeats it: %+v", e.Fields)
				}
			}
		}
	})
}

// Whether a code was right is told to nobody, and numbers that are no code lock nobody
// out, however many there are.
func TestShownCodesTellNothing(t *testing.T) {
	played(t, withCodes, func(w *world) {
		p := w.proposed()
		for range 9 {
			w.ok(w.shows("carol", w.code(time.Hour), "x", strings.Repeat("1", 1000)))
		}
		for _, who := range []bot.PersonID{"bob", "nobody", ""} { // no seed, unknown
			w.ok(w.shows(who, w.code(0)))
		}
		if n := len(w.entries(journal.KindNote, journal.KindRefusal)); n != 0 {
			t.Errorf("%d entries", n)
		}
		if len(w.core.locks()) != 0 {
			t.Errorf("%+v", w.core.locks())
		}
		w.ok(w.approves(p, "carol", w.code(0)))
	})
}

// A lock ends, and a code that was shown shortly before must not count then.
func TestShownCodesAreSpentWhileLocked(t *testing.T) {
	played(t, withCodes, func(w *world) {
		p := w.proposed()
		for range wrongPerson {
			refuses(t, w.approves(p, "carol", w.code(time.Hour)), bot.CodeForbidden, "code is wrong")
		}
		time.Sleep(lockSpan - 10*time.Second)
		code := w.code(0)
		w.ok(w.shows("carol", code))
		refuses(t, w.approves(p, "carol", code), bot.CodeForbidden, "is looked at until")
		time.Sleep(10 * time.Second)
		refuses(t, w.approves(p, "carol", code), bot.CodeForbidden, "used already")
		w.ok(w.approves(p, "carol", w.code(30*time.Second)))
	})
}

// While codes are locked none counts, and a right one that comes with a word is spent
// all the same: whoever read it could bring it to a plan that is not locked, or when
// the lock is over.
func TestCodesOfWordsAreSpentWhileLocked(t *testing.T) {
	played(t, func(w *world) *world { // the plan's lock, and another plan
		w = withCodes(w)
		w.people[1].Seed = w.people[0].Seed
		return w
	}, func(w *world) {
		p, other := w.proposed(), w.proposed()
		for who, times := range map[bot.PersonID]int{"alice": 4, "bob": 4, "carol": 2} {
			for range times {
				refuses(t, w.approves(p, who, w.code(time.Hour)), bot.CodeForbidden, "code is wrong")
			}
		}
		code := w.code(0)
		refuses(t, w.approves(p, "carol", code), bot.CodeForbidden, "none of plan")
		refuses(t, w.approves(other, "carol", code), bot.CodeForbidden, "used already")
		w.stop()
		w.run()
		refuses(t, w.approves(other, "carol", code), bot.CodeForbidden, "used already")
		w.ok(w.approves(other, "carol", w.code(30*time.Second)))
	})
	played(t, withCodes, func(w *world) { // the person's lock, when it is over
		p := w.proposed()
		for range wrongPerson {
			refuses(t, w.approves(p, "carol", w.code(time.Hour)), bot.CodeForbidden, "code is wrong")
		}
		time.Sleep(lockSpan - 10*time.Second)
		code := w.code(0)
		refuses(t, w.approves(p, "carol", code), bot.CodeForbidden, "is looked at until")
		time.Sleep(10 * time.Second)
		refuses(t, w.approves(p, "carol", code), bot.CodeForbidden, "used already")
	})
}

// A word may be refused before its code is looked at. The code stands in the room all
// the same, and counts no more; a wrong one is not counted there.
func TestCodesOfRefusedWordsAreSpent(t *testing.T) {
	for name, refused := range map[string]struct {
		before func(w *world, p bot.Proposal)
		word   func(*api.Decide)
		code   bot.Code
		says   string
	}{
		"too many words": {before: func(w *world, p bot.Proposal) {
			for w.core.words.AllowN(w.core.now(), 1) {
			}
		}, code: bot.CodeUnavailable, says: "Too much is said"},
		"too long a reason":    {word: func(d *api.Decide) { d.Reason = strings.Repeat("x", api.MaxReason+1) }, code: bot.CodeInvalid, says: "reason is longer"},
		"too long a name":      {word: func(d *api.Decide) { d.Said.Message = bot.MessageID(strings.Repeat("x", 600)) }, code: bot.CodeInvalid, says: "too long"},
		"no id":                {word: func(d *api.Decide) { d.ID = "" }, code: bot.CodeInvalid, says: "needs an id"},
		"no word":              {word: func(d *api.Decide) { d.Verdict = "maybe" }, code: bot.CodeInvalid, says: "neither yes nor no"},
		"by a door that it is": {word: func(d *api.Decide) { d.Said.Door = "host" }, code: bot.CodeForbidden, says: "does not come by host"},
		"with two proofs":      {word: func(d *api.Decide) { d.Signature = "x" }, code: bot.CodeInvalid, says: "not both"},
		"the word of another": {before: func(w *world, p bot.Proposal) {
			d := no(p, "alice")
			d.ID = "carol's, too"
			_, err := w.core.Decide(ctx, Bot(), d)
			w.ok(err)
		}, word: func(d *api.Decide) { d.ID = "carol's, too" }, code: bot.CodeConflict, says: "another one when it first came"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, withCodes, func(w *world) {
				p, other := w.proposed(), w.proposed()
				code := w.code(0)
				d := yes(p, "carol")
				d.Code = code
				if refused.word != nil {
					refused.word(&d)
				}
				if refused.before != nil {
					refused.before(w, p)
				}
				for range 2 * wrongPerson { // wrong ones lock nobody out
					wrong := d
					wrong.Code = w.code(time.Hour)
					if _, err := w.core.Decide(ctx, Bot(), wrong); err == nil {
						t.Fatal("a wrong one counts")
					}
				}
				_, err := w.core.Decide(ctx, Bot(), d)
				refuses(t, err, refused.code, refused.says)
				time.Sleep(4 * time.Second) // the pace lets words in again
				refuses(t, w.approves(other, "carol", code), bot.CodeForbidden, "used already")
				w.stop()
				w.run()
				refuses(t, w.approves(other, "carol", code), bot.CodeForbidden, "used already")
				w.ok(w.approves(other, "carol", w.code(30*time.Second)))
				if notes := w.entries(journal.KindNote); len(notes) != 1 || notes[0].By != "carol" || !strings.Contains(notes[0].Text, "used up") {
					t.Errorf("%+v", notes)
				}
			})
		})
	}
}

// So it is with a word that all is well.
func TestCodesOfRefusedConfirmationsAreSpent(t *testing.T) {
	for name, prepare := range map[string]func(w *world, q *api.Confirm){
		"too many words": func(w *world, _ *api.Confirm) {
			for w.core.words.AllowN(w.core.now(), 1) {
			}
		},
		"too long a name": func(_ *world, q *api.Confirm) { q.Said.Account = bot.UserID(strings.Repeat("x", 600)) },
	} {
		t.Run(name, func(t *testing.T) {
			played(t, withCodes, func(w *world) {
				p := w.proposed()
				code := w.code(0)
				q := api.Confirm{Plan: p.Plan.ID, Person: "carol", Code: code, Said: api.Said{Door: "matrix"}}
				prepare(w, &q)
				if _, err := w.core.Confirm(ctx, Bot(), q); err == nil {
					t.Fatal("it was confirmed")
				}
				time.Sleep(4 * time.Second)
				refuses(t, w.approves(p, "carol", code), bot.CodeForbidden, "used already")
			})
		})
	}
}

// Whoever types numbers without end keeps no word from being heard: neither a code that
// counts, nor a denial.
func TestShownCodesDrownNoWords(t *testing.T) {
	played(t, withCodes, func(w *world) {
		p, other := w.proposed(), w.proposed()
		for range 200 {
			_ = w.shows("alice", "123456") // soon too many
		}
		w.ok(w.approves(p, "carol", w.code(0)))
		d := yes(other, "carol")
		d.Verdict = bot.Deny
		_, err := w.core.Decide(ctx, Bot(), d)
		w.ok(err)
	})
}

// Only the bot has codes to hand over, a few at once, and as often as it has words.
func TestWhoShowsCodes(t *testing.T) {
	played(t, withCodes, func(w *world) {
		for _, c := range []Caller{Human(1003), Root(), {}} {
			_, err := w.core.Spend(ctx, c, api.Spend{Person: "carol", Codes: []string{w.code(0)}})
			refuses(t, err, bot.CodeForbidden, "not for")
		}
		refuses(t, w.shows("carol"), bot.CodeInvalid, "From 1 to")
		refuses(t, w.shows("carol", make([]string, api.MaxCodes+1)...), bot.CodeInvalid, "From 1 to")
		slow := 0
		for range 200 {
			if e, ok := errors.AsType[*bot.Error](w.shows("carol", "123456")); ok && e.Code == bot.CodeUnavailable {
				slow++
			}
		}
		if slow < 150 {
			t.Errorf("%d of 200 were slowed down", slow)
		}
		w.person(2, func(p *Person) { p.Seed = func() (string, error) { return "", errors.New("gone") } })
		w.core.settings.Store(new(w.settings()))
		time.Sleep(time.Minute)
		refuses(t, w.shows("carol", "123456"), bot.CodeUnavailable, "cannot be read") // to be tried again
	})
}
