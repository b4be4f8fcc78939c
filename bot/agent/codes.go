package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// Time-based codes (RFC 6238: SHA-1, six digits, 30 s). Six digits with three of
// them good at any time are guessed once in 330,000 tries, so wrong ones are
// counted for the person and for the plan, and a few of them lock. A plan takes
// twice as many as a person, so that one stolen account locks no plan for others.
// Nothing is counted while it is locked: a lock ends by itself, whatever comes.
const (
	codePeriod  = 30 * time.Second
	codeSkew    = 1 // steps before and after now
	wrongPerson = 5
	wrongPlan   = 10
	wrongSpan   = 15 * time.Minute
	lockSpan    = 15 * time.Minute
	codesFile   = "codes.json"
)

// codes is what is remembered of them, on the disk before anything is answered.
type codes struct {
	// People by their id: the last step whose code was spent. Codes of it and of all
	// steps before count no more.
	Last map[bot.PersonID]int64 `json:"last"`
	// Wrong ones of late and locks, of "person alice" and "plan pln_…".
	Wrong  map[string][]time.Time `json:"wrong"`
	Locked map[string]time.Time   `json:"locked"` // until when
}

func (c *Core) loadCodes() error {
	c.codes = codes{Last: map[bot.PersonID]int64{}, Wrong: map[string][]time.Time{}, Locked: map[string]time.Time{}}
	err := c.disk.readJSON(codesFile, maxRecord, &c.codes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("agent: which codes were used is not known: %w", err)
	}
	return nil
}

// spend checks a code and uses it up. The plan is only for counting: it need not
// exist.
func (c *Core) spend(person Person, q given) error {
	now, id := c.now(), q.plan
	if person.Seed == nil {
		return bot.Errorf(bot.CodeForbidden, "The agent of %s knows no seed of %s, so that no code of theirs counts.", c.o.Host.Name, person.ID)
	}
	c.codes.forget(now)
	counters := []string{"person " + string(person.ID)}
	if _, known := c.records[id]; known {
		counters = append(counters, "plan "+string(id))
	}
	seed, err := c.seed(person)
	if err != nil {
		return err
	}
	step, good, err := matching(seed, q.code, now)
	if err != nil {
		return noSeed(person, err)
	}
	last, before := c.codes.Last[person.ID]
	used := before && step <= last
	if good && !used {
		c.codes.Last[person.ID] = step
		if err := c.saveCodes(); err != nil {
			return err
		}
	}
	// A lock comes after that: the code stands in a room, and could be brought to a
	// plan that is not locked, or when the lock is over.
	for _, k := range counters {
		if until, locked := c.codes.Locked[k]; locked {
			return bot.Errorf(bot.CodeForbidden, "Too many codes were wrong: none of %s is looked at until %s. Approve on the host or with a signature, where the rule takes that.", k, until.Format("15:04 UTC"))
		}
	}
	switch {
	case good && used:
		return bot.Errorf(bot.CodeForbidden, "This code was used already; wait for the next one.")
	case good:
		return nil
	}
	return c.wrong(person, q, counters, now)
}

// seed reads that of somebody who has one.
func (c *Core) seed(person Person) (string, error) {
	seed, err := person.Seed()
	if err != nil {
		return "", bot.Errorf(bot.CodeUnavailable, "The seed of %s cannot be read; the agent's log has the cause.", person.ID).Because(err)
	}
	return seed, nil
}

func noSeed(person Person, err error) error {
	return bot.Errorf(bot.CodeUnavailable, "The seed of %s is no seed; somebody must look after its file.", person.ID).Because(err)
}

// wrong counts a wrong code, and locks at the last that is allowed.
func (c *Core) wrong(person Person, q given, counters []string, now time.Time) error {
	says := "The code is wrong."
	for _, k := range counters {
		c.codes.Wrong[k] = append(c.codes.Wrong[k], now)
		most := wrongPerson
		if strings.HasPrefix(k, "plan ") {
			most = wrongPlan
		}
		if len(c.codes.Wrong[k]) >= most {
			until := now.Add(lockSpan)
			c.codes.Locked[k] = until
			delete(c.codes.Wrong, k)
			says = fmt.Sprintf("The code is wrong, as %d before: codes of %s are not looked at until %s.", most-1, k, until.Format("15:04 UTC"))
			c.o.Log.Warn("codes are locked after too many wrong ones", "of", k, "until", until)
		}
	}
	e := c.entry(journal.KindNote, bot.PlanID(short(string(q.plan))), "A wrong code was given for %s. %s", person.ID, says)
	e.By = person.ID
	e.Fields = fields(e.Fields, q.said)
	if err := errors.Join(c.saveCodes(), c.log(e)); err != nil {
		return err
	}
	return bot.Errorf(bot.CodeForbidden, "%s", says)
}

// locks are those that hold now, for people who look.
func (c *Core) locks() []api.Lock {
	var out []api.Lock
	now := c.now()
	for _, of := range slices.Sorted(maps.Keys(c.codes.Locked)) {
		if until := c.codes.Locked[of]; now.Before(until) {
			out = append(out, api.Lock{Of: of, Until: until})
		}
	}
	return out
}

func (c *Core) saveCodes() error {
	if err := c.disk.writeJSON(codesFile, c.codes); err != nil {
		return bot.Errorf(bot.CodeUnavailable, "That the code was used cannot be written down, so that it does not count: look after the agent's disk.").Because(err)
	}
	return nil
}

// forget lets go of what is too old to matter.
func (k *codes) forget(now time.Time) {
	for name, until := range k.Locked {
		if !now.Before(until) {
			delete(k.Locked, name)
		}
	}
	for name, times := range k.Wrong {
		times = slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) >= wrongSpan })
		if k.Wrong[name] = times; len(times) == 0 {
			delete(k.Wrong, name)
		}
	}
}

// matching finds the step of a code. All steps are tried, whichever fits, so that
// the time it takes tells nothing.
func matching(seed, code string, now time.Time) (step int64, good bool, err error) {
	current := now.Unix() / int64(codePeriod/time.Second)
	for s := current - codeSkew; s <= current+codeSkew; s++ {
		ok, err := hotp.ValidateCustom(code, uint64(max(0, s)), seed, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		switch {
		case errors.Is(err, otp.ErrValidateInputInvalidLength): // a wrong code like any other
		case err != nil:
			return 0, false, err
		case ok:
			step, good = s, true
		}
	}
	return step, good, nil
}
