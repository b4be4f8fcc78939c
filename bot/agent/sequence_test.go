package agent

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

// spoken is one person's word in a drawn story, whether the agent took it or not.
type spoken struct {
	q     api.Decide
	by    bot.PersonID
	step  bot.StepUp
	at    time.Time
	taken bool // back
}

// story is a drawn sequence of what people, and a captured bot, do about one plan;
// and what the policy's need is by what they did, which knows nothing of how the
// agent or the gate keep books.
type story struct {
	*world
	pick  func(n int) int
	p     bot.Proposal
	words []spoken
	roles map[bot.PersonID]bool // who may approve now
	began bool
	// denied: somebody said no who may, before it ran.
	denied bool
}

// play does one thing, and says what.
func (s *story) play() string {
	who := []bot.PersonID{"alice", "bob", "carol", "erin"}[s.pick(4)]
	say := func(caller Caller, q api.Decide, step bot.StepUp) {
		_, err := s.core.Decide(ctx, caller, q)
		s.words = append(s.words, spoken{q: q, by: who, step: step, at: time.Now()})
		_ = err // it may count or not; the oracle does not ask
	}
	uid := map[bot.PersonID]int{"alice": 1001, "bob": 1002, "carol": 1003, "erin": 1005}[who]
	switch s.pick(15) {
	case 0, 1, 2:
		say(Bot(), yes(s.p, who), "")
		return string(who) + " agrees in a chat"
	case 3, 4, 5:
		q := yes(s.p, who)
		q.Person = ""
		say(Human(uid), q, bot.StepHost)
		return string(who) + " agrees at the host"
	case 6:
		q := yes(s.p, who)
		q.Code = s.code(0)
		say(Bot(), q, bot.StepTOTP)
		return string(who) + " agrees with a code"
	case 7:
		q := yes(s.p, who)
		q.Digest = strings.Repeat("0", len(q.Digest))
		_, _ = s.core.Decide(ctx, Human(uid), q)
		return string(who) + " agrees to something else"
	case 8, 13:
		if len(s.words) == 0 {
			return "nothing"
		}
		i := s.pick(len(s.words))
		if _, err := s.core.Withdraw(ctx, Bot(), api.Withdraw{Plan: s.p.Plan.ID, ID: s.words[i].q.ID, Person: s.words[i].by}); err == nil {
			s.words[i].taken = true
		}
		return fmt.Sprintf("%s takes word %d back", s.words[i].by, i)
	case 9:
		if len(s.words) == 0 {
			return "nothing"
		}
		i := s.pick(len(s.words))
		_, _ = s.core.Decide(ctx, Bot(), s.words[i].q) // again
		return fmt.Sprintf("word %d comes again", i)
	case 10:
		s.roles[who] = !s.roles[who]
		s.people = slices.Clone(s.people)
		for i := range s.people {
			if p := &s.people[i]; p.ID == who {
				p.Roles = slices.DeleteFunc(slices.Clone(p.Roles), func(r bot.Role) bool { return r == bot.RoleApprover })
				if s.roles[who] {
					p.Roles = append(p.Roles, bot.RoleApprover)
				}
			}
		}
		s.ok(s.core.Reload(s.settings()))
		return fmt.Sprintf("%s may approve: %v", who, s.roles[who])
	case 11:
		d := time.Duration(1+s.pick(20)) * time.Minute
		time.Sleep(d)
		return "time passes: " + d.String()
	case 12:
		if s.pick(4) > 0 {
			return "nothing"
		}
		_, _ = s.core.Decide(ctx, Bot(), no(s.p, who))
		s.denied = s.denied || s.roles[who] || who == s.p.Plan.Requester
		return string(who) + " says no"
	}
	s.stop()
	s.run()
	return "the agent is started again"
}

// need tells whether what was said is what the rule asks for.
func (s *story) need(at time.Time) bool {
	r := s.p.Plan.Rule
	agreed := map[bot.PersonID]bool{}
	for _, w := range s.words {
		proven := len(r.StepUp) == 0 || slices.Contains(r.StepUp, w.step)
		if proven && !w.taken && s.roles[w.by] && (w.by != s.p.Plan.Requester || r.RequesterCounts) && w.at.Sub(s.p.ShownAt) < r.ApproveWithin.Duration() {
			agreed[w.by] = true
		}
	}
	return len(agreed) >= int(r.Count) && at.Sub(s.p.ShownAt) < r.ApproveWithin.Duration()
}

// tellStory plays one, and tells whether the plan ran.
func tellStory(t *testing.T, pick func(n int) int) (ran bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).rule(func(r *bot.Rule) {
			r.Count, r.RequesterCounts = bot.Count([]int{1, 2, 2, 3}[pick(4)]), pick(2) == 0
			r.StepUp = [][]bot.StepUp{nil, {bot.StepHost}, {bot.StepTOTP}, {bot.StepHost, bot.StepTOTP}}[pick(4)]
		})
		if dir, err := os.MkdirTemp("/dev/shm", "ws"); err == nil { // there, waiting for the disk takes no time
			t.Cleanup(func() { w.ok(os.RemoveAll(dir)) })
			w.state = dir
		}
		w.people = append(w.people, Person{Person: bot.Person{ID: "erin", Roles: []bot.Role{bot.RoleApprover}}, UIDs: []int{1005}})
		w.run()
		defer func() { w.close() }()
		s := &story{world: w, pick: pick, roles: map[bot.PersonID]bool{"alice": true, "carol": true, "erin": true}}
		s.p = w.proposed()
		var told []string
		for range 5 + pick(20) {
			told = append(told, s.play())
			synctest.Wait()
			p := w.now(s.p.Plan.ID)
			if !p.StartedAt.IsZero() && !s.began {
				s.began = true
				if s.denied || !s.need(p.StartedAt) {
					t.Fatalf("it runs without what the rule asks for: %+v\n%q\n%+v", p.Plan.Rule, told, p.Decisions)
				}
			}
		}
		if n, _ := w.lamp.counts(); n > 1 || n == 1 && !s.began {
			t.Fatalf("it was done %d times\n%q", n, told)
		}
		ran = s.began
	})
	return ran
}

// However people and a captured bot go on, nothing runs without what its rule asks
// for, and nothing twice.
func TestNoSequenceRunsWithoutTheNeed(t *testing.T) {
	n, ran := 120, 0
	if testing.Short() {
		n = 40
	}
	for i := range n {
		if tellStory(t, rand.New(rand.NewPCG(uint64(i), 11)).IntN) {
			ran++
		}
	}
	t.Logf("%d of %d ran", ran, n)
	if ran < n/10 || ran > n*9/10 {
		t.Errorf("%d of %d ran: the draw is too narrow", ran, n)
	}
}

// FuzzSequence is the same, with choices from bytes.
func FuzzSequence(f *testing.F) {
	for i := range byte(8) {
		seed := make([]byte, 60)
		for k := range seed {
			seed[k] = byte(k)*7*i ^ i
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tellStory(t, func(n int) int {
			if len(data) == 0 {
				return 0
			}
			v := int(data[0])
			data = data[1:]
			return v % n
		})
	})
}
