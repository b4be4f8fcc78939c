package store

import (
	"encoding/json"
	"time"

	"watchstander/bot"
)

func scanSchedule(row scanner) (s bot.Schedule, err error) {
	var body []byte
	if err = row.Scan(&body); err != nil {
		return s, err
	}
	return s, json.Unmarshal(body, &s)
}

// Schedules lists how the firings of all checklists stand, by name; those that are no
// longer configured among them.
func (t *Tx) Schedules() ([]bot.Schedule, error) {
	return all(t, scanSchedule, `SELECT body FROM schedules ORDER BY name`)
}

// Schedule reads one.
func (t *Tx) Schedule(name string) (bot.Schedule, bool, error) {
	return one(t, scanSchedule, `SELECT body FROM schedules WHERE name = $1`, name)
}

// PutSchedule writes one.
func (t *Tx) PutSchedule(s bot.Schedule) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO schedules (name, next_at, body) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at, body = excluded.body`, s.Name, millis(s.Next), string(body))
}

// DropSchedule forgets one.
func (t *Tx) DropSchedule(name string) error {
	return t.exec(`DELETE FROM schedules WHERE name = $1`, name)
}

// readingsKept is how long measured figures are kept: a year, and what a yearly
// comparison needs beside.
const readingsKept = 400 * 24 * time.Hour

func scanReading(row scanner) (r bot.Reading, err error) {
	var at int64
	err = row.Scan(&r.Host, &r.What, &at, &r.Value, &r.Figure, &r.Unit, &r.State)
	r.At = moment(at)
	return r, err
}

const readingColumns = `host, what, at, value, figure, unit, state`

// PutReading keeps what a run of a checklist measured; of one thing, the newest of each
// run stays.
func (t *Tx) PutReading(checklist string, run bot.ThreadID, r bot.Reading) error {
	return t.exec(`INSERT INTO readings (checklist, thread, `+readingColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (checklist, thread, host, what) DO UPDATE SET at = excluded.at, value = excluded.value,
			figure = excluded.figure, unit = excluded.unit, state = excluded.state`,
		checklist, run, r.Host, r.What, millis(r.At), r.Value, r.Figure, r.Unit, r.State)
}

// ReadingBefore is the newest that earlier runs of a checklist measured of a thing and
// that was known then.
func (t *Tx) ReadingBefore(checklist string, run bot.ThreadID, host, what string) (bot.Reading, bool, error) {
	return one(t, scanReading, `SELECT `+readingColumns+` FROM readings
		WHERE checklist = $1 AND thread <> $2 AND host = $3 AND what = $4 AND state <> 'unknown' ORDER BY at DESC LIMIT 1`,
		checklist, run, host, what)
}

// Measured are the things that runs of a checklist have measured as long as readings are
// kept, by host and name.
func (t *Tx) Measured(checklist string) ([]bot.Reading, error) {
	return all(t, func(row scanner) (r bot.Reading, err error) { return r, row.Scan(&r.Host, &r.What) },
		`SELECT DISTINCT host, what FROM readings WHERE checklist = $1 ORDER BY host, what`, checklist)
}

// KeepReading keeps what one look measured beside what the runs keep, unknown ones too:
// a run has of each thing the newest alone.
func (t *Tx) KeepReading(look bot.EffectKey, r bot.Reading) error {
	return t.PutReading("", bot.ThreadID(look), r)
}

// Readings lists what was measured in [from, to], the oldest first; what a run and a look
// both keep is told once.
func (t *Tx) Readings(from, to time.Time) ([]bot.Reading, error) {
	return all(t, scanReading, `SELECT DISTINCT `+readingColumns+` FROM readings WHERE at >= $1 AND at <= $2 ORDER BY at, host, what`, millis(from), millis(to))
}
