package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"watchstander/bot"
)

func fault(path, problem string) error {
	return bot.Errorf(bot.CodeInvalid, "%s: %s", path, problem)
}

func alertFault(i int, field, problem string) error {
	return fault(fmt.Sprintf("alerts[%d].%s", i, field), problem)
}

// errNotJSON is the fault of a body that is no JSON at all.
func errNotJSON(at int64) error {
	return bot.Errorf(bot.CodeInvalid, "the body is not JSON (at byte %d)", at)
}

// locate finds the field that json.Unmarshal stumbled over: its own error does
// not number the alerts, and quotes the body. The body is read a second time,
// piece by piece, which only a refused one costs.
func locate(body []byte, cause error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](cause); ok {
		return errNotJSON(syntax.Offset)
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return bot.Errorf(bot.CodeInvalid, "the body is not a JSON object")
	}
	for _, f := range []struct {
		name, problem string
		into          any
	}{
		{"version", "is not a string", new(string)},
		{"receiver", "is not a string", new(string)},
		{"groupKey", "is not a string", new(string)},
		{"externalURL", "is not a string", new(string)},
		{"truncatedAlerts", "is not a number that counts", new(uint64)},
	} {
		if raw, ok := top[f.name]; ok && json.Unmarshal(raw, f.into) != nil {
			return fault(f.name, f.problem)
		}
	}
	if err := locateLabels("groupLabels", top["groupLabels"], false); err != nil {
		return err
	}
	var alerts []map[string]json.RawMessage
	if raw, ok := top["alerts"]; ok {
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return fault("alerts", "is not a list")
		}
		alerts = make([]map[string]json.RawMessage, len(items))
		for i, item := range items {
			if json.Unmarshal(item, &alerts[i]) != nil {
				return fault(fmt.Sprintf("alerts[%d]", i), "is not an object")
			}
		}
	}
	for i, a := range alerts {
		if err := locateInAlert(i, a); err != nil {
			return err
		}
	}
	return bot.Errorf(bot.CodeInvalid, "the body is JSON, but not what Alertmanager sends")
}

func locateInAlert(i int, a map[string]json.RawMessage) error {
	for _, name := range []string{"status", "generatorURL", "fingerprint"} {
		if raw, ok := a[name]; ok && json.Unmarshal(raw, new(string)) != nil {
			return alertFault(i, name, "is not a string")
		}
	}
	for _, name := range []string{"startsAt", "endsAt"} {
		if raw, ok := a[name]; ok && json.Unmarshal(raw, new(time.Time)) != nil {
			return alertFault(i, name, "is not a time (RFC 3339)")
		}
	}
	for _, name := range []string{"labels", "annotations"} {
		nullable := name == "annotations"
		if err := locateLabels(fmt.Sprintf("alerts[%d].%s", i, name), a[name], nullable); err != nil {
			return err
		}
	}
	return nil
}

// locateLabels looks for a value that is not a string. A null annotation is
// nothing to complain of; a null label is.
func locateLabels(path string, raw json.RawMessage, nullable bool) error {
	if raw == nil {
		return nil
	}
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return fault(path, "is not an object")
	}
	for _, value := range values {
		if null := string(value) == "null"; null && !nullable || json.Unmarshal(value, new(string)) != nil {
			return fault(path, "holds a value that is not a string")
		}
	}
	return nil
}

// nullLabel looks for a label that is null. encoding/json makes an empty string
// of it, which would quietly change what the alert is.
func nullLabel(body []byte) error {
	var m struct {
		GroupLabels map[string]*string `json:"groupLabels"`
		Alerts      []struct {
			Labels map[string]*string `json:"labels"`
		} `json:"alerts"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return locate(body, err)
	}
	hasNull := func(l map[string]*string) bool {
		for _, v := range l {
			if v == nil {
				return true
			}
		}
		return false
	}
	if hasNull(m.GroupLabels) {
		return fault("groupLabels", "holds a value that is not a string")
	}
	for i, a := range m.Alerts {
		if hasNull(a.Labels) {
			return alertFault(i, "labels", "holds a value that is not a string")
		}
	}
	return nil
}
