package plan

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// sample is a plan that uses every member, as an agent would mint it.
func sample() bot.Plan {
	made := time.Date(2026, 3, 28, 20, 15, 30, 120_000_000, time.UTC)
	return bot.Plan{
		Version: bot.PlanVersion, ID: "pln_ABCDEFGHIJKLMNOPQRSTUVWXYZ", Host: "vulcan",
		MachineID: "0123456789abcdef0123456789abcdef", BootID: "b6f0a1e2-4c3d-4f5e-8a9b-0c1d2e3f4a5b",
		Operation: "nixos.rollback", Arguments: bot.Arguments{"generation": {"41"}, "keep": {"sshd.service", "nginx.service"}},
		Requester: "bob",
		Rule: bot.Rule{Name: "rollback at night", Risk: bot.RiskHigh, Requesters: []bot.Role{"operator", "admin"}, Approvers: []bot.Role{"approver"},
			Count: 2, RequesterCounts: true, StepUp: []bot.StepUp{bot.StepHost, bot.StepSSH}, ApproveWithin: 1800, ValidFor: 100_000,
			Windows: []bot.Window{{Days: []string{"sat", "sun"}, From: "22:00", To: "04:30", Zone: "Europe/Berlin"}, {From: "12:00", To: "13:00", Zone: "America/Los_Angeles"},
				{Start: "0 2 * * *", Lasts: 7200, Zone: "America/Los_Angeles"}},
			Queue: true, ConfirmWithin: 600},
		MintedAt: made, NotAfter: made.Add(100_000 * time.Second),
		Draft: bot.Draft{
			Summary: "roll vulcan back from generation 42 to 41",
			Steps: []string{"set the system profile to generation 41",
				"switch to it: /nix/store/4v8m0zq1c3k9x7w2y5r6p8s0d1f2g3h4-nixos-system-vulcan-25.11.20260301.abcdef0/bin/switch-to-configuration test, in a unit of its own, so that the agent may be restarted meanwhile",
				"make it the one that boots, once it is verified"},
			Differences: []string{"linux: 6.18.17 → 6.18.16", "openssh: 10.2p1 → 10.0p2"},
			Conditions: []bot.Condition{{Text: "at least 3 working generations remain", Found: "5 remain", State: bot.OK},
				{Text: "the backup is younger than a day", Found: "2 d 3 h old", State: bot.NotOK},
				{Text: "nobody else switches", Found: "the lock cannot be read\nPermission denied", State: bot.Unknown}},
			Irreversible: []string{"keys revoked after generation 41 was made are trusted again until the next switch"},
			Undo:         "switch to generation 42 again, by itself, when it cannot be verified",
			Takes:        "about 1 min", Limit: 930,
			Bound:    []bot.Fact{{Name: "from", Value: "/nix/store/0000000000000000000000000000000a-nixos-system-vulcan-25.11"}, {Name: "boot id", Value: "b6f0a1e2"}},
			Observed: []bot.Fact{{Name: "failed units", Value: "none"}},
			Locks:    []string{"nixos"}, WaitFor: []string{"restic-backups-vulcan.service"},
			Roots: []string{"/nix/store/4v8m0zq1c3k9x7w2y5r6p8s0d1f2g3h4-nixos-system-vulcan-25.11.20260301.abcdef0"},
		},
	}
}

// leaf is one value deep in a plan, and what sets it to another that a plan can
// hold.
type leaf struct {
	path   string
	change func(*bot.Plan)
}

// others are values for members that cannot hold any text.
var others = map[string]string{
	"Rule.Risk": "low", "Rule.StepUp[]": "totp", "Rule.Windows[].Days[]": "mon", "Rule.Windows[].From": "21:59", "Rule.Windows[].To": "04:31",
	"Rule.Windows[].Zone": "Asia/Tokyo", "Rule.Windows[].Start": "0 3 * * *", "Draft.Conditions[].State": "",
}

// leaves are all values of the sample, lists as a whole too.
func leaves() []leaf {
	var out []leaf
	p := sample()
	walk(reflect.ValueOf(&p).Elem(), "", func(v reflect.Value) reflect.Value { return v }, &out)
	return out
}

// walk finds the values below v. reach finds v again, in another plan.
func walk(v reflect.Value, path string, reach func(reflect.Value) reflect.Value, out *[]leaf) {
	add := func(what string, change func(reflect.Value)) {
		*out = append(*out, leaf{path + what, func(p *bot.Plan) { change(reach(reflect.ValueOf(p).Elem())) }})
	}
	generic := indices.ReplaceAllString(path, "[]")
	switch v.Kind() {
	case reflect.String:
		add("", func(v reflect.Value) {
			switch to, special := others[generic]; {
			case generic == "Draft.Conditions[].State":
				v.SetString(map[string]string{"ok": "not ok", "not ok": "unknown", "unknown": "ok"}[v.String()])
			case special:
				v.SetString(to)
			default:
				v.SetString(v.String() + "x")
			}
		})
	case reflect.Bool:
		add("", func(v reflect.Value) { v.SetBool(!v.Bool()) })
	case reflect.Int, reflect.Int64:
		add("", func(v reflect.Value) { v.SetInt(v.Int() + 1) })
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			add("", func(v reflect.Value) { v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Millisecond))) })
			return
		}
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if path == "" && name == "Version" {
				continue // another version is another form
			}
			if w, ok := v.Interface().(bot.Window); ok && (w.Start == "") == (name == "Start" || name == "Lasts") && name != "Zone" {
				continue // it belongs to windows of the other form
			}
			walk(v.Field(i), strings.TrimPrefix(path+"."+name, "."), func(p reflect.Value) reflect.Value { return reach(p).Field(i) }, out)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			add(": last one away", func(v reflect.Value) { v.Set(v.Slice(0, v.Len()-1)) })
		}
		if v.Len() > 1 {
			add(": in another order", func(v reflect.Value) {
				first := reflect.New(v.Type().Elem()).Elem()
				first.Set(v.Index(0))
				v.Index(0).Set(v.Index(1))
				v.Index(1).Set(first)
			})
		}
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), func(p reflect.Value) reflect.Value { return reach(p).Index(i) }, out)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			key := it.Key()
			add("["+key.String()+"]: away", func(v reflect.Value) { v.SetMapIndex(key, reflect.Value{}) })
			add("["+key.String()+"]: by another name", func(v reflect.Value) {
				v.SetMapIndex(reflect.ValueOf(key.String()+"x"), v.MapIndex(key))
				v.SetMapIndex(key, reflect.Value{})
			})
			// A map's values cannot be set in their place.
			set := func(what string, change func([]string) []string) {
				add("["+key.String()+"]: "+what, func(v reflect.Value) {
					v.SetMapIndex(key, reflect.ValueOf(change(v.MapIndex(key).Interface().([]string))))
				})
			}
			set("one more", func(s []string) []string { return append(s, "") })
			set("the first is another", func(s []string) []string { return append([]string{s[0] + " "}, s[1:]...) })
			if it.Value().Len() > 1 {
				set("in another order", func(s []string) []string { return append(slices.Clone(s[1:]), s[0]) })
				set("in one", func(s []string) []string { return []string{strings.Join(s, "\", \"")} })
			}
		}
	default:
		panic(path + ": a plan holds what this test does not know")
	}
}

func invalidError(err error) bool {
	e, ok := errors.AsType[*bot.Error](err)
	return ok && e.Code == bot.CodeInvalid && strings.HasSuffix(e.Message, ".")
}
