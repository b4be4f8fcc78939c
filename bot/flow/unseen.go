package flow

import (
	"encoding/json"
	"maps"
	"slices"

	"watchstander/bot"
	"watchstander/bot/store"
)

// unseen are the alerts that one Alertmanager holds back and that no thread
// shows, since it never told of them: was at the poll before, now at this one.
type unseen struct {
	was, now map[string]bool // fingerprints
}

func metaUnseen(alertmanager string) string { return "held unseen " + alertmanager }

// add notes an alert that was not taken.
func (u *unseen) add(a bot.PolledAlert) {
	if held(a) {
		u.now[a.Fingerprint] = true
	}
}

func (c *change) loadUnseen(alertmanager string) (*unseen, error) {
	was, err := readUnseen(c.Tx, alertmanager)
	return &unseen{was: was, now: map[string]bool{}}, err
}

func (c *change) storeUnseen(alertmanager string, u *unseen) error {
	if maps.Equal(u.was, u.now) {
		return nil
	}
	list, err := json.Marshal(slices.Sorted(maps.Keys(u.now)))
	if err != nil {
		return err
	}
	return c.PutMeta(metaUnseen(alertmanager), string(list))
}

func readUnseen(tx *store.Tx, alertmanager string) (map[string]bool, error) {
	text, err := tx.Meta(metaUnseen(alertmanager))
	set := map[string]bool{}
	if err != nil || text == "" {
		return set, err
	}
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return set, err
	}
	for _, fingerprint := range list {
		set[fingerprint] = true
	}
	return set, nil
}
