package store

import (
	"strings"
	"time"

	"watchstander/bot"
)

// Send is one part of a message on its way.
type Send struct {
	Key    bot.SendKey
	Thread bot.ThreadID
	Room   bot.RoomID
	Kind   bot.SendKind
	// Version is what a root or an edit shows, ToSeq the last entry that a reply
	// says: what the view records when the last part has its receipt.
	Version    int64
	ToSeq      int64
	Part       int
	Parts      int
	Root       bot.MessageID
	Body       []byte
	Attachment []byte
	State      SendState
	RemoteID   bot.MessageID
	At         time.Time
	// Whole is the hash of the words that a plan's post was made of, "" for others,
	// and where a marker stands in its place.
	Whole string
}

// SendState is where a Send stands.
type SendState string

const (
	Sending SendState = "sending" // committed; whether the platform has it is not known
	Sent    SendState = "sent"    // the platform gave a receipt
	Dropped SendState = "dropped" // given up for a plainer form, which is a Send of its own
)

const sendColumns = `key, thread, room, kind, version, to_seq, part, parts, root, body, attachment, state, remote_id, at, whole`

func scanSend(row scanner) (s Send, err error) {
	var at int64
	err = row.Scan(&s.Key, &s.Thread, &s.Room, &s.Kind, &s.Version, &s.ToSeq, &s.Part, &s.Parts, &s.Root, &s.Body, &s.Attachment, &s.State, &s.RemoteID, &at, &s.Whole)
	s.At = moment(at)
	return s, err
}

// PutSend writes a send.
func (t *Tx) PutSend(s Send) error {
	return t.exec(`INSERT INTO sends (`+sendColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		s.Key, s.Thread, s.Room, s.Kind, s.Version, s.ToSeq, s.Part, s.Parts, s.Root, s.Body, s.Attachment, s.State, s.RemoteID, millis(s.At), s.Whole)
}

// SettleSend records what became of a send. The bytes are of no more use and
// are let go; the row stays, so that a reaction to the message finds its thread.
func (t *Tx) SettleSend(key bot.SendKey, state SendState, remote bot.MessageID) error {
	return t.exec(`UPDATE sends SET state = $1, remote_id = $2, body = '', attachment = NULL WHERE key = $3`, state, remote, key)
}

// DropSends gives up what a view has on its way.
func (t *Tx) DropSends(thread bot.ThreadID, room bot.RoomID) error {
	return t.exec(`UPDATE sends SET state = 'dropped', body = '', attachment = NULL WHERE thread = $1 AND room = $2 AND state = 'sending'`, thread, room)
}

// Send reads one send.
func (t *Tx) Send(key bot.SendKey) (Send, bool, error) {
	return one(t, scanSend, `SELECT `+sendColumns+` FROM sends WHERE key = $1`, key)
}

// SendByRemote finds the part that became a message of the platform's.
func (t *Tx) SendByRemote(room bot.RoomID, id bot.MessageID) (Send, bool, error) {
	return one(t, scanSend, `SELECT `+sendColumns+` FROM sends WHERE room = $1 AND remote_id = $2 LIMIT 1`, room, id)
}

// UnfinishedSend is the next part of what a view has on its way.
func (t *Tx) UnfinishedSend(thread bot.ThreadID, room bot.RoomID) (Send, bool, error) {
	return one(t, scanSend, `SELECT `+sendColumns+` FROM sends WHERE thread = $1 AND room = $2 AND state = 'sending' ORDER BY part LIMIT 1`, thread, room)
}

// SendsOpen tells whether a room has sends of some kinds that were frozen in
// [since, until] and have no receipt yet.
func (t *Tx) SendsOpen(room bot.RoomID, since, until time.Time, kinds ...bot.SendKind) (bool, error) {
	for _, k := range kinds {
		n, _, err := one(t, number, `SELECT EXISTS (SELECT 1 FROM sends WHERE room = $1 AND kind = $2 AND state = 'sending' AND at BETWEEN $3 AND $4)`,
			room, k, millis(since), millis(until))
		if err != nil || n == 1 {
			return n == 1, err
		}
	}
	return false, nil
}

func prefixed(table, columns string) string {
	parts := strings.Split(columns, ", ")
	for i, p := range parts {
		parts[i] = table + "." + p
	}
	return strings.Join(parts, ", ")
}
