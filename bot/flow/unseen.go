package flow

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"watchstander/bot"
	"watchstander/bot/store"
)

// unseen are the alerts that one Alertmanager holds back and that no thread
// shows, since it never told of them: was at the poll before, now at this one.
type unseen struct {
	was, now map[string]bool // fingerprints
	// loud are those that nothing holds back: they fire, and are not told yet.
	loud map[string]bool
}

func metaUnseen(alertmanager string) string { return "held unseen " + alertmanager }

// add notes an alert that was not taken.
func (u *unseen) add(a bot.PolledAlert) {
	if held(a) {
		u.now[a.Fingerprint] = true
	} else {
		u.loud[a.Fingerprint] = true
	}
}

func (c *change) loadUnseen(alertmanager string) (*unseen, error) {
	was, err := readUnseen(c.Tx, alertmanager)
	return &unseen{was: was, now: map[string]bool{}, loud: map[string]bool{}}, err
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

// untold are, by Alertmanager, the alerts that fire by its newest account and that no thread
// tells yet. It lasts no longer than the process: the first poll says it anew.
type untold struct {
	mu sync.Mutex
	by map[string]map[string]bool // fingerprints
}

func (u *untold) listed(alertmanager string, fingerprints map[string]bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.by == nil {
		u.by = map[string]map[string]bool{}
	}
	u.by[alertmanager] = fingerprints
}

// told takes an alert out of which a webhook has told since.
func (u *untold) told(alertmanager, fingerprint string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.by[alertmanager], fingerprint)
}

func (u *untold) count(alertmanager string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.by[alertmanager])
}
