// Package gate decides who may ask for an operation and when it may start. It is
// pure: what it is given is all that it knows, the clock included, so that the
// bot and the agent come to the same answer, and a test can ask for any.
//
// The way is short. Policy.Find (policy.go) gives the rule by which somebody may
// ask, or says politely why there is none; form.go has the globs and ranges in
// which a policy writes names and values. The rule becomes a part of the plan.
// Judge (judge.go, count.go) then tells, as often as it is asked, where a
// proposal stands: whose decisions count, what is missing, until when, and when
// time alone will change the answer. window.go has the windows, daylight saving
// included. Standing approvals (standing.go) are judged by their own record.
//
// Policy.Faults (faults.go, reach.go, shadow.go) looks for what is wrong with a
// policy before it is used, and Policy.Exposed (exposed.go) for what a captured
// bot could run under it.
//
// Whatever is unclear is a refusal: no rule, a rule that asks for nobody, a
// window that cannot be read, a person who is no longer known. Denials are the
// one exception to strictness: they count even where an approval would not.
//
// Neighbours: bot has the words; bot/config reads policies; bot/agent decides by
// this package, and bot/flow asks it first. It imports bot and the standard
// library; zones come from whatever tzdata the program has.
package gate
