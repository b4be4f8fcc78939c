package agent

import (
	"encoding/json"
	"errors"
	"strings"
)

// noDoubles refuses a value in which an object has a member twice, whatever the
// case of its letters: encoding/json takes all of them for one, and goes by the
// last. Another program that reads the same bytes, and logs them or checks them,
// must not come to another question.
func noDoubles(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := t.(string) // as all names of members are
			folded := strings.ToLower(strings.ToUpper(name))
			if seen[folded] {
				return errors.New("it has a member twice")
			}
			seen[folded] = true
		}
		if err := noDoubles(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
