package store

import "time"

// Heartbeat is the last delivery of a heartbeat.
type Heartbeat struct {
	Name    string
	LastAt  time.Time
	Stopped bool // Alertmanager itself said that it resolved
}

func scanHeartbeat(row scanner) (h Heartbeat, err error) {
	var last, stopped int64
	err = row.Scan(&h.Name, &last, &stopped)
	h.LastAt, h.Stopped = moment(last), stopped == 1
	return h, err
}

// Heartbeats lists all.
func (t *Tx) Heartbeats() ([]Heartbeat, error) {
	return all(t, scanHeartbeat, `SELECT name, last_at, stopped FROM heartbeats ORDER BY name`)
}

// PutHeartbeat writes one.
func (t *Tx) PutHeartbeat(h Heartbeat) error {
	return t.exec(`INSERT INTO heartbeats (name, last_at, stopped) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at, stopped = excluded.stopped`, h.Name, millis(h.LastAt), flag(h.Stopped))
}

// DropHeartbeat forgets one that is no longer configured.
func (t *Tx) DropHeartbeat(name string) error {
	return t.exec(`DELETE FROM heartbeats WHERE name = $1`, name)
}
