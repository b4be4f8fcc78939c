package alertmanagertest

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// silence is one silence; like alerts, stored ones are replaced, not changed.
type silence struct {
	id        string
	matchers  labels.Matchers
	startsAt  time.Time
	endsAt    time.Time
	updatedAt time.Time
	createdBy string
	comment   string
}

const (
	stateActive  = "active"
	statePending = "pending"
	stateExpired = "expired"
)

func (s *silence) state(now time.Time) string {
	switch {
	case now.Before(s.startsAt):
		return statePending
	case now.After(s.endsAt):
		return stateExpired
	}
	return stateActive
}

var errUnknownSilence = errors.New("silence not found")

// Silence makes a silence by hand, as somebody does in Alertmanager's own web
// interface, from now for d. It returns its id.
func (am *Alertmanager) Silence(matchers string, d time.Duration, by, comment string) string {
	am.mu.Lock()
	defer am.mu.Unlock()
	now := time.Now()
	s := &silence{matchers: mustParse([]string{matchers}), startsAt: now, endsAt: now.Add(d), createdBy: by, comment: comment}
	if err := am.set(s); err != nil {
		panic(fmt.Sprintf("alertmanagertest: %v", err))
	}
	return s.id
}

// Edit gives a silence another end by hand, d from now, and with matchers others. It
// returns the id, which then is another one.
func (am *Alertmanager) Edit(id string, d time.Duration, matchers string) string {
	am.mu.Lock()
	defer am.mu.Unlock()
	s := *am.silences[id]
	s.endsAt = time.Now().Add(d)
	if matchers != "" {
		s.matchers = mustParse([]string{matchers})
	}
	if err := am.set(&s); err != nil {
		panic(fmt.Sprintf("alertmanagertest: %v", err))
	}
	return s.id
}

// Expire ends a silence by hand.
func (am *Alertmanager) Expire(id string) {
	am.mu.Lock()
	defer am.mu.Unlock()
	if err := am.expire(id); err != nil {
		panic(fmt.Sprintf("alertmanagertest: %v", err))
	}
}

// set makes a silence or changes the one whose id it bears. What would falsify
// history, such as other matchers, expires the old one and makes another, with
// another id. am.mu is held.
func (am *Alertmanager) set(s *silence) error {
	now := time.Now()
	if err := valid(s); err != nil {
		return fmt.Errorf("invalid silence: %w", err)
	}
	s.updatedAt = now
	if s.id != "" {
		old := am.silences[s.id]
		if old == nil {
			return errUnknownSilence
		}
		if updatable(old, s, now) {
			am.keep(s)
			return nil
		}
		if old.state(now) != stateExpired {
			if err := am.expire(old.id); err != nil {
				return err
			}
		}
	}
	am.made++
	s.id = silenceID(am.o.Name, am.made)
	if s.startsAt.Before(now) {
		s.startsAt = now
	}
	am.keep(s)
	return nil
}

// silenceID is the n-th silence's id: a UUID that looks random, so that its first
// characters tell it from others as a real one's do, and is the same in every
// run.
func silenceID(peer string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", peer, n))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func valid(s *silence) error {
	if len(s.matchers) == 0 {
		return errors.New("at least one matcher required")
	}
	if !slices.ContainsFunc(s.matchers, func(m *labels.Matcher) bool {
		negative := m.Type == labels.MatchNotEqual || m.Type == labels.MatchNotRegexp
		return negative || !m.Matches("")
	}) {
		return errors.New("at least one matcher must not match the empty string")
	}
	if s.endsAt.Before(s.startsAt) {
		return errors.New("end time must not be before start time")
	}
	return nil
}

func updatable(old, s *silence, now time.Time) bool {
	if old.matchers.String() != s.matchers.String() {
		return false
	}
	switch old.state(now) {
	case stateActive:
		return old.startsAt.Unix() == s.startsAt.Unix() && !s.endsAt.Before(now)
	case statePending:
		return !s.startsAt.Before(now)
	}
	return false
}

// expire ends a silence; one that has ended stays as it is.
func (am *Alertmanager) expire(id string) error {
	old := am.silences[id]
	if old == nil {
		return errUnknownSilence
	}
	now := time.Now()
	ended := *old
	switch old.state(now) {
	case stateExpired:
		return nil
	case statePending:
		ended.startsAt = now
	}
	// The real one ends it now, and is a moment later when it is asked; fake time
	// does not move by itself.
	ended.endsAt, ended.updatedAt = now.Add(-1), now
	if ended.startsAt.After(ended.endsAt) {
		ended.startsAt = ended.endsAt
	}
	am.keep(&ended)
	return nil
}

// keep stores a silence and tells the peers that gossip reaches.
func (am *Alertmanager) keep(s *silence) {
	am.silences[s.id] = s
	for _, p := range am.reached() {
		p.silences[s.id] = s
	}
	am.changed()
}

// sorted lists silences as the API does: the active ones, the next to end
// first; the pending ones, the next to begin first; the expired ones, the last
// to end first.
func (am *Alertmanager) sorted(now time.Time) []*silence {
	rank := map[string]int{stateActive: 1, statePending: 2, stateExpired: 3}
	var out []*silence
	for _, id := range sortedKeys(am.silences) {
		out = append(out, am.silences[id])
	}
	slices.SortStableFunc(out, func(a, b *silence) int {
		state := a.state(now)
		if by := cmp.Compare(rank[state], rank[b.state(now)]); by != 0 {
			return by
		}
		switch state {
		case stateActive:
			return a.endsAt.Compare(b.endsAt)
		case statePending:
			return a.startsAt.Compare(b.startsAt)
		}
		return b.endsAt.Compare(a.endsAt)
	})
	return out
}

// Partition cuts gossip between the peers of a pair, or lets it through again;
// then each takes over what the other has that is newer.
func Partition(am *Alertmanager, cut bool) {
	am.mu.Lock()
	defer am.mu.Unlock()
	for _, p := range am.peers {
		p.knobs.partitioned = cut
	}
	if !cut {
		for _, p := range am.peers {
			p.catchUp()
		}
	}
	am.changed()
}

// catchUp takes over what the reachable peers know better.
func (am *Alertmanager) catchUp() {
	for _, p := range am.reached() {
		for id, s := range p.silences {
			if mine := am.silences[id]; mine == nil || mine.updatedAt.Before(s.updatedAt) {
				am.silences[id] = s
			}
		}
		for key, e := range p.log {
			if mine, ok := am.log[key]; !ok || mine.at.Before(e.at) {
				am.log[key] = e
			}
		}
	}
}
