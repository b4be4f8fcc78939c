package store

import (
	"encoding/json"
	"fmt"
	"time"

	"watchstander/bot"
)

// Request is a command that somebody gave, until it is answered.
type Request struct {
	ID     bot.RequestID
	Thread bot.ThreadID // where the answer goes
	Room   bot.RoomID
	Person bot.PersonID
	Line   string // as it was typed
	SaidAt time.Time
	At     time.Time // when it was taken
	Done   bool
	Tries  int
	// NextTry is when it is due; a request that was being worked on when the bot
	// died is due still.
	NextTry time.Time
}

const requestColumns = `id, thread, room, person, line, said_at, at, state, tries, next_try`

func scanRequest(row scanner) (r Request, err error) {
	var said, at, next int64
	var state string
	err = row.Scan(&r.ID, &r.Thread, &r.Room, &r.Person, &r.Line, &said, &at, &state, &r.Tries, &next)
	r.SaidAt, r.At, r.NextTry, r.Done = moment(said), moment(at), moment(next), state == "done"
	return r, err
}

// PutRequest writes a request.
func (t *Tx) PutRequest(r Request) error {
	return t.exec(`INSERT INTO requests (`+requestColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, tries = excluded.tries, next_try = excluded.next_try`,
		r.ID, r.Thread, r.Room, r.Person, r.Line, millis(r.SaidAt), millis(r.At), doneState(r.Done), r.Tries, millis(r.NextTry))
}

func doneState(done bool) string {
	if done {
		return "done"
	}
	return "due"
}

// Request reads one.
func (t *Tx) Request(id bot.RequestID) (Request, bool, error) {
	return one(t, scanRequest, `SELECT `+requestColumns+` FROM requests WHERE id = $1`, id)
}

// DueRequests lists the commands to be run now, the oldest first.
func (t *Tx) DueRequests(now time.Time, limit int) ([]Request, error) {
	return all(t, scanRequest, `SELECT `+requestColumns+` FROM requests WHERE state = 'due' AND next_try <= $1 ORDER BY at, id LIMIT $2`, millis(now), limit)
}

// OpenRequests lists the commands of a room that have no answer yet.
func (t *Tx) OpenRequests(room bot.RoomID) ([]Request, error) {
	return all(t, scanRequest, `SELECT `+requestColumns+` FROM requests WHERE state = 'due' AND room = $1 ORDER BY at, id`, room)
}

// CountOpenRequests counts the commands of a person that have no answer yet.
func (t *Tx) CountOpenRequests(who bot.PersonID) (int64, error) {
	n, _, err := one(t, number, `SELECT COUNT(*) FROM requests WHERE state = 'due' AND person = $1`, who)
	return n, err
}

// OpenRequestsOf lists the commands of a person that have no answer yet.
func (t *Tx) OpenRequestsOf(who bot.PersonID) ([]Request, error) {
	return all(t, scanRequest, `SELECT `+requestColumns+` FROM requests WHERE state = 'due' AND person = $1 ORDER BY at, id`, who)
}

// CountOpenOrders counts the effects that a person ordered and that are not done.
// That a message with a code is to be erased, and the code used up, nobody ordered.
func (t *Tx) CountOpenOrders(who bot.PersonID) (int64, error) {
	n, _, err := one(t, number, `SELECT COUNT(*) FROM effects WHERE state = 'due' AND request <> '' AND person = $1 AND kind NOT IN ('erase', 'spend')`, who)
	return n, err
}

// Effect is something to be done outside, until it is done.
type Effect struct {
	Key     bot.EffectKey
	Thread  bot.ThreadID // to be told of it
	Request bot.RequestID
	Person  bot.PersonID
	// Lane is what it shares its places with: effects of one lane wait for each
	// other, and for nothing else. It is written once.
	Lane    string
	What    bot.Outcome // one of effectKinds
	State   EffectState
	Tries   int
	NextTry time.Time
	Result  string
	At      time.Time
}

// EffectState is where an Effect stands.
type EffectState string

const (
	EffectDue    EffectState = "due"
	EffectDone   EffectState = "done"
	EffectFailed EffectState = "failed"
)

const effectColumns = `key, kind, lane, thread, request, person, body, state, tries, next_try, result, at`

func scanEffect(row scanner) (e Effect, err error) {
	var kind string
	var body []byte
	var next, at int64
	if err = row.Scan(&e.Key, &kind, &e.Lane, &e.Thread, &e.Request, &e.Person, &body, &e.State, &e.Tries, &next, &e.Result, &at); err != nil {
		return e, err
	}
	e.NextTry, e.At = moment(next), moment(at)
	read, known := effectKinds[kind]
	if !known {
		return e, fmt.Errorf("an effect of unknown kind %q", kind)
	}
	e.What, err = read(body)
	return e, err
}

// effectKinds are the outcomes that are done outside, by the names that the state
// has for them.
var effectKinds = map[string]func([]byte) (bot.Outcome, error){
	"make silence": readEffect[bot.MakeSilence],
	"end silence":  readEffect[bot.EndSilence],
	"draw graph":   readEffect[bot.DrawGraph],
	"ask":          readEffect[bot.Ask],
	"decide":       readEffect[bot.Decide],
	"cancel":       readEffect[bot.Cancel],
	"confirm":      readEffect[bot.Confirm],
	"trigger":      readEffect[bot.Trigger],
	"show plan":    readEffect[bot.ShowPlan],
	"take back":    readEffect[bot.TakeBack],
	"erase":        readEffect[bot.EraseMessage],
	"spend":        readEffect[bot.SpendCodes],
	"look":         readEffect[bot.LookForChanges],
	"measure":      readEffect[bot.Measure],
	"report":       readEffect[bot.MakeReport],
}

func readEffect[T bot.Outcome](body []byte) (bot.Outcome, error) {
	var o T
	err := json.Unmarshal(body, &o)
	return o, err
}

func effectKind(o bot.Outcome) string {
	switch o.(type) {
	case bot.MakeSilence:
		return "make silence"
	case bot.EndSilence:
		return "end silence"
	case bot.DrawGraph:
		return "draw graph"
	case bot.Ask:
		return "ask"
	case bot.Decide:
		return "decide"
	case bot.Cancel:
		return "cancel"
	case bot.Confirm:
		return "confirm"
	case bot.Trigger:
		return "trigger"
	case bot.ShowPlan:
		return "show plan"
	case bot.TakeBack:
		return "take back"
	case bot.EraseMessage:
		return "erase"
	case bot.SpendCodes:
		return "spend"
	case bot.LookForChanges:
		return "look"
	case bot.Measure:
		return "measure"
	case bot.MakeReport:
		return "report"
	}
	return ""
}

// CodeOf is the time-based code that came with a word on a plan, "" for none.
func CodeOf(o bot.Outcome) string {
	switch o := o.(type) {
	case bot.Decide:
		return o.Code
	case bot.Confirm:
		return o.Code
	}
	return ""
}

// HoldsCode tells whether somebody's time-based code came with it.
func HoldsCode(o bot.Outcome) bool {
	if o, ok := o.(bot.SpendCodes); ok {
		return len(o.Codes) > 0
	}
	return CodeOf(o) != ""
}

// ForgetSecrets lets go of the code that an effect carried: it is spent, and of use to
// nobody.
func (t *Tx) ForgetSecrets(e Effect) error {
	if !HoldsCode(e.What) {
		return nil
	}
	what := e.What
	switch o := what.(type) {
	case bot.Decide:
		o.Code = ""
		what = o
	case bot.Confirm:
		o.Code = ""
		what = o
	case bot.SpendCodes:
		o.Codes = nil
		what = o
	}
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE effects SET body = $1 WHERE key = $2`, string(body), e.Key)
}

// ForgetLine puts another line in the place of what was typed.
func (t *Tx) ForgetLine(id bot.RequestID, line string) error {
	return t.exec(`UPDATE requests SET line = $1 WHERE id = $2`, line, id)
}

// PutEffect writes an effect.
func (t *Tx) PutEffect(e Effect) error {
	kind := effectKind(e.What)
	if kind == "" {
		return fmt.Errorf("state: %T is no effect", e.What)
	}
	body, err := json.Marshal(e.What)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO effects (`+effectColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (key) DO UPDATE SET state = excluded.state, tries = excluded.tries, next_try = excluded.next_try, result = excluded.result`,
		e.Key, kind, e.Lane, e.Thread, e.Request, e.Person, string(body), e.State, e.Tries, millis(e.NextTry), e.Result, millis(e.At))
}

// Effect reads one.
func (t *Tx) Effect(key bot.EffectKey) (Effect, bool, error) {
	return one(t, scanEffect, `SELECT `+effectColumns+` FROM effects WHERE key = $1`, key)
}

// EffectByResult finds the effect that made something outside: the silence with
// this id.
func (t *Tx) EffectByResult(result string) (Effect, bool, error) {
	return one(t, scanEffect, `SELECT `+effectColumns+` FROM effects WHERE result = $1 LIMIT 1`, result)
}

// DueLanes lists the lanes in which something is to be done now.
func (t *Tx) DueLanes(now time.Time) ([]string, error) {
	return all(t, func(row scanner) (lane string, err error) {
		err = row.Scan(&lane)
		return lane, err
	}, `SELECT DISTINCT lane FROM effects WHERE state = 'due' AND next_try <= $1 ORDER BY lane`, millis(now))
}

// DueEffects lists what is to be done now in a lane: what people asked for, then
// the rest, the oldest first. What is under way is due until it has ended.
func (t *Tx) DueEffects(lane string, now time.Time, limit int) ([]Effect, error) {
	return all(t, scanEffect, `SELECT `+effectColumns+` FROM effects WHERE state = 'due' AND lane = $1 AND next_try <= $2
		ORDER BY CASE WHEN request = '' THEN 1 ELSE 0 END, at, key LIMIT $3`, lane, millis(now), limit)
}

// UntoldDecisions lists the words on plans that no agent is known to have.
func (t *Tx) UntoldDecisions() ([]Effect, error) {
	return all(t, scanEffect, `SELECT `+effectColumns+` FROM effects WHERE state = 'due' AND kind = 'decide' ORDER BY at, key`)
}

// UntoldCancels lists the cancellations of plans that no agent is known to have.
func (t *Tx) UntoldCancels() ([]Effect, error) {
	return all(t, scanEffect, `SELECT `+effectColumns+` FROM effects WHERE state = 'due' AND kind = 'cancel' ORDER BY at, key`)
}

// NextWork is when the next request or effect comes due after now, zero when none
// does. What is due already waits for a place, or is under way: its end wakes.
func (t *Tx) NextWork(now time.Time) (time.Time, error) {
	n, _, err := one(t, number, `SELECT COALESCE(MIN(next_try), 0) FROM
		(SELECT next_try FROM requests WHERE state = 'due' AND next_try > $1
		UNION ALL SELECT next_try FROM effects WHERE state = 'due' AND next_try > $1) AS work`, millis(now))
	return moment(n), err
}

// CountDue counts the requests and effects that wait.
func (t *Tx) CountDue() (requests, effects int64, err error) {
	if requests, _, err = one(t, number, `SELECT COUNT(*) FROM requests WHERE state = 'due'`); err != nil {
		return 0, 0, err
	}
	effects, _, err = one(t, number, `SELECT COUNT(*) FROM effects WHERE state = 'due'`)
	return requests, effects, err
}
