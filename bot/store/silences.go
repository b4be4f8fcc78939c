package store

import (
	"encoding/json"
	"errors"
	"slices"

	"watchstander/bot"
)

// KnownSilence is a silence as the last poll told it.
type KnownSilence struct {
	Alertmanager string
	bot.Silence
	// Told is "ending" once people have been warned of its end.
	Told string
	// Held are the threads that it was made in, or whose alerts it has held back.
	Held []bot.ThreadID
}

const silenceColumns = `alertmanager, body, told, held`

func scanSilence(row scanner) (s KnownSilence, err error) {
	var body, held []byte
	if err = row.Scan(&s.Alertmanager, &body, &s.Told, &held); err != nil {
		return s, err
	}
	return s, errors.Join(json.Unmarshal(body, &s.Silence), json.Unmarshal(held, &s.Held))
}

// KnownSilences lists those of one Alertmanager.
func (t *Tx) KnownSilences(alertmanager string) ([]KnownSilence, error) {
	return all(t, scanSilence, `SELECT `+silenceColumns+` FROM silences WHERE alertmanager = $1 ORDER BY id`, alertmanager)
}

// KnownSilence reads one.
func (t *Tx) KnownSilence(alertmanager, id string) (KnownSilence, bool, error) {
	return one(t, scanSilence, `SELECT `+silenceColumns+` FROM silences WHERE alertmanager = $1 AND id = $2`, alertmanager, id)
}

// SilencesKept lists the silences that are not over and that were made in a
// thread, or have held its alerts back.
func (t *Tx) SilencesKept(alertmanager string, thread bot.ThreadID) ([]KnownSilence, error) {
	return all(t, scanSilence, `SELECT `+silenceColumns+` FROM silences WHERE alertmanager = $1 AND state <> 'expired' AND held LIKE $2 ORDER BY ends_at, id`,
		alertmanager, `%"`+string(thread)+`"%`)
}

// PutSilence writes one.
func (t *Tx) PutSilence(s KnownSilence) error {
	body, err := json.Marshal(s.Silence)
	if err != nil {
		return err
	}
	held := make([]string, len(s.Held))
	for i, id := range s.Held {
		held[i] = string(id)
	}
	return t.exec(`INSERT INTO silences (alertmanager, id, state, ends_at, body, told, held) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (alertmanager, id) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at, body = excluded.body,
			told = excluded.told, held = excluded.held`,
		s.Alertmanager, s.ID, s.State, millis(s.EndsAt), string(body), s.Told, list(held))
}

// SilencesOver lists the ids of the silences that hold a thread's alerts back.
func (t *Tx) SilencesOver(thread bot.ThreadID) ([]string, error) {
	sets, err := all(t, func(row scanner) (ids []string, err error) {
		var data []byte
		if err = row.Scan(&data); err != nil {
			return nil, err
		}
		return ids, json.Unmarshal(data, &ids)
	}, `SELECT DISTINCT silenced_by FROM episodes WHERE thread = $1 AND resolved = 0 AND silenced_by <> '[]'`, thread)
	ids := slices.Concat(sets...)
	slices.Sort(ids)
	return slices.Compact(ids), err
}
