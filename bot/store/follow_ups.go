package store

import (
	"encoding/json"
	"time"

	"watchstander/bot"
)

func scanFollowUp(row scanner) (f bot.FollowUp, err error) {
	var body []byte
	if err = row.Scan(&body); err != nil {
		return f, err
	}
	return f, json.Unmarshal(body, &f)
}

// PutFollowUp writes what is to be done after an incident.
func (t *Tx) PutFollowUp(f bot.FollowUp) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO follow_ups (origin, number, at, ended_at, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (origin, number) DO UPDATE SET ended_at = excluded.ended_at, body = excluded.body`,
		f.Origin, f.Number, millis(f.At), millis(f.EndedAt), string(body))
}

// FollowUp reads one.
func (t *Tx) FollowUp(origin bot.ThreadID, number int) (bot.FollowUp, bool, error) {
	return one(t, scanFollowUp, `SELECT body FROM follow_ups WHERE origin = $1 AND number = $2`, origin, number)
}

// FollowUps lists those of one incident by their numbers.
func (t *Tx) FollowUps(origin bot.ThreadID) ([]bot.FollowUp, error) {
	return all(t, scanFollowUp, `SELECT body FROM follow_ups WHERE origin = $1 ORDER BY number`, origin)
}

// OpenFollowUps lists those that nobody has ended, the oldest first.
func (t *Tx) OpenFollowUps() ([]bot.FollowUp, error) {
	return all(t, scanFollowUp, `SELECT body FROM follow_ups WHERE ended_at = 0 ORDER BY at, origin, number`)
}

// pruneFollowUps lets go of those that were ended long ago; one that is open stays.
func (t *Tx) pruneFollowUps(now time.Time) error {
	return t.exec(`DELETE FROM follow_ups WHERE ended_at > 0 AND ended_at < $1`, millis(now.Add(-readingsKept)))
}
