package store

import (
	"time"

	"watchstander/bot"
)

// AddGap keeps a time in which a source could not be heard: an Alertmanager by its name,
// "" for the bot itself, which was away.
func (t *Tx) AddGap(source string, x bot.Interval) error {
	return t.exec(`INSERT INTO gaps (source, from_at, to_at) VALUES ($1, $2, $3)
		ON CONFLICT (source, from_at) DO UPDATE SET to_at = excluded.to_at`, source, millis(x.From), millis(x.To))
}

const gapsIn = `SELECT from_at, to_at FROM gaps WHERE to_at > $1 AND from_at < $2 ORDER BY from_at, source`

// Gaps lists the times within [from, to) in which a source could not be heard, of all
// sources, the oldest first. They are kept as long as readings.
func (t *Tx) Gaps(from, to time.Time) ([]bot.Interval, error) {
	return all(t, func(row scanner) (x bot.Interval, err error) {
		var began, ended int64
		err = row.Scan(&began, &ended)
		x.From, x.To = moment(began), moment(ended)
		return x, err
	}, gapsIn, millis(from), millis(to))
}
