package gate

import (
	"errors"
	"reflect"
	"testing"

	"watchstander/bot"
)

var (
	alice = bot.Person{ID: "alice", Roles: []bot.Role{"operator", "approver"}}
	bob   = bot.Person{ID: "bob", Roles: []bot.Role{"approver"}}
	carol = bot.Person{ID: "carol", Roles: []bot.Role{"admin"}}
	dave  = bot.Person{ID: "dave"}
)

func rule(name string, requesters ...bot.Role) bot.Rule {
	return bot.Rule{Name: name, Risk: bot.RiskMedium, Requesters: requesters, Approvers: []bot.Role{"approver"}, Count: 1, ApproveWithin: 1800, ValidFor: 7200}
}

func TestFind(t *testing.T) {
	p := Policy{Rules: []PolicyRule{
		{Rule: rule("small arc", "operator"), Operations: []bot.OperationName{"zfs.arc.set"}, Hosts: []string{"host1"}, Arguments: map[string][]string{"max": {"8GiB..32GiB"}}, ArgumentsOnly: true},
		{Rule: rule("any zfs", "admin"), Operations: []bot.OperationName{"zfs.*"}, Hosts: []string{"host1", "lab-*"}},
		{Rule: rule("restart", "operator"), Operations: []bot.OperationName{"service.restart"}, Hosts: []string{"host1"}, Arguments: map[string][]string{"unit": {"nginx.service", "podman-*.service"}}},
		{Rule: rule("nobody's"), Operations: []bot.OperationName{"backup.run"}, Hosts: []string{"host1"}},
		{Rule: rule("nameless", ""), Operations: []bot.OperationName{"backup.run"}, Hosts: []string{"host1"}},
		{Rule: func() bot.Rule { r := rule("free", "operator"); r.Count = 0; return r }(), Operations: []bot.OperationName{"backup.verify"}, Hosts: []string{"host1"}},
		{Rule: rule("behind it", "operator"), Operations: []bot.OperationName{"backup.verify"}, Hosts: []string{"host1"}},
	}}
	arc := func(v ...string) bot.Arguments { return bot.Arguments{"max": v} }
	unit := func(v ...string) bot.Arguments { return bot.Arguments{"unit": v} }
	for _, x := range []struct {
		name string
		op   bot.OperationName
		host string
		args bot.Arguments
		by   bot.Person
		want string // the rule's name, or what people are told
	}{
		{"exact", "zfs.arc.set", "host1", arc("16GiB"), alice, "small arc"},
		{"the first that fits wins", "zfs.arc.set", "host1", arc("16GiB"), carol, "small arc"},
		{"a value outside falls to the next rule", "zfs.arc.set", "host1", arc("48GiB"), carol, "any zfs"},
		{"which is not everybody's", "zfs.arc.set", "host1", arc("48GiB"), alice, "Only somebody with the role admin may ask for zfs.arc.set on host1."},
		{"host1 is not host10", "zfs.arc.set", "host10", arc("16GiB"), alice, "Nothing in the policy allows zfs.arc.set on host10."},
		{"a declared glob", "zfs.scrub", "lab-7", nil, carol, "any zfs"},
		{"every value must fit", "service.restart", "host1", unit("nginx.service", "sshd.service"), alice, "The policy lets you ask for service.restart on host1 only where unit is nginx.service or podman-*.service."},
		{"values of several forms", "service.restart", "host1", unit("nginx.service", "podman-a.service"), alice, "restart"},
		{"not given is not allowed", "service.restart", "host1", nil, alice, "The policy lets you ask for service.restart on host1 only where unit is nginx.service or podman-*.service."},
		{"given without a value neither", "service.restart", "host1", unit(), alice, "The policy lets you ask for service.restart on host1 only where unit is nginx.service or podman-*.service."},
		{"what is not named is free", "service.restart", "host1", bot.Arguments{"unit": {"nginx.service"}, "force": {"yes"}}, alice, "restart"},
		{"unless the rule says so", "zfs.arc.set", "host1", bot.Arguments{"max": {"16GiB"}, "min": {"1GiB"}}, alice, "Only somebody with the role admin may ask for zfs.arc.set on host1."},
		{"others' values are not told", "service.restart", "host1", unit("sshd.service"), dave, "Only somebody with the role operator may ask for service.restart on host1."},
		{"nobody", "zfs.scrub", "host1", nil, bot.Person{}, "Only somebody with the role admin may ask for zfs.scrub on host1."},
		{"no rule", "nixos.rollback", "host1", nil, carol, "Nothing in the policy allows nixos.rollback on host1."},
		{"no roles are nobody's", "backup.run", "host1", nil, carol, "Nothing in the policy allows backup.run on host1."},
		{"nobody need agree", "backup.verify", "host1", nil, alice, `The policy's rule "free" asks nobody to agree, and so lets nothing through: give it a count of at least 1.`},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := p.Find(x.op, x.host, x.args, x.by)
			if err == nil {
				if got.Name != x.want {
					t.Errorf("the rule %q, want %q", got.Name, x.want)
				}
				return
			}
			e, ok := errors.AsType[*bot.Error](err)
			if !ok || e.Code != bot.CodeForbidden || e.Message != x.want || got.Count != 0 {
				t.Errorf("%v, want %q", err, x.want)
			}
		})
	}
	if _, err := (Policy{}).Find("zfs.scrub", "host1", nil, carol); err == nil {
		t.Error("an empty policy allows something")
	}
}

// Each field of a rule makes another one of it, and nil is as good as empty.
func TestSameRule(t *testing.T) {
	rule := func() bot.Rule {
		return bot.Rule{Name: "a", Risk: bot.RiskLow, Requesters: []bot.Role{"a"}, Approvers: []bot.Role{"b"}, Count: 1, StepUp: []bot.StepUp{bot.StepSSH},
			ApproveWithin: 60, ValidFor: 60, Windows: []bot.Window{{Days: []string{"mon"}, From: "01:00", To: "02:00", Zone: "UTC"}}}
	}
	if !SameRule(rule(), rule()) {
		t.Fatal("a rule is not the same as itself")
	}
	if !SameRule(bot.Rule{Windows: []bot.Window{{}}}, bot.Rule{Requesters: []bot.Role{}, Approvers: []bot.Role{}, StepUp: []bot.StepUp{}, Windows: []bot.Window{{Days: []string{}}}}) {
		t.Error("nil and empty differ")
	}
	var change func(t *testing.T, path string, at func(*bot.Rule) reflect.Value)
	change = func(t *testing.T, path string, at func(*bot.Rule) reflect.Value) {
		r := rule()
		v := at(&r)
		switch v.Kind() {
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int, reflect.Int64:
			v.SetInt(v.Int() + 1)
		case reflect.Struct:
			for i := range v.NumField() {
				change(t, path+"."+v.Type().Field(i).Name, func(r *bot.Rule) reflect.Value { return at(r).Field(i) })
			}
			return
		case reflect.Slice:
			change(t, path+"[0]", func(r *bot.Rule) reflect.Value { return at(r).Index(0) })
			v.Set(reflect.AppendSlice(v, v))
		default:
			t.Fatalf("%s is a %s", path, v.Kind())
		}
		if SameRule(r, rule()) {
			t.Errorf("%s makes no difference", path)
		}
	}
	change(t, "rule", func(r *bot.Rule) reflect.Value { return reflect.ValueOf(r).Elem() })
}
