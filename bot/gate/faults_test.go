package gate

import (
	"fmt"
	"strings"
	"testing"

	"watchstander/bot"
)

var operations = []Known{
	{Name: "zfs.arc.set", Arguments: []string{"max", "min"}},
	{Name: "zfs.scrub", Arguments: []string{"pool"}},
	{Name: "nixos.rollback", Arguments: []string{}},
	{Name: "service.restart", NoUndo: true}, // what it takes is not known
}

var team = []Approver{
	{Person: alice, StepUp: []bot.StepUp{bot.StepTOTP, bot.StepHost}},
	{Person: bob, StepUp: []bot.StepUp{bot.StepTOTP}},
	{Person: carol, StepUp: []bot.StepUp{bot.StepSSH}},
	{Person: dave},
}

// arc is a rule without faults.
func arc(change func(*PolicyRule)) PolicyRule {
	r := PolicyRule{Rule: rule("arc", "operator"), Operations: []bot.OperationName{"zfs.arc.set"}, Hosts: []string{"vulcan"}}
	if change != nil {
		change(&r)
	}
	return r
}

func found(fs []Fault) string {
	var lines []string
	for _, f := range fs {
		kind := "fault"
		if f.Warning {
			kind = "warning"
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s", kind, f.Field, f.Message))
	}
	return strings.Join(lines, "\n")
}

func TestFaults(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*PolicyRule)
		want   string
	}{
		{"nothing", nil, ""},
		{"no name", func(r *PolicyRule) { r.Rule.Name = "" }, "fault name: is missing: people are told by it which rule let something through"},
		{"no operations", func(r *PolicyRule) { r.Operations = nil }, "fault operations: is empty, and the rule is for nothing: name operations, as in [zfs.arc.set]"},
		{"no such operation", func(r *PolicyRule) { r.Operations = []bot.OperationName{"zfs.arc"} }, `fault operations[0]: there is no operation "zfs.arc": known are nixos.rollback, service.restart, zfs.arc.set or zfs.scrub`},
		{"a glob for nothing", func(r *PolicyRule) { r.Operations = append(r.Operations, "backup.*") }, `fault operations[1]: there is no operation "backup.*": known are nixos.rollback, service.restart, zfs.arc.set or zfs.scrub`},
		{"a glob", func(r *PolicyRule) { r.Operations = []bot.OperationName{"zfs.*"} }, ""},
		{"two stars", func(r *PolicyRule) { r.Operations, r.Hosts = []bot.OperationName{"zfs.**"}, []string{"**"} }, "fault hosts[0]: \"**\": write a single *, which stands for any text but a /\nfault operations[0]: \"zfs.**\": write a single *, which stands for any text but a /"},
		{"a word about what cannot be undone", func(r *PolicyRule) {
			r.Operations, r.Rule.ConfirmWithin = []bot.OperationName{"service.*", "zfs.*"}, 60
		}, "warning confirm_within: nothing can be undone of service.restart: without a word it ends as failed, and what it did stays"},
		{"a word about what can be undone", func(r *PolicyRule) { r.Rule.ConfirmWithin = 60 }, ""},
		{"no hosts", func(r *PolicyRule) { r.Hosts = nil }, "fault hosts: is empty, and the rule is for no host"},
		{"no such argument", func(r *PolicyRule) { r.Arguments = map[string][]string{"maximum": {"1"}} }, "fault arguments.maximum: zfs.arc.set takes no such argument: it takes max or min"},
		{"no arguments at all", func(r *PolicyRule) {
			r.Operations, r.Arguments = []bot.OperationName{"nixos.rollback"}, map[string][]string{"to": {"1"}}
		}, "fault arguments.to: nixos.rollback takes no such argument: it takes none"},
		{"not known", func(r *PolicyRule) {
			r.Operations, r.Arguments = []bot.OperationName{"service.restart"}, map[string][]string{"unit": {"a"}}
		}, ""},
		{"an argument of one of two", func(r *PolicyRule) {
			r.Operations, r.Arguments = []bot.OperationName{"zfs.*"}, map[string][]string{"pool": {"rpool"}}
		}, "warning arguments.pool: zfs.arc.set takes no such argument, and so the rule never fits it"},
		{"no values", func(r *PolicyRule) { r.Arguments = map[string][]string{"max": nil} }, "fault arguments.max: is empty, and no value fits: name some, or leave the argument out to allow all"},
		{"no range", func(r *PolicyRule) { r.Arguments = map[string][]string{"max": {"8GiB", "8GB..32GB"}} }, `fault arguments.max[1]: "8GB..32GB" is no range: write whole numbers (1..10), or sizes with B, KiB, MiB, GiB or TiB at both ends (8GiB..32GiB)`},

		{"nobody agrees", func(r *PolicyRule) { r.Rule.Count = 0 }, "fault approvers.count: is 0, and nobody would have to agree: write at least 1"},
		{"no risk", func(r *PolicyRule) { r.Rule.Risk = "hihg" }, `fault risk: there is no risk "hihg": write low, medium or high`},
		{"nobody asks", func(r *PolicyRule) { r.Rule.Requesters = nil }, "fault requesters: is empty, and nobody may ask: name roles"},
		{"nobody approves", func(r *PolicyRule) { r.Rule.Approvers = nil }, "fault approvers.roles: is empty, and nobody can agree: name roles"},
		{"no such proof", func(r *PolicyRule) { r.Rule.StepUp = []bot.StepUp{"totp", "otp"} }, `fault step_up[1]: there is no proof "otp": write totp, host or ssh`},
		{"high risk without proof", func(r *PolicyRule) { r.Rule.Risk = bot.RiskHigh }, "warning step_up: asks for no proof, and the risk is high: a captured bot could agree in people's names; host and ssh hold against it"},
		{"high risk for a code", func(r *PolicyRule) {
			r.Rule.Risk, r.Rule.StepUp = bot.RiskHigh, []bot.StepUp{bot.StepHost, bot.StepTOTP}
		}, "warning step_up: is content with a code (totp), and the risk is high: a captured bot could agree in people's names; host and ssh hold against it"},

		{"no time to read", func(r *PolicyRule) { r.Rule.ApproveWithin = 59 }, "fault approve_within: must be at least 1m, so that people can read the plan"},
		{"a short life", func(r *PolicyRule) { r.Rule.ValidFor = 1799 }, "fault valid_for: is shorter than approve_within: the plan would end while people may still agree to it"},
		{"a long life", func(r *PolicyRule) { r.Rule.ValidFor = 9 * 86400 }, "fault valid_for: must be at most 8d: nobody knows what the host is by then"},
		{"a negative time", func(r *PolicyRule) { r.Rule.ConfirmWithin = -1 }, "fault confirm_within: must not be negative"},
		{"a queue without windows", func(r *PolicyRule) { r.Rule.Queue = true }, "fault outside: there are no windows to wait for: leave it out, or write windows"},
		{"no such day, time, zone", func(r *PolicyRule) {
			r.Rule.Windows = []bot.Window{{From: "02:00", To: "04:00", Zone: "UTC"}, {Days: []string{"mon", "Tue"}, From: "2:00", To: "24:00", Zone: "PDT"}}
		}, `fault windows[1].days[1]: "Tue" is no day: write mon, tue, wed, thu, fri, sat or sun
fault windows[1].from: "2:00" is no time of day: write hours and minutes from "00:00" to "23:59"
fault windows[1].to: "24:00" is no time of day: write hours and minutes from "00:00" to "23:59"
fault windows[1].zone: there is no zone "PDT": write an IANA name such as America/Los_Angeles, Europe/Berlin or UTC`},
		{"a queue that is not reached", func(r *PolicyRule) {
			r.Rule.Queue, r.Rule.Windows = true, daily("02:00", "04:00")
		}, "warning valid_for: is shorter than the longest time between two windows (22h): what is asked for soon after one ends before the next opens"},
		{"a queue that is", func(r *PolicyRule) {
			r.Rule.Queue, r.Rule.Windows, r.Rule.ValidFor = true, daily("02:00", "04:00"), 22*3600
		}, ""},
		{"a weekly queue", func(r *PolicyRule) {
			r.Rule.Queue, r.Rule.ValidFor = true, 24*3600
			r.Rule.Windows = []bot.Window{{Days: []string{"sun"}, From: "02:00", To: "04:00", Zone: losAngeles}}
		}, "warning valid_for: is shorter than the longest time between two windows (166h): what is asked for soon after one ends before the next opens"},
		{"windows without a queue", func(r *PolicyRule) { r.Rule.Windows = daily("02:00", "04:00") }, ""},

		{"nobody holds the role", func(r *PolicyRule) { r.Rule.Approvers = []bot.Role{"wizard"} }, "fault approvers.roles: nobody holds the role wizard"},
		{"nobody holds one of them", func(r *PolicyRule) { r.Rule.Approvers = []bot.Role{"wizard", "approver"} }, "warning approvers.roles: nobody holds the role wizard"},
		{"nobody may ask", func(r *PolicyRule) { r.Rule.Requesters = []bot.Role{"wizard"} }, "fault requesters: nobody holds the role wizard"},
		{"two of two", func(r *PolicyRule) { r.Rule.Count = 2 }, "warning approvers: can never be met when alice asks: only alice, bob of those who are configured has the role approver, and who asks does not count"},
		{"the requester counts", func(r *PolicyRule) { r.Rule.Count, r.Rule.RequesterCounts = 2, true }, ""},
		{"three of two", func(r *PolicyRule) { r.Rule.Count, r.Rule.RequesterCounts = 3, true }, "fault approvers: can never be met: only alice, bob of those who are configured has the role approver"},
		{"nobody has a key", func(r *PolicyRule) { r.Rule.StepUp = []bot.StepUp{bot.StepSSH} }, "fault approvers: can never be met: nobody of those who are configured has the role approver and can prove themselves by ssh"},
		{"only alice is on the host", func(r *PolicyRule) { r.Rule.StepUp = []bot.StepUp{bot.StepHost, bot.StepSSH} }, "warning approvers: can never be met when alice asks: only alice of those who are configured has the role approver and can prove themselves by host or ssh, and who asks does not count"},
		{"a lone operator", func(r *PolicyRule) {
			r.Rule.StepUp, r.Rule.RequesterCounts = []bot.StepUp{bot.StepHost}, true
		}, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := found((Policy{[]PolicyRule{arc(x.change)}}).Faults(operations, team)); got != x.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, x.want)
			}
		})
	}
	if got := (Policy{[]PolicyRule{arc(func(r *PolicyRule) { r.Operations = []bot.OperationName{"unheard.of"} })}}).Faults(nil, team); len(got) != 0 {
		t.Errorf("operations that nobody named are no faults: %s", found(got))
	}
	if got := (Policy{[]PolicyRule{arc(nil)}}).Faults(operations, nil); len(got) == 0 {
		t.Error("without people every rule is out of reach")
	}
}

func TestShadow(t *testing.T) {
	wide := arc(func(r *PolicyRule) { r.Rule.Name = "wide" })
	for _, x := range []struct {
		name        string
		first, then func(*PolicyRule)
		shadowed    bool
	}{
		{"the same", nil, nil, true},
		{"more operations before", func(r *PolicyRule) { r.Operations = []bot.OperationName{"zfs.*"} }, nil, true},
		{"more operations behind", nil, func(r *PolicyRule) { r.Operations = []bot.OperationName{"zfs.*"} }, false},
		{"another host behind", nil, func(r *PolicyRule) { r.Hosts = []string{"vulcan", "titan"} }, false},
		{"every host before", func(r *PolicyRule) { r.Hosts = []string{"*"} }, func(r *PolicyRule) { r.Hosts = []string{"vulcan", "lab-*"} }, true},
		{"a value before", func(r *PolicyRule) { r.Arguments = map[string][]string{"max": {"8GiB..32GiB"}} }, nil, false},
		{"a narrower value behind", func(r *PolicyRule) { r.Arguments = map[string][]string{"max": {"8GiB..32GiB", "auto"}} },
			func(r *PolicyRule) {
				r.Arguments = map[string][]string{"max": {"auto", "9GiB..10GiB"}, "min": {"1GiB"}}
			}, true},
		{"a wider value behind", func(r *PolicyRule) { r.Arguments = map[string][]string{"max": {"8GiB..32GiB"}} },
			func(r *PolicyRule) { r.Arguments = map[string][]string{"max": {"8GiB..64GiB"}} }, false},
		{"only these arguments before", func(r *PolicyRule) { r.ArgumentsOnly = true }, nil, false},
		{"only these arguments in both", func(r *PolicyRule) { r.ArgumentsOnly = true }, func(r *PolicyRule) { r.ArgumentsOnly = true }, true},
		{"only these arguments, more behind", func(r *PolicyRule) { r.ArgumentsOnly = true },
			func(r *PolicyRule) { r.ArgumentsOnly, r.Arguments = true, map[string][]string{"max": {"auto"}} }, false},
		{"other people behind", nil, func(r *PolicyRule) { r.Rule.Requesters = []bot.Role{"approver"} }, false},
		{"an admin is an operator", nil, func(r *PolicyRule) { r.Rule.Requesters = []bot.Role{"admin"} }, true},
		{"everybody before", func(r *PolicyRule) { r.Rule.Requesters = []bot.Role{"observer"} }, func(r *PolicyRule) { r.Rule.Requesters = []bot.Role{"approver", "admin"} }, true},
		{"everybody behind", nil, func(r *PolicyRule) { r.Rule.Requesters = []bot.Role{"observer"} }, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			first, then := wide, arc(x.then)
			if x.first != nil {
				x.first(&first)
			}
			fs := (Policy{[]PolicyRule{first, then}}).Faults(nil, team)
			got := len(fs) == 1 && fs[0].Rule == 1 && fs[0].Warning && fs[0].Message == `is never reached: the rule "wide" before it fits everything that this one does`
			if got != x.shadowed || !got && len(fs) > 0 {
				t.Errorf("%s", found(fs))
			}
		})
	}
	twice := (Policy{[]PolicyRule{arc(nil), arc(nil)}}).Faults(nil, team)
	if got := found(twice); got != `fault name: "arc" is the name of another rule too (the first): every rule needs a name of its own` {
		t.Error(got)
	}
}

// TestExposed: a captured bot can speak in anybody's name, and nothing more.
func TestExposed(t *testing.T) {
	steps := func(s ...bot.StepUp) func(*PolicyRule) {
		return func(r *PolicyRule) { r.Rule.StepUp = s }
	}
	for _, x := range []struct {
		name           string
		change         func(*PolicyRule)
		exposed, codes bool
	}{
		{"no proof", nil, true, false},
		{"two without proof", func(r *PolicyRule) { r.Rule.Count, r.Rule.RequesterCounts = 2, true }, true, false},
		{"more than there are", func(r *PolicyRule) { r.Rule.Count = 3 }, false, false},
		{"a code", steps(bot.StepTOTP), true, true},
		{"a code or the host", steps(bot.StepHost, bot.StepTOTP), true, true},
		{"the host", steps(bot.StepHost), false, false},
		{"a signature", steps(bot.StepSSH), false, false},
		{"the host or a signature", steps(bot.StepSSH, bot.StepHost), false, false},
		{"codes of people who have none", func(r *PolicyRule) { r.Rule.StepUp, r.Rule.Approvers = []bot.StepUp{bot.StepTOTP}, []bot.Role{"admin"} }, false, false},
		{"nobody may ask", func(r *PolicyRule) { r.Rule.Requesters = nil }, false, false},
		{"a rule that never runs", func(r *PolicyRule) { r.Rule.Count = 0 }, false, false},
		{"an operation that is not there", func(r *PolicyRule) { r.Operations = []bot.OperationName{"backup.*"} }, false, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := (Policy{[]PolicyRule{arc(x.change)}}).Exposed(operations, team)
			if (len(got) == 1) != x.exposed || x.exposed && (got[0].Codes != x.codes || got[0].Why == "" || got[0].Rule != "arc") {
				t.Errorf("%+v", got)
			}
		})
	}
	got := (Policy{[]PolicyRule{arc(func(r *PolicyRule) { r.Operations = []bot.OperationName{"zfs.*"} })}}).Exposed(operations, team)
	if len(got) != 1 || fmt.Sprint(got[0].Operations) != "[zfs.arc.set zfs.scrub]" {
		t.Errorf("%+v", got)
	}
	got = (Policy{[]PolicyRule{arc(func(r *PolicyRule) { r.Operations = []bot.OperationName{"zfs.*"} })}}).Exposed(nil, team)
	if len(got) != 1 || fmt.Sprint(got[0].Operations) != "[zfs.*]" {
		t.Errorf("%+v", got)
	}
}
